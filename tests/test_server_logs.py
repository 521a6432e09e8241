"""Logs: one form for all, one line a request, and nothing in them that must not be read."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from server import log, redact
from server.environment import SettingsError
from server.faults import hook_of
from server.settings import Settings

from .servers import Server

SIGNED = "/s--key1.AbCdEf0123456789_-AbCdEf0123456789AbCdEf012--/resize:10x/http://origin.example/a.jpg%3Ftoken=hush"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Whatever a test sets up, the next begins without."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    log.set_up("info", "text")
    root.handlers[:] = handlers
    logging.captureWarnings(False)


def line(**more: Any) -> None:
    log.request_line(
        **{
            "request_id": "abc",
            "method": "GET",
            "path": redact.shown("/resize:10x/a b.jpg"),
            "status": 200,
            "seconds": 0.0123,
            "sent": 512,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://user:pass@host.example/a.jpg?token=hush", ("pass", "hush", "token")),
        ("http://host.example/a?hush", ("hush",)),
        (SIGNED, ("AbCdEf", "hush")),
        ("/resize:1x/b64:aHR0cDovL2h1c2g", ("aHR0",)),
        ("/resize:1x/b64%3AaHR0cDovL2h1c2g", ("aHR0",)),
        ("https%3A%2F%2Fuser%3Apass%40host/a.jpg", ("pass",)),
        ("https%253A%252F%252Fuser%253Apass%2540host/a.jpg%253Fsig%253Dhush", ("pass", "hush")),
        ("/image/upload/l_fetch:aHR0cHM6Ly9oL2EuanBnP3Rva2VuPXRvcFNlY3JldA==/a.jpg", ("aHR0",)),
        ("redis://:hush@cache:6379/0", ("hush",)),
        ("Authorization: Bearer hush", ("hush",)),
        ("could not fetch 'https://h.example/x?sig=hush' in time", ("hush",)),
    ],
)
def test_what_must_not_be_read_is_masked(text: str, hidden: tuple[str, ...]) -> None:
    said = redact.redacted(text)
    assert redact.MASK in said
    assert not any(word in said for word in hidden)


HUSH = "aHR0cHM6Ly9oL2EuanBnP3Rva2VuPXRvcFNlY3JldA=="


@pytest.mark.parametrize("times", range(1, 4))
@pytest.mark.parametrize(
    "path",
    [
        "/https://user:topSecret@host/a.jpg",
        "/https:/user:topSecret@host/a.jpg",
        "/https://user:top%2FtopSecret@host/a.jpg",
        "/https://user:top topSecret@host/a.jpg",
        "/https://user:top?topSecret@host/a.jpg",
        "/https://user:top@topSecret@host/a.jpg",
        "/resize:1x/https://h/a.jpg?token=topSecret",
        f"/image/upload/l_fetch:{HUSH}/a.jpg",
        f"/image/upload/w_9/u_FETCH:{HUSH}/a.jpg",
        f"/resize:1x/b64:{HUSH}.png",
        f"/watermark:{HUSH}/a.jpg",
        "/s--topSecret--/a.jpg",
    ],
)
def test_nothing_encoded_gets_past(path: str, times: int) -> None:
    for _ in range(times):
        path = quote(path, safe="")
    said = redact.shown(path)
    assert "topSecret" not in unquote(unquote(unquote(said)))
    assert "aHR0" not in said


@pytest.mark.parametrize("path", ["/resize:1x/a b%20c%2Fd.jpg", "/w_9/%C3%BC%0A.jpg", "/%", "/a@2x.jpg", "/100%25.jpg"])
def test_what_hides_nothing_stays_as_it_came(path: str) -> None:
    assert redact.shown(path) == path


def test_what_is_shown_decoded_breaks_no_line() -> None:
    said = redact.shown("/%0A%1b%C2%85https%3A%2F%2Fu%3Ap%40h%2Fa.jpg")
    assert said == f"/%0A%1B%C2%85https://{redact.MASK}@h/a.jpg"


@pytest.mark.parametrize("text", ["Did it work? Yes", "/resize:400x300/team/jane.jpg", "half of it: 3/4", ""])
def test_ordinary_text_stays(text: str) -> None:
    assert redact.redacted(text) == text


def test_secrets_of_the_settings_are_masked_wherever_they_turn_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact._Known, "pattern", None)
    settings = Settings.load(keys="one:0123456789abcdefghij", admin_token="open-sesame-2")
    redact.remember(redact.secrets_of(settings))
    assert "0123456789abcdefghij" not in redact.redacted("compared with 0123456789abcdefghij")
    assert "open-sesame" not in redact.redacted("got 'open-sesame-2'")


@pytest.mark.parametrize(
    ("scheme", "location", "shown"),
    [
        ("https", "https://h.example:8443/a/b.jpg?t=1", "https://h.example:8443"),
        ("http", "http://h.example", "http://h.example"),
        ("file", "team/jane.jpg", "file:team/jane.jpg"),
    ],
)
def test_of_a_remote_source_only_the_origin_is_said(scheme: str, location: str, shown: str) -> None:
    assert redact.origin_of(scheme, location) == shown


def test_the_line_of_a_request_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    log.set_up("info", "json")
    line(pipeline="resize:10x", source="https://h.example", stages=[("fetch", 1.5), ("run", 2.0)], received=9000,
         cache="miss", degraded=("faces",), code=None)  # fmt: skip
    said = json.loads(capfd.readouterr().err)
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "level": "info", "event": "request", "request_id": "abc", "method": "GET", "path": "/resize:10x/a b.jpg",
        "status": 200, "bytes": 512, "ms": 12.3, "pipeline": "resize:10x", "source": "https://h.example",
        "source_bytes": 9000, "cache": "miss", "stages": {"fetch": 1.5, "run": 2.0}, "degraded": ["faces"],
    }  # fmt: skip


def test_the_line_of_a_request_for_people_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    log.set_up("info", "text")
    line(path="/a\nb", stages=[("fetch", 1.5)], degraded=["faces", "text"], code="bad-source")
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "path='/a\\nb'" in said
    assert "stages=fetch:1.5 degraded=faces,text code=bad-source" in said


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_text_on_a_picture_turns_or_breaks_a_line(capfd: pytest.CaptureFixture[str], form: log.Form) -> None:
    log.set_up("info", form)
    unseen = "\u202e\u2066\u200b\u2028\x85\x1b"
    line(path=f"/text:a{unseen}b", pipeline=f"text:a{unseen}é", source=f"file:{unseen}")
    said = capfd.readouterr().err
    assert said.rstrip("\n").isprintable()
    assert "é" in said
    assert "u202e" in said


@pytest.mark.parametrize(("level", "written"), [("debug", True), ("info", True), ("warning", False)])
def test_the_level_is_respected(capfd: pytest.CaptureFixture[str], level: str, written: bool) -> None:
    log.set_up(level, "json")
    line()
    assert log.wants_requests() is written
    assert bool(capfd.readouterr().err) is written


def test_libraries_log_in_the_same_form(capfd: pytest.CaptureFixture[str]) -> None:
    log.set_up("info", "json")
    logging.getLogger("uvicorn.error").warning("asked for %s", "https://h.example/?token=hush")
    logging.getLogger("uvicorn.error").info("Started server process")
    log.logger().info("ours", address="redis://:hush@cache/0")
    library, ours = (json.loads(text) for text in capfd.readouterr().err.splitlines())
    assert (library["logger"], library["level"]) == ("uvicorn.error", "warning")
    assert library["event"] == "asked for https://h.example/?•••"
    assert ours["address"] == "redis://•••@cache/0"


@pytest.mark.parametrize(
    ("given", "taken"),
    [("abc-DEF_1", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("é", False), ("", False)],
)
def test_ids_of_requests(given: str, taken: bool) -> None:
    assert (log.request_id(given) == given) is taken


def failing() -> None:
    raise ValueError("no answer from https://h.example/?token=hush")


def test_the_hook_is_told_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[BaseException, Mapping[str, Any]]] = []
    log.set_up("info", "json", lambda error, context: told.append((error, context)))
    try:
        failing()
    except ValueError:
        log.logger().exception("internal error", path=redact.shown(SIGNED), request_id="abc")
        logging.getLogger("asyncio").exception("task failed")
    lines = capfd.readouterr().err
    assert "hush" not in lines
    assert "ValueError: no answer from https://h.example/?•••" in lines
    [(error, context), (same, of_library)] = told
    assert error is same
    assert (context["request_id"], context["event"], of_library["event"]) == ("abc", "internal error", "task failed")
    assert "hush" not in repr(context)


def test_a_hook_that_fails_costs_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    def hook(error: BaseException, context: Mapping[str, Any]) -> None:
        raise RuntimeError("the hook is broken")

    log.set_up("info", "json", hook)
    try:
        failing()
    except ValueError:
        log.logger().exception("internal error")
    events = [json.loads(text)["event"] for text in capfd.readouterr().err.splitlines()]
    assert events == ["the error hook failed", "internal error"]


@pytest.mark.parametrize("name", ["no.such.module:hook", "json:no_such_function", "json:__name__"])
def test_a_hook_must_be_a_function(name: str) -> None:
    with pytest.raises(SettingsError, match="DARKROOM_ERROR_HOOK"):
        Settings.load(error_hook=name).check()


def test_sentry_gets_the_exception_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    sentry_sdk = pytest.importorskip("sentry_sdk")
    from sentry_sdk.transport import Transport

    sent: list[Any] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.extend(item.payload.json for item in envelope.items if item.type == "event")

    began = sentry_sdk.init
    monkeypatch.setattr(sentry_sdk, "init", lambda **options: began(**options, transport=Kept))
    hook = hook_of(Settings.load(sentry_dsn="http://public@127.0.0.1:1/1"))
    assert hook is not None
    try:
        failing()
    except ValueError as error:
        hook(error, {"request_id": "abc", "path": "/x"})
    sentry_sdk.flush(2)
    sentry_sdk.get_client().close()
    [event] = sent
    assert event["tags"]["request_id"] == "abc"
    assert "hush" not in json.dumps(event)
    assert event["exception"]["values"][0]["value"] == "no answer from https://h.example/?•••"


def test_a_server_writes_json_alone_and_no_query(media: Path, detection: str) -> None:
    with Server(media=media, detection=detection) as running:
        running.wait()
        running.get("/resize:10x/photo.jpg", headers={"X-Request-ID": "mine-1"})
        running.get("/resize:10x/http://origin.invalid/a.jpg%3Ftoken=hush?other=hush2")
        running.get("/health")
        running.get("/metrics")
        lines = [text for text in running.log().splitlines() if not text.startswith((" ", "Darkroom on "))]
    rows = [json.loads(text) for text in lines]
    requests = [row for row in rows if row["event"] == "request"]
    assert [row["status"] for row in requests] == [200, 403]
    assert requests[0]["request_id"] == "mine-1"
    assert "hush" not in "".join(lines)
