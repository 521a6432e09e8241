"""Cloudinary's `a_ r_ bo_ b_ co_ o_`, and the order of what stands in one component."""

from __future__ import annotations

import pytest

from .transformations import steps

LOOK = [
    # angles: numbers are joined by a decimal point, all else by a dot
    ("a_90", "rotate:90"),
    ("a_-10", "rotate:350"),
    ("a_450", "rotate:90"),
    ("a_12.5", "rotate:12.5"),
    ("a_.5", "rotate:0.5"),
    ("a_90.80", "rotate:90.8"),
    ("a_auto.55", "rotate:55"),
    ("a_hflip", "flip"),
    ("a_vflip.180", "flip:vertical/rotate:180"),
    ("a_10.hflip.12.5", "rotate:10/flip/rotate:12.5"),
    ("a_90.hflip", "rotate:90/flip"),
    ("a_20,b_red", "rotate:20,background=ff0000/background:ff0000"),
    ("a_45,b_auto", "rotate:45/background:auto"),
    ("a_90,b_red", "rotate:90/background:ff0000"),
    ("a_$a", "rotate:($a mod 360)"),
    ("a_$a_add_90,b_$c", "rotate:(($a+90) mod 360),background=($c)/background:($c)"),
    ("a_ignore", "orientation:ignore"),
    ("a_ignore.90,w_100", "resize:100x,enlarge=true/rotate:90/orientation:ignore"),
    # a quarter turn where the picture lies across the shape that is asked for
    ("a_auto_right,w_100,h_200", "if:ar>1/rotate:90/end/resize:100x200,fit=fill,enlarge=true"),
    ("a_auto_left,c_fill,w_200,h_100", "if:ar<1/rotate:270/end/resize:200x100,fit=cover,enlarge=true"),
    ("a_auto_right,ar_16:9,c_fill,w_160", "if:ar<1/rotate:90/end/resize:160x90,fit=cover,enlarge=true"),
    # corners
    ("r_20", "round:20"),
    ("r_max", "round:max"),
    ("r_10:20", "round:10:20"),
    ("r_10:20:30", "round:10:20:30"),
    ("r_10:20:30:40", "round:10:20:30:40"),
    ("r_5:5:5:5", "round:5"),
    ("r_25:0:0:0", "round:25:0:0:0"),
    ("r_$a", "round:($a)"),
    ("r_$a:10:$b:0", "round:($a):10:($b):0"),
    ("r_iw_div_10", "round:(iw:10)"),
    # borders follow the rounding
    ("bo_5px_solid_red", "border:5,color=ff0000"),
    ("bo_5px_solid_rgb:00f8", "border:5,color=0000ff88"),
    ("bo_5px_solid_00ff00", "border:5,color=00ff00"),
    ("bo_5px_solid_$bcolor", "border:5,color=($bcolor)"),
    ("bo_$wpx_solid_red", "border:($w),color=ff0000"),
    ("bo_$(w)px_solid_$(c)", "border:($w),color=($c)"),
    ("r_20:0,bo_5px_solid_black", "round:20:0/background:000000/border:5/round:25:0"),
    ("bo_5px_solid_transparent,r_max", "round:max/border:5,color=00000000/round:max"),
    ("r_$a,bo_2px_solid_$c", "round:($a)/background:($c)/border:2,color=($c)/round:($a+2)"),
    # backgrounds
    ("b_LightBlue", "background:add8e6"),
    ("b_rgb:FFF", "background:ffffff"),
    ("b_rgb:FFFFFF", "background:ffffff"),
    ("b_rgb:ffffff80", "background:ffffff80"),
    ("b_ff0000", "background:ff0000"),
    ("b_#ff0000", "background:ff0000"),
    ("b_$c", "background:($c)"),
    ("b_auto", "background:auto"),
    ("b_auto:border", "background:auto"),
    ("b_auto:predominant", "background:auto:predominant"),
    ("b_auto:predominant_contrast", "background:auto:predominant_contrast"),
    ("b_auto:predominant_gradient:4", "background:auto:predominant_gradient:4"),
    ("b_auto:predominant_gradient:2:diagonal_desc", "background:auto:predominant_gradient:diagonal_desc"),
    ("b_auto:border_gradient:palette_red_f00_green", "background:auto:border_gradient:palette_ff0000_ff0000_008000"),
    (
        "b_auto:border_gradient_contrast:4:vertical:palette_red_green",
        "background:auto:border_gradient_contrast:4:vertical:palette_ff0000_008000",
    ),
    ("c_pad,w_9,h_9,b_auto", "pad:9x9,background=auto,enlarge=true/background:auto"),
    ("b_blurred", "background:blurred"),
    ("b_blurred:400", "background:blurred:400"),
    ("b_blurred:400:15", "background:blurred:400:15"),
    (
        "c_pad,w_9,h_9,b_blurred:400:-300",
        "pad:9x9,background=blurred:400:-300,enlarge=true/background:blurred:400:-300",
    ),
    ("c_pad,w_9,h_9,b_transparent", "pad:9x9,enlarge=true"),
    ("h_300,b_rgb:d5d2ca", "resize:x300,enlarge=true/background:d5d2ca"),
    # opacity
    ("o_30", "opacity:30"),
    ("o_0", "opacity:0"),
    ("o_$o", "opacity:($o)"),
    ("o_$o_mul_2", "opacity:($o*2)"),
]

CHANGES_NOTHING = [
    "a_0", "a_360", "a_-360", "a_auto", "a_exif", "a_auto_right", "r_0", "r_0:0", "bo_0px_solid_red", "b_transparent",
    "b_rgb:00000000", "o_100", "co_red", "co_rgb:2bff00", "co_$c",
]  # fmt: skip


@pytest.mark.parametrize(("transformation", "native"), LOOK)
def test_looks(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize("transformation", CHANGES_NOTHING)
def test_what_changes_nothing(transformation: str) -> None:
    assert steps(transformation) == ""


@pytest.mark.parametrize(
    ("transformation", "native"),
    [
        ("e_grayscale,w_100,e_blur", "resize:100x,enlarge=true/grayscale/blur:5"),
        (
            "o_50,b_red,a_90,bo_1px_solid_red,e_blur",
            "blur:5/border:1,color=ff0000/rotate:90/background:ff0000/opacity:50",
        ),
        ("q_9,a_45,w_100", "resize:100x,enlarge=true/rotate:45/quality:9"),
        ("w_$v,$v_9", "let:v=9/resize:($v)x,enlarge=true"),
        ("c_fill,w_300,r_30,q_auto,f_auto,e_blur", "resize:300x,enlarge=true/blur:5/round:30/quality:auto/format:auto"),
        ("e_blur/w_100", "blur:5/resize:100x,enlarge=true"),
    ],
)
def test_the_order_inside_a_component_is_fixed_and_that_of_components_is_kept(transformation: str, native: str) -> None:
    assert steps(transformation) == native
