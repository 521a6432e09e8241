"""Cloudinary's effects: what each takes, within which bounds, and which other keys of its component belong to it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from server import urls
from server.sources.source import SourceRef
from server.urls import cloudinary
from server.urls.cloudinary import effects, vocabulary
from server.urls.cloudinary.catalogue import BLENDS, EFFECTS, USES
from server.urls.cloudinary.component import lex
from server.urls.cloudinary.strengths import native
from server.urls.paths import split
from server.urls.request import Request
from transforms.failure import Failure, Kind
from transforms.pipeline import Pending, Pipeline, Step
from transforms.registry import operations

from .shared import jsonl, needs


def refusal(text: str) -> Failure:
    with pytest.raises(Failure) as caught:
        effects.nodes(lex(text))
    return caught.value


STEPS = [
    # units of our own
    ("e_blur", "blur:5"),
    ("e_blur:300", "blur:15"),
    ("e_blur:1", "blur:0.1"),
    ("e_blur:$soft", "blur:($soft:20)"),
    ("e_blur_region", "blur-region"),
    ("e_blur_region:300", "blur-region:15"),
    ("e_blur_region:$soft", "blur-region:($soft:20)"),
    ("e_sharpen:2000", "sharpen:10"),
    ("e_blur_faces:800", "blur-faces:8"),
    ("e_blur_faces:$f", "blur-faces:($f:100)"),
    ("e_pixelate_faces", "pixelate-faces"),
    ("e_pixelate_faces:20", "pixelate-faces"),
    ("e_pixelate_faces:25", "pixelate-faces:4"),
    # light and colour
    ("e_brightness", "brightness"),
    ("e_brightness:80", "brightness"),
    ("e_brightness:-99", "brightness:-99"),
    ("e_brightness:0", "brightness:0"),
    ("e_brightness:$much_mul_2", "brightness:($much*2)"),
    ("e_brightness_hsb", "brightness-hsb"),
    ("e_brightness_hsb:-50", "brightness-hsb:-50"),
    ("e_contrast", "contrast"),
    ("e_contrast:-100", "contrast:-100"),
    ("e_contrast:type_sigmoidal;level_30", "contrast:30,curve=sigmoidal"),
    ("e_contrast:type_linear", "contrast"),
    ("e_contrast:level_$l", "contrast:($l)"),
    ("e_saturation", "saturation"),
    ("e_saturation:-70", "saturation:-70"),
    ("e_hue:40", "hue:40"),
    ("e_gamma", "gamma"),
    ("e_gamma:150", "gamma:150"),
    ("e_red:50", "red:50"),
    ("e_green:-50", "green:-50"),
    ("e_blue:$b", "blue:($b)"),
    ("e_vibrance", "vibrance"),
    ("e_vibrance:70", "vibrance:70"),
    ("e_auto_brightness:100", "auto-brightness"),
    ("e_auto_color:80", "auto-color:80"),
    ("e_auto_contrast:0", "auto-contrast:0"),
    ("e_fill_light", "fill-light"),
    ("e_fill_light:10:20", "fill-light:10,bias=20"),
    ("e_fill_light:100:$b", "fill-light:bias=($b)"),
    ("e_improve", "improve"),
    ("e_improve:outdoor", "improve"),
    ("e_improve:indoor", "improve:indoor"),
    ("e_improve:50", "improve:blend=50"),
    ("e_improve:indoor:50", "improve:indoor,blend=50"),
    ("e_improve:$b", "improve:blend=($b)"),
    ("e_theme:color_fff", "theme:ffffff"),
    ("e_theme:color_red:photosensitivity_50", "theme:ff0000,photosensitivity=50"),
    ("e_opacity_threshold:20", "opacity-threshold:20"),
    ("e_recolor:0.3:0.7:0.1:0.3:.6:0.1:0.2:0.5:0.1", "recolor:0.3:0.7:0.1:0.3:0.6:0.1:0.2:0.5:0.1"),
    ("e_replace_color:maroon:80:2b38aa", "replace-color:800000,tolerance=80,old=2b38aa"),
    ("e_replace_color:red:navy", "replace-color:ff0000,old=000080"),
    ("e_replace_color:rgb:f00:50", "replace-color:ff0000"),
    ("e_replace_color:$c", "replace-color:($c)"),
    ("e_tint", "tint"),
    ("e_tint:40", "tint:40"),
    ("e_tint:red:blue", "tint:colors=ff0000:0000ff"),
    ("e_tint:equalize:80:blue:blueviolet", "tint:80,colors=0000ff:8a2be2,equalize=true"),
    ("e_tint:50%:red:10p:blue", "tint:50,colors=ff0000@10:0000ff"),
    ("e_tint:$t:rgb:f00:10p:blue:90p", "tint:($t),colors=ff0000@10:0000ff@90"),
    ("e_grayscale", "grayscale"),
    ("e_grayscale,co_red", "grayscale:ff0000"),
    ("e_sepia", "sepia"),
    ("e_sepia:80", "sepia"),
    ("e_sepia:050", "sepia:50"),
    ("e_sepia:$much_div_2", "sepia:($much:2)"),
    ("e_blackwhite:20", "blackwhite:20"),
    ("e_negate", "negate"),
    ("e_colorize:30", "colorize:30"),
    ("e_colorize,co_$tint", "colorize:color=($tint)"),
    # detail
    ("e_unsharp_mask", "unsharp-mask"),
    ("e_unsharp_mask:2000", "unsharp-mask:2000"),
    ("e_pixelate", "pixelate"),
    ("e_pixelate:12", "pixelate:12"),
    ("e_pixelate_region:15,g_ocr_text", "pixelate-region:15,gravity=text"),
    ("e_pixelate_region,g_face:center", "pixelate-region:gravity=face"),
    ("e_pixelate_region:2,h_100,w_200,x_1,y_3", "pixelate-region:2,x=1,y=3,width=200,height=100"),
    ("e_blur_region:100,w_0.5,h_1.0,x_20p", "blur-region:x=0.2,width=0.5,height=1.0"),
    ("e_blur_region,w_w_div_2", "blur-region:width=(w:2)"),
    ("e_ordered_dither", "ordered-dither"),
    ("e_ordered_dither:1", "ordered-dither:checks"),
    ("e_ordered_dither:18", "ordered-dither:circles-7-white"),
    ("e_oil_paint:70", "oil-paint:70"),
    ("e_vignette", "vignette"),
    ("e_vignette:17", "vignette:17"),
    ("e_cartoonify", "cartoonify"),
    ("e_cartoonify:20:bw", "cartoonify:20,reduction=bw"),
    ("e_cartoonify:bw", "cartoonify:reduction=bw"),
    ("e_cartoonify:20:70", "cartoonify:20,reduction=70"),
    ("e_gradient_fade", "gradient-fade"),
    ("e_gradient_fade:5", "gradient-fade:5"),
    ("e_gradient_fade:symmetric_pad,x_20p", "gradient-fade:type=symmetric-pad,x=0.2"),
    ("e_gradient_fade:symmetric:5,y_-30", "gradient-fade:5,type=symmetric,y=-30"),
    # edges and transparency
    ("e_trim", "trim"),
    ("e_trim:50", "trim:50"),
    ("e_trim:white", "trim:color=ffffff"),
    ("e_trim:20:rgb:0f0", "trim:20,color=00ff00"),
    ("e_make_transparent", "make-transparent"),
    ("e_make_transparent:30,co_red", "make-transparent:30,color=ff0000"),
    ("e_outline", "outline"),
    ("e_outline:15:200", "outline:width=15,blur=200"),
    ("e_outline:inner_fill:53", "outline:inner-fill,width=53"),
    ("e_outline:outer:5:0", "outline"),
    ("e_outline,co_orange", "outline:color=ffa500"),
    ("e_shadow", "shadow"),
    ("y_15,e_shadow:50,x_-15,co_rgb:1a8502", "shadow:50,x=-15,y=15,color=1a8502"),
    ("e_shadow,x_w_div_50", "shadow:x=(w:50)"),
    ("e_dropshadow", "dropshadow"),
    ("e_dropshadow:spread_20;azimuth_10.0", "dropshadow:10,spread=20"),
    ("e_dropshadow:elevation_$e", "dropshadow:elevation=($e)"),
    # geometry
    ("e_distort:1:-2:300:4:500:600:7:800", "distort:1:-2:300:4:500:600:7:800"),
    ("e_distort:0.0:0.0:1.0:0.0:1.0:1.0:0.0:0.9", "distort:0.0:0.0:1.0:0.0:1.0:1.0:0.0:0.9"),
    ("e_distort:arc:-180.0", "arc:-180"),
    ("e_distort:arc:$a", "arc:($a)"),
    ("e_shear:20.0:0.0", "shear:20"),
    ("e_shear:20:-5", "shear:20,y=-5"),
    # seeing
    ("e_simulate_colorblind", "simulate-colorblind"),
    ("e_simulate_colorblind:deuteranopia", "simulate-colorblind"),
    ("e_simulate_colorblind:cone_monochromacy", "simulate-colorblind:cone-monochromacy"),
    ("e_assist_colorblind", "assist-colorblind"),
    ("e_assist_colorblind:20", "assist-colorblind:20"),
    ("e_assist_colorblind:xray", "assist-colorblind:xray"),
    ("e_redeye", "redeye"),
    # the subject
    ("e_background_removal", "background-removal"),
    ("e_background_removal:fineedges_n", "background-removal"),
    ("e_background_removal:fineedges_y", "background-removal:matting"),
    ("e_background_removal:hints_(cat;bus)", "cut-out:cat:bus"),
    ("e_background_removal:hints_aeroplane", "cut-out:airplane"),
    ("e_adv_redeye", "redeye"),
    ("e_advredeye", "redeye"),
]


@pytest.mark.parametrize(("text", "step"), STEPS)
def test_an_effect_is_a_step(text: str, step: str) -> None:
    [node] = effects.nodes(lex(text))
    assert isinstance(node, Step)
    assert str(node) == step
    assert Step.parse(step) == node


@pytest.mark.parametrize("text", [text for text, _ in STEPS])
def test_an_effect_is_printed_as_it_reads_back(text: str) -> None:
    [node] = effects.nodes(lex(text))
    assert isinstance(node, Step)
    request = Request(Pipeline((node,)), SourceRef("id", "a"))
    assert urls.parse(cloudinary.print(request)) == request


def test_every_effect_has_an_operation_but_those_that_are_told_by_name() -> None:
    undone = {name for name in EFFECTS if native(name) not in operations()} - BLENDS
    assert undone == vocabulary.FREE_EFFECTS | {"art", "bgremoval", "style_transfer", "vectorize", "viesus_correct"}


@pytest.mark.parametrize("text", ["e_screen", "e_multiply", "e_overlay", "e_mask", "e_cut_out", "e_displace,x_5"])
def test_without_a_layer_a_blend_mode_says_nothing(text: str) -> None:
    assert effects.nodes(lex(text)) == []


def test_lengths_of_an_effect_are_in_denser_pixels() -> None:
    [whole], [part] = effects.nodes(lex("e_shadow,x_10,y_0.1"), 2.0), effects.nodes(lex("e_shadow,x_w_div_9"), 2.0)
    assert (str(whole), str(part)) == ("shadow:x=20,y=0.1", "shadow:x=(w:9*2.0)")


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
        ("e_bgremoval:screen:red", "e_bgremoval:screen:ff0000"),
        ("e_bgremoval:ffff00", "e_bgremoval:ffff00"),
        ("e_style_transfer:preserve_color:15", "e_style_transfer:preserve_color:15"),
        ("e_style_transfer:$s", "e_style_transfer:$s"),
        ("e_vectorize:detail:200:colors:5:despeckle:0.2", "e_vectorize:colors:5:detail:200:despeckle:0.2"),
        ("e_vectorize:colors:10", "e_vectorize"),
        ("e_viesus_correct:no_redeye:skin_saturation", "e_viesus_correct:no_redeye:skin_saturation"),
        ("e_viesus_correct:skin_saturation_20", "e_viesus_correct:skin_saturation_20"),
        ("e_art:al_dente", "e_art:al_dente"),
        (
            "e_background_removal:hints_(sofa):fineedges_y",
            "e_background_removal:fineedges_y:hints_(couch)",
        ),
        ("e_gen_remove:prompt_(a;b);multiple_true", "e_gen_remove:prompt_(a;b);multiple_true"),
        ("e_gen_remove:prompt_a%2C b", "e_gen_remove:prompt_a%2C b"),
    ],
)
def test_what_is_not_done_here_is_checked_and_kept_as_canonical_text(text: str, canonical: str) -> None:
    [node] = effects.nodes(lex(text))
    assert node == Pending(canonical)
    assert effects.nodes(lex(canonical)) == [node]
    failure = node.failure()
    assert failure.kind is Kind.NOT_IMPLEMENTED
    assert failure.details["effect"] == text.removeprefix("e_").partition(":")[0]
    assert f"does not do e_{failure.details['effect']}" in failure.message


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
        ("e_distort:1:2:3:4:5:6:7:$a", "unsupported-expression"),
        ("e_tint:50:$c", "unsupported-expression"),
        ("e_simulate_colorblind:$a", "unsupported-expression"),
        ("e_blur_region,g_auto", "bad-argument"),
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
        blends = [value for value in component.values("e") if value.partition(":")[0] in BLENDS]
        assert len(effects.nodes(component)) == len(component.values("e")) - len(blends)
        for written in map(effects.canonical, component.values("e")):
            assert effects.canonical(written) == written
