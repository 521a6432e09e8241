"""Cloudinary's `w_ h_ ar_ c_ x_ y_ z_ dpr_` in native steps."""

from __future__ import annotations

import pytest

from .transformations import steps

SIZES = [
    # w and h: pixels, with a decimal point fractions; without c_ they scale
    ("w_400", "resize:400x,enlarge=true"),
    ("h_300", "resize:x300,enlarge=true"),
    ("w_400,h_300", "resize:400x300,fit=fill,enlarge=true"),
    ("w_1", "resize:1x,enlarge=true"),
    ("w_1.0", "resize:1.0x,enlarge=true"),
    ("w_.5", "resize:0.5x,enlarge=true"),
    ("w_0.333", "resize:0.333x,enlarge=true"),
    ("w_1000.0", "resize:1000.0x,enlarge=true"),
    ("c_scale,w_400,h_300", "resize:400x300,fit=fill,enlarge=true"),
    ("c_scale,w_1.0,h_1.0", "resize:1.0x1.0,fit=fill,enlarge=true"),
    ("w_iw", "resize:(iw)x,enlarge=true"),
    ("w_ow,h_oh", "resize:(iw)x(ih),fit=fill,enlarge=true"),
    ("h_ih_mul_0.5,w_iw_mul_0.5", "resize:(iw*0.5)x(ih*0.5),fit=fill,enlarge=true"),
    # ar supplies the other side, alone it takes the largest region or the smallest canvas, beside both it says nothing
    ("c_scale,w_300,ar_2:1", "resize:300x150,fit=fill,enlarge=true"),
    ("ar_1.0,c_scale,w_1.0", "resize:1.0x,fit=fill,enlarge=true,ratio=1:1"),
    ("ar_16:9,c_fill,w_500", "resize:500x281,fit=cover,enlarge=true"),
    ("ar_1.5,c_pad,h_100", "pad:150x100,enlarge=true"),
    ("ar_16:9,c_limit,w_500", "resize:500x281"),
    ("ar_1:1,c_lfill,w_100", "resize:100x100,fit=cover"),
    ("ar_1:1,c_lpad,w_100", "pad:100x100"),
    ("ar_1:1,c_mpad,w_100", "pad:100x100,shrink=false"),
    ("ar_1:1,c_thumb,w_100,g_face", "face-crop:100x100,fallback=center"),
    ("ar_1:1,c_auto,w_100,g_auto", "smart-crop:100x100"),
    ("ar_1:1,c_auto_pad,w_100,g_auto", "fill-pad:100x100"),
    ("ar_1:1,c_fill_pad,w_100,g_auto", "fill-pad:100x100"),
    ("ar_1:1,c_crop,h_900", "crop:900x900"),
    ("ar_1:1,c_fill,w_0.5", "resize:0.5x,fit=cover,enlarge=true,ratio=1:1"),
    ("ar_1:1,c_fill,w_400,h_300", "resize:400x300,fit=cover,enlarge=true"),
    ("ar_16:9,c_fill", "crop:1.0x,ratio=16:9"),
    ("ar_16:9,c_crop", "crop:1.0x,ratio=16:9"),
    ("ar_16:9,c_lfill", "crop:1.0x,ratio=16:9"),
    ("ar_16:9,c_auto,g_auto", "crop:1.0x,gravity=auto,ratio=16:9"),
    ("ar_16:9,c_pad", "pad:ratio=16:9"),
    ("ar_16:9,c_lpad,b_white", "pad:ratio=16:9,background=ffffff/background:ffffff"),
    ("ar_16:9,c_mpad", "pad:ratio=16:9,shrink=false"),
    ("ar_iw_div_ih,c_fill,w_100", "resize:100x,fit=cover,enlarge=true,ratio=(iw:ih)"),
    ("ar_$r,c_fill,w_100", "resize:100x,fit=cover,enlarge=true,ratio=($r)"),
    # fit, limit, mfit
    ("c_fit,w_400,h_300", "resize:400x300,enlarge=true"),
    ("c_fit,w_400", "resize:400x,enlarge=true"),
    ("c_fit,w_100,ar_2.0", "resize:100x50,enlarge=true"),
    ("c_limit,w_400,h_300", "resize:400x300"),
    ("c_limit,h_300", "resize:x300"),
    ("c_mfit,w_400,h_300", "resize:400x300,enlarge=true,shrink=false"),
    ("c_mfit,w_400", "resize:400x,enlarge=true,shrink=false"),
    # fill, lfill, auto
    ("c_fill,w_400,h_300", "resize:400x300,fit=cover,enlarge=true"),
    ("c_fill,w_400", "resize:400x,enlarge=true"),
    ("c_fill,w_200,x_100,y_100", "resize:200x,enlarge=true"),
    ("c_lfill,w_400,h_300", "resize:400x300,fit=cover"),
    ("c_lfill,w_400", "resize:400x"),
    ("c_auto,w_400,h_300", "smart-crop:400x300"),
    ("c_auto,w_400", "resize:400x,enlarge=true"),
    # pad, lpad, mpad, fill_pad
    ("c_pad,w_400,h_300", "pad:400x300,enlarge=true"),
    ("c_pad,w_400", "resize:400x,enlarge=true"),
    ("c_pad,w_400,h_300,g_south,b_red", "pad:400x300,gravity=south,background=ff0000,enlarge=true/background:ff0000"),
    ("c_pad,w_0.5,ar_1:1", "pad:0.5x,ratio=1:1,enlarge=true"),
    ("c_lpad,w_400,h_300,b_rgb:0f08", "pad:400x300,background=00ff0088/background:00ff0088"),
    ("c_lpad,w_3200", "pad:3200x"),
    ("c_mpad,w_400,h_300", "pad:400x300,shrink=false"),
    ("c_mpad,w_400", "pad:400x,shrink=false"),
    ("c_fill_pad,w_400,h_300,g_auto,b_auto", "fill-pad:400x300,background=auto/background:auto"),
    ("c_auto_pad,w_400,h_300,g_auto", "fill-pad:400x300"),
    ("c_fill_pad,w_400", "resize:400x,enlarge=true"),
    # crop: x and y from the top left corner, or inwards from where g_ says
    ("c_crop,w_400,h_300", "crop:400x300"),
    ("c_crop,w_400", "crop:400x"),
    ("c_crop,w_400,h_300,x_10", "crop:400x300,x=10,y=0"),
    ("c_crop,w_400,h_300,x_10p,y_5", "crop:400x300,x=0.1,y=5"),
    ("c_fill_pad,ar_1:1,g_auto", "fill-pad:1.0x,ratio=1:1"),
    ("w_0.33333333333333331483", "resize:0.333333333x,enlarge=true"),
    ("ar_1.7777777777777777,c_crop", "crop:1.0x,ratio=16:9"),
    ("c_crop,w_400,h_300,x_-10,y_5,g_south", "crop:400x300,x=-10,y=5,gravity=south"),
    ("c_crop,w_0.5,h_0.5,x_20p,y_0", "crop:0.5x0.5,x=0.2,y=0"),
    ("c_crop,w_0.5,h_0.5,x_0.1,y_0.25", "crop:0.5x0.5,x=0.1,y=0.25"),
    ("c_crop,x_0,y_0,ar_1.5", "crop:1.0x,x=0,y=0,ratio=3:2"),
    ("c_crop,w_9,h_9,x_iw_div_4,y_-3", "crop:9x9,x=(iw:4),y=-3"),
    ("c_crop,g_xy_center,x_50,y_60,w_100,h_100", "crop:100x100,gravity=50:60"),
    ("c_crop,g_xy_center,x_0.5,y_0,w_0.5,h_0.5", "crop:0.5x0.5,gravity=0.5:0.0"),
    ("c_crop,g_xy_center,w_100,h_100", "crop:100x100,gravity=0:0"),
    ("c_fill,g_xy_center,x_50,w_100,h_100", "resize:100x100,fit=cover,gravity=50:0,enlarge=true"),
    # thumb
    ("c_thumb,w_90,h_90,g_face", "face-crop:90x90,fallback=center"),
    ("c_thumb,w_90,h_90,g_face:auto", "face-crop:90x90"),
    ("c_thumb,w_90,h_90,g_faces,z_0.7", "face-crop:90x90,zoom=0.7,which=all,fallback=center"),
    ("c_thumb,w_0.1,ar_1:1,g_face", "face-crop:0.1x,fallback=center,ratio=1:1"),
    ("c_thumb,w_90,h_90,g_auto", "smart-crop:90x90"),
    ("c_thumb,w_90,h_90,g_north", "resize:90x90,fit=cover,gravity=north,enlarge=true"),
    ("c_thumb,w_90,h_90,g_cat,z_1.2", "object-crop:90x90,gravity=cat,zoom=1.2"),
    ("c_thumb,w_90,h_90,g_body", "object-crop:90x90,gravity=body"),
    ("c_thumb,w_90", "resize:90x,enlarge=true"),
    ("c_thumb,g_face", "crop:gravity=face"),
    ("c_thumb,w_9,h_9,g_face,z_$z", "face-crop:9x9,zoom=($z),fallback=center"),
    # with ignore_aspect_ratio a side that is left out keeps its length
    ("w_400,fl_ignore_aspect_ratio", "resize:400x1.0,fit=fill,enlarge=true"),
    ("c_scale,h_150,fl_progressive.ignore_aspect_ratio", "resize:1.0x150,fit=fill,enlarge=true/progressive"),
    ("c_scale,w_4,h_5,fl_ignore_aspect_ratio", "resize:4x5,fit=fill,enlarge=true"),
    ("c_fit,w_9,fl_ignore_aspect_ratio", "resize:9x1.0,enlarge=true"),
    ("c_limit,h_0.5,fl_ignore_aspect_ratio", "resize:1.0x0.5"),
    # the client's width
    ("w_auto", "resize:(auto)x,enlarge=true"),
    ("w_auto:100", "resize:(auto@100)x,enlarge=true"),
    ("w_auto:100:400", "resize:(auto@100@400)x,enlarge=true"),
    ("w_auto,c_limit", "resize:(auto)x"),
    ("w_auto,c_fill,ar_1:1", "resize:(auto)x,fit=cover,enlarge=true,ratio=1:1"),
    ("w_auto,dpr_auto", "resize:(auto*dpr)x,enlarge=true"),
]

DENSITIES = [
    ("w_100,dpr_2.0", "resize:200x,enlarge=true"),
    ("c_scale,w_333,dpr_1.5", "resize:500x,enlarge=true"),
    ("c_fill,w_100,ar_16:9,dpr_2", "resize:200x113,fit=cover,enlarge=true"),
    ("c_scale,w_0.5,dpr_2", "resize:1.0x,enlarge=true"),
    ("c_crop,w_10,h_10,x_3,y_-3,dpr_1.5", "crop:15x15,x=5,y=-4"),
    ("c_crop,w_0.5,x_0.2,dpr_2", "crop:1.0x,x=0.2,y=0"),
    ("w_9,dpr_1.5,r_5,bo_1px_solid_black", "resize:14x,enlarge=true/round:8/background:000000/border:2/round:10"),
    ("dpr_2,bo_1px_solid_black", "border:2"),
    ("dpr_auto,w_100", "resize:(100*dpr)x,enlarge=true"),
    ("w_0.5,dpr_auto", "resize:(float(0.5*dpr))x,enlarge=true"),
    ("w_100,r_5,dpr_auto", "resize:(100*dpr)x,enlarge=true/round:(5*dpr)"),
    ("dpr_$d,w_100", "resize:(100*$d)x,enlarge=true"),
    # in a component of its own it belongs to the resize before it
    ("w_100/dpr_2.0", "resize:200x,enlarge=true"),
    ("w_100/dpr_2/dpr_3", "resize:600x,enlarge=true"),
    ("w_100/dpr_auto", "resize:(100*dpr)x,enlarge=true"),
    ("c_limit,w_100/r_10/q_80,dpr_2.0", "resize:200x/round:10/quality:80"),
    ("w_600/q_80,dpr_2/bo_1px_solid_gray", "resize:1200x,enlarge=true/border:1,color=808080/quality:80"),
    ("c_crop,w_100/dpr_2", "crop:100x"),
    ("dpr_2/w_100", "resize:100x,enlarge=true"),
    # of the same picture, and not past the condition that guards it
    ("w_100/l_logo,w_10/dpr_2", "resize:200x,enlarge=true/overlay:id:logo,overflow=grow/resize:10x,enlarge=true/end"),
    ("w_100/if_fc_gt_1/dpr_2/if_end", "resize:100x,enlarge=true/if:faces>1/end"),
    ("w_100/if_fc_gt_1,dpr_2", "resize:100x,enlarge=true/if:faces>1/end"),
    ("w_100/if_fc_gt_1/w_50/dpr_2/if_end", "resize:100x,enlarge=true/if:faces>1/resize:100x,enlarge=true/end"),
]

QUALIFIES_NOTHING = [
    "c_limit", "c_thumb", "c_pad,x_1", "c_crop,g_auto", "ar_3:2", "c_fit,ar_3:2", "g_center", "g_auto", "x_10", "y_-3",
    "x_1p", "z_1.2", "dpr_2", "dpr_2/dpr_3", "dpr_auto", "fl_relative",
]  # fmt: skip


@pytest.mark.parametrize(("transformation", "native"), SIZES)
def test_sizes_and_modes(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize(("transformation", "native"), DENSITIES)
def test_a_density_multiplies_all_that_is_said_in_pixels(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize("transformation", QUALIFIES_NOTHING)
def test_what_qualifies_nothing_is_accepted_and_changes_nothing(transformation: str) -> None:
    assert steps(transformation) == ""


def test_one_pixel_is_not_the_whole_and_a_ratio_of_one_is_always_a_ratio() -> None:
    assert steps("w_1") != steps("w_1.0")
    assert steps("ar_1,c_fill,w_9") == steps("ar_1.0,c_fill,w_9") == steps("ar_1:1,c_fill,w_9")
