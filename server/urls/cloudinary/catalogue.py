"""The effects that there are: what each takes, with its bounds and defaults, and which other keys it reads."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.params import MAX_SIDE, Choice, Degrees, Float, Int, IntOr, Offset

from . import vocabulary
from .arguments import Arguments, Grammar, Slot, colour, real, whole, word
from .hints import Hints
from .options import After, Either, Free, Numbers, Options, Tint

_REGION = frozenset("ghwxy")
_SHIFT = frozenset("xy")
_COLOUR = frozenset(("co",))

USES: Mapping[str, frozenset[str]] = {
    "blur_region": _REGION,
    "pixelate_region": _REGION,
    "shadow": _SHIFT | _COLOUR,
    "gradient_fade": _SHIFT,
    "displace": _SHIFT,
    "grayscale": _COLOUR,
    "colorize": _COLOUR,
    "outline": _COLOUR,
    "make_transparent": _COLOUR,
}
"""The other keys of its component that an effect reads."""


BLENDS = frozenset(("anti_removal", "cut_out", "displace", "mask", "multiply", "overlay", "screen"))
"""How a layer is mixed with what is below it; without a layer they say nothing."""


def takes(*slots: Slot) -> Grammar:
    return Arguments(slots)


ALIASES = {"advredeye": "adv_redeye"}

_SIGNED = whole(-100, 100, 0)
_NOTHING = takes()

EFFECTS: Mapping[str, Grammar] = {
    # light and colour
    "brightness": takes(whole(-99, 100, 80)),
    "brightness_hsb": takes(whole(-99, 100, 80)),
    "contrast": Either(
        "level_|type_",
        lambda values: list(values[1:2]) == ["sigmoidal"],
        Options({"level": _SIGNED, "type": word("linear sigmoidal", "linear")}),
        takes(_SIGNED),
    ),
    "saturation": takes(whole(-100, 100, 80)),
    "hue": takes(whole(-100, 100, 80)),
    "gamma": takes(whole(-50, 150, 0)),
    "red": takes(_SIGNED),
    "green": takes(_SIGNED),
    "blue": takes(_SIGNED),
    "vibrance": takes(whole(-100, 100, 20)),
    "auto_brightness": takes(whole(0, 100, 100)),
    "auto_color": takes(whole(0, 100, 100)),
    "auto_contrast": takes(whole(0, 100, 100)),
    "fill_light": takes(whole(0, 100, 100), _SIGNED),
    "improve": takes(word("indoor outdoor", "outdoor"), whole(0, 100, 100)),
    "opacity_threshold": takes(whole(1, 100, 50)),
    "recolor": Numbers(Float(-100, 100), (9, 16)),
    "replace_color": takes(colour(required=True), whole(0, 100, 50), colour()),
    "tint": Tint(),
    "theme": Options({"color": colour(required=True), "photosensitivity": whole(0, 200, 100)}, between=":"),
    "grayscale": _NOTHING,
    "sepia": takes(whole(1, 100, 80)),
    "blackwhite": takes(whole(0, 100, 50)),
    "negate": _NOTHING,
    "colorize": takes(whole(0, 100, 100)),
    # detail
    "sharpen": takes(whole(1, 2000, 100)),
    "unsharp_mask": takes(whole(1, 2000, 100)),
    "blur": takes(whole(1, 2000, 100)),
    "blur_faces": takes(whole(1, 2000, 100)),
    "blur_region": takes(whole(1, 2000, 100)),
    "pixelate": takes(whole(1, 200)),
    "pixelate_faces": takes(whole(1, 200)),
    "pixelate_region": takes(whole(1, 200)),
    "ordered_dither": takes(whole(0, 18, 0)),
    "oil_paint": takes(whole(0, 100, 30)),
    "vignette": takes(whole(0, 100, 20)),
    "cartoonify": takes(whole(0, 100, 50), Slot(IntOr(Int(0, 100), ("bw",)))),
    "art": takes(
        word(
            "al_dente athena audrey aurora daguerre eucalyptus fes frost hairspray hokusai incognito linen peacock"
            " primavera quartz red_rock refresh sizzle sonnet ukulele zorro",
            required=True,
        )
    ),
    "vectorize": Options(
        {
            "colors": whole(2, 30, 10),
            "detail": real(0, 1000, 300),
            "despeckle": real(0, 100, 2),
            "corners": whole(0, 100, 25),
            "paths": whole(0, 100, 100),
        },
        between=":",
        joint=":",
    ),
    "gradient_fade": takes(word("symmetric symmetric_pad"), whole(0, 100, 20)),
    # edges and transparency
    "trim": Arguments((whole(0, 100, 10), colour()), gaps=True),  # url-gen writes e_trim:: and e_trim::yellow
    "make_transparent": takes(whole(0, 100, 10)),
    "bgremoval": takes(word("screen"), colour()),
    "background_removal": Options({"fineedges": word("y n", "n"), "hints": Slot(Hints())}, between=":"),
    "outline": takes(word("inner inner_fill outer fill", "outer"), whole(1, 100, 5), whole(0, 2000, 0)),
    "shadow": takes(whole(0, 100, 40)),
    "dropshadow": Options({"azimuth": real(0, 360, 215), "elevation": real(0, 90, 45), "spread": real(0, 100, 50)}),
    "cut_out": _NOTHING,
    # geometry: corners may lie outside of the picture; a shear of 80 degrees makes it 5.7 times as wide as high
    "distort": Either(
        "arc(:|$)",
        lambda values: values[0] == "arc",
        After("arc", Numbers(Degrees(-360, 360), (1,))),
        Numbers(Offset(-MAX_SIDE, MAX_SIDE), (8,)),
    ),
    "shear": Numbers(Degrees(-80, 80), (2,)),
    "displace": _NOTHING,
    # seeing
    "simulate_colorblind": takes(
        word(
            "deuteranopia protanopia tritanopia tritanomaly deuteranomaly cone_monochromacy rod_monochromacy",
            "deuteranopia",
        )
    ),
    "assist_colorblind": takes(Slot(IntOr(Int(1, 100), ("xray",)), 10)),
    # faces and add-ons
    "redeye": _NOTHING,
    "adv_redeye": _NOTHING,
    "viesus_correct": Options(
        {
            "no_redeye": Slot(Choice(()), bare=True),
            "skin_saturation": Slot(Int(-100, 100), bare=True),
        },
        between=":",
    ),
    "style_transfer": takes(word("preserve_color"), whole(0, 100, 100)),
    # blend modes of layers
    "screen": _NOTHING,
    "multiply": _NOTHING,
    "overlay": _NOTHING,
    "mask": _NOTHING,
    "anti_removal": takes(whole(1, 100, 50)),
    **dict.fromkeys(vocabulary.FREE_EFFECTS, Free()),
}
