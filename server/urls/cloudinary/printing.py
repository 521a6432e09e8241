"""A request in Cloudinary's spelling, where it has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from urllib.parse import quote

from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline, Step

from ...sources.source import SourceRef
from ..request import Request
from . import compiler
from .effects import sharpness

Texts = dict[str, str]  # the arguments of a step that are not the default, as they are written


def print(request: Request) -> str:  # noqa: A001 - the counterpart of parse
    """The delivery path of a request, without cloud name; parse reads it back.

    Raises Failure not-expressible for what Cloudinary's URLs cannot say: some operations and combinations of
    arguments, and files that are not found by a public id.
    """
    components = _components(request.pipeline)
    return "/image/" + "/".join([*_source(request.source, [quote(text, safe=",:_.-") for text in components])])


def _not_expressible(what: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, "not-expressible", f"{what} cannot be said in Cloudinary's URLs")


def _source(source: SourceRef, components: list[str]) -> list[str]:
    if source.scheme in ("http", "https"):
        return ["fetch", *components, quote(source.location, safe=":/")]
    if source.scheme != "id":
        raise _not_expressible(f"the source {source.location!r}")
    # As SDKs do: a version keeps folders from being read as components.
    version = ["v1"] if "/" in source.location else []
    return ["upload", *components, *version, quote(source.location, safe="/:@")]


def _components(pipeline: Pipeline) -> list[str]:
    steps = pipeline.steps
    texts = [_written(step) for step in steps]
    said_before = [False, *(_said_by(one, two) for one, two in pairwise(steps))]
    components = [text for text, again in zip(texts, said_before, strict=False) if not again]
    try:
        again = compiler.pipeline(components)
    except Failure:
        raise _not_expressible(str(pipeline)) from None
    if again != pipeline:
        raise _not_expressible(str(pipeline))
    return components


def _said_by(step: Step, following: Step) -> bool:
    """Whether the `b_` of a pad or rotate says the background after it too: it fills all that is transparent."""
    if step.operation.name not in ("pad", "rotate") or following.operation.name != "background":
        return False
    return _texts(step).get("background") == _texts(following)["color"]


def _written(step: Step) -> str:
    write = _WRITERS.get(step.operation.name)
    if write is None:
        raise _not_expressible(f"the operation {step.operation.name}")
    return write(_texts(step))


def _texts(step: Step) -> Texts:
    pairs = zip(step.operation.arguments, step.values, strict=True)
    return {a.name: a.type.print(value) for a, value in pairs if a.required or value != a.default}


def _joined(*parameters: tuple[str, str | None]) -> str:
    return ",".join(f"{key}_{value}" for key, value in parameters if value)


def _sides(texts: Texts) -> Sequence[tuple[str, str | None]]:
    width, _, height = texts.get("size", "").partition("x")
    return [("w", width), ("h", height), ("ar", texts.get("ratio"))]


def _resize(texts: Texts) -> str:
    fit, enlarge = texts.get("fit", "inside"), "enlarge" in texts
    modes = {"inside": ("limit", "fit"), "cover": ("lfill", "fill"), "fill": ("", "scale")}
    mode = modes.get(fit, ("", ""))[enlarge]
    if not mode or "background" in texts:
        raise _not_expressible(f"resize with fit={fit}")
    width, _, height = texts["size"].partition("x")
    if mode == "scale" and width and height and ("." in width) != ("." in height) and "1.0" in (width, height):
        kept = ("w", width) if height == "1.0" else ("h", height)
        return _joined(("c", mode), kept, ("fl", "ignore_aspect_ratio"))
    return _joined(("c", mode), *_sides(texts), ("g", texts.get("gravity")))


def _crop(texts: Texts) -> str:
    largest = texts["size"] == "1.0x" and "ratio" in texts
    offsets = [(key, texts.get(key)) for key in ("x", "y")]
    return _joined(("c", "crop"), *_sides(texts)[2 if largest else 0 :], *offsets, ("g", texts.get("gravity")))


def _pad(texts: Texts) -> str:
    mode = "pad" if "enlarge" in texts or "size" not in texts else "lpad"
    return _joined(("c", mode), *_sides(texts), ("g", texts.get("gravity")), ("b", _colour(texts.get("background"))))


def _face_crop(texts: Texts) -> str:
    which = "faces" if texts.get("which") == "all" else "face"
    fallback = "" if texts.get("fallback") == "center" else ":auto"
    return _joined(("c", "thumb"), *_sides(texts), ("g", which + fallback), ("z", texts.get("zoom")))


def _colour(digits: str | None) -> str | None:
    return digits and f"rgb:{digits}"


def _scaled(text: str | None, factor: float) -> str:
    return "" if text is None else f":{round(float(text) * factor)}"


@cache
def _strengths() -> dict[float, int]:
    return {sharpness(strength): strength for strength in range(1, 2001)}


def _sharpen(texts: Texts) -> str:
    return f"e_sharpen:{_strengths().get(float(texts.get('amount', '1')), 100)}"


def _pixelate_faces(texts: Texts) -> str:
    return "e_pixelate_faces" + (f":{round(100 / int(texts['blocks']))}" if "blocks" in texts else "")


_WRITERS: dict[str, Callable[[Texts], str]] = {
    "resize": _resize,
    "crop": _crop,
    "pad": _pad,
    "face-crop": _face_crop,
    "smart-crop": lambda texts: _joined(("c", "fill"), *_sides(texts), ("g", "auto")),
    "rotate": lambda texts: _joined(("a", texts["angle"]), ("b", _colour(texts.get("background")))),
    "flip": lambda texts: "a_vflip" if texts.get("axis") == "vertical" else "a_hflip",
    "round": lambda texts: f"r_{texts['radius']}",
    "border": lambda texts: f"bo_{texts['width']}px_solid_rgb:{texts.get('color', '000000')}",
    "background": lambda texts: f"b_rgb:{texts['color']}",
    "opacity": lambda texts: f"o_{next(iter(texts.values()), '100')}",
    "blur": lambda texts: "e_blur" + _scaled(texts["sigma"], 20),
    "sharpen": _sharpen,
    "grayscale": lambda texts: "e_grayscale",
    "brightness": lambda texts: f"e_brightness:{texts['amount']}",
    "blur-faces": lambda texts: "e_blur_faces" + _scaled(texts.get("strength"), 100),
    "pixelate-faces": _pixelate_faces,
    "quality": lambda texts: f"q_{texts['value']}",
    "format": lambda texts: f"f_{texts['type']}",
}
