"""`darkroom parse`: what a path means, as plain data."""

from __future__ import annotations

from typing import Any

from transforms.failure import Failure

from . import urls
from .errors import problem, status_of


def parsed(path: str) -> dict[str, Any]:
    """The canonical form, steps and source of a path (with its query, if any), or the failure of such a request.

    Syntax, names of operations and ranges are judged; whether the source exists is not looked up.
    """
    raw_path, _, query = path.partition("?")
    try:
        request = urls.parse(encoded(raw_path), encoded(query))
    except Failure as failure:
        more = {name: value for name, value in problem(failure).items() if name not in ("type", "title", "detail")}
        return {"ok": False, **more, "status": status_of(failure), "message": failure.message}
    return {
        "ok": True,
        "canonical": urls.canonical(request),
        "steps": [
            {"name": step.operation.name, "arguments": {a.name: a.type.print(v) for a, v in _given(step)}}
            for step in request.pipeline.steps
        ],
        "source": {"scheme": request.source.scheme, "location": request.source.location},
    }


def _given(step: Any) -> list[tuple[Any, Any]]:
    pairs = zip(step.operation.arguments, step.values, strict=True)
    return [(argument, value) for argument, value in pairs if value is not None]


def encoded(path: str) -> str:
    """The bytes of the path as ASGI gives them: one character a byte."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")
