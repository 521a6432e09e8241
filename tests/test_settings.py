"""Settings: where they come from, in which order, and what is said of those that cannot be used."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from server.environment import unknown
from server.machine import cpus, sample_pictures
from server.settings import Settings, SettingsError, reference
from server.sources.storage import StorageAccess
from server.sources.url import AllowedSource
from transforms.limits import Limits

from .shared import ROOT


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("DARKROOM_") or name in ("PORT", "REDIS_URL", "LOG_LEVEL", "WEB_CONCURRENCY"):
            monkeypatch.delenv(name)


def problem_of(**options: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load(**options)
    return str(caught.value)


def test_the_defaults_serve_the_samples_on_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = Settings.load()
    settings.check()
    assert (settings.host, settings.port, settings.cache_text) == ("127.0.0.1", 8080, "memory:")
    assert settings.models == tmp_path / "darkroom" / "models"
    assert settings.limits == Limits()
    assert (settings.allowed_sources, settings.allowed_networks, settings.detection) == ((), (), None)
    assert settings.detection_secret_text is None
    assert (settings.renderers, settings.queue_size) == (cpus(), 256 * cpus())
    assert (settings.guard.own_port, settings.http_limits.bytes) == (8080, 20 * 2**20)


def test_the_samples_are_found_without_running_ultralytics() -> None:
    assert (sample_pictures() / "bus.jpg").is_file()
    code = (
        "import sys, server.settings as s; s.Settings.load().media; print({'ultralytics', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "set()"


def test_without_ultralytics_there_is_still_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.machine.importlib.util.find_spec", lambda name: None)
    assert sample_pictures() == Path("media")


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("PORT", "0", "port", 0),
        ("HOST", " ::1 ", "host", "::1"),
        ("HOST", "", "host", "127.0.0.1"),  # empty: the default
        ("UNSIGNED", "1", "unsigned", True),
        ("MEDIA", "/pictures", "media", Path("/pictures")),
        ("DEVICE", "cuda", "device", "cuda"),
        ("CACHE_BYTES", "64MiB", "cache_bytes", 64 * 2**20),
        ("CACHE_BYTES", "1000", "cache_bytes", 1000),
        ("CACHE", "rediss://:word@cache:6380/1", "cache_text", "rediss://:word@cache:6380/1"),
        ("LOG_LEVEL", "WARNING", "log_level", "warning"),
        ("RENDERERS", "3", "queue_size", 768),
        ("QUEUE_SIZE", "0", "queue_size", 0),
        ("MAX_SRC_RESOLUTION", "12.5", "limits", Limits(source_pixels=12_500_000)),
        ("MAX_SRC_FILE_SIZE", "5MB", "limits", Limits(source_bytes=5_000_000)),
        ("MAX_ANIMATION_FRAMES", "1", "limits", Limits(frames=1)),
        ("MAX_RESULT_DIMENSION", "100", "limits", Limits(result_side=100)),
        ("DETECTION_SECRET", "word", "detection_secret_text", "word"),
        ("ALLOWED_NETWORKS", "10.0.0.0/8, fd00::/8,", "allowed_networks",
         (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))),
        ("ALLOWED_NETWORKS", "Private, 100.64.0.0/10, loopback", "allowed_networks",
         ("private", ipaddress.ip_network("100.64.0.0/10"), "loopback")),
        ("S3_SECRET_KEY", "word", "storage", StorageAccess(secret_key="word")),
        ("S3_ANONYMOUS", "1", "storage", StorageAccess(anonymous=True)),
        ("ALLOWED_SOURCES", "https://a.example/x, http://*.b.example:81", "allowed_sources",
         (AllowedSource("https", "a.example", None, ("x",)), AllowedSource("http", "*.b.example", 81, ()))),
    ],
)  # fmt: skip
def test_a_variable_sets_a_field(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(f"DARKROOM_{name}", text)
    assert getattr(Settings.load(), field) == value


def test_options_come_before_variables_before_fallbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1001")
    assert Settings.load().port == 1001
    monkeypatch.setenv("DARKROOM_PORT", "1002")
    assert Settings.load(port=None).port == 1002
    assert Settings.load(port=1003).port == 1003


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("REDIS_URL", "redis://cache/0", "cache_text", "redis://cache/0"),
        ("WEB_CONCURRENCY", "3", "workers", 3),
        ("LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("PORT", "", "port", 8080),
    ],
)
def test_variables_of_platforms_are_understood(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(Settings.load(), field) == value


def test_secrets_may_lie_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://:word@cache/0\n")
    monkeypatch.setenv("DARKROOM_CACHE_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    settings = Settings.load()
    assert settings.cache_text == "redis://:word@cache/0"
    assert "word" not in repr(settings)
    assert Settings.load(cache="memory:").cache_text == "memory:"
    monkeypatch.setenv("DARKROOM_CACHE_FILE", str(tmp_path / "missing"))
    assert "DARKROOM_CACHE_FILE" in problem_of()
    monkeypatch.delenv("DARKROOM_CACHE_FILE")
    monkeypatch.setenv("DARKROOM_PORT_FILE", str(tmp_path / "url"))
    assert "DARKROOM_PORT_FILE is no setting" in problem_of()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("PORT", "eighty", "DARKROOM_PORT=eighty"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("DEVICE", "gpu", "'auto', 'cpu' or 'cuda'"),
        ("UNSIGNED", "maybe", "DARKROOM_UNSIGNED=maybe"),
        ("WORKERS", "0", "greater than or equal to 1"),
        ("TIMEOUT", "nan", "DARKROOM_TIMEOUT=nan"),
        ("TIMEOUT", "inf", "DARKROOM_TIMEOUT=inf"),
        ("MAX_SRC_FILE_SIZE", "many", "DARKROOM_MAX_SRC_FILE_SIZE=many"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("ALLOWED_SOURCES", "https://ok.example,example.com", "'example.com' is not of the form scheme://host"),
        ("ALLOWED_NETWORKS", "10.0.0.1/8", "host bits"),
        ("ALLOWED_NETWORKS", "privat", "DARKROOM_ALLOWED_NETWORKS=privat"),
        ("ALLOWED_NETWORKS", "cloud metadata", "loopback, private, unique-local"),
        ("CACHE", "memcached://word", "redis://host:6379/0"),
        ("PROT", "8080", "DARKROOM_PROT is no setting of Darkroom; did you mean DARKROOM_PORT?"),
        ("MAX_SRC_PIXLES", "1", "DARKROOM_MAX_SRC_PIXLES is no setting of Darkroom; did you mean"),
        ("ZZZ", "", "DARKROOM_ZZZ is no setting of Darkroom"),
    ],
)
def test_a_mistake_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str, says: str) -> None:
    monkeypatch.setenv(f"DARKROOM_{name}", text)
    problem = problem_of()
    assert says in problem
    assert len(problem.splitlines()) == 1


def test_all_mistakes_are_named_at_once_by_who_made_them_and_secrets_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_CACHE", "http://:topsecret@cache")
    monkeypatch.setenv("WEB_CONCURRENCY", "many")
    monkeypatch.setenv("DARKROOM_RENDERERS", "x")
    lines = problem_of(port=-1).splitlines()
    beginnings = [line.partition("=")[0] for line in lines]
    assert beginnings == ["--port", "WEB_CONCURRENCY", "DARKROOM_RENDERERS", "DARKROOM_CACHE"]
    assert "topsecret" not in "".join(lines)
    assert "--prot is no setting of Darkroom" in problem_of(prot=1).splitlines()


def test_the_variable_of_the_tests_is_no_stranger() -> None:
    fields = Settings.model_fields
    assert unknown(fields, {"DARKROOM_SHARED": "x", "DARKROOM_PORT": "1", "darkroom_host": "", "OTHER": "x"}) == {}
    assert unknown(fields, {"DARKROOM_SHARED": "x"}, ignore=()) != {}
    assert unknown(fields, {"darkroom_prot": "x"}) == {"darkroom_prot": "DARKROOM_PORT"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_no_keys(host: str) -> None:
    Settings.load(host=host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "8.8.8.8", "example.com", "localhost.example.com"])
def test_other_addresses_are_refused_unless_unsigned_is_said(host: str) -> None:
    with pytest.raises(SettingsError, match="DARKROOM_UNSIGNED=1"):
        Settings.load(host=host).check()
    Settings.load(host=host, unsigned=True).check()


def test_the_media_folder_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DARKROOM_MEDIA"):
        Settings.load(media=tmp_path / "missing").check()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings.load().port = 1


@pytest.mark.parametrize(("renderers", "workers", "each"), [(4, 1, 4), (4, 2, 2), (3, 2, 1), (1, 4, 1)])
def test_fronts_share_the_renderers(renderers: int, workers: int, each: int) -> None:
    assert Settings.load(renderers=renderers, workers=workers).renderers_per_front == each


def test_the_reference_names_everything() -> None:
    rows = {row.variable: row for row in reference()}
    assert len(rows) == len(Settings.model_fields)
    assert all(row.description for row in rows.values())
    assert (rows["DARKROOM_MAX_SRC_FILE_SIZE"].default, rows["DARKROOM_UNSIGNED"].default) == ("20MiB", "0")
    assert (rows["DARKROOM_PORT"].default, rows["DARKROOM_PORT"].fallback) == ("8080", "PORT")
    assert rows["DARKROOM_DETECTION_SECRET"].file == "DARKROOM_DETECTION_SECRET_FILE"
    assert rows["DARKROOM_QUEUE_SIZE"].default == "256 × RENDERERS"


@pytest.mark.parametrize(
    ("quota", "most"), [("100000 100000", 1), ("150000 100000", 2), ("max 100000", 1 << 16), ("?", 1 << 16)]
)
def test_a_containers_quota_bounds_the_processors(monkeypatch: pytest.MonkeyPatch, quota: str, most: int) -> None:
    monkeypatch.setattr("server.machine.Path.read_text", lambda self: quota)
    monkeypatch.setattr("server.machine.os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert cpus() == min(8, most)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cache": "redis://u:hush#x@h:notaport/0"}, "DARKROOM_CACHE="),
        ({"cache": "redis://:hush@h/zero"}, "DARKROOM_CACHE="),
        ({"cache": "redis://:hush@h/0?hush=1"}, "DARKROOM_CACHE="),
        ({"lame_duck": 20}, "DARKROOM_LAME_DUCK=20 must be less than DARKROOM_GRACEFUL_STOP_TIMEOUT (20)"),
        ({"graceful_stop_timeout": 0}, "DARKROOM_LAME_DUCK=5"),
        ({"lame_duck": 30, "cache": "redis://h:x"}, "\nDARKROOM_CACHE="),
    ],
)
def test_what_a_server_could_not_start_with(options: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(media=tmp_path, **options).check()
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "options",
    [{"cache": "redis://u:p@h:1/0"}, {"cache": "rediss+cluster://h,i:2"}, {"lame_duck": 0, "graceful_stop_timeout": 0}],
)
def test_what_it_can_start_with(options: dict[str, object], tmp_path: Path) -> None:
    Settings.load(media=tmp_path, **options).check()
