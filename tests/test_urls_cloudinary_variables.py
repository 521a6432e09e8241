"""Cloudinary's variables and arithmetic in native words."""

from __future__ import annotations

import pytest

from .transformations import refused, steps

VARIABLES = [
    ("$v_20", "let:v=20"),
    ("$v_20/w_$v", "let:v=20/resize:($v)x,enlarge=true"),
    ("$v_20,w_$v", "let:v=20/resize:($v)x,enlarge=true"),
    ("w_$v/$v_20", "resize:($v)x,enlarge=true/let:v=20"),
    ("$v_1/$v_2", "let:v=1/let:v=2"),
    ("$v_1,$v_2", "let:v=1/let:v=2"),
    ("$v0_5/$v1_$v0_mul_2/w_$v1", "let:v0=5/let:v1=$v0*2/resize:($v1)x,enlarge=true"),
    ("$v_-5", "let:v=-5"),
    ("$v_.5", "let:v=0.5"),
    ("$v_1.0", "let:v=1.0"),
    ("$v_5.", "let:v=5.0"),
    ("$v_!word!", "let:v='word'"),
    ("$v_!one:two!", "let:v='one:two'"),
    ("$v_!!", "let:v=''"),
    ("$v_word", "let:v='word'"),
    ("$v_two words", "let:v='two words'"),
    ("$v_!iw!", "let:v='iw'"),
    ("$s_!iLL_!", "let:s='iLL_'"),
    ("$v_ref:!folder:id!", "let:v='folder:id'"),
    ("$v_current", "let:v=current"),
    ("$v_ctx:!key!", "let:v=ctx@key"),
    ("$v_md:!id!", "let:v=md@id"),
    ("$v_w", "let:v=w"),
    ("$v_tags", "let:v=tags"),
    ("$v_!10!_to_i", "let:v=int('10')"),
    ("$v_$w_to_f", "let:v=float($w)"),
    ("$v_1.5_to_i", "let:v=int(1.5)"),
    ("$v_w_div_3_to_i", "let:v=int(w:3)"),
    ("$v_word_to_f", "let:v=float('word')"),
    # the operators: multiplication and division bind tighter, all lean left
    ("$v_10_add_5_mul_2", "let:v=10+5*2"),
    ("$v_10_mul_2_add_5", "let:v=10*2+5"),
    ("$v_10_sub_5_sub_2", "let:v=10-5-2"),
    ("$v_10_div_5_div_2", "let:v=10:5:2"),
    ("$v_2_pow_3_pow_2", "let:v=2^3^2"),
    ("$v_2_mul_3_pow_2", "let:v=2*3^2"),
    ("$v_10_mod_3", "let:v=10 mod 3"),
    ("$v_10_sub_-5", "let:v=10--5"),
    ("$v_1_sub_2_mul_3_sub_4", "let:v=1-2*3-4"),
    ("$v_4:3", "let:v=4:3"),
    ("$v_2_mul_4:3", "let:v=2*(4:3)"),
    # text is decoded once more: what is escaped twice belongs to it
    ("$v_!a%252Cb!", "let:v='a%2Cb'"),
    ("$v_!a%252Fb!", "let:v='a%2Fb'"),
    ("$v_!a'b!", "let:v='a%27b'"),
    ("$v_!a(b)!", "let:v='a%28b%29'"),
    ("$v_!ü!", "let:v='%C3%BC'"),
    # operands: of the picture at this step, and of the source
    ("w_w_mul_2", "resize:(w*2)x,enlarge=true"),
    ("w_iw_div_2", "resize:(iw:2)x,enlarge=true"),
    ("w_ow,h_oh", "resize:(iw)x(ih),fit=fill,enlarge=true"),
    ("w_iw_mul_0.5,h_ih_mul_0.5", "resize:(iw*0.5)x(ih*0.5),fit=fill,enlarge=true"),
    ("h_w,w_h", "resize:(h)x(w),fit=fill,enlarge=true"),
    ("w_iar_mul_100", "resize:(iar*100)x,enlarge=true"),
    ("w_ar_mul_100", "resize:(ar*100)x,enlarge=true"),
    ("w_fc_mul_100", "resize:(faces*100)x,enlarge=true"),
    ("w_pc_mul_100", "resize:(pages*100)x,enlarge=true"),
    ("w_tags", "resize:(tags)x,enlarge=true"),
    ("w_cp", "resize:(cp)x,enlarge=true"),
    ("w_du", "resize:(du)x,enlarge=true"),
    ("w_300_div_2", "resize:(300:2)x,enlarge=true"),
    ("w_$(v)", "resize:($v)x,enlarge=true"),
    ("w_$v_mul_$w", "resize:($v*$w)x,enlarge=true"),
    ("w_iw_mul_2_add_$v", "resize:(iw*2+$v)x,enlarge=true"),
    ("w_$v_to_i", "resize:(int($v))x,enlarge=true"),
    ("x_$x,c_crop,w_9,h_9", "crop:9x9,x=($x),y=0"),
    ("c_crop,w_9,h_9,x_w_sub_9,y_h_sub_9", "crop:9x9,x=(w-9),y=(h-9)"),
    ("ar_$r,c_fill,w_9", "resize:9x,fit=cover,enlarge=true,ratio=($r)"),
    ("z_$z,c_thumb,g_face,w_9,h_9", "face-crop:9x9,zoom=($z),fallback=center"),
    ("dpr_$d,w_9", "resize:(9*$d)x,enlarge=true"),
    ("e_blur:$v", "blur:($v:20)"),
    ("e_brightness:$v_mul_2", "brightness:($v*2)"),
    ("o_$v", "opacity:($v)"),
    ("q_$v", "quality:($v)"),
    ("r_$v:3", "round:($v):3"),
    ("b_$v", "background:($v)"),
]


@pytest.mark.parametrize(("transformation", "native"), VARIABLES)
def test_variables_and_arithmetic(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize(
    ("transformation", "key"),
    [
        ("w_mul_2", "w"),
        ("w_add_100_mul", "w"),
        ("w_iw_mul", "w"),
        ("w_iw_foo_2", "w"),
        ("w_iw_mul_2_3", "w"),
        ("w_$v_100", "w"),
        ("w_$v1_$v0_mul_2", "w"),
        ("w_$", "w"),
        ("w_$(v", "w"),
        ("w_iw_mul_(2)", "w"),
        ("w_w_gt_2", "w"),
        ("x_$x_p", "x"),
        ("$v_10_add", "$v"),
        ("$v_add_10", "$v"),
        ("$v_$w_gt_1", "$v"),
        ("$v_!open", "$v"),
        ("$v_!a!b!", "$v"),
        ("$v_(1)", "$v"),
        ("$v_1:2:3", "$v"),
        ("$v_foo:bar", "$v"),
        ("$v_$w_to_i_add_1", "$v"),
        ("$v_10000000000", "$v"),
        ("$v_!" + "a" * 400 + "!", "$v"),
        ("w_w" + "_add_w" * 50, "w"),
    ],
)
def test_what_is_no_expression(transformation: str, key: str) -> None:
    caught = refused(transformation)
    assert (caught.code, caught.details["key"]) == ("bad-expression", key)
    assert caught.details["component"] == transformation


def test_the_bounds_of_an_expression_are_told() -> None:
    assert refused("$v_!" + "a" * 400 + "!").details["maximum"] == 400
    assert refused("$v_w" + "_add_w" * 50).details["maximum"] == 100


def test_an_unknown_operand_names_the_nearest() -> None:
    caught = refused("w_iw_mul_pagess")
    assert caught.details["nearest"] == "pages"
    assert "iw" in caught.details["choices"]


@pytest.mark.parametrize("folder", ["$_1", "$1a_1", "$v"])
def test_what_looks_like_a_variable_but_has_no_name_is_a_folder(folder: str) -> None:
    assert steps(folder) == ""


def test_a_place_that_is_worked_out_is_refused_by_name() -> None:
    caught = refused("c_crop,w_9,h_9,g_xy_center,x_$x,y_3")
    assert (caught.code, caught.details["key"]) == ("unsupported-expression", "g")
