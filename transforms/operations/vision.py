"""Colour blindness: what a picture looks like with it, and help against it."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from ..effects.stripes import striped
from ..effects.tables import Matrix, in_linear_light, on_colours
from ..image import Frame
from ..params import Int, IntOr
from ..registry import operation

Condition = Literal[
    "deuteranopia", "protanopia", "tritanopia", "deuteranomaly", "protanomaly", "tritanomaly", "cone-monochromacy",
    "rod-monochromacy",
]  # fmt: skip

# Linear sRGB to linear sRGB. The first six from Machado, Oliveira and Fernandes, A Physiologically-based Model for
# Simulation of Color Vision Deficiency, 2009: severity 1 where a kind of cone is missing, 0.6 where it is displaced.
_SEEN: dict[Condition, Matrix] = {
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
    "deuteranomaly": np.array(
        [[0.498864, 0.674741, -0.173604], [0.205199, 0.754872, 0.039929], [-0.011131, 0.030969, 0.980162]]
    ),
    "protanomaly": np.array(
        [[0.385450, 0.769005, -0.154455], [0.100526, 0.829802, 0.069673], [-0.007442, -0.022190, 1.029632]]
    ),
    "tritanomaly": np.array(
        [[1.104996, -0.046633, -0.058363], [-0.032137, 0.971635, 0.060503], [0.001336, 0.317922, 0.680742]]
    ),
    # Luminance by day, ITU-R BT.709; and by night, -0.702 X + 1.039 Y + 0.433 Z (Pattanaik, Ferwerda, Fairchild and
    # Greenberg, A Multiscale Model of Adaptation, 1998) of sRGB's primaries, scaled to white; red is nearly black then.
    "cone-monochromacy": np.array([[0.2126, 0.7152, 0.0722]]),
    "rod-monochromacy": np.array([[0.0, 0.602, 0.398]]),
}


@operation("simulate-colorblind", example="simulate-colorblind:protanopia", scaling="commutes")
def simulate_colorblind(frame: Frame, condition: Condition = "deuteranopia") -> Frame:
    """Show the picture as somebody with a colour vision deficiency sees it.

    A kind of cones is missing for green (`deuteranopia`, the most frequent), red (`protanopia`) or blue (`tritanopia`),
    or reacts to other light than usual (`deuteranomaly`, `protanomaly`, `tritanomaly`). With one kind of receptors left
    there is no colour: `cone-monochromacy` sees lightness as usual, `rod-monochromacy` as at night, red nearly black.
    By the model of Machado, Oliveira and Fernandes (2009), in linear light.
    """
    if frame.channels == 1:
        return frame
    return frame.with_pixels(on_colours(frame.pixels, lambda colours: in_linear_light(colours, _SEEN[condition])))


# Fidaner, Lin and Ozguven, Analysis of Color Blindness, 2005: what cannot be seen of red goes to green and blue.
_SHIFTED = np.array([[0.0, 0.0, 0.0], [0.7, 1.0, 0.0], [0.7, 0.0, 1.0]])


@operation("assist-colorblind", example="assist-colorblind:20", scaling="commutes")
def assist_colorblind(frame: Frame, strength: Annotated[int | str, IntOr(Int(1, 100, "%"), ("xray",))] = 10) -> Frame:
    """Help people who confuse red and green to tell them apart.

    With a number, slanting stripes are drawn over what is red, the stronger the higher it is. With `xray` the colours
    themselves are changed: the part of red that is not seen is added to blue (daltonisation, Fidaner 2005).
    """
    if frame.channels == 1:
        return frame
    if isinstance(strength, int):
        return frame.with_pixels(on_colours(frame.pixels, lambda colours: striped(colours, strength / 100)))
    matrix = np.eye(3) + _SHIFTED @ (np.eye(3) - _SEEN["deuteranopia"])
    return frame.with_pixels(on_colours(frame.pixels, lambda colours: in_linear_light(colours, matrix)))
