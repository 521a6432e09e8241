"""Faces: cut around them, or make them unrecognisable."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from ..attention import best_window, closeup, largest_of
from ..geometry import around, largest, nominal, taken
from ..image import Box, Found, Frame, Image, PixelArray, Scale, Size
from ..params import Dimensions, Int, Ratio
from ..registry import operation
from ..resample import enlarge, mix, mosaic, shrink
from ..sizes import Wanted, WantedRatio, exactly

Which = Literal["largest", "all"]


def _window(before: Size, after: Size, found: Found, zoom: float, which: Which, fallback: str) -> Box:
    """The part of the picture to show, in fractions; always of the ratio of `after`."""
    ratio = Fraction(after.width, after.height)
    widest, highest = largest(ratio, before)
    faces = found.faces
    if not faces:
        return best_window(found, widest, highest) if fallback == "smart" else around((0.5, 0.5), widest, highest)
    return closeup(faces if which == "all" else (largest_of(faces),), widest, highest, zoom)


def _detail(
    before: Size, found: Found | None, size: Dimensions, zoom: float, which: Which, fallback: str,
    ratio: Fraction | None,
) -> float | None:  # fmt: skip
    if found is None:
        return None
    after = exactly(before, size, ratio)
    window = _window(before, after, found, zoom, which, fallback)
    return max(after.width / (window.width * before.width), after.height / (window.height * before.height))


def _eyes(which: Which, **_: object) -> frozenset[str]:
    return frozenset({"largest-face" if which == "largest" else "faces"})


def _more_eyes(found: Found, which: Which, fallback: str, **_: object) -> frozenset[str]:
    """Where the first look found no face: a thorough one, and a map of what else may matter."""
    if found.faces:
        return frozenset()
    return frozenset({"faces"} if which == "largest" else ()) | frozenset({"saliency"} if fallback == "smart" else ())


@operation(
    "face-crop",
    example="face-crop:200x200,zoom=0.8",
    needs=_eyes,
    then=_more_eyes,
    size=exactly,
    scaling="absorbs",
    detail=_detail,
)
def face_crop(
    image: Image,
    size: Wanted,
    zoom: Annotated[float, Ratio(0.1, 10)] = 1.0,
    which: Which = "largest",
    fallback: Literal["smart", "center"] = "smart",
    ratio: WantedRatio = None,
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Cut around the face, in the ratio of the wanted size, then scale to exactly that size.

    The window has room for the whole head: at zoom 1 the face is about 55 % as high as a square window, `zoom=2` shows
    half as much, `zoom=0.5` twice as much. It is moved into the picture, and made smaller where the picture is. `which`
    takes the largest face or all of them. Without a face the window is the largest of that ratio, at the best place
    (`fallback=smart`) or in the middle (`fallback=center`). Small faces are enlarged.
    """
    before = nominal(image.size, scale)
    after = exactly(before, size, ratio)
    return taken(image, _window(before, after, found, zoom, which, fallback), after)


# Redaction. What is left of a face are the means of n × n blocks: no more than n² colours, however they are looked at.

PAD = 0.4  # longer sides than the detector's box, which leaves out hair, ears and a face that turns
SMALLEST_BLOCK = 4  # px; small faces would else be left as they are
SOFT_BLOCKS = 2.0  # along the longer side of a face: a detector at 0.5 then finds 1 of 32 faces again, 12 at 4, 30 at 6
MOST_SOFT_BLOCKS = 3.0
OVAL = 1.56  # sides of the oval to those of the detector's box, whose corners it just covers at 1.42
FADE = 1.25  # where the blur has faded out, in sides of the oval


@operation("blur-faces", example="blur-faces", needs={"all-faces"}, scaling="commutes", closed=True)
def blur_faces(frame: Frame, strength: Annotated[float, Ratio(0.1, 10)] = 1.0, *, found: Found) -> Frame:
    """Make every face unrecognisable by a blur.

    Not a filter that could be undone: the face and what is around it become a few mean colours, drawn softly in an
    oval that covers more than the face. More strength means fewer colours, less never more than 3 along a face. If the
    detector does not answer, the request fails.
    """
    blocks = min(MOST_SOFT_BLOCKS, SOFT_BLOCKS / strength)
    return _redacted(frame, found, OVAL * FADE - 1, lambda patch, face: _softened(patch, face, blocks))


@operation("pixelate-faces", example="pixelate-faces:6", needs={"all-faces"}, scaling="commutes", closed=True)
def pixelate_faces(frame: Frame, blocks: Annotated[int, Int(2, 8)] = 5, *, found: Found) -> Frame:
    """Make every face unrecognisable by large pixels, `blocks` of them along the longer side of a face with its margin.

    Each is the mean colour of what it covers. At 5 a detector still takes 4 of 32 for faces, at 8 it takes 10,
    and friends may begin to recognise somebody. If the detector does not answer, the request fails.
    """
    return _redacted(frame, found, PAD, lambda patch, _: mosaic(patch, *_grid(patch, max(patch.shape[:2]) / blocks)))


def _redacted(frame: Frame, found: Found, margin: float, hide: Callable[[PixelArray, Box], PixelArray]) -> Frame:
    """The frame with `hide(patch, box of the face in pixels of the patch)` in place of each face and its margin."""
    size, pixels = frame.size, frame.pixels.copy()
    for box in (region.box for region in found.by("all-faces")):
        left, top, right, bottom = _area(box.grown(margin), size)
        patch = pixels[top:bottom, left:right]
        if patch.size:
            face = Box(box.x * size.width - left, box.y * size.height - top,
                       box.width * size.width, box.height * size.height)  # fmt: skip
            pixels[top:bottom, left:right] = hide(patch, face)
    return frame.with_pixels(pixels)


def _area(box: Box, size: Size) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the whole pixels that the box touches."""
    return (
        max(0, floor(box.x * size.width)), max(0, floor(box.y * size.height)),
        min(size.width, ceil(box.right * size.width)), min(size.height, ceil(box.bottom * size.height)),
    )  # fmt: skip


def _grid(patch: PixelArray, block: float) -> tuple[int, int]:
    """Columns and rows of blocks at least that large."""
    block = max(block, SMALLEST_BLOCK)
    return max(1, floor(patch.shape[1] / block)), max(1, floor(patch.shape[0] / block))


def _softened(patch: PixelArray, face: Box, blocks: float) -> PixelArray:
    columns, rows = _grid(patch, max(face.width, face.height) / blocks)
    soft = enlarge(shrink(patch, Size(columns, rows)), Size(patch.shape[1], patch.shape[0]))
    return mix(soft, patch, _oval(face, patch.shape[1], patch.shape[0]))


def _oval(face: Box, width: int, height: int) -> NDArray[np.float32]:
    """1 on every pixel that the oval around the face touches, falling to 0 outside it."""
    x, y = face.centre
    across = (np.abs(np.arange(width) + 0.5 - x) - 0.5) / (face.width / 2 * OVAL)
    down = (np.abs(np.arange(height) + 0.5 - y) - 0.5) / (face.height / 2 * OVAL)
    level = np.hypot(across.clip(0)[np.newaxis, :], down.clip(0)[:, np.newaxis])
    share: NDArray[np.float32] = ((FADE - level) / (FADE - 1)).clip(0, 1).astype(np.float32)
    return share
