"""Each operation in Cloudinary's words, out of the texts of its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from transforms import computed
from transforms.expressions import Arithmetic, Cast, Expression, Number, Operand
from transforms.numbers import print_number

from . import expression
from .expression import escaped, not_expressible
from .strengths import sharpness

Texts = dict[str, str]  # the arguments of a step that are not the default, as they are written
Pairs = Sequence[tuple[str, str | None]]


def worked(text: str) -> str:
    """The text of an argument with its expressions as Cloudinary writes them."""
    if "(" not in text:
        return text
    pieces = computed.read(text).pieces
    return "".join(piece if isinstance(piece, str) else expression.printed(piece) for piece in pieces)


def joined(*parameters: tuple[str, str | None]) -> str:
    return ",".join(f"{key}_{value}" for key, value in parameters if value)


def sides_of(texts: Texts) -> Pairs:
    """`w_ h_ ar_`, and the `dpr_auto` that multiplies them."""
    width, height = _split(texts.get("size", "x"))
    dense = any(_dense(side) for side in (width, height))
    below = {_RELATIVE[name] for name in map(_below, (width, height)) if name}
    ratio = texts.get("ratio")
    return [
        ("w", _side(width, dense)), ("h", _side(height, dense)), ("ar", ratio and worked(ratio)),
        ("dpr", "auto" if dense else None), ("fl", ".".join(sorted(below))),
    ]  # fmt: skip


def _split(size: str) -> list[str | Expression]:
    """Both sides of a size; the `x` between them stands in no expression."""
    sides: list[str | Expression] = ["", ""]
    second = 0
    for piece in computed.read(size).pieces:
        if isinstance(piece, Expression):
            sides[second] = piece
            continue
        before, cross, after = piece.partition("x")
        sides[second] = before or sides[second]
        if cross:
            second, sides[1] = 1, after
    return sides


_RELATIVE = {"bw": "relative", "bh": "relative", "rw": "region_relative", "rh": "region_relative"}


def _below(side: str | Expression) -> str | None:
    """The operand of a layer that a side is a fraction of."""
    if isinstance(side, Arithmetic) and side.sign == "*" and isinstance(side.left, Operand):
        return side.left.name if side.left.name in _RELATIVE and isinstance(side.right, Number) else None
    return None


def _dense(side: str | Expression) -> bool:
    return _by_density(side) is not None


def _by_density(side: str | Expression) -> Expression | None:
    """What is multiplied by the client's density, if anything is."""
    tree = side.inner if isinstance(side, Cast) and side.kind == "float" else side
    if isinstance(tree, Arithmetic) and tree.sign == "*" and tree.right == Operand("dpr"):
        return tree.left
    return None


def _side(side: str | Expression, dense: bool) -> str:
    if isinstance(side, str):
        return side
    tree = _by_density(side) if dense else side
    if tree is None:
        raise not_expressible(str(side))
    if isinstance(tree, Arithmetic) and _below(tree):
        return str(tree.right)
    if isinstance(tree, Operand) and tree.name == "auto":
        return ":".join(["auto", *tree.details])
    return expression.printed(tree)


def held(texts: Texts) -> Pairs:
    """`g_`, with `x_` and `y_` where it is a point."""
    gravity = texts.get("gravity", "")
    x, colon, y = gravity.partition(":")
    if colon and x[:1].isdecimal():
        return [("g", "xy_center"), ("x", x), ("y", y)]
    return [("g", ":".join(re.sub(r"^text(?=_|$)", "ocr_text", word) for word in gravity.split(":")))]


def _resize(texts: Texts) -> str:
    fit, enlarge = texts.get("fit", "inside"), "enlarge" in texts
    modes = {"inside": ("limit", "fit"), "cover": ("lfill", "fill"), "fill": ("", "scale")}
    mode = modes.get(fit, ("", ""))[enlarge]
    if "shrink" in texts:
        mode = "mfit" if mode == "fit" else ""
    if not mode or "background" in texts:
        raise not_expressible(f"resize with fit={fit}")
    width, height = _split(texts["size"])
    if mode == "fit" and "" in (width, height):
        mode = "scale"
    if "1.0" in (width, height) and fit != "cover" and "" not in (width, height) and width != height:
        kept = [(key, "" if side == "1.0" else _side(side, False)) for key, side in (("w", width), ("h", height))]
        one = joined(("c", mode), *kept, ("fl", "ignore_aspect_ratio"))
        if all(isinstance(side, Expression) or "." not in side or side == "1.0" for side in (width, height)):
            return one
    return joined(("c", mode), *sides_of(texts), *held(texts))


def _crop(texts: Texts) -> str:
    largest = texts.get("size") == "1.0x" and "ratio" in texts
    percent = "." not in texts.get("size", ".")  # a fraction beside sides in pixels
    offsets = [(key, _offset(texts[key], percent) if key in texts else None) for key in ("x", "y")]
    sides = sides_of(texts)[2 if largest else 0 :]
    return joined(("c", "crop"), *sides, *offsets, *held(texts), ("z", _zoom(texts)))


def _offset(text: str, percent: bool) -> str:
    if percent and "." in text and "(" not in text:
        return f"{print_number(round(float(text) * 100, 7))}p"
    return worked(text)


def _zoom(texts: Texts) -> str | None:
    return worked(texts["zoom"]) if "zoom" in texts else None


def _pad(texts: Texts) -> str:
    mode = "mpad" if "shrink" in texts else "pad" if "enlarge" in texts or "size" not in texts else "lpad"
    return joined(("c", mode), *sides_of(texts), *held(texts), ("b", backdrop(texts.get("background"))))


def _fill_pad(texts: Texts) -> str:
    gravity = texts.get("gravity", "auto")
    return joined(
        ("c", "fill_pad"), *sides_of(texts), *held({"gravity": gravity}), ("b", backdrop(texts.get("background")))
    )


def _face_crop(texts: Texts) -> str:
    which = "faces" if texts.get("which") == "all" else "face"
    fallback = "" if texts.get("fallback") == "center" else ":auto"
    return joined(("c", "thumb"), *sides_of(texts), ("g", which + fallback), ("z", _zoom(texts)))


def _smart_crop(texts: Texts) -> str:
    return joined(("c", "fill"), *sides_of(texts), *held({"gravity": texts.get("gravity", "auto")}))


def backdrop(text: str | None) -> str | None:
    if text is None or text.startswith(("auto", "blurred", "(")):
        return text and worked(text)
    return f"rgb:{text}"


def border(texts: Texts) -> str:
    width, ink = texts["width"], texts.get("color", "000000")
    if "(" in width:
        pieces = computed.read(width).pieces
        width = f"({expression.printed(pieces[0])})" if isinstance(pieces[0], Expression) else width
        width = f"${width.replace('$', '')}"
    return f"bo_{width}px_solid_{backdrop(ink)}"


def _scaled(text: str | None, factor: float) -> str:
    if text is None:
        return ""
    if "(" not in text:
        return f":{round(float(text) * factor)}"
    tree = computed.read(text).expressions[0]
    if not isinstance(tree, Arithmetic):
        raise not_expressible(text)
    return f":{expression.printed(tree.left)}"


@cache
def _strengths() -> dict[float, int]:
    return {sharpness(strength): strength for strength in range(1, 2001)}


def _sharpen(texts: Texts) -> str:
    amount = texts.get("amount", "1")
    if "(" in amount:
        raise not_expressible(amount)
    return f"e_sharpen:{_strengths().get(float(amount), 100)}"


def _pixelate_faces(texts: Texts) -> str:
    if "(" in texts.get("blocks", ""):
        raise not_expressible(texts["blocks"])
    return "e_pixelate_faces" + (f":{round(100 / int(texts['blocks']))}" if "blocks" in texts else "")


def _download(texts: Texts) -> str:
    # A dot inside a flag would end it, and what it holds is decoded once more.
    name = escaped(texts["name"]).replace(".", "%2E") if "name" in texts else ""
    return "fl_attachment" + (f":{name}" if name else "")


def _quality(texts: Texts) -> str:
    return f"q_{worked(texts['value'])}" + (f":{texts['chroma']}" if "chroma" in texts else "")


def _metadata(texts: Texts) -> str:
    flags = {"keep": "fl_keep_iptc", "attribution": "fl_keep_attribution"}
    return flags.get(texts["which"], "")


WRITERS: dict[str, Callable[[Texts], str]] = {
    "resize": _resize,
    "crop": _crop,
    "pad": _pad,
    "fill-pad": _fill_pad,
    "face-crop": _face_crop,
    "object-crop": lambda texts: joined(("c", "thumb"), *sides_of(texts), *held(texts), ("z", _zoom(texts))),
    "smart-crop": _smart_crop,
    "rotate": lambda texts: joined(("a", _angle(texts["angle"])), ("b", backdrop(texts.get("background")))),
    "flip": lambda texts: "a_vflip" if texts.get("axis") == "vertical" else "a_hflip",
    "round": lambda texts: f"r_{worked(texts['radius'])}",
    "border": border,
    "background": lambda texts: f"b_{backdrop(texts['color'])}",
    "opacity": lambda texts: f"o_{worked(next(iter(texts.values()), '100'))}",
    "blur": lambda texts: "e_blur" + _scaled(texts["sigma"], 20),
    "sharpen": _sharpen,
    "blur-faces": lambda texts: "e_blur_faces" + _scaled(texts.get("strength"), 100),
    "pixelate-faces": _pixelate_faces,
    "getinfo": lambda texts: "fl_getinfo",
    "page": lambda texts: f"pg_{texts['pages']}",
    "orientation": lambda texts: "a_ignore",
    "quality": _quality,
    "format": lambda texts: f"f_{texts['type']}",
    "progressive": lambda texts: "fl_progressive" + (f":{texts['how']}" if "how" in texts else ""),
    "animated": lambda texts: "fl_animated",
    "delay": lambda texts: f"dl_{texts['milliseconds']}",
    "colorspace": lambda texts: f"cs_{texts['space']}",
    "profile": lambda texts: "fl_force_icc",
    "png": lambda texts: f"fl_png{texts['bits']}",
    "lossy": lambda texts: "fl_lossy",
    "compression": lambda texts: "fl_tiff8_lzw",
    "metadata": _metadata,
    "download": _download,
    "immutable": lambda texts: "fl_immutable_cache",
    "fallback": lambda texts: f"d_{escaped(texts['picture'])}",
}


def _angle(text: str) -> str:
    if "(" not in text:
        return text
    tree = computed.read(text).expressions[0]
    return expression.printed(tree.left if isinstance(tree, Arithmetic) and tree.sign == "mod" else tree)
