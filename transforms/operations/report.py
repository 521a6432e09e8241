"""Results that are JSON about the picture: auto-tag, info and getinfo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np

from ..geometry import nominal
from ..image import Affine, Box, Found, Image, Probe, Region, Scale, Size
from ..output import Encoding, Past, Report
from ..params import Ratio
from ..placeholders import Sketch, summary
from ..projection import moved
from ..registry import operation

LABEL_OF_FACES = "person"
LONG_SIDE_FOR_DETECTORS = 640
LONG_SIDE_FOR_COLOURS = 160


def _tag_detail(before: Size, found: Found | None, **_: object) -> float:
    return min(1.0, LONG_SIDE_FOR_DETECTORS / before.long_side)


@operation("auto-tag", example="auto-tag", needs={"faces", "objects", "colors"}, scaling="absorbs", detail=_tag_detail)
def auto_tag(
    image: Image,
    confidence: Annotated[float, Ratio(0, 1)] = 0.4,
    placeholders: bool = False,
    *,
    found: Found,
    probe: Probe,
    scale: Scale,
) -> Report:
    """Say what is in the picture, as JSON: tags, objects, faces and main colours.

    `confidence` is the lowest that counts. Boxes and landmarks are fractions of the picture at this step, from its top
    left corner. A tag is given once, with its best confidence, and `by` says which detector gave it; a found face also
    gives the tag `person`. `models` names the models that answered, `missing` those that could not and what to do.
    `placeholders` adds what `info` says of them.
    """
    objects = _surest(found.by("objects"), confidence)
    faces = _surest(found.by("faces"), confidence)
    size = nominal(image.size, scale)
    return Report({
        "tags": _tags(objects, faces, found, confidence),
        "objects": [{"label": at.label, "confidence": _rounded(at.score), "box": _box(at.box)} for at in objects],
        "faces": [{"confidence": _rounded(at.score), "box": _box(at.box), "landmarks": _landmarks(at)} for at in faces],
        "colors": [{"hex": at.hex, "name": at.name, "share": _rounded(at.share)} for at in found.colors],
        "image": {"width": size.width, "height": size.height, "format": probe.format, "bytes": probe.bytes,
                  "frames": probe.frames},
        "models": dict(found.models),
        "missing": [asdict(missing) for missing in found.missing],
        **(_placeholders(image, found) if placeholders else {}),
    })  # fmt: skip


def _placeholders(image: Image, found: Found) -> dict[str, Any]:
    return {"placeholders": summary(Sketch(image), found.colors)}


def _surest(regions: Iterable[Region], confidence: float) -> list[Region]:
    return sorted((region for region in regions if region.score >= confidence), key=lambda at: -at.score)


def _tags(objects: list[Region], faces: list[Region], found: Found, confidence: float) -> list[dict[str, Any]]:
    """Each name once; the detector of objects is asked first, then that of faces."""
    said = [(at.label, at.score, at.by) for at in objects]
    said += [(LABEL_OF_FACES, at.score, at.by) for at in faces]
    said += [(tag.name, tag.score, tag.by) for tag in found.tags if tag.score >= confidence]
    tags: dict[str, dict[str, Any]] = {}
    for name, score, by in said:
        tags.setdefault(name, {"tag": name, "confidence": _rounded(score), "by": by})
    return sorted(tags.values(), key=lambda tag: -tag["confidence"])


def _rounded(value: float) -> float:
    return round(float(value), 4)


def _box(box: Box) -> dict[str, float]:
    inside = box.clipped() or box
    return {"x": _fraction(inside.x), "y": _fraction(inside.y),
            "width": _fraction(inside.width), "height": _fraction(inside.height)}  # fmt: skip


def _landmarks(face: Region) -> dict[str, dict[str, float]]:
    return {name: {"x": _fraction(x), "y": _fraction(y)} for name, x, y in face.points}


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
