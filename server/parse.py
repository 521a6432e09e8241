"""`darkroom parse`: what a path means, as plain data."""

from __future__ import annotations

from typing import Any

from transforms.failure import Failure
from transforms.pipeline import Node, Step, printed

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
        "steps": [_described(node) for node in request.pipeline.nodes],
        "source": {"scheme": request.source.scheme, "location": request.source.location},
    }


def _described(node: Node) -> dict[str, Any]:
    """A step with its arguments, and the steps of its layer; of what controls steps its text."""
    if not isinstance(node, Step):
        return {"name": str(node).partition(":")[0], "text": str(node)}
    pairs = zip(node.operation.arguments, node.values, strict=True)
    arguments = {argument.name: printed(argument.type, value) for argument, value in pairs if value is not None}
    layer = {} if node.inner is None else {"steps": [_described(inner) for inner in node.inner.nodes]}
    return {"name": node.operation.name, "arguments": arguments, **layer}


def encoded(path: str) -> str:
    """The bytes of the path as ASGI gives them: one character a byte."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")
