"""Draw what was found."""

from __future__ import annotations

from typing import Annotated

from .. import vocabulary
from ..drawing import Drawing, canvas
from ..image import Found, Frame, Region
from ..kinds import PLACED, asked
from ..params import Ratio
from ..registry import operation
from ..tagging import counts

USUAL = frozenset({"objects", "faces", "codes"})
SAME = 0.5  # intersection over union from which a box and one with a mask are the same thing


def _asked(models: tuple[str, ...] | None, masks: bool | None, **_: object) -> frozenset[str]:
    named = USUAL | vocabulary.current().tagging if models is None else frozenset(models)
    return asked(named | ({"masks"} if masks else set()))


@operation("detect", example="detect:0.5", needs=_asked, scaling="commutes")
def detect(
    frame: Frame,
    confidence: Annotated[float, Ratio(0, 1)] | None = None,
    models: Annotated[tuple[str, ...], PLACED] | None = None,
    masks: bool | None = None,
    *,
    found: Found,
) -> Frame:
    """Draw what was found: boxes, masks, landmarks, poses, names and scores, and what codes and writing say.

    What its model is sure of is drawn; `confidence` is another lowest score, for all of them. `models` names what is
    asked, with `:` between the names: `objects`, `masks` (each thing with its outline), `faces`, `codes` (QR codes and
    barcodes), `text`, `moderation`, and the operator's own models. Without it: objects, faces, codes, and the
    operator's models that tag. `masks=true` asks for masks as well, `masks=false` draws none. What lies askew is framed
    askew. Lines and letters grow with the picture.
    """
    kinds = _asked(models, masks)
    drawing = Drawing(canvas(frame.pixels), frame.size)
    shown = [region for region in found.regions if region.by in kinds and counts(region, confidence)]
    shown = sorted((region for region in shown if not _doubled(region, shown)), key=lambda at: -at.box.area)
    if masks is not False:
        for region in shown:
            drawing.fill(region)
    for region in shown:  # small ones on top
        drawing.outline(region)
    for region in shown:
        drawing.name(region)
    return frame.with_pixels(drawing.pixels)


def _doubled(region: Region, others: list[Region]) -> bool:
    """Whether it is an object that has a mask as well."""
    if region.by != "objects":
        return False
    masked = (other for other in others if other.by == "masks" and other.label == region.label)
    return any(region.box.overlap(other.box) >= SAME for other in masked)
