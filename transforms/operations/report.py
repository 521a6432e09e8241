"""Results that are JSON about the picture: auto-tag, info and getinfo."""

from __future__ import annotations

from dataclasses import asdict, astuple
from typing import Annotated, Any

import numpy as np

from ..geometry import nominal
from ..image import Affine, Box, Found, Image, Probe, Region, Scale, Size
from ..kinds import READ, TOLD, asked
from ..meaning import asked_for_all
from ..output import Encoding, Past, Report
from ..params import Ratio
from ..placeholders import Sketch, summary
from ..projection import moved
from ..registry import operation
from ..tagging import Said, base, counts, tags_of

LONG_SIDE_FOR_DETECTORS = 640
LONG_SIDE_FOR_COLOURS = 160


def for_detectors(before: Size, found: Found | None, **_: object) -> float:
    """The detail that operations need which only ask detectors."""
    return min(1.0, LONG_SIDE_FOR_DETECTORS / before.long_side)


def _asked(models: tuple[str, ...] | None, **_: object) -> frozenset[str]:
    return asked(asked_for_all() if models is None else models)


@operation("auto-tag", example="auto-tag", needs=_asked, scaling="absorbs", detail=for_detectors)
def auto_tag(
    image: Image,
    models: Annotated[tuple[str, ...], TOLD] | None = None,
    confidence: Annotated[float, Ratio(0, 1)] | None = None,
    related: bool = True,
    placeholders: bool = False,
    *,
    found: Found,
    probe: Probe,
    scale: Scale,
) -> Report:
    """Say what is in the picture, as JSON: tags, objects, faces, codes, traits and main colours.

    `models` names what is asked, with `:` between the names: `objects`, `masks`, `faces`, `codes` (QR codes and
    barcodes), `traits` (blurry, portrait …), `colors`, `text` (what is written), `moderation`, and the operator's own
    models. Without it: objects, faces, codes, traits, colors, and the operator's models that tag. What was not asked
    for has no list in the answer. What counts is what its model is sure of; `confidence` is another lowest score, for
    all of them; words for the whole picture (of classifiers, moderation, traits) are only told where they are sure, so
    that it brings back none of these. A tag is given once, the surest first; `by` says which detector gave it, `count`
    how many there are, and `of` and `kind` from which tag it follows, as a `parent` (vehicle) or a `synonym` (sofa):
    `related=false` leaves these out. Boxes and points are fractions of the picture at this step, from its top left
    corner. `models` in the answer names the models that answered, `missing` those that could not and what to do.
    `placeholders` adds what `info` says of them. See docs/tags.md.
    """
    kinds, size = _asked(models), nominal(image.size, scale)
    return Report({
        "tags": [_tag(said) for said in tags_of(found, confidence, related=related)],
        **{name: listed for name, listed in _lists(found, confidence).items() if _was_asked(name, kinds)},
        "image": {"width": size.width, "height": size.height, "format": probe.format, "bytes": probe.bytes,
                  "frames": probe.frames},
        "models": dict(sorted((base(kind), model) for kind, model in found.models)),
        "missing": [
            {**asdict(missing), "detector": base(missing.detector)} for missing in sorted(found.missing, key=astuple)
        ],
        **(_placeholders(image, found) if placeholders else {}),
    })  # fmt: skip


def _lists(found: Found, confidence: float | None) -> dict[str, list[dict[str, Any]]]:
    """What counts of all that was found, in the lists that it belongs in."""
    seen = sorted((at for at in found.regions if counts(at, confidence)), key=_order)
    return {
        "objects": [{**_thing(at), "by": at.by} for at in seen if at.by not in _LISTED_APART],
        "faces": [_face(at) for at in seen if at.by == "faces"],
        "codes": [_thing(at) for at in seen if at.by == "codes"],
        "text": [_thing(at) for at in seen if at.by == READ],
        "moderation": [{**_thing(at), "unsafe": _is_unsafe(at, found)} for at in seen if at.by == "moderation"],
        "traits": _traits(found, confidence),
        "colors": [{"hex": at.hex, "name": at.name, "share": _rounded(at.share)} for at in found.colors],
    }


_LISTED_APART = frozenset({"faces", "codes", "moderation", READ})
_NO_OBJECTS = _LISTED_APART | {"traits", "colors"}


def _was_asked(name: str, asked: frozenset[str]) -> bool:
    """Whether a list belongs in the answer; that of objects has what the operator's models find as well."""
    if name == "objects":
        return bool(asked - _NO_OBJECTS)
    return (READ if name == "text" else name) in asked


def _placeholders(image: Image, found: Found) -> dict[str, Any]:
    return {"placeholders": summary(Sketch(image), found.colors)}


def _order(region: Region) -> tuple[object, ...]:
    """The surest first; then whatever makes an order of them that is always the same."""
    return -region.score, region.label, region.by, region.box.x, region.box.y, region.text


def _tag(said: Said) -> dict[str, Any]:
    tag = said.tag
    counted = {"count": said.count} if said.count else {}
    derived = {"of": tag.of, "kind": said.how} if said.how else {}
    return {"tag": tag.name, "confidence": _rounded(tag.score), "by": tag.by, **counted, **derived}


def _thing(region: Region) -> dict[str, Any]:
    """A region; what has points or a text of its own tells them."""
    told: dict[str, Any] = {"label": region.label, "confidence": _rounded(region.score), "box": told_box(region.box)}
    if region.points:
        told["points"] = _points(region)
    if region.text:
        told["text"] = region.text
    return told


def _face(face: Region) -> dict[str, Any]:
    return {"confidence": _rounded(face.score), "box": told_box(face.box), "landmarks": _points(face)}


def _is_unsafe(region: Region, found: Found) -> bool:
    return any(tag.by == region.by and tag.name == region.label for tag in found.tags)


def _traits(found: Found, confidence: float | None) -> list[dict[str, Any]]:
    tags = (tag for tag in found.tags if tag.by == "traits" and tag.score >= (confidence or 0))
    return [
        {"trait": tag.name, "confidence": _rounded(tag.score)}
        for tag in sorted(tags, key=lambda tag: (-tag.score, tag.name))
    ]


def _rounded(value: float) -> float:
    return round(float(value), 4)


def told_box(box: Box) -> dict[str, float]:
    """What of a box lies in the picture, as it is told."""
    inside = box.clipped() or box
    return {"x": _fraction(inside.x), "y": _fraction(inside.y),
            "width": _fraction(inside.width), "height": _fraction(inside.height)}  # fmt: skip


def _points(region: Region) -> dict[str, dict[str, float]]:
    return {name: {"x": _fraction(x), "y": _fraction(y)} for name, x, y in region.points}


def _fraction(value: float) -> float:
    return round(float(value), 6)  # a hundredth of a pixel in the largest pictures


def _info_detail(before: Size, found: Found | None, placeholders: bool = False) -> float:
    """The header says it all but for the placeholders."""
    return min(1.0, (LONG_SIDE_FOR_COLOURS if placeholders else 1) / before.long_side)


def _info_needs(placeholders: bool) -> frozenset[str]:
    return frozenset({"colors"} if placeholders else ())


@operation("info", example="info", needs=_info_needs, scaling="absorbs", detail=_info_detail)
def info(image: Image, placeholders: bool = False, *, found: Found, probe: Probe, scale: Scale) -> Report:
    """Say what the header of the source says, and the size of the picture at this step, as JSON.

    `placeholders` adds what may be shown until the picture is there: `blurhash`, `thumbhash` (in Base64), `lqip` (a
    data URI of a tiny picture), the main `color` (null where nothing can be seen) and the `palette`, each as `#rrggbb`.
    They are of the picture at this step, of its first frame.
    """
    size = nominal(image.size, scale)
    return Report({
        "width": size.width, "height": size.height, "format": probe.format, "bytes": probe.bytes,
        "frames": probe.frames, "has_alpha": probe.has_alpha, "animated": probe.animated,
        "orientation": probe.orientation, "icc": probe.icc,
        "source": {"width": probe.size.width, "height": probe.size.height},
        **(_placeholders(image, found) if placeholders else {}),
    })  # fmt: skip


@operation("getinfo", example="getinfo")
def getinfo(image: Image, *, probe: Probe, encoding: Encoding, past: Past) -> Report:
    """Say what the result would be, as JSON: the file that was read, and the one that would be sent.

    `input` and `output` have width, height, bytes and format; `output` is encoded as the steps say, and not sent.
    `resize` has the part of the input that is visible, and the size that it was given. After a step that chose its
    place by what matters (`gravity=auto`, `smart-crop`), `g_auto_info` has that part too. Where faces were looked for,
    `landmarks` has the points of each visible one by name. All places are in pixels of the input. Put it last.
    """
    encoded = encoding.write(image)
    back = _composed(past.began, _inverse(image.from_source))
    part = _pixels_of(moved(Box(0.0, 0.0, 1.0, 1.0), back), probe.size)
    content: dict[str, Any] = {
        "input": {"width": probe.size.width, "height": probe.size.height, "bytes": probe.bytes, "format": probe.format},
        "output": {"width": encoded.size.width, "height": encoded.size.height, "bytes": len(encoded.body),
                   "format": encoded.format},
        "resize": {"crop": part, "width": image.size.width, "height": image.size.height},
    }  # fmt: skip
    if "saliency" in past.kinds:
        content["g_auto_info"] = [part]
    if past.kinds & _OF_FACES:
        content["landmarks"] = [_points_in(face, back, probe.size) for face in past.faces.faces]
    return Report(content)


_OF_FACES = frozenset({"faces", "largest-face"})


def _inverse(affine: Affine) -> Affine:
    return np.asarray(np.linalg.inv(np.vstack([affine, [0.0, 0.0, 1.0]]))[:2], np.float64)


def _composed(after: Affine, before: Affine) -> Affine:
    return np.asarray(after @ np.vstack([before, [0.0, 0.0, 1.0]]), np.float64)


def _pixels_of(box: Box, size: Size) -> dict[str, int]:
    """The box in whole pixels inside a picture of that size; margins that were added are left out."""
    left, top = (max(0, round(start * side)) for start, side in ((box.x, size.width), (box.y, size.height)))
    right, bottom = min(size.width, round(box.right * size.width)), min(size.height, round(box.bottom * size.height))
    return {"x": left, "y": top, "width": max(1, right - left), "height": max(1, bottom - top)}


def _points_in(face: Region, back: Affine, size: Size) -> dict[str, dict[str, int]]:
    points = ((name, back @ np.array([x, y, 1.0])) for name, x, y in face.points)
    return {name: {"x": round(x * size.width), "y": round(y * size.height)} for name, (x, y) in points}
