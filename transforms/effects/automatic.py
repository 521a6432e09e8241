"""Corrections that a picture asks for by itself, as tone curves: colour cast, contrast and brightness.

All are bounded, and fade out where there is too little to go by: a good photograph hardly changes, and the noise of a
flat picture is not blown up. They look at all frames together, so that an animation does not flicker.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, log

import numpy as np
from numpy.typing import NDArray

from ..image import Image, PixelArray
from ..modes import to_bgr
from .chroma import LUMA
from .tones import LEVELS, Curve, power, then, times

Samples = NDArray[np.float32]
"""Pixels that are seen, levels 0 to 255: (n, 1) gray or (n, 3) BGR."""

Correction = Callable[[Samples], Curve]

_SAMPLES = 20_000  # that are looked at, at most: a 0.5 % tail has 100 of them; 3 ms for a picture of any size
_FRAMES = 16
_STRETCH = 2.2  # the most that contrast grows
_LIGHTER, _DARKER = 1.6, 0.75  # gammas
_DARK, _LIGHT = 95.0, 160.0  # levels of the middle between which a picture is well exposed
_CAST = 1.7  # the most that a colour gains: tungsten light seen as daylight wants 1.5 to 1.7 of blue
_HARMLESS = 0.03  # of a gain's logarithm: what nobody takes for a cast, and pleasant warmth, stays
_NEUTRAL = 0.13  # saturation, once the bright parts are white, up to which a pixel counts as gray


def samples(image: Image) -> Samples:
    """Every n-th pixel of every m-th frame that is more than half opaque; none where all is transparent."""
    frames = image.frames[:: ceil(len(image.frames) / _FRAMES)]
    step = ceil((image.size.pixels * len(frames) / _SAMPLES) ** 0.5)
    gray = all(frame.channels == 1 for frame in image.frames)
    return np.concatenate([_seen(frame.pixels[::step, ::step], gray) for frame in frames])


def _seen(pixels: PixelArray, gray: bool) -> Samples:
    shown = pixels[pixels[:, :, 3] > 127][np.newaxis] if pixels.shape[2] == 4 else pixels
    if shown.size == 0:
        return np.empty((0, 1 if gray else 3), np.float32)
    colours = shown if gray else to_bgr(np.ascontiguousarray(shown))
    return colours.reshape(-1, colours.shape[2]).astype(np.float32)


def through(seen: Samples, curve: Curve) -> Samples:
    """The samples as a curve makes them, looked up at the nearest level: 10 times as fast as in between."""
    levels = np.rint(seen).astype(np.intp)
    planes = curve if curve.ndim == 2 else curve[:, np.newaxis].repeat(seen.shape[1], axis=1)
    return np.asarray(np.take_along_axis(planes, levels, axis=0), np.float32)


def contrast(seen: Samples) -> Curve:
    """Luma from its 0.5 % to its 99.5 % percentile stretched to all levels, by at most _STRETCH, colours alike.

    The percentiles are those of ImageMagick's -contrast-stretch and of GIMP's stretch; where the picture has fewer than
    64 levels of its own the stretch gets less, under 16 there is none.
    """
    if not len(seen):
        return LEVELS.copy()
    low, high = np.percentile(_luma(seen), (0.5, 99.5))
    wanted = 255 / max(high - low, 1.0)
    if wanted <= 1.001:
        return LEVELS.copy()
    factor = 1 + (min(wanted, _STRETCH) - 1) * _trust(seen)
    still = 255 * low / (255 - (high - low))  # the level that the full stretch leaves in its place
    return np.asarray(((LEVELS - still) * factor + still).clip(0, 255), np.float64)


def brightness(seen: Samples) -> Curve:
    """A gamma towards a mid-tone where the picture is too dark or too light; what is nearly black or white has no say.

    The middle is the mean luma of what is left, which goes to the nearer edge of what counts as well exposed. A light
    picture that has its blacks, such as a page or a product on white, is as it should be.
    """
    luma = _luma(seen)
    tones = luma[(luma > 8) & (luma < 247)]
    if len(tones) < 0.02 * len(luma) or not len(tones):
        return LEVELS.copy()
    middle = float(tones.mean())
    wanted = min(max(middle, _DARK), _LIGHT)
    gamma = min(max(log(middle / 255) / log(wanted / 255), _DARKER), _LIGHTER)
    trust = _trust(seen) * (1 if gamma > 1 else _smooth(float(np.percentile(luma, 2)), 40, 100))
    return power(exp(log(gamma) * trust))


def colour(seen: Samples, share: float = 1.0) -> Curve:
    """Gains for blue, green and red (a von Kries balance) that turn what should be gray into gray; luma is kept.

    What should be gray: pixels that are nearly so once the brightest parts are taken for white, as far as these are
    not coloured themselves (white patch, then gray world over gray candidates: Huo et al., Robust Automatic White
    Balance Algorithm using Gray Color Points, 2006). Where there are few of them the correction fades out. Gains are
    at least 1, as in dcraw, so that no clipped white gets a colour; a gamma then takes the light back.
    """
    if seen.shape[1] == 1 or not len(seen):
        return LEVELS.copy()
    gains = _gains(seen, share)
    lifted = np.stack([times(gain) for gain in gains], axis=1)
    before, after = (float(_luma(colours).mean()) / 255 for colours in (seen, through(seen, lifted)))
    if not (0 < before < 1 and 0 < after < 1):
        return lifted
    return then(lifted, power(log(after) / log(before)))


def _gains(seen: Samples, share: float) -> NDArray[np.float64]:
    relative = seen / _white(seen)
    luma = _luma(seen)
    weight = np.exp(-((_saturation(relative) / _NEUTRAL) ** 2)) * ((luma > 25) & (seen.max(axis=1) < 250))
    total = float(weight.sum())
    if total < 1:
        return np.ones(3)
    gray = np.asarray(weight @ seen / total, np.float64)
    cast = np.log(gray / np.exp(np.log(gray).mean()))
    trust = _smooth(total / len(seen), 0.02, 0.12) * _trust(seen) * _plausible(cast) * _unlike_white(seen) * share
    largest = float(cast.max() - cast.min())
    wanted = min(max(largest - _HARMLESS, 0.0) * trust, log(_CAST))
    return np.asarray(np.exp((cast.max() - cast) * wanted / max(largest, 1e-9)), np.float64)


def _plausible(cast: NDArray[np.float64]) -> float:
    """Lamps and skies are orange to blue; what is far on the way to green or magenta is paint (half of it from 0.2)."""
    tint = abs(float(cast[1]) - float(cast[0] + cast[2]) / 2)
    return 1 - _smooth(tint, 0.08, 0.32)


def _unlike_white(seen: Samples) -> float:
    """1 where nothing is white already; where a tenth of the picture is, there is hardly a cast."""
    return 1 - 0.9 * _smooth(float((seen.min(axis=1) > 242).mean()), 0.01, 0.1)


def _white(seen: Samples) -> NDArray[np.float64]:
    """The colour of the brightest twentieth that is not clipped, brightest channel 1; white where it is colourful."""
    open_ = seen[seen.max(axis=1) < 252]
    if len(open_) < 20:
        return np.ones(3)
    luma = _luma(open_)
    bright = open_[luma >= np.percentile(luma, 95)].mean(axis=0).astype(np.float64)
    bright /= max(bright.max(), 1.0)
    trusted = 1 - _smooth(1 - float(bright.min()), 0.45, 0.7)
    return np.asarray(np.maximum(bright, 0.05) ** trusted, np.float64)


def _luma(seen: Samples) -> NDArray[np.float64]:
    return np.asarray(seen[:, 0] if seen.shape[1] == 1 else seen @ LUMA, np.float64)


def _saturation(colours: NDArray[np.floating]) -> NDArray[np.float64]:
    most = colours.max(axis=1)
    return np.asarray((most - colours.min(axis=1)) / np.maximum(most, 1), np.float64)


def _trust(seen: Samples) -> float:
    """0 for a flat picture, 1 for one with a range of 64 levels: less than 16 levels may be nothing but noise."""
    low, high = np.percentile(_luma(seen), (1, 99))
    return _smooth(float(high - low), 16, 64)


def _smooth(value: float, low: float, high: float) -> float:
    """0 below, 1 above, without a corner in between (smoothstep)."""
    part = min(max((value - low) / (high - low), 0.0), 1.0)
    return part * part * (3 - 2 * part)
