"""Text on the picture."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..image import Found, Frame, Image, Size
from ..letters.lettering import drawn
from ..letters.writing import Alignment, Antialias, FontName, Hinting, TextBox, Weight, Wording, Writing
from ..limits import Limits
from ..params import BLACK, TRANSPARENT, Colour, ColourText, Float, Focus, Gravity, Length, Offset, Percent, Pixels
from ..placing import Overflow, Placement, eyes_of, keeps_size, laid, more_eyes_of
from ..registry import operation

NOTHING = Size(1, 1)


@operation(
    "text", example="text:Hello,size=20,color=white,stroke=2,gravity=south", needs=eyes_of, then=more_eyes_of,
    exact=keeps_size,
)  # fmt: skip
def text(
    image: Image,
    words: Annotated[str, Wording()],
    font: Annotated[str, FontName()] = "Arial",
    size: Annotated[int, Pixels(1, 1000)] = 40,
    weight: Annotated[int, Weight()] = 400,
    italic: bool = False,
    underline: bool = False,
    strikethrough: bool = False,
    color: Annotated[Colour, ColourText()] = BLACK,
    background: Annotated[Colour, ColourText()] = TRANSPARENT,
    stroke: Annotated[int, Pixels(0, 200)] = 0,
    stroke_color: Annotated[Colour, ColourText()] = BLACK,
    align: Alignment = "start",
    letter_spacing: Annotated[float, Float(-1000, 1000, "px")] = 0.0,
    line_spacing: Annotated[float, Float(-1000, 1000, "px")] = 0.0,
    antialias: Antialias = "good",
    hinting: Hinting = "full",
    box: Annotated[tuple[int, int | None] | None, TextBox()] = None,
    no_trim: bool = False,
    gravity: Annotated[str | Focus, Gravity(auto=False)] = "center",
    x: Annotated[Length, Offset()] = 0,
    y: Annotated[Length, Offset()] = 0,
    overflow: Overflow = "clip",
    opacity: Annotated[int, Percent()] = 100,
    *,
    found: Found,
) -> Image:
    """Write on the picture, in any script, with the fonts that the server has.

    In a URL `%250A` begins a new line, `%252C` is a comma and `%252F` a `/`; `$(name)` is what a variable holds.
    `font` is a family, or a font file of the operator's; Arial, Helvetica, Times New Roman, Courier New, Verdana,
    Georgia and other families of the web stand for open ones that look alike. `weight` is 100 to 900 or a word such as
    `bold`. `stroke` is the width of an outline. `box=300x100` wraps the text in that width; what needs more than the
    height ends in an ellipsis, `box=300x` may be as high as it needs. `align` is for several lines: `start` is the left
    for scripts that begin there, else the right; `justify` fills the box. `letter_spacing` parts letters, but none
    that are joined; `line_spacing` is added between lines. Of `antialias` only `none` differs; `hinting` is accepted
    without effect. `background` covers the text, which is cut tightly around its ink; `no_trim` keeps the lines' own
    height and width. `gravity`, `x`, `y` and `opacity` are as of `overlay`; what passes the edge is cut off, unless
    `overflow` lets the picture `grow` or the request be refused. A picture of one transparent pixel, as a layer without
    a picture begins, becomes the text itself.
    """
    writing = Writing(
        words, font, size, weight, italic, underline, strikethrough, color, background, stroke, stroke_color, align,
        letter_spacing, line_spacing, antialias, hinting, box, not no_trim,
    )  # fmt: skip
    layer = Image((Frame(drawn(writing)),))
    place = Placement(gravity, x, y, overflow, opacity=opacity)
    if _is_nothing(image):
        image, place = _empty(layer.size), Placement(opacity=opacity)
    return laid(image, lambda _: layer, place, found, Limits(), "text")


def _is_nothing(image: Image) -> bool:
    return image.size == NOTHING and all(frame.has_alpha and not frame.pixels[0, 0, 3] for frame in image.frames)


def _empty(size: Size) -> Image:
    return Image((Frame(np.zeros((size.height, size.width, 4), np.uint8)),))
