"""Large pixels, and regions that are made unrecognisable: pixelate, pixelate-region and blur-region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from ..effects.blocks import automatic_block, in_blocks
from ..effects.regions import FACES, REGION_GRAVITIES, Place, Side, hides_what_is_found, kinds_for
from ..geometry import nominal
from ..image import Found, Frame, PixelArray, Scale
from ..params import Float, Length, Offset, Pixels
from ..registry import operation
from ..resample import premultiplied, soften_weighted

FACE_BLOCKS, REGION_BLOCKS = 5, 10  # along the longer side of a region; 5 as in pixelate-faces
SMALLEST_BLOCK = 4.0  # px at hand; small regions would else be left as they are


@operation("pixelate", example="pixelate:12", scaling="commutes")
def pixelate(frame: Frame, size: Annotated[int | None, Pixels(1, 200)] = None, *, scale: Scale) -> Frame:
    """Draw the picture in large pixels: every square of `size` pixels becomes its mean colour.

    Squares begin in the top left corner; what is left over at the right and below are smaller ones. Without a size
    there are 50 along the longer side.
    """
    whole = nominal(frame.size, scale)
    side = size or automatic_block(whole.width, whole.height)
    return frame.with_pixels(in_blocks(frame.pixels, side * scale.x, side * scale.y))


@operation(
    "pixelate-region", example="pixelate-region:16,x=0.25,y=0.25,width=0.5,height=0.5",
    needs=kinds_for, scaling="commutes", closed=hides_what_is_found,
)  # fmt: skip
def pixelate_region(
    frame: Frame,
    size: Annotated[int | None, Pixels(1, 200)] = None,
    x: Annotated[Length | None, Offset()] = None,
    y: Annotated[Length | None, Offset()] = None,
    width: Annotated[Length | None, Side()] = None,
    height: Annotated[Length | None, Side()] = None,
    gravity: Annotated[str | None, REGION_GRAVITIES] = None,
    *,
    scale: Scale,
    found: Found,
) -> Frame:
    """Draw a part of the picture in large pixels of `size` pixels a side, each the mean colour of what it covers.

    The part is `width` × `height` at `x`, `y`, the top left corner; with a compass `gravity` they go inwards from the
    edge that it names, from the middle for `center`. What is left out is 0, or all that is left of the picture. Lengths
    are pixels, or fractions of the picture with a decimal point. What stands out is left off.

    With `gravity=face` the part is the largest face with its margin, with `faces` every one, whatever the other
    arguments are; if the detector does not answer, the request fails. So with `text`, which needs the extra `ocr`.

    Without a size ten pixels lie along the longer side of the part, five along a face. With a small size, a face or
    words may still be recognised: leave it out, or use `pixelate-faces`.
    """

    def hide(patch: PixelArray) -> PixelArray:
        if size is not None:
            return in_blocks(patch, size * scale.x, size * scale.y)
        side = max(patch.shape[:2]) / (FACE_BLOCKS if gravity in FACES else REGION_BLOCKS)
        return in_blocks(patch, max(side, SMALLEST_BLOCK), max(side, SMALLEST_BLOCK))

    return _hidden(frame, Place(x, y, width, height, gravity), scale, found, hide)


@operation(
    "blur-region", example="blur-region:12,x=0.25,y=0.25,width=0.5,height=0.5",
    needs=kinds_for, scaling="commutes", closed=hides_what_is_found,
)  # fmt: skip
def blur_region(
    frame: Frame,
    sigma: Annotated[float, Float(0.1, 250, "px")] = 5.0,
    x: Annotated[Length | None, Offset()] = None,
    y: Annotated[Length | None, Offset()] = None,
    width: Annotated[Length | None, Side()] = None,
    height: Annotated[Length | None, Side()] = None,
    gravity: Annotated[str | None, REGION_GRAVITIES] = None,
    *,
    scale: Scale,
    found: Found,
) -> Frame:
    """Blur a part of the picture with a Gaussian; `sigma` is its standard deviation in pixels.

    The part is `width` × `height` at `x`, `y`, the top left corner; with a compass `gravity` they go inwards from the
    edge that it names, from the middle for `center`. What is left out is 0, or all that is left of the picture. Lengths
    are pixels, or fractions of the picture with a decimal point. What stands out is left off. Its edges are sharp:
    nothing of what is around it gets in, and nothing of it out.

    With `gravity=face` the part is the largest face with its margin, with `faces` every one, whatever the other
    arguments are; if the detector does not answer, the request fails. So with `text`, which needs the extra `ocr`.

    A small sigma hides little, and a Gaussian can partly be undone: to hide faces for good use `blur-faces`, for
    anything else `pixelate-region`.
    """
    across, down = sigma * scale.x, sigma * scale.y

    def hide(patch: PixelArray) -> PixelArray:
        return premultiplied(patch, lambda weighted: soften_weighted(weighted, across, down))

    return _hidden(frame, Place(x, y, width, height, gravity), scale, found, hide)


def _hidden(frame: Frame, place: Place, scale: Scale, found: Found, hide: Callable[[PixelArray], PixelArray]) -> Frame:
    """The frame with `hide(patch)` in every area of the place; areas that overlap are hidden one after the other."""
    areas = place.areas(frame.size, scale, found)
    if not areas:
        return frame
    pixels = frame.pixels.copy()
    for left, top, right, bottom in areas:
        pixels[top:bottom, left:right] = hide(pixels[top:bottom, left:right])
    return frame.with_pixels(pixels)
