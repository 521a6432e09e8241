"""The colours that a result is written in, where the steps ask for others than sRGB."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image as Pillow

from . import colour
from .carried import Carried
from .failure import Failure, Kind
from .image import Image
from .modes import flatten, to_bgr
from .output import TRAITS, Output, OutputFormat


@dataclass(frozen=True)
class Sheet:
    """A picture as it is written: `image`, or `cmyk` in its place, and what stands beside the pixels."""

    image: Image
    beside: Carried
    cmyk: Pillow.Image | None = None


def wants_inks(output: Output, carried: Carried) -> bool:
    """Whether the result is to be in CMYK."""
    if output.colorspace == "copy":
        return carried.inks and colour.writable_space(carried.profile) == "CMYK"
    return output.colorspace == "cmyk" or (output.colorspace == "keep_cmyk" and carried.inks)


def inked(image: Image, name: OutputFormat, output: Output, carried: Carried) -> Sheet:
    """The picture in the colours that are asked for; raises Failure colorspace-not-in-format."""
    beside = replace(carried, profile=None) if TRAITS[name].metadata else Carried()
    space = colour.writable_space(carried.profile)
    if wants_inks(output, carried):
        _demand(TRAITS[name].inks, name, "CMYK")
        profile = carried.profile if output.colorspace != "cmyk" and space == "CMYK" else None
        flat = to_bgr(flatten(image.frames[0].pixels, output.background))
        return Sheet(image, replace(beside, profile=profile), colour.to_inks(flat, profile))
    if output.colorspace == "copy" and carried.profile and (space == "RGB" or (space == "GRAY" and _is_gray(image))):
        _demand(TRAITS[name].profile, name, "a colour profile")
        return Sheet(_in(image, carried.profile), replace(beside, profile=carried.profile))
    if output.profile and TRAITS[name].profile:
        return Sheet(_coloured(image), replace(beside, profile=colour.srgb_profile()))
    return Sheet(image, beside)


def _is_gray(image: Image) -> bool:
    return all(frame.channels == 1 for frame in image.frames)


def _in(image: Image, profile: bytes) -> Image:
    return replace(image, frames=tuple(f.with_pixels(colour.from_srgb(f.pixels, profile)) for f in image.frames))


def _coloured(image: Image) -> Image:
    """A profile of three colours does not go with gray samples."""
    return replace(image, frames=tuple(f if f.channels == 4 else f.with_pixels(to_bgr(f.pixels)) for f in image.frames))


def _demand(holds: bool, name: OutputFormat, what: str) -> None:
    if not holds:
        fitting = [name for name, traits in TRAITS.items() if (traits.inks if what == "CMYK" else traits.profile)]
        raise Failure(
            Kind.UNPROCESSABLE, "colorspace-not-in-format", f"{name.upper()} cannot hold {what}",
            hint=f"formats that can: {', '.join(fitting)}", details={"format": name, "formats": fitting},
        )  # fmt: skip
