"""Logs: one line an event, JSON or for people, our own and those of libraries; no secrets and no query strings.

The line of a request is written by hand: 2 µs in JSON, where structlog takes 25.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import orjson
import structlog

from .redact import clean

_AT_ONCE = 4096  # bytes that a pipe takes in one piece

Form = Literal["json", "text"]
Hook = Callable[[BaseException, Mapping[str, Any]], None]

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_QUIET = dict.fromkeys(("httpx2", "httpcore2", "PIL", "asyncio", "uvicorn", "opentelemetry"), logging.WARNING)


class _State:
    """How this process logs; set by `set_up`."""

    requests = True  # whether lines of requests are written
    form: Form = "text"
    hook: Hook | None = None
    loop: asyncio.AbstractEventLoop | None = None  # whose turns lines are gathered in; to ask for it costs 5 µs
    lines: ClassVar[list[bytes]] = []  # of requests, not written yet
    size = 0
    second = -1
    stamp = ""


def set_up(level: str = "info", form: Form = "text", hook: Hook | None = None) -> None:
    """Configure the logs of this process, to standard error; `hook` is told every exception that is logged."""
    number = logging.getLevelNamesMapping()[level.upper()]
    _State.requests, _State.form, _State.hook = number <= logging.INFO, form, hook
    common: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _report,
        structlog.processors.format_exc_info,
        _redact,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(_json) if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _set_up_libraries(number, common, renderer)


def _set_up_libraries(
    level: int, common: Sequence[structlog.types.Processor], renderer: structlog.types.Processor
) -> None:
    """What libraries log comes out in the same form; what they say of each request does not come out at all."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
    logging.captureWarnings(True)


def _json(line: Any, **options: Any) -> str:
    return orjson.dumps(line, default=options.get("default"), option=orjson.OPT_NON_STR_KEYS).decode()


@contextmanager
def gathered() -> Iterator[None]:
    """While this lasts, lines of requests are written once per turn of the running loop."""
    _State.loop = asyncio.get_running_loop()
    try:
        yield
    finally:
        _State.loop = None
        _flush()


def logger() -> structlog.typing.FilteringBoundLogger:
    found: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return found


def _redact(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return {name: value if name[0] == "_" else clean(value) for name, value in event.items()}


def _report(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Tell the hook of an exception that is logged. A hook that fails costs a line of its own."""
    hook, error = _State.hook, _exception(event.get("exc_info"))
    if hook is not None and error is not None:
        told = {name: clean(value) for name, value in event.items() if name[0] != "_" and name != "exc_info"}
        _State.hook = None  # what the hook itself logs does not come back to it
        try:
            hook(error, told)
        except Exception as failure:
            logger().warning("the error hook failed", error=type(failure).__name__)
        finally:
            _State.hook = hook
    return event


def _exception(info: object) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None


def request_id(given: str) -> str | None:
    """The id that a client gave its request, where it may be repeated in headers and logs."""
    return given if _REQUEST_ID.fullmatch(given) else None


def wants_requests() -> bool:
    """Whether `request_line` writes anything: else nothing needs to be put together for it."""
    return _State.requests


def request_line(
    *,
    request_id: str,
    method: str,
    path: str,
    status: int,
    seconds: float,
    sent: int,
    received: int = 0,
    pipeline: str | None = None,
    source: str | None = None,
    stages: Mapping[str, float] | Sequence[tuple[str, float]] = (),
    cache: str | None = None,
    degraded: Sequence[str] = (),
    code: str | None = None,
) -> None:
    """The one line of a request. Nothing is redacted here: `path` is of redact.shown, and so is a `pipeline` that names
    addresses; `source` is of redact's origin_of.

    `stages` are milliseconds by name, `received` the bytes of the source, `code` that of a failure.
    """
    if not _State.requests:
        return
    line: dict[str, Any] = {
        "timestamp": _now(), "level": "info", "event": "request", "request_id": request_id, "method": method,
        "path": path, "status": status, "bytes": sent, "ms": round(seconds * 1000, 2),
    }  # fmt: skip
    if pipeline is not None:
        line["pipeline"] = pipeline
    if source is not None:
        line["source"] = source
    if received:
        line["source_bytes"] = received
    if cache is not None:
        line["cache"] = cache
    if stages:
        line["stages"] = dict(stages)
    if degraded:
        line["degraded"] = degraded
    if code is not None:
        line["code"] = code
    _write(_for_programs(line) if _State.form == "json" else _for_people(line))


def _for_programs(line: dict[str, Any]) -> bytes:
    for name in ("path", "pipeline", "source"):
        text = line.get(name)
        if (
            text is not None and not text.isprintable()
        ):  # what turns a line's direction, or hides: people look at it too
            line[name] = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _for_people(line: dict[str, Any]) -> bytes:
    shown = " ".join(
        f"{name}={_told(value)}" for name, value in line.items() if name not in ("timestamp", "level", "event")
    )  # fmt: skip
    return f"{line['timestamp']} [info     ] request {shown}\n".encode("utf-8", "backslashreplace")


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{ms:.1f}" for name, ms in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    text = str(value)
    return repr(text) if " " in text or not text.isprintable() else text


def _now() -> str:
    """As structlog's stamps, in milliseconds; the date is put together once a second."""
    now = time.time()
    second = int(now)
    if second != _State.second:
        _State.stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _State.second = second
    return f"{_State.stamp}.{int((now - second) * 1000):03d}Z"


def _write(line: bytes) -> None:
    """With the others of this turn of the loop: a call for each line costs a request 8 of its 75 µs."""
    loop = _State.loop
    if loop is None:
        _put(line)
        return
    if _State.size + len(line) > _AT_ONCE:
        _flush()
    if not _State.lines:
        loop.call_soon(_flush)
    _State.lines.append(line)
    _State.size += len(line)


def _flush() -> None:
    if _State.lines:
        _put(b"".join(_State.lines))
        _State.lines, _State.size = [], 0


def _put(lines: bytes) -> None:
    """In one call, so that the lines of several fronts do not mix; a log that is gone stops no request."""
    try:
        os.write(2, lines)
    except OSError:
        return
