"""What in the picture made a tag: painted over it, or as a box."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import cv2
import numpy as np

from ..drawing import Drawing, canvas
from ..failure import Failure, Kind
from ..image import BETWEEN, HEAT, Found, Frame, Image, Mask, PixelArray, Probe, Region
from ..labelled import Label, knowing
from ..masks import plane
from ..output import Report
from ..params import Percent
from ..registry import operation
from .report import for_detectors, told_box

STRIP = 128  # rows that are painted at once
REDDEST = 0.88  # of the colours, from blue to red, beyond which they get dark


def _kinds(tag: str, **_: object) -> frozenset[str]:
    return frozenset(
        f"{kind}:{HEAT}{BETWEEN.join(sorted(labels))}" for kind, labels in knowing(tag, names=False).items()
    )


@dataclass(frozen=True)
class Cause(Label):
    """A label of a model that can be asked again, about a picture with a part of it covered."""

    lacks: ClassVar[str] = "explain works for labels of models that can be asked again"


def _hot(found: Found, tag: str) -> Region | None:
    """The heat of the tag, of the model that is surest of it."""
    regions = (region for region in found.regions if region.by in _kinds(tag) and region.mask)
    return max(regions, key=lambda region: region.score, default=None)


def _answered(found: Found, tag: str) -> bool:
    return not _kinds(tag) <= {missing.detector for missing in found.missing}


@operation("explain", example="explain:person", needs=_kinds, scaling="commutes")
def explain(
    frame: Frame, tag: Annotated[str, Cause()], opacity: Annotated[int, Percent(0, 100)] = 60, box: bool = True, *,
    found: Found, probe: Probe,
) -> Frame:  # fmt: skip
    """Paint the heat map of what made a tag over the picture: red where it hangs on the pixels most, blue where little.

    Found by covering places with gray, one after the other, and asking the model again: what the tag loses by that is
    the heat of the place. The surest two things of the label are looked into. `tag` is a label (`dog`) or a group of
    labels (`animal`), also of the operator's own models: what can be asked again. What other detectors say (`face`,
    `text`, `blurry`, colours) is refused. `opacity` is that of the paint where it is hottest. With `box` a frame is
    drawn around all that is at least half as hot as the hottest place.

    Where the tag was not found at all it fails with `tag-not-found`, but for single frames of an animation, which stay
    as they are. Without an answer of the detector the picture stays as it is.
    """
    region = _hot(found, tag)
    if region is None or region.mask is None:
        if probe.animated or not _answered(found, tag):
            return frame
        raise Failure(
            Kind.UNPROCESSABLE, "tag-not-found", f"no {tag} was found in the picture",
            hint="auto-tag:confidence=0.15 says what was found", details={"tag": tag},
        )  # fmt: skip
    painted = _painted(canvas(frame.pixels), plane(region.mask, frame.size), opacity / 100)
    if box:
        drawing = Drawing(painted, frame.size)
        drawing.outline(region)
        drawing.name(region)
        painted = drawing.pixels
    return frame.with_pixels(painted)


def _painted(pixels: PixelArray, heat: PixelArray, opacity: float) -> PixelArray:
    """The picture under the colours of its heat, which are thicker where it is hotter; alpha stays."""
    painted = pixels.copy()
    for top in range(0, len(pixels), STRIP):  # all at once 50 megapixels want 2 GiB
        part = slice(top, top + STRIP)
        levels = heat[part]
        colours = cv2.applyColorMap(cv2.convertScaleAbs(levels, alpha=REDDEST), cv2.COLORMAP_TURBO).astype(np.float32)
        share = (opacity * np.sqrt(levels.astype(np.float32) / 255))[:, :, np.newaxis]
        painted[part, :, :3] = np.rint(pixels[part, :, :3] * (1 - share) + colours * share)
    return painted


@operation("explain-box", example="explain-box:person", needs=_kinds, scaling="absorbs", detail=for_detectors)
def explain_box(image: Image, tag: Annotated[str, Cause()], *, found: Found) -> Report:
    """Say where what made a tag is, as JSON.

    `box` is around all that is at least half as hot as the hottest place, and `peak` is that place, both in fractions
    of the picture at this step; see `explain` for what is hot and for `tag`.
    `confidence` is that of the surest thing of the tag, and `by` the detector. Where the tag was not found all three
    are null.
    """
    region = _hot(found, tag)
    return Report({
        "tag": tag,
        "confidence": round(region.score, 4) if region else None,
        "by": region.by.partition(":")[0] if region else None,
        "box": told_box(region.box) if region else None,
        "peak": _peak(region.mask) if region and region.mask else None,
        "models": {kind.partition(":")[0]: model for kind, model in found.models},
        "missing": [asdict(missing) for missing in found.missing],
    })  # fmt: skip


def _peak(mask: Mask) -> dict[str, Any]:
    levels = np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.width)
    row, column = np.unravel_index(int(levels.argmax()), levels.shape)
    x, y = np.array(mask.at).reshape(2, 3) @ ((column + 0.5) / mask.width, (row + 0.5) / mask.height, 1.0)
    return {"x": round(float(x), 6), "y": round(float(y), 6)}
