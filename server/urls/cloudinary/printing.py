"""A request in Cloudinary's spelling, where it has one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

from transforms.failure import Failure
from transforms.pipeline import Else, End, If, Let, Node, Pending, Pipeline, Preset, Step, printed

from ..request import Request
from . import compiler, effect_texts, expression, layer_texts
from .expression import escaped, not_expressible
from .writing import WRITERS, Texts


def print(request: Request) -> str:  # noqa: A001 - the counterpart of parse
    """The delivery path of a request, without cloud name; parse reads it back.

    Raises Failure not-expressible for what Cloudinary's URLs cannot say: some operations and combinations of
    arguments, parentheses, and files that are not found by a public id.
    """
    components = _components(request.pipeline)
    return "/image/" + "/".join([*_source(request, [quote(text, safe=",:_.-$!;") for text in components])])


def _source(request: Request, components: list[str]) -> list[str]:
    source = request.source
    if source.scheme in ("http", "https"):
        return ["fetch", *components, quote(source.location, safe=":/")]
    if source.scheme != "id":
        hint = f"a public id may mean another file; id:{source.location} as source is one"
        raise not_expressible(f"the source {source.location!r}", hint if source.scheme == "file" else None)
    # As SDKs do: a version keeps folders from being read as components.
    version = ["v1"] if "/" in source.location else []
    return [request.delivery or "upload", *components, *version, quote(source.location, safe="/:@")]


def _components(pipeline: Pipeline) -> list[str]:
    components = _texts_of(pipeline.nodes)
    try:
        again = compiler.pipeline(components)
    except Failure:
        raise not_expressible(str(pipeline)) from None
    if again != pipeline:
        raise not_expressible(str(pipeline))
    return components


def _texts_of(nodes: Sequence[Node]) -> list[str]:
    said_before = [False, *(_said_by(one, two) for one, two in pairwise(nodes))]
    return [
        text
        for node, again in zip(nodes, said_before, strict=False)
        if not again
        for text in (_layer(node) if isinstance(node, Step) and node.operation.opens else [_node(node)])
    ]


def _layer(step: Step) -> list[str]:
    """The components of a layer: one where there is nothing between its opening and its application."""
    opening, nodes, applying = layer_texts.split(step)
    inner = _texts_of(nodes)
    return [opening, *inner, applying] if inner else [f"{opening},{applying}"]


def _said_by(node: Node, following: Node) -> bool:
    """Whether the `b_` of a pad or rotate says the background after it too: it fills all that is transparent."""
    if not isinstance(node, Step) or not isinstance(following, Step) or following.operation.name != "background":
        return False
    if node.operation.name not in ("fill-pad", "pad", "rotate"):
        return False
    return _texts(node).get("background") == _texts(following)["color"]


def _node(node: Node) -> str:
    match node:
        case Step():
            return _step(node)
        case Let(name, value):
            return f"${name}_{expression.printed(value)}"
        case If(condition):
            return f"if_{expression.printed(condition)}"
        case Else() | End():
            return f"if_{node}"
        case Preset(name):
            return f"t_{escaped(name)}"
        case Pending(text):
            return text


def _step(step: Step) -> str:
    write = WRITERS.get(step.operation.name)
    if write is None and effect_texts.is_effect(step.operation.name):
        return effect_texts.written(step)
    if write is None:
        raise not_expressible(f"the operation {step.operation.name}")
    return write(_texts(step))


def _texts(step: Step) -> Texts:
    pairs = zip(step.operation.arguments, step.values, strict=True)
    return {a.name: printed(a.type, value) for a, value in pairs if a.required or value != a.default}
