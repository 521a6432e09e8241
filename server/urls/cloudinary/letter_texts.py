"""The text of a layer in Cloudinary's words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from transforms.expressions import Variable
from transforms.letters.writing import WEIGHTS, unescaped
from transforms.pipeline import Node, Step
from transforms.steps import printed

from .expression import not_expressible
from .text import Style, Text
from .writing import Texts, backdrop, border, joined, sides_of, worked

_NAMES = {weight: name for name, weight in reversed(WEIGHTS.items())}
_INSERTED = re.compile(r"\$\(([A-Za-z][A-Za-z0-9]*)\)", re.ASCII)


def written(nodes: Sequence[Node]) -> tuple[str, Sequence[Node]]:
    """The source and keys of a layer that begins with a text, and the steps after it. Raises not-expressible."""
    first = nodes[0] if nodes else None
    if not isinstance(first, Step) or first.operation.name != "text":
        raise not_expressible("a layer without a picture or a text")
    pairs = zip(first.operation.arguments, first.values, strict=True)
    texts = {a.name: printed(a.type, value) for a, value in pairs if a.required or value != a.default}
    words = texts.pop(first.operation.arguments[0].name)
    return f"text:{Text(_style(texts), _words(words))}{_keys(texts)}", nodes[1:]


def _style(texts: Texts) -> Style:
    if "underline" in texts and "strikethrough" in texts:
        raise not_expressible("a text both underlined and struck through")
    weight = texts.get("weight", "")
    return Style(
        font=worked(texts.get("font", "Arial")).replace(":", "/"),
        size=worked(texts.get("size", "40")),
        weight=_NAMES.get(int(weight), weight) if weight.isdecimal() else worked(weight),
        italic="italic" if "italic" in texts else "",
        decoration=next((name for name in ("underline", "strikethrough") if name in texts), ""),
        align=texts.get("align", ""),
        stroke="stroke" if "stroke" in texts else "",
        letter_spacing=worked(texts.get("letter_spacing", "")),
        line_spacing=worked(texts.get("line_spacing", "")),
        antialias=texts.get("antialias", ""),
        hinting=texts.get("hinting", ""),
    )


def _words(text: str) -> tuple[str | Variable, ...]:
    pieces = _INSERTED.split(text)
    words = [Variable(piece) if at % 2 else unescaped(piece) for at, piece in enumerate(pieces)]
    return tuple(word for word in words if word)


def _keys(texts: Texts) -> str:
    ink = {"width": texts.get("stroke", "0"), "color": texts.get("stroke_color", "000000")}
    box = joined(("c", "fit"), *sides_of({"size": texts["box"]})) if "box" in texts else ""
    keys = [
        joined(("co", backdrop(texts.get("color"))), ("b", backdrop(texts.get("background")))),
        border(ink) if "stroke" in texts else "",
        box,
        "fl_text_no_trim" if "no_trim" in texts else "",
    ]
    return "".join(f",{key}" for key in keys if key)
