"""Layers: another picture over or under the picture, with steps of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from ..blending import BLENDS, Blend
from ..geometry import resampled
from ..image import Found, Image, Size
from ..layers import Layer
from ..params import Choice, Dimensions, Focus, Gravity, Int, Length, Offset, Percent, WxH
from ..picture import Picture, PictureName
from ..placing import MIXINGS, Mixing, Overflow, Placement, check_size, eyes_of, keeps_size, laid, more_eyes_of
from ..registry import operation
from ..sizes import fitted, side

Named = Annotated[Picture | None, PictureName()]
Held = Annotated[str | Focus, Gravity(auto=False)]
Away = Annotated[Length, Offset()]
Sides = Annotated[Dimensions | None, WxH()]
Blended = Annotated[Mixing, Choice(MIXINGS)]
Strength = Annotated[int, Int(1, 100)]
Opacity = Annotated[int, Percent(0, 100)]


def _picture_of(layer: Layer, size: Dimensions | None, region: Size) -> Image:
    picture = layer.picture(region)
    if size is None:
        return picture
    before = picture.size
    width, height = side(size.width, region.width), side(size.height, region.height)
    wide = Fraction(width) if width else Fraction(before.width * height, before.height)
    high = Fraction(height) if height else Fraction(before.height * width, before.width)
    after = fitted(before, wide, high, enlarge=True)
    check_size(after, layer.limits)
    return resampled(picture, after)


@operation(
    "overlay", example="overlay:logo.png,gravity=south_east,x=10,y=10,size=0.2x", needs=eyes_of, then=more_eyes_of,
    exact=keeps_size,
)  # fmt: skip
def overlay(
    image: Image,
    picture: Named = None,
    gravity: Held = "center",
    x: Away = 0,
    y: Away = 0,
    size: Sides = None,
    overflow: Overflow = "clip",
    blend: Blended = "normal",
    strength: Strength = 50,
    opacity: Opacity = 100,
    tile: bool = False,
    cutter: bool = False,
    *,
    found: Found,
    layer: Layer,
) -> Image:
    """Lay another picture over the picture. Steps for it alone follow, up to `end`: `overlay:logo.png/grayscale/end`.

    `picture` is a file (`marks:logo.png`, with `:` for `/`), a public id (`id:marks:logo`) or a URL, from where sources
    may come from. Left out, the layer begins as nothing, for a text: `overlay:gravity=south/text:Hello/rotate:10/end`.
    Its steps may reckon with `bw` and `bh`, the sides of the picture below, and `rw` and `rh`, those of the region that
    it belongs to. `gravity` puts it at an edge, a corner, a point, the largest face, each of the `faces`, or a thing
    such as `cat`; where nothing is found it is put in the middle, but on no face with `faces`. `x` and `y` move it
    inwards, `size` scales it into a box; fractions are of the region: the picture, or the face. What passes the edge is
    cut off, unless `overflow` lets the picture `grow` or the request be refused. `blend` are the modes of W3C
    compositing; `mask` shows the picture only where the layer is bright, `cut-out` takes the layer's shape away,
    `displace` moves pixels by up to `x` and `y` as red and green say, `anti-removal` varies the layer by `strength`, so
    that it cannot be subtracted. `tile` repeats it, with `x` and `y` in between; `cutter` keeps of the picture what the
    layer covers. Of an animated layer the first frame is shown.
    """
    place = Placement(gravity, x, y, overflow, blend, strength, opacity, tile, cutter)
    return laid(image, lambda region: _picture_of(layer, size, region), place, found, layer.limits)


@operation(
    "underlay", example="underlay:paper.jpg,size=1.0x1.0", needs=eyes_of, then=more_eyes_of, exact=keeps_size,
)  # fmt: skip
def underlay(
    image: Image,
    picture: Named = None,
    gravity: Held = "center",
    x: Away = 0,
    y: Away = 0,
    size: Sides = None,
    overflow: Overflow = "clip",
    blend: Annotated[Blend, Choice(BLENDS)] = "normal",
    strength: Strength = 50,
    opacity: Opacity = 100,
    tile: bool = False,
    cutter: bool = False,
    *,
    found: Found,
    layer: Layer,
) -> Image:
    """Lay another picture under the picture, to be seen where that is transparent; steps for it follow, up to `end`.

    The arguments `picture`, `gravity`, `x`, `y`, `size` and so on are those of `overlay`; `blend` says how the picture
    is mixed with what lies under it. With `overflow=grow` the result is as large as both together.
    """
    place = Placement(gravity, x, y, overflow, blend, strength, opacity, tile, cutter, under=True)
    return laid(image, lambda region: _picture_of(layer, size, region), place, found, layer.limits)
