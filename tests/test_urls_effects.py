"""Cloudinary's effects: what each takes, within which bounds, and which other keys of its component belong to it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from server.urls.cloudinary import effects
from server.urls.cloudinary.catalogue import EFFECTS, USES
from server.urls.cloudinary.component import lex
from server.urls.paths import split
from transforms.failure import Failure, Kind
from transforms.pipeline import Pending, Step

from .shared import jsonl, needs


def refusal(text: str) -> Failure:
    with pytest.raises(Failure) as caught:
        effects.nodes(lex(text))
    return caught.value


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("e_blur", "blur:5"),
        ("e_blur:300", "blur:15"),
        ("e_blur:1", "blur:0.1"),
        ("e_sharpen:2000", "sharpen:10"),
        ("e_grayscale", "grayscale"),
        ("e_brightness", "brightness:80"),
        ("e_brightness:-99", "brightness:-99"),
        ("e_brightness:0", "brightness:0"),
        ("e_blur_faces:800", "blur-faces:8"),
        ("e_pixelate_faces", "pixelate-faces"),
        ("e_pixelate_faces:20", "pixelate-faces"),
        ("e_pixelate_faces:25", "pixelate-faces:4"),
        ("e_blur:$soft", "blur:($soft:20)"),
        ("e_brightness:$much_mul_2", "brightness:($much*2)"),
    ],
)
def test_an_effect_with_an_operation_is_a_step(text: str, step: str) -> None:
    [node] = effects.nodes(lex(text))
    assert isinstance(node, Step)
    assert str(node) == step


def test_a_strength_that_is_worked_out_gives_the_same_as_a_plain_one() -> None:
    computed, plain = effects.nodes(lex("e_sharpen:$s")), effects.nodes(lex("e_sharpen:300"))
    [step], [wanted] = computed, plain
    assert isinstance(step, Step)
    assert isinstance(wanted, Step)
    amount = eval(str(step.values[0]).replace("$s", "300").replace(":", "/").replace("^", "**"))  # noqa: S307
    assert amount == pytest.approx(wanted.values[0], abs=1e-3)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("e_sepia", "e_sepia"),
        ("e_sepia:80", "e_sepia"),
        ("e_sepia:050", "e_sepia:50"),
        ("e_sepia:$much", "e_sepia:$much"),
        ("e_sepia:$much_div_2", "e_sepia:$much_div_2"),
        ("e_contrast:-100", "e_contrast:-100"),
        ("e_contrast:type_sigmoidal;level_30", "e_contrast:level_30;type_sigmoidal"),
        ("e_improve:outdoor", "e_improve:outdoor"),
        ("e_improve:50", "e_improve:50"),
        ("e_improve:outdoor:50", "e_improve:outdoor:50"),
        ("e_fill_light:10:20", "e_fill_light:10:20"),
        ("e_outline:15:200", "e_outline:15:200"),
        ("e_outline:inner_fill:53", "e_outline:inner_fill:53"),
        ("e_outline:outer:5:0", "e_outline:outer"),
        ("e_replace_color:maroon:80:2b38aa", "e_replace_color:800000:80:2b38aa"),
        # The tolerance is written out, since the digits of a colour would be read as one.
        ("e_replace_color:red:navy", "e_replace_color:ff0000:50:000080"),
        ("e_replace_color:rgb:f00:50", "e_replace_color:ff0000"),
        ("e_trim:white", "e_trim:10:ffffff"),
        ("e_bgremoval:screen:red", "e_bgremoval:screen:ff0000"),
        ("e_bgremoval:ffff00", "e_bgremoval:ffff00"),
        ("e_cartoonify:20:bw", "e_cartoonify:20:bw"),
        ("e_cartoonify:bw", "e_cartoonify:50:bw"),
        ("e_style_transfer:preserve_color:15", "e_style_transfer:preserve_color:15"),
        ("e_tint", "e_tint"),
        ("e_tint:equalize:80:blue:blueviolet", "e_tint:equalize:80:0000ff:8a2be2"),
        ("e_tint:50%:red:10p:blue", "e_tint:50:ff0000:10p:0000ff"),
        ("e_dropshadow:spread_20;azimuth_10.0", "e_dropshadow:azimuth_10;spread_20"),
        ("e_theme:color_fff:photosensitivity_50", "e_theme:color_ffffff:photosensitivity_50"),
        ("e_vectorize:detail:200:colors:5:despeckle:0.2", "e_vectorize:colors:5:detail:200:despeckle:0.2"),
        ("e_viesus_correct:no_redeye:skin_saturation", "e_viesus_correct:no_redeye:skin_saturation"),
        ("e_viesus_correct:skin_saturation_20", "e_viesus_correct:skin_saturation_20"),
        ("e_assist_colorblind:xray", "e_assist_colorblind:xray"),
        ("e_simulate_colorblind:deuteranopia", "e_simulate_colorblind"),
        ("e_recolor:0.3:0.7:0.1:0.3:.6:0.1:0.2:0.5:0.1", "e_recolor:0.3:0.7:0.1:0.3:0.6:0.1:0.2:0.5:0.1"),
        ("e_distort:1:-2:3:4:5:6:7:8", "e_distort:1:-2:3:4:5:6:7:8"),
        ("e_distort:arc:-180.0", "e_distort:arc:-180"),
        ("e_shear:20.0:0.0", "e_shear:20:0"),
        ("e_art:al_dente", "e_art:al_dente"),
        ("e_advredeye", "e_adv_redeye"),
        ("e_gen_remove:prompt_(a;b);multiple_true", "e_gen_remove:prompt_(a;b);multiple_true"),
        ("e_gen_remove:prompt_a%2C b", "e_gen_remove:prompt_a%2C b"),
        ("e_grayscale,co_red", "co_rgb:ff0000,e_grayscale"),
        ("y_15,e_shadow:50,x_-15,co_rgb:1a8502", "co_rgb:1a8502,e_shadow:50,x_-15,y_15"),
        ("e_shadow,x_w_div_50", "e_shadow,x_w_div_50"),
        ("e_gradient_fade:symmetric_pad,x_20p", "e_gradient_fade:symmetric_pad,x_0.2"),
        ("e_blur_region:100,w_0.5,h_1.0", "e_blur_region,h_1.0,w_0.5"),
        ("e_pixelate_region:15,g_ocr_text", "e_pixelate_region:15,g_ocr_text"),
        ("e_colorize,co_$tint", "co_$tint,e_colorize"),
    ],
)
def test_every_other_effect_is_checked_and_kept_as_canonical_text(text: str, canonical: str) -> None:
    [node] = effects.nodes(lex(text))
    assert node == Pending(canonical)
    assert effects.nodes(lex(canonical)) == [node]


# Of each effect with bounds: the arguments just inside, and just outside.
BOUNDS = {
    **dict.fromkeys(("brightness", "brightness_hsb"), (-99, 100)),
    **dict.fromkeys(("contrast", "saturation", "hue", "red", "green", "blue", "vibrance"), (-100, 100)),
    **dict.fromkeys(("auto_brightness", "auto_color", "auto_contrast", "fill_light", "improve", "colorize"), (0, 100)),
    **dict.fromkeys(("blackwhite", "oil_paint", "vignette", "cartoonify", "gradient_fade", "trim"), (0, 100)),
    **dict.fromkeys(("make_transparent", "shadow", "style_transfer"), (0, 100)),
    **dict.fromkeys(("opacity_threshold", "sepia", "outline", "assist_colorblind", "anti_removal"), (1, 100)),
    **dict.fromkeys(("sharpen", "unsharp_mask", "blur", "blur_faces", "blur_region"), (1, 2000)),
    **dict.fromkeys(("pixelate", "pixelate_faces", "pixelate_region"), (1, 200)),
    "gamma": (-50, 150),
    "ordered_dither": (0, 18),
    "contrast:level": (-100, 100),
    "dropshadow:azimuth": (0, 360),
    "dropshadow:elevation": (0, 90),
    "dropshadow:spread": (0, 100),
    "theme:color_red:photosensitivity": (0, 200),
    "distort:arc": (-360, 360),
    "vectorize:colors": (2, 30),
    "vectorize:corners": (0, 100),
    "replace_color:red": (0, 100),
    "fill_light:50": (-100, 100),
    "outline:5": (0, 2000),
}


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items())
def test_arguments_reach_from_bound_to_bound(name: str, bounds: tuple[int, int]) -> None:
    joint = "_" if name.startswith(("contrast:", "dropshadow:", "theme:")) else ":"
    for value in bounds:
        effects.nodes(lex(f"e_{name}{joint}{value}"))
    for value in (bounds[0] - 1, bounds[1] + 1):
        failure = refusal(f"e_{name}{joint}{value}")
        assert failure.code == "bad-argument"
        assert (failure.details["minimum"], failure.details["maximum"]) == bounds
        assert failure.details["key"] == "e"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("e_blur:abc", "bad-argument"),
        ("e_blur::", "bad-argument"),
        ("e_blur:", "bad-argument"),
        ("e_blur:10:20", "bad-argument"),
        ("e_blur:1.5", "bad-argument"),
        ("e_blur:$", "bad-expression"),
        ("e_blur:$a_mul", "bad-expression"),
        ("e_sepia:50:", "bad-argument"),
        ("e_negate:1", "bad-argument"),
        ("e_redeye:50", "bad-argument"),
        ("e_improve:night", "bad-argument"),
        ("e_improve:50:outdoor", "bad-argument"),
        ("e_outline:inner:500", "bad-argument"),
        ("e_art", "missing-argument"),
        ("e_art:monet", "bad-argument"),
        ("e_replace_color", "missing-argument"),
        ("e_replace_color:nocolour", "bad-argument"),
        ("e_tint:50:10p", "bad-argument"),
        ("e_tint:50:red:101p", "bad-argument"),
        ("e_tint:50" + ":red" * 11, "bad-argument"),
        ("e_tint:101:red", "bad-argument"),
        ("e_dropshadow:azimuth_10;azimuth_20", "bad-argument"),
        ("e_dropshadow:colour_red", "bad-argument"),
        ("e_dropshadow:azimuth", "missing-argument"),
        ("e_dropshadow:", "bad-argument"),
        ("e_theme", "missing-argument"),
        ("e_vectorize:detail", "missing-argument"),
        ("e_recolor:1:2:3", "bad-argument"),
        ("e_recolor", "bad-argument"),
        ("e_distort:1:2:3", "bad-argument"),
        ("e_distort:arc", "bad-argument"),
        ("e_shear:40", "bad-argument"),
        ("e_simulate_colorblind:blue", "bad-argument"),
        ("e_gen_remove:prompt_(a", "bad-argument"),
        ("e_gen_remove:", "bad-argument"),
        ("e_shadow,co_nocolour", "bad-argument"),
        ("e_shadow,co_w", "bad-argument"),
        ("e_shadow,x_wide", "bad-argument"),
        ("e_blur_region,w_0", "bad-argument"),
        ("e_blur_region,g_nothing", "bad-argument"),
        ("e_loop", "unsupported-effect"),
        ("e_volume:5db", "unsupported-effect"),
        ("e_blurr:100", "unknown-effect"),
        ("e_", "empty-value"),
    ],
)
def test_wrong_effects_are_refused(text: str, code: str) -> None:
    failure = refusal(text)
    assert (failure.kind, failure.code) == (Kind.BAD_REQUEST, code)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("e_blurr:100", "e_blur"),
        ("e_outline:iner", "'inner'"),
        ("e_dropshadow:azimut_10", "azimuth_"),
        ("e_art:athens", "'athena'"),
    ],
)
def test_a_refusal_names_what_comes_near(text: str, hint: str) -> None:
    assert f"did you mean {hint}" in str(refusal(text).hint)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("e_sepia,w_100", ""),
        ("e_blur_region:10,w_1,h_2,x_3,y_4", "h w x y"),
        ("e_blur_region:10,c_fill,w_1,h_2,x_3,y_4", "x y"),
        ("e_pixelate_region,w_100", "w"),
        ("e_pixelate_region,g_faces", "g"),
        ("e_shadow,x_1,y_2,w_100,co_red", "co x y"),
        ("e_shadow,c_fill,w_100,x_1", "x"),
        ("e_shadow,c_crop,w_100,x_1,co_red", "co"),
        ("e_outline,e_shadow,x_1,co_red", "co x"),
    ],
)
def test_keys_belong_to_the_effect_or_to_the_resize(text: str, keys: str) -> None:
    assert effects.used(lex(text)) == set(keys.split())


def test_only_known_effects_use_other_keys() -> None:
    assert USES.keys() <= EFFECTS.keys()


@needs("spec", "corpus.jsonl")
@pytest.mark.parametrize("classes", [("core", "common"), ("rare", "generative")])
def test_every_effect_found_in_the_wild_is_understood(classes: tuple[str, str]) -> None:
    rows: list[dict[str, Any]] = [row for row in jsonl("corpus.jsonl") if row["class"] in classes]
    texts = {segment.text for row in rows for segment in split(row["t"].encode().decode("latin-1"))}
    found = [text for text in texts if re.search("(^|,)e_", text)]
    assert len(found) > 60
    for text in found:
        component = lex(text)
        assert len(effects.nodes(component)) == len(component.values("e"))
        for written in map(effects.canonical, component.values("e")):
            assert effects.canonical(written) == written
