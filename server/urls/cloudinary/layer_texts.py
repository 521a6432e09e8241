"""Layers in Cloudinary's words: opened, acted on and applied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transforms.computed import Computed
from transforms.expressions import Variable
from transforms.picture import Picture
from transforms.pipeline import Node, Step
from transforms.steps import printed

from . import letter_texts
from .catalogue import BLENDS
from .expression import not_expressible
from .layers import Source
from .writing import held, worked

_OVERFLOWS = {"grow": "", "clip": "no_overflow", "refuse": "text_disallow_overflow"}
_OF_THE_WHOLE = ("opacity", "size")  # said by a step of the layer


def split(step: Step) -> tuple[str, Sequence[Node], str]:
    """The source and style of a layer, its own steps, and where and how it is laid: a component before and one after.

    Raises Failure not-expressible.
    """
    texts = {
        argument.name: printed(argument.type, value)
        for argument, value in zip(step.operation.arguments, step.values, strict=True)
        if value != argument.default
    }
    if any(name in texts for name in _OF_THE_WHOLE):
        raise not_expressible(str(step.head))
    nodes: Sequence[Node] = () if step.inner is None else step.inner.nodes
    key = "u" if step.operation.name == "underlay" else "l"
    name = step.arguments["picture"]
    if name is None:
        letters, nodes = letter_texts.written(nodes)
    else:
        letters = str(_source(name))
    return f"{key}_{letters}", nodes, ",".join(_laid(texts))


def _source(name: Picture | Computed) -> Source:
    if isinstance(name, Computed):
        match name.pieces:
            case ("id:", Variable(variable)):
                return Source("variable", f"${variable}")
        raise not_expressible(str(name))
    if name.scheme == "file":
        raise not_expressible(f"the layer {name}", f"a public id may mean another file; id:{name} is one")
    return Source("image" if name.scheme == "id" else "fetch", name.location, name.delivery)


def _laid(texts: dict[str, str]) -> Iterable[str]:
    yield "fl_layer_apply"
    flags = [_OVERFLOWS[texts.get("overflow", "clip")], "tiled" * ("tile" in texts), "cutter" * ("cutter" in texts)]
    yield from (f"fl_{flag}" for flag in flags if flag)
    yield from (f"{key}_{value}" for key, value in held(texts) if value)
    yield from (f"{key}_{worked(texts[key])}" for key in ("x", "y") if key in texts)
    mode = texts.get("blend", "").replace("-", "_")
    if mode and mode not in BLENDS:
        raise not_expressible(f"blend={texts['blend']}")
    if mode:
        yield f"e_{mode}" + (f":{worked(texts['strength'])}" if "strength" in texts else "")
