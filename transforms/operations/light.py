"""Light that a picture asks for: automatic brightness, colour and contrast, fill light, and all of it at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from ..effects import automatic
from ..effects.chroma import vibrant
from ..effects.shadows import filled, lift
from ..effects.sharpness import unsharp
from ..effects.tables import on_colours
from ..effects.tones import Curve, blended, curved, then
from ..image import Frame, Image, Scale
from ..params import Percent
from ..registry import operation


@operation("auto-brightness", example="auto-brightness", scaling="commutes")
def auto_brightness(image: Image, blend: Annotated[int, Percent()] = 100) -> Image:
    """Bring a picture that is too dark or too light to a good exposure; one that is well exposed stays.

    A gamma on the mid-tones, of at most 1.6; black and white stay. `blend` is how much of it is mixed in.
    """
    return _corrected(image, automatic.brightness, blend)


@operation("auto-color", example="auto-color", scaling="commutes")
def auto_color(image: Image, blend: Annotated[int, Percent()] = 100) -> Image:
    """Take away a colour cast: what should be gray becomes gray. Where nothing seems to be gray little changes.

    `blend` is how much of it is mixed in. A gray picture stays as it is.
    """
    return _corrected(image, automatic.colour, blend)


@operation("auto-contrast", example="auto-contrast", scaling="commutes")
def auto_contrast(image: Image, blend: Annotated[int, Percent()] = 100) -> Image:
    """Stretch the light of a dull picture to the full range, its darkest and lightest 0.5 % left aside.

    All colours alike, by at most 2.2 times; a flat picture stays flat. `blend` is how much of it is mixed in.
    """
    return _corrected(image, automatic.contrast, blend)


def _corrected(image: Image, curve_for: automatic.Correction, blend: int) -> Image:
    """One curve for all frames, so that an animation does not flicker."""
    if blend == 0:
        return image
    curve = blended(curve_for(automatic.samples(image)), blend / 100)
    return replace(image, frames=tuple(curved(frame, curve) for frame in image.frames))


@operation("fill-light", example="fill-light:60", scaling="commutes")
def fill_light(
    frame: Frame, blend: Annotated[int, Percent()] = 100, bias: Annotated[int, Percent(-100, 100)] = 0
) -> Frame:
    """Lift the shadows, as a second lamp would; lights stay, and so does the contrast of what lies in the shadows.

    `blend` is how much of it is mixed in; with `bias` more tones count as shadows, or only the deepest where negative.
    """
    if blend == 0:
        return frame
    return frame.with_pixels(filled(frame.pixels, blend / 100, bias / 100))


@dataclass(frozen=True)
class _Manner:
    """How `improve` treats a kind of light."""

    colour: float  # shares of the automatic corrections
    contrast: float
    brightness: float
    fill: float
    vibrance: float
    sharpness: float


_MANNERS = {
    # Daylight is seldom wrong in colour, and evening light is not to be made white.
    "outdoor": _Manner(colour=0.45, contrast=0.8, brightness=0.7, fill=0.25, vibrance=0.22, sharpness=0.5),
    # Lamps are: the cast goes, shadows need more light, and warm skin needs no more colour.
    "indoor": _Manner(colour=1.0, contrast=0.7, brightness=1.0, fill=0.35, vibrance=0.1, sharpness=0.4),
}
_RADIUS, _THRESHOLD = 1.0, 2.0  # sigma in pixels, and levels of noise, of the sharpening


@operation("improve", example="improve:outdoor", scaling="commutes")
def improve(
    image: Image,
    mode: Literal["outdoor", "indoor"] = "outdoor",
    blend: Annotated[int, Percent()] = 100,
    *,
    scale: Scale,
) -> Image:
    """Make a photograph look better: its colour cast, contrast and exposure, some fill light, vibrance and sharpness.

    `indoor` takes the colour of lamps away and lifts the shadows more, `outdoor` does more for contrast and colours.
    `blend` is how much of it is mixed in.
    """
    if blend == 0:
        return image
    share, manner = blend / 100, _MANNERS[mode]
    curve = _curve(automatic.samples(image), manner, share)
    frames = (_finished(curved(frame, curve), manner, share, scale) for frame in image.frames)
    return replace(image, frames=tuple(frames))


def _curve(seen: automatic.Samples, manner: _Manner, share: float) -> Curve:
    """All of them as one, each looking at what the one before it left."""
    curve = blended(automatic.colour(seen, manner.colour), share)
    for correction, part in ((automatic.contrast, manner.contrast), (automatic.brightness, manner.brightness)):
        curve = then(curve, blended(correction(automatic.through(seen, curve)), part * share))
    return then(curve, lift(manner.fill * share))


def _finished(frame: Frame, manner: _Manner, share: float, scale: Scale) -> Frame:
    pixels = frame.pixels
    if frame.channels > 1:
        more = round(manner.vibrance * share, 4)
        pixels = on_colours(pixels, lambda colours: vibrant(colours, more))
    sigma = (_RADIUS * scale.x, _RADIUS * scale.y)
    return frame.with_pixels(unsharp(pixels, manner.sharpness * share, sigma, _THRESHOLD))
