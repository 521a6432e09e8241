"""One picture over another of the same size: W3C Compositing and Blending Level 1, on straight alpha.

https://www.w3.org/TR/compositing-1/: a layer's colour is first blended with what lies below it, as far as that is
opaque (5.8), then laid over it (5.1, source-over). Colours are mixed by their shares of the result, never weighted by
alpha in 8 bits, so that what hardly shows keeps its colour.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from .image import PixelArray
from .modes import to_bgr, to_bgra, to_channels
from .resample import layered, premultiplied

Blend = Literal[
    "normal", "screen", "multiply", "overlay", "mask", "cut-out", "anti-removal", "darken", "lighten", "color-dodge",
    "color-burn", "hard-light", "soft-light", "difference", "exclusion",
]  # fmt: skip
BLENDS: tuple[Blend, ...] = get_args(Blend)

Levels = NDArray[np.floating[Any]]

_TILE = 192  # px a side that are worked on at once: their weights, numbers of four bytes, stay in the cache


def blended(
    under: PixelArray, over: PixelArray, mode: Blend = "normal", strength: int = 50, *, seed: int | None = None
) -> PixelArray:
    """The layer `over` on the picture `under`, both uint8 (h, w, 1|3|4) of one height and width.

    The result has the channels that it needs: gray if both are, alpha if `under` has it or is cut. `mask` shows `under`
    where the layer is bright and opaque (its luma × alpha), `cut-out` where it is transparent. `anti-removal` is
    `normal` with a layer that varies by `strength`, 1 to 100, as `seed` says: see `varied`.
    """
    if under.shape[:2] != over.shape[:2]:
        raise ValueError(f"{over.shape[:2]} is not {under.shape[:2]}")
    if mode == "mask":
        return _cut(under, luma_shown(over))
    if mode == "cut-out":
        return _cut(under, ~alpha_of(over))
    if mode == "anti-removal":
        return blended(under, varied(over, strength, seed_of(under) if seed is None else seed))
    channels = 4 if under.shape[2] == 4 else max(min(over.shape[2], 3), under.shape[2])
    result = np.empty((*under.shape[:2], channels), np.uint8)
    for top in range(0, under.shape[0], _TILE):
        for left in range(0, under.shape[1], _TILE):
            part = slice(top, top + _TILE), slice(left, left + _TILE)
            result[part] = _tile(under[part], over[part], mode, channels)
    return result


def cut_by(under: PixelArray, over: PixelArray) -> PixelArray:
    """The picture where the layer is opaque, BGRA: its alpha times the layer's."""
    return _cut(under, alpha_of(over))


def alpha_of(pixels: PixelArray) -> PixelArray:
    """Alpha as (h, w), 255 where there is none. New."""
    if pixels.shape[2] == 4:
        return pixels[:, :, 3].copy()
    return np.full(pixels.shape[:2], 255, np.uint8)


def luma_shown(pixels: PixelArray) -> PixelArray:
    """(h, w): luma (ITU-R BT.601) times alpha, as CSS Masking's luminance masks."""
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    code = cv2.COLOR_BGRA2GRAY if pixels.shape[2] == 4 else cv2.COLOR_BGR2GRAY
    luma = np.asarray(cv2.cvtColor(pixels, code), np.uint8)
    return luma if pixels.shape[2] == 3 else np.asarray(cv2.multiply(luma, pixels[:, :, 3], scale=1 / 255), np.uint8)


def _cut(under: PixelArray, share: PixelArray) -> PixelArray:
    """BGRA, its alpha times `share` (h, w) of 255."""
    pixels = to_bgra(under)
    pixels = pixels.copy() if pixels is under else pixels
    alpha = share if under.shape[2] != 4 else cv2.multiply(np.ascontiguousarray(under[:, :, 3]), share, scale=1 / 255)
    pixels[:, :, 3] = alpha
    return pixels


def _tile(below: PixelArray, above: PixelArray, mode: Blend, channels: int) -> PixelArray:
    """A tile of the result; most of a layer is wholly transparent or wholly opaque, and costs next to nothing."""
    if above.shape[2] == 4 and not above[:, :, 3].any():
        return to_channels(below, channels)
    if mode != "normal":
        above = _mingled(below, above, mode)
    if above.shape[2] == 4 and int(above[:, :, 3].min()) == 255:
        return above if channels == 4 else to_bgr(above)
    return _laid(below, above, channels)


def _laid(below: PixelArray, above: PixelArray, channels: int) -> PixelArray:
    """Source-over: `above` weighs its alpha, `below` what that leaves of its own; both of 255²."""
    colours = min(channels, 3)
    if above.shape[2] != 4:
        return to_channels(above, channels)
    shown = above[:, :, 3].astype(np.float32) * np.float32(255)
    left = np.float32(65025) - shown
    if below.shape[2] == 4:
        left *= below[:, :, 3].astype(np.float32) * np.float32(1 / 255)
    # What is wholly transparent keeps the hidden colour of `below`.
    mixed = cv2.blendLinear(_colours(above, colours), _colours(below, colours), shown, left + np.float32(0.05))
    if channels != 4:
        return layered(mixed)
    return layered(cv2.merge([mixed, cv2.convertScaleAbs(shown + left, alpha=1 / 255)]))


def _colours(pixels: PixelArray, channels: int) -> PixelArray:
    return pixels if pixels.shape[2] == channels else to_bgr(pixels)


def _mingled(below: PixelArray, above: PixelArray, mode: Blend) -> PixelArray:
    """`above` with its colours blended with those below, as far as there are any: (1 - αb) Cs + αb B(Cb, Cs)."""
    channels = 3 if max(below.shape[2], above.shape[2]) > 1 else 1
    source = _colours(above, channels)
    index = _colours(below, channels).astype(np.uint16)
    index <<= 8
    index |= source
    mixed = np.take(_table(mode), index)
    if below.shape[2] == 4:
        backed = below[:, :, 3].astype(np.float32)
        mixed = layered(cv2.blendLinear(mixed, source, backed, 255 - backed))
    return mixed if above.shape[2] != 4 else layered(cv2.merge([mixed, above[:, :, 3]]))


def _multiply(below: Levels, above: Levels) -> Levels:
    return below * above


def _screen(below: Levels, above: Levels) -> Levels:
    return below + above - below * above


def _hard_light(below: Levels, above: Levels) -> Levels:
    return np.where(above <= 0.5, _multiply(below, 2 * above), _screen(below, 2 * above - 1))


def _dodge(below: Levels, above: Levels) -> Levels:
    with np.errstate(divide="ignore", invalid="ignore"):
        lit = np.minimum(1, below / (1 - above))
    return np.where(below == 0, 0, np.where(above == 1, 1, lit))


def _soft_light(below: Levels, above: Levels) -> Levels:
    dark = ((16 * below - 12) * below + 4) * below
    toward = np.where(below <= 0.25, dark, np.sqrt(below))
    darker = below - (1 - 2 * above) * below * (1 - below)
    return np.where(above <= 0.5, darker, below + (2 * above - 1) * (toward - below))


_FORMULAS: dict[str, Callable[[Levels, Levels], Levels]] = {
    "multiply": _multiply,
    "screen": _screen,
    "overlay": lambda below, above: _hard_light(above, below),
    "darken": np.minimum,
    "lighten": np.maximum,
    "color-dodge": _dodge,
    "color-burn": lambda below, above: 1 - _dodge(1 - below, 1 - above),
    "hard-light": _hard_light,
    "soft-light": _soft_light,
    "difference": lambda below, above: np.abs(below - above),
    "exclusion": lambda below, above: below + above - 2 * below * above,
}
"""B(Cb, Cs) of the separable modes, 9.1, in [0, 1]."""


@cache
def _table(mode: Blend) -> PixelArray:
    """All 65536 answers, at 256 × backdrop + source: one look-up costs as much in every mode."""
    below, above = (np.arange(65536) >> 8) / 255, (np.arange(65536) & 255) / 255
    table: PixelArray = np.rint(_FORMULAS[mode](below, above).clip(0, 1) * 255).astype(np.uint8)
    return table


def seed_of(under: PixelArray) -> int:
    """A number that differs from picture to picture and is the same for the same one."""
    return zlib.crc32(np.ascontiguousarray(cv2.resize(under, (8, 8), interpolation=cv2.INTER_AREA)).tobytes())


def varied(over: PixelArray, strength: int, seed: int) -> PixelArray:
    """The layer, slightly different for each `seed`: up to strength / 100 px and strength / 8 levels off.

    A mark that is the same on many pictures can be estimated from them and subtracted; one that varies in place and
    colour leaves its edges behind (Dekel et al., On the Effectiveness of Visible Watermarks, CVPR 2017).
    """
    box = cv2.boundingRect(alpha_of(over))
    left, top, width, height = box
    if not (width and height):
        return over
    part = over[top : top + height, left : left + width]
    random = np.random.default_rng(seed)
    moves = [_waves(random, height, width) * np.float32(strength / 100) for _ in range(2)]
    across = moves[0] + np.arange(width, dtype=np.float32)
    down = moves[1] + np.arange(height, dtype=np.float32)[:, np.newaxis]
    part = premultiplied(
        part, lambda given: cv2.remap(given, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )
    result = over.copy()
    result[top : top + height, left : left + width] = _recoloured(part, random, strength / 8)
    return result


def _recoloured(part: PixelArray, random: np.random.Generator, levels: float) -> PixelArray:
    planes = list(cv2.split(part))
    for channel in range(min(part.shape[2], 3)):
        change = _waves(random, *part.shape[:2]) * np.float32(levels)
        planes[channel] = cv2.add(planes[channel], change, dtype=cv2.CV_8U)
    return layered(cv2.merge(planes))


def _waves(random: np.random.Generator, height: int, width: int) -> Levels:
    """Smooth noise (h, w) in [-1, 1], its hills some 16 px wide."""
    coarse = random.uniform(-1, 1, (height // 16 + 2, width // 16 + 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
