"""`darkroom check`, `doctor`, `purge`, `warm`, `--version`, as operators run them."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from .origins import Exchange, Origin, Reply
from .servers import Server, free_port
from .test_cli import darkroom
from .test_detectors_taking import spoilt

pytest_plugins = ["tests.redis_server"]

SECRET = "a secret of 16 or more"


def test_version() -> None:
    assert darkroom("--version").stdout.decode() == f"darkroom {version('darkroom')}\n"


def test_check_shows_every_setting_and_who_said_it(media: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("open-sesame-2026")
    done = darkroom(
        "check", "--json", "--port", "9090", media=media, keys=f"one:{SECRET}", admin_token_file=token,
        cache="redis://user:hush@cache:6379/0", cache_bytes="1GiB",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    rows = {row["variable"]: (row["value"], row["origin"]) for row in said["settings"]}
    assert said["problems"] == []
    assert rows["DARKROOM_PORT"] == ("9090", "option --port")
    assert rows["DARKROOM_MEDIA"] == (str(media), "environment")
    assert rows["DARKROOM_KEYS"] == ("•••", "environment")
    assert rows["DARKROOM_ADMIN_TOKEN"] == ("•••", f"file {token}")
    assert rows["DARKROOM_CACHE"] == ("redis://•••@cache:6379/0", "environment")
    assert rows["DARKROOM_CACHE_BYTES"] == ("1GiB", "environment")
    assert rows["DARKROOM_WORKERS"][1] == "default"
    assert not any(word in done.stdout.decode() for word in (SECRET, "hush", "open-sesame"))


def test_check_names_the_fallbacks(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9191")
    line = next(line for line in darkroom("check", media=media).stdout.decode().splitlines() if "DARKROOM_PORT" in line)
    assert line.split() == ["DARKROOM_PORT", "9191", "fallback", "PORT"]


def test_check_says_all_that_is_wrong(media: Path, tmp_path: Path) -> None:
    done = darkroom("check", prot="1", workers="many", cache="http://:hush@cache")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 3)
    assert b"did you mean DARKROOM_PORT" in done.stderr
    assert b"hush" not in done.stderr
    opened = darkroom("check", "--host", "0.0.0.0", media=media)
    assert opened.returncode == 2
    assert b"DARKROOM_UNSIGNED=1" in opened.stderr
    assert b"DARKROOM_HOST" in opened.stdout
    (tmp_path / "settings.toml").write_text('[presets]\nsmall = "resise:10x"\n')
    broken = darkroom("check", "--config", str(tmp_path / "settings.toml"), media=media)
    assert (broken.returncode, b"resize" in broken.stderr) == (2, True)


def test_check_marks_the_row_that_is_at_fault(media: Path) -> None:
    done = darkroom("check", media=media, cache="redis://u:p#x@h:notaport/0", lame_duck=30)
    assert done.returncode == 2
    rows = done.stdout.decode().splitlines()
    assert [row.split()[0] for row in rows if row.endswith("<- see below")] == ["DARKROOM_CACHE", "DARKROOM_LAME_DUCK"]
    assert [line.partition("=")[0] for line in done.stderr.decode().splitlines()] == [
        "DARKROOM_LAME_DUCK", "DARKROOM_CACHE",
    ]  # fmt: skip
    assert b"p#x" not in done.stdout + done.stderr


def test_doctor_warns_where_originals_have_no_room(media: Path, tmp_path: Path) -> None:
    _, rows = findings(media=media, originals_dir=tmp_path / "new", originals_bytes="900TiB")
    assert [(row["status"], row["mend"][:25]) for row in rows["room"] if "originals" in row["says"]] == [
        ("warn", "make room for 943718400 M"),
    ]  # fmt: skip
    assert not (tmp_path / "new").exists()


def findings(*arguments: str, **settings: object) -> tuple[int, dict[str, list[dict[str, str]]]]:
    done = darkroom("doctor", "--json", *arguments, **settings)
    rows: dict[str, list[dict[str, str]]] = {}
    for row in json.loads(done.stdout):
        rows.setdefault(row["name"], []).append(row)
    return done.returncode, rows


def test_doctor_finds_a_healthy_installation(media: Path, models_folder: Path) -> None:
    code, rows = findings(media=media, models=models_folder)
    assert [row for found in rows.values() for row in found if row["status"] == "fail"] == []
    assert code == 0
    assert set(rows) == {
        "settings", "media", "cache", "models", "device", "codecs", "fonts", "room", "memory", "clock", "files"
    }  # fmt: skip
    written = rows["codecs"][0]["says"]
    assert all(name in written for name in ("jpeg", "png", "webp", "avif", "gif", "tiff"))
    assert "HEIC" in rows["codecs"][1]["says"]


def test_doctor_says_how_to_mend(tmp_path: Path) -> None:
    (tmp_path / "face_detection_yunet_2026may.onnx").write_bytes(b"altered")
    code, rows = findings(
        media=tmp_path / "none", models=tmp_path, cache=f"redis://:hush@127.0.0.1:{free_port()}/0", device="cpu"
    )
    failed = {name for name, found in rows.items() if any(row["status"] == "fail" for row in found)}
    assert code == 1
    assert failed == {"settings", "media", "cache", "models"}
    assert all(row["mend"] for found in rows.values() for row in found if row["status"] != "ok")
    assert "darkroom models pull" in rows["models"][0]["mend"]
    assert "hush" not in json.dumps(rows)


def test_doctor_looks_into_redis(make_redis, media: Path, models_folder: Path) -> None:  # type: ignore[no-untyped-def]
    limited = make_redis("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru").start()
    _, rows = findings(media=media, models=models_folder, cache=limited.url)
    assert [row["status"] for row in rows["cache"]] == ["ok"] * 4
    endless = make_redis().start()
    with endless.client() as client:
        client.execute_command("ACL", "SETUSER", "reader", "on", ">hush", "~*", "&*", "+ping", "+get", "+info", "+time")
    code, rows = findings(
        media=media, models=models_folder, cache=f"redis://reader:hush@127.0.0.1:{endless.port}/0"
    )  # fmt: skip
    says = " ".join(row["says"] for row in rows["cache"])
    assert code == 1
    assert "SET (" in says
    assert "no memory limit" in says
    assert any("ACL SETUSER" in row["mend"] for row in rows["cache"])
    code, rows = findings(media=media, models=models_folder, cache=f"redis://reader:wrong@127.0.0.1:{endless.port}/0")
    assert (code, rows["cache"][0]["status"]) == (1, "fail")


def test_purge_asks_the_server(media: Path, detection: str) -> None:
    token = "open-sesame-2026"
    with Server(media=media, detection=detection, admin_token=token) as running:
        running.wait()
        running.get("/resize:44x/photo.jpg")
        done = darkroom("purge", "--source", "photo.jpg", "--url", running.url, admin_token=token)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["purged"] >= 1
        assert "fwd=miss" in running.get("/resize:44x/photo.jpg").headers["cache-status"]
        assert darkroom("purge", "--tag", "cat", port=running.port, admin_token=token).returncode == 0
        wrong = darkroom("purge", "--prefix", "team/", "--url", running.url, admin_token="another-token")
        assert (wrong.returncode, b"bad-token" in wrong.stderr) == (1, True)
        assert b"another-token" not in wrong.stderr
    assert darkroom("purge", "--source", "photo.jpg").returncode == 2
    assert darkroom("purge", admin_token=token).returncode == 2
    gone = darkroom("purge", "--source", "x", port=free_port(), admin_token=token)
    assert (gone.returncode, b"does not answer" in gone.stderr) == (1, True)


def test_warm_fills_the_cache_for_each_accept_header(server: Server, tmp_path: Path) -> None:
    paths = tmp_path / "paths.txt"
    paths.write_text("# the front page\n/resize:45x/format:auto/photo.jpg\n\n/resize:46x/photo.jpg\n")
    accepts = ("--accept", "image/avif,*/*", "--accept", "image/webp,*/*")
    command = ("warm", str(paths), "/resize:46x/photo.jpg", "--url", server.url, "--json", *accepts)
    first, second = json.loads(darkroom(*command).stdout), json.loads(darkroom(*command).stdout)
    assert (first["requests"], first["failed"]) == (4, 0)
    assert first["miss"] >= 3
    assert second["hit"] == 4
    answer = server.get("/resize:45x/format:auto/photo.jpg", headers={"Accept": "image/webp,*/*"})
    assert "hit" in answer.headers["cache-status"]


def test_warm_tries_again_when_the_server_is_busy_and_tells_what_failed(tmp_path: Path) -> None:
    asked: list[str] = []

    def busy(exchange: Exchange) -> Reply:
        asked.append(exchange.request.path)
        if len(asked) == 1:
            return 429, {"Retry-After": "0"}, b""
        if len(asked) == 2:
            return 503, {}, b""
        return 200, {"Cache-Status": "Darkroom;hit"}, b"picture"

    with Origin({"/busy.jpg": busy}) as origin:
        done = darkroom("warm", "-", "--url", origin.url, "--json", text="/busy.jpg\n/gone.jpg\n")
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert (said["hit"], said["failed"], said["retries"], len(asked)) == (1, 1, 2, 3)
    assert said["failures"] == [{"url": f"{origin.url}/gone.jpg", "why": "404"}]
    assert darkroom("warm", "neither-a-file-nor-a-path").returncode == 2


def test_doctor_loads_every_model(media: Path, tmp_path: Path) -> None:
    spoilt(tmp_path)
    _, rows = findings(media=media, models=tmp_path, device="cpu")
    [row] = [row for row in rows["models"] if row["says"].startswith("crops: ")]
    assert row["status"] == "fail"
    assert row["says"].endswith(" could not be loaded: its file cannot be read as ONNX")
    assert "darkroom models add FILE --name crops --replace" in row["mend"]
