"""Another colour scheme, such as a dark one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from ..effects.tables import on_colours
from ..effects.theming import Theme, graphic, ground_of
from ..image import Image
from ..params import Colour, ColourText, Int
from ..registry import operation


@operation("theme", example="theme:222222")
def theme(
    image: Image,
    color: Annotated[Colour, ColourText()],
    photosensitivity: Annotated[int, Int(0, 200)] = 100,
) -> Image:
    """Give a graphic or a screenshot another background colour, as a dark or light theme does.

    The colour that covers most becomes `color`, what stands on it keeps its contrast to it: black on white becomes
    white on black. Photographs in it stay as they are: with `photosensitivity` 0 nothing is taken for one, with 200 all
    is, and nothing changes. An animation is measured by its first frame. The alpha of `color` weakens the change.
    """
    ground = ground_of(image.frames[0].pixels)
    if ground is None or photosensitivity == 200 or color.alpha == 0:
        return image
    change = Theme(ground, color)
    where = graphic(image.frames[0].pixels, ground, photosensitivity)
    changed = (on_colours(frame.pixels, lambda pixels: change.applied(pixels, where)) for frame in image.frames)
    return replace(image, frames=tuple(f.with_pixels(p) for f, p in zip(image.frames, changed, strict=True)))
