"""Draw what was found."""

from __future__ import annotations

from typing import Annotated

from ..drawing import Drawing, canvas
from ..image import Found, Frame
from ..params import Ratio
from ..registry import operation


@operation("detect", example="detect:0.5", needs={"faces", "objects"}, scaling="commutes")
def detect(frame: Frame, confidence: Annotated[float, Ratio(0, 1)] = 0.4, *, found: Found) -> Frame:
    """Draw boxes around the objects and faces that were found, with names, scores and the landmarks of faces.

    `confidence` is the lowest score that is drawn. Lines and letters grow with the picture.
    """
    drawing = Drawing(canvas(frame.pixels), frame.size)
    shown = [region for region in found.regions if region.score >= confidence and region.by in ("faces", "objects")]
    shown.sort(key=lambda region: -region.box.area)  # small ones on top
    for region in shown:
        drawing.outline(region)
    for region in shown:
        drawing.name(region)
    return frame.with_pixels(drawing.pixels)
