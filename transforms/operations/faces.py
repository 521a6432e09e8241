"""Faces: cut around them, or make them unrecognisable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import atan2, ceil, cos, degrees, floor, radians, sqrt
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from ..attention import best_window, closeup
from ..failure import bad_argument
from ..geometry import around, largest, nominal, resampled, taken
from ..image import Box, Found, Frame, Image, PixelArray, Region, Scale, Size
from ..level import Tilted, cut_level, moved
from ..numbered import nth
from ..params import Dimensions, Int, IntOr, Ratio
from ..registry import operation
from ..resample import enlarge, mix, mosaic, shrink
from ..sizes import Wanted, WantedRatio, exactly, magnified
from ..worth import head_of

Which = Annotated[int | str, IntOr(Int(1, 100), ("largest", "all"))]
Align = Literal["none", "eyes"]


def _chosen(found: Found, which: int | str) -> tuple[Region, ...]:
    """The faces to cut around; raises Failure face-not-found where a number is asked for that there is not."""
    faces = tuple(sorted(found.faces, key=lambda face: (-face.box.area, -face.score)))
    if isinstance(which, int):
        return (nth(faces, which, "face", found),)
    return faces if which == "all" else faces[:1]


def _window(before: Size, after: Size, found: Found, which: int | str, zoom: float, fallback: str) -> Box:
    """The part of the picture to show, in fractions; always of the ratio of `after`."""
    widest, highest = largest(Fraction(after.width, after.height), before)
    faces = _chosen(found, which)
    if faces:
        return closeup(faces, widest, highest, zoom)
    return best_window(found, widest, highest) if fallback == "smart" else around((0.5, 0.5), widest, highest)


def _levelled(before: Size, after: Size, found: Found, which: int | str, zoom: float) -> Tilted | None:
    """The window that stands as the face does, in pixels; None where that is upright, or there is no face.

    It holds as much as one that is not turned. Where its corners would leave the picture it is moved in and made
    smaller as far as the face allows, and stays there otherwise.
    """
    face = next(iter(_chosen(found, which)), None)
    angle = tilt(face, before) if face else 0.0
    if face is None or angle == 0:
        return None
    across, down = face.box.width * before.width, face.box.height * before.height
    if abs(cos(radians(angle))) < sqrt(0.5):  # boxes are drawn upright: it lies on its side
        across, down = down, across
    middle = face.box.centre[0] * before.width, face.box.centre[1] * before.height
    room = head_of(Box(-across / 2, -down / 2, across, down))
    width = max(room.width, room.height * after.width / after.height) / zoom
    window = moved(Tilted(*middle, width, width * after.height / after.width, angle), *room.centre)
    inside = window.within(before)
    if inside.shows(*middle, across, down):
        return inside
    fits = min(1.0, before.width / window.width, before.height / window.height)
    return replace(window, width=window.width * fits, height=window.height * fits)


def tilt(face: Region, picture: Size) -> float:
    """By how many degrees the line from eye to eye falls to the right; 0 where no eyes were found."""
    points = {name: (x * picture.width, y * picture.height) for name, x, y in face.points}
    if not {"right_eye", "left_eye"} <= points.keys():
        return 0.0
    (x0, y0), (x1, y1) = points["right_eye"], points["left_eye"]  # the person's own right is on the left
    return 0.0 if (x0, y0) == (x1, y1) else degrees(atan2(y1 - y0, x1 - x0))


def _faced(
    before: Size, size: Dimensions, which: int | str, align: Align, ratio: Fraction | None, **_: object
) -> Size:  # fmt: skip
    if align == "eyes" and which == "all":
        raise bad_argument(
            "align=eyes needs one face, whose eyes come level", hint="leave which=all out", argument="align"
        )  # fmt: skip
    return exactly(before, size, ratio)


def _detail(
    before: Size, found: Found | None, size: Dimensions, zoom: float, which: int | str, fallback: str,
    ratio: Fraction | None, padding: float, align: Align,
) -> float | None:  # fmt: skip
    if found is None:
        return None
    after, zoom = exactly(before, size, ratio), zoom / (1 + 2 * padding)
    if isinstance(which, int) and len(found.faces) < which:
        return 0.0  # nothing will be shown
    level = _levelled(before, after, found, which, zoom) if align == "eyes" else None
    if level:
        return max(after.width / level.width, after.height / level.height)
    window = _window(before, after, found, which, zoom, fallback)
    return magnified(before, after, window.width, window.height)


def _eyes(which: int | str, align: Align, **_: object) -> frozenset[str]:
    """Who wants only the largest face has a quicker look at it; one that lies on its side it shows askew."""
    return frozenset({"largest-face" if which == "largest" and align == "none" else "faces"})


def _more_eyes(found: Found, which: int | str, fallback: str, align: Align, **_: object) -> frozenset[str]:
    """Where the first look found no face: a thorough one, and a map of what else may matter."""
    if found.faces or isinstance(which, int):
        return frozenset()
    thorough = {"faces"} if _eyes(which, align) == {"largest-face"} else set()
    return frozenset(thorough) | frozenset({"saliency"} if fallback == "smart" else ())


@operation(
    "face-crop",
    example="face-crop:200x200,zoom=0.8",
    needs=_eyes,
    then=_more_eyes,
    size=_faced,
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
    padding: Annotated[float, Ratio(0, 10)] = 0.0,
    align: Align = "none",
    *,
    scale: Scale,
    found: Found,
) -> Image:
    """Cut around the face, in the ratio of the wanted size, then scale to exactly that size.

    The window has room for the whole head: at zoom 1 the face is about 55 % as high as a square window, `zoom=2` shows
    half as much, `zoom=0.5` twice as much. `padding` adds so much of that room on each side: `padding=0.5` shows twice
    as much, as `zoom=0.5` does, and both together four times. The window is moved into the picture, and made smaller
    where the picture is. Small faces are enlarged.

    `which` takes the `largest` face, `all` of them, or by a number the nth by size: 1 is the largest, and a number
    beyond those that were found is 422 `face-not-found` with how many there are. Without a face `largest` and `all`
    take the largest window of that ratio, at the best place (`fallback=smart`) or in the middle (`fallback=center`).

    `align=eyes` turns the picture so that the line between the eyes is level, by whatever angle. A window whose corners
    would leave the picture is moved in and made smaller; where that would cut the face, it stays, and what it shows
    beyond the edge is the picture mirrored. Of an animation the first frame decides for all. A face whose eyes were not
    found stays as it is.
    """
    before = nominal(image.size, scale)
    after, zoom = _faced(before, size, which, align, ratio), zoom / (1 + 2 * padding)
    level = _levelled(before, after, found, which, zoom) if align == "eyes" else None
    if level:
        return resampled(cut_level(image, level.scaled(scale.x, scale.y)), after)
    return taken(image, _window(before, after, found, which, zoom, fallback), after)


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
