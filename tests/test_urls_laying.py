"""Cloudinary's layers and texts as steps: what of a component belongs to the layer, and what says where it is laid."""

from __future__ import annotations

import base64

import pytest

from server import urls
from server.urls import cloudinary
from transforms.failure import Failure
from transforms.picture import Picture
from transforms.pipeline import Pending

from .shared import jsonl, needs
from .transformations import path, refused, steps

ADDRESS = base64.urlsafe_b64encode(b"https://host.example/a b.png").decode()

LAYERS = [
    # what is shown
    ("l_logo", "overlay:id:logo,overflow=grow/end"),
    ("u_logo", "underlay:id:logo,overflow=grow/end"),
    ("l_docs:my_logo.png", "overlay:id:docs:my_logo.png,overflow=grow/end"),
    ("l_private:logo", "overlay:private:logo,overflow=grow/end"),
    ("l_authenticated:a:b", "overlay:authenticated:a:b,overflow=grow/end"),
    (f"l_fetch:{ADDRESS}", "overlay:https:%2F%2Fhost.example%2Fa%2520b.png,overflow=grow/end"),
    ("$logo_!docs:mark!/l_$logo", "let:logo='docs:mark'/overlay:id:($logo),overflow=grow/end"),
    # where it is laid
    ("l_logo,g_south_east,x_5,y_-5", "overlay:id:logo,gravity=south_east,x=5,y=-5,overflow=grow/end"),
    ("l_logo,g_center,x_0.1", "overlay:id:logo,x=0.1,overflow=grow/end"),
    ("l_logo,g_face", "overlay:id:logo,gravity=face,overflow=grow/end"),
    ("l_logo,g_faces,x_20p", "overlay:id:logo,gravity=faces,x=0.2,overflow=grow/end"),
    ("l_logo,g_cat:dog", "overlay:id:logo,gravity=cat:dog,overflow=grow/end"),
    ("l_logo,g_xy_center,x_30,y_40", "overlay:id:logo,gravity=30:40,overflow=grow/end"),
    ("l_logo,g_custom", "overlay:id:logo,overflow=grow/end"),
    ("l_logo,x_w_div_9,y_$y", "overlay:id:logo,x=(w:9),y=($y),overflow=grow/end"),
    ("l_logo,x_10,y_0.5,dpr_2", "overlay:id:logo,x=20,y=0.5,overflow=grow/end"),
    ("l_logo,fl_no_overflow", "overlay:id:logo/end"),
    ("l_logo,fl_text_disallow_overflow", "overlay:id:logo,overflow=refuse/end"),
    ("l_logo,fl_tiled,x_3", "overlay:id:logo,x=3,overflow=grow,tile=true/end"),
    ("l_logo,fl_cutter", "overlay:id:logo,overflow=grow,cutter=true/end"),
    ("l_logo,fl_no_overflow.cutter", "overlay:id:logo,cutter=true/end"),
    # how it is mixed
    ("l_logo,e_screen", "overlay:id:logo,overflow=grow,blend=screen/end"),
    ("l_logo/e_multiply,fl_layer_apply", "overlay:id:logo,overflow=grow,blend=multiply/end"),
    ("l_logo/fl_layer_apply,e_overlay,g_face", "overlay:id:logo,gravity=face,overflow=grow,blend=overlay/end"),
    ("l_logo/w_9/e_mask,fl_layer_apply", "overlay:id:logo,overflow=grow,blend=mask/resize:9x,enlarge=true/end"),
    ("l_logo,e_cut_out", "overlay:id:logo,overflow=grow,blend=cut-out/end"),
    ("l_logo/e_displace,fl_layer_apply,x_20,y_30", "overlay:id:logo,x=20,y=30,overflow=grow,blend=displace/end"),
    ("l_logo,e_anti_removal", "overlay:id:logo,overflow=grow,blend=anti-removal/end"),
    ("l_logo,e_anti_removal:90", "overlay:id:logo,overflow=grow,blend=anti-removal,strength=90/end"),
    ("l_logo,e_anti_removal:$s", "overlay:id:logo,overflow=grow,blend=anti-removal,strength=($s)/end"),
    # in one component, all but its place acts on the layer
    ("l_logo,w_100,g_north", "overlay:id:logo,gravity=north,overflow=grow/resize:100x,enlarge=true/end"),
    ("l_logo,w_100,h_50", "overlay:id:logo,overflow=grow/resize:100x50,enlarge=true/end"),
    ("l_logo,w_100,h_50,c_fill,g_north",
     "overlay:id:logo,gravity=north,overflow=grow/resize:100x50,fit=cover,enlarge=true/end"),
    ("l_logo,c_crop,w_9,h_9,x_3", "overlay:id:logo,x=3,overflow=grow/crop:9x9/end"),
    ("l_logo,w_0.5", "overlay:id:logo,overflow=grow/resize:0.5x,enlarge=true/end"),
    ("l_logo,w_100,dpr_2", "overlay:id:logo,overflow=grow/resize:200x,enlarge=true/end"),
    ("l_logo,e_sepia,o_50,a_90,r_max", "overlay:id:logo,overflow=grow/sepia/round:max/rotate:90/opacity:50/end"),
    ("l_logo,bo_2px_solid_red,b_blue",
     "overlay:id:logo,overflow=grow/border:2,color=ff0000/background:0000ff/end"),
    ("l_logo,e_shadow,x_5,co_red", "overlay:id:logo,x=5,overflow=grow/shadow:color=ff0000/end"),
    ("l_logo,e_blur_region,w_9,x_5", "overlay:id:logo,x=5,overflow=grow/blur-region:width=9/end"),
    ("l_logo,pg_2", "overlay:id:logo,overflow=grow/page:2/end"),
    ("t_small,l_logo,w_9", "overlay:id:logo,overflow=grow/preset:small/resize:9x,enlarge=true/end"),
    # what is said of sending, and reports, are about the whole
    ("l_logo,f_png,q_80/w_9", "overlay:id:logo,overflow=grow/end/resize:9x,enlarge=true/quality:80/format:png"),
    ("l_logo/q_80/fl_layer_apply,fl_getinfo", "overlay:id:logo,overflow=grow/end/getinfo/quality:80"),
    # opened and applied
    ("l_logo/w_9,h_9/fl_layer_apply,g_north/w_5",
     "overlay:id:logo,gravity=north,overflow=grow/resize:9x9,fit=fill,enlarge=true/end/resize:5x,enlarge=true"),
    ("l_woman,c_crop,g_face/w_250/fl_layer_apply",
     "overlay:id:woman,overflow=grow/crop:gravity=face/resize:250x,enlarge=true/end"),
    ("l_woman,c_crop,w_9,h_9,x_3,y_4/fl_layer_apply,x_5", "overlay:id:woman,x=5,overflow=grow/crop:9x9,x=3,y=4/end"),
    ("l_woman,c_fill,w_9,h_9,g_face,x_3/fl_layer_apply",
     "overlay:id:woman,x=3,overflow=grow/resize:9x9,fit=cover,gravity=face,enlarge=true/end"),
    ("l_woman,c_scale,w_9,g_north,x_3/fl_layer_apply",
     "overlay:id:woman,gravity=north,x=3,overflow=grow/resize:9x,enlarge=true/end"),
    ("l_woman,e_shadow,x_9,g_north/fl_layer_apply,x_1",
     "overlay:id:woman,gravity=north,x=1,overflow=grow/shadow:x=9/end"),
    ("l_woman/e_shadow,x_9/fl_layer_apply,e_shadow:20,x_1",
     "overlay:id:woman,x=1,overflow=grow/shadow:x=9/shadow:20/end"),
    ("l_logo,g_north,y_3/fl_layer_apply,g_south", "overlay:id:logo,gravity=south,y=3,overflow=grow/end"),
    ("l_logo/w_10/dpr_2/fl_layer_apply", "overlay:id:logo,overflow=grow/resize:20x,enlarge=true/end"),
    # layers of layers
    ("l_a,w_9/l_b,w_5/fl_layer_apply/fl_layer_apply,x_1",
     "overlay:id:a,x=1,overflow=grow/resize:9x,enlarge=true/overlay:id:b,overflow=grow/resize:5x,enlarge=true/end/end"),
    ("l_a,w_9/w_5/l_b,fl_layer_apply,x_3",
     "overlay:id:a,overflow=grow/resize:9x,enlarge=true/end/resize:5x,enlarge=true/overlay:id:b,x=3,overflow=grow/end"),
    # sizes in fractions of what is below
    ("l_logo,w_0.8,fl_relative", "overlay:id:logo,overflow=grow/resize:(bw*0.8)x,enlarge=true/end"),
    ("l_logo/w_0.8/fl_layer_apply,fl_relative", "overlay:id:logo,overflow=grow/resize:(bw*0.8)x,enlarge=true/end"),
    ("l_logo,h_1.0,w_1.0,c_crop,fl_relative", "overlay:id:logo,overflow=grow/crop:(bw*1.0)x(bh*1.0)/end"),
    ("l_logo,w_1.1,g_faces,fl_region_relative",
     "overlay:id:logo,gravity=faces,overflow=grow/resize:(rw*1.1)x,enlarge=true/end"),
    ("l_logo,w_100,fl_relative", "overlay:id:logo,overflow=grow/resize:100x,enlarge=true/end"),
    ("l_logo,w_0.5,fl_relative,dpr_2", "overlay:id:logo,overflow=grow/resize:(bw*0.5)x,enlarge=true/end"),
    # conditions and variables
    ("if_w_gt_9,l_a,w_5/if_else,l_b",
     "if:w>9/overlay:id:a,overflow=grow/resize:5x,enlarge=true/end/else/overlay:id:b,overflow=grow/end/end"),
    ("if_w_gt_9,l_a/w_5/fl_layer_apply,x_3/w_2",
     "if:w>9/overlay:id:a,x=3,overflow=grow/resize:5x,enlarge=true/end/end/resize:2x,enlarge=true"),
    ("if_w_gt_9/l_a/w_5/fl_layer_apply/if_else/u_b/if_end",
     "if:w>9/overlay:id:a,overflow=grow/resize:5x,enlarge=true/end/else/underlay:id:b,overflow=grow/end/end"),
    ("l_a/if_w_gt_9,w_5/if_else,w_6/fl_layer_apply",
     "overlay:id:a,overflow=grow/if:w>9/resize:5x,enlarge=true/else/resize:6x,enlarge=true/end/end"),
    ("l_a/if_w_gt_9/w_5/if_end/fl_layer_apply", "overlay:id:a,overflow=grow/if:w>9/resize:5x,enlarge=true/end/end"),
    ("$v_5,l_a,w_$v", "let:v=5/overlay:id:a,overflow=grow/resize:($v)x,enlarge=true/end"),
    ("l_a/$v_w/r_$v/fl_layer_apply,$x_3,x_$x", "let:x=3/overlay:id:a,x=($x),overflow=grow/let:v=w/round:($v)/end"),
]  # fmt: skip

TEXTS = [
    ("l_text:Arial_40:Hello", "text:Hello"),
    ("l_text:Times%20New%20Roman_90_bold:a,co_red", "text:a,font=Times New Roman,size=90,weight=700,color=ff0000"),
    ("l_text:Arial_20_700_italic_underline:a", "text:a,size=20,weight=700,italic=true,underline=true"),
    ("l_text:Arial_20_strikethrough_center:a", "text:a,size=20,strikethrough=true,align=center"),
    ("l_text:a_1_letter_spacing_4_line_spacing_-12.5_antialias_best_hinting_slight:a",
     "text:a,font=a,size=1,letter_spacing=4,line_spacing=-12.5,antialias=best,hinting=slight"),
    ("l_text:fonts%252Fmy.ttf_40:a", "text:a,font=fonts:my.ttf"),
    ("l_text:Arial_40:a%252C%250Ab%252F%253D%2525", "text:a%2C%0Ab%2F%3D%25"),
    ("l_text:Arial_40:italic", "text:italic"),
    ("l_text:Arial_40:Hi%20$(name)!%20%2524%2528x%2529", "text:Hi $(name)! %24(x)"),
    ("l_text:Arial_$s_mul_2:a", "text:a,size=($s*2)"),
    ("l_text:$f_20:a", "text:a,font=($f),size=20"),
    ("l_text:Arial_40:a,co_$c,b_rgb:fff8", "text:a,color=($c),background=ffffff88"),
    # the border is that of the letters where they have a stroke
    ("l_text:Arial_40_stroke:a,bo_3px_solid_blue", "text:a,stroke=3,stroke_color=0000ff"),
    ("l_text:Arial_40_stroke:a,bo_$wpx_solid_$c", "text:a,stroke=($w),stroke_color=($c)"),
    ("l_text:Arial_40_stroke:a", "text:a"),
    ("l_text:Arial_40:a,bo_3px_solid_blue", "text:a/border:3,color=0000ff"),
    # a size is a box to wrap in, unless the picture of the text is scaled
    ("l_text:Arial_40:a,w_300,c_fit", "text:a,box=300x"),
    ("l_text:Arial_40:a,w_300", "text:a,box=300x"),
    ("l_text:Arial_40:a,w_300,h_90,c_fit", "text:a,box=300x90"),
    ("l_text:Arial_40:a,w_0.9,c_fit,fl_relative", "text:a,box=(bw*0.9)x"),
    ("l_text:Arial_40:a,w_w_div_2", "text:a,box=(w:2)x"),
    ("l_text:Arial_40:a,w_300,c_scale", "text:a/resize:300x,enlarge=true"),
    ("l_text:Arial_40:a,h_90", "text:a/resize:x90,enlarge=true"),
    ("l_text:Arial_40:a,w_0.5", "text:a/resize:0.5x,enlarge=true"),
    ("l_text:Arial_40:a,fl_text_no_trim", "text:a,no_trim=true"),
    ("l_text:Arial_40:a/fl_layer_apply,fl_text_no_trim", "text:a,no_trim=true"),
    # denser pixels
    ("l_text:Arial_15_letter_spacing_1:a,w_100,dpr_1.5", "text:a,size=23,letter_spacing=1.5,box=150x"),
    ("l_text:Arial_15_stroke:a,bo_2px_solid_red,dpr_2", "text:a,size=30,stroke=4,stroke_color=ff0000"),
    # what else acts on it
    ("l_text:Arial_40:a,e_shadow,co_red,a_10,o_50",
     "text:a,color=ff0000/shadow/rotate:10/opacity:50"),
    ("l_text:Arial_40:a/e_negate/fl_layer_apply", "text:a/negate"),
    ("t_small,l_text:Arial_40:a", "text:a/preset:small"),
]  # fmt: skip

STYLES = [
    ("$style_!Arial_20_bold!/l_text:$style:a", "text:a,size=20,weight=700"),
    ("$style_!Arial_20!/$style_!Arial_30_stroke!,l_text:$style:a,bo_1px_solid_red",
     "text:a,size=30,stroke=1,stroke_color=ff0000"),
    ("$style_Arial_20/l_text:$style:a", "text:a,size=20"),
    ("$style_!Arial_20!/if_w_gt_1/l_text:$style:a/fl_layer_apply/if_end", "text:a,size=20"),
]  # fmt: skip


@pytest.mark.parametrize(("transformation", "native"), LAYERS)
def test_a_layer_is_a_step_with_steps_of_its_own(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize(("transformation", "native"), TEXTS)
def test_a_text_is_the_first_step_of_its_layer(transformation: str, native: str) -> None:
    assert steps(transformation) == f"overlay:overflow=grow/{native}/end"


@pytest.mark.parametrize(
    ("native", "transformation"),
    [
        ("/overlay:id:logo,x=3/end/id:a", "l_logo,fl_layer_apply,fl_no_overflow,x_3"),
        ("/overlay:id:logo,overflow=grow/resize:(rh*0.5)x,enlarge/end/id:a", None),
        ("/overlay:id:logo,overflow=grow/resize:(rw*0.5)x,enlarge/end/id:a",
         "l_logo/c_scale,w_0.5,fl_region_relative/fl_layer_apply"),
        ("/overlay:overflow=grow/text:Hi $(n),weight=bold/blur:5/end/id:a",
         "l_text:Arial_40_bold:Hi%20$%28n%29/e_blur:100/fl_layer_apply"),
        ("/overlay:logo.png/end/id:a", None),
        ("/overlay:id:logo,opacity=50/end/id:a", None),
        ("/overlay:id:logo,size=0.5x/end/id:a", None),
        ("/overlay:id:logo,blend=darken/end/id:a", None),
        ("/overlay/end/id:a", None),
        ("/text:Hello/id:a", None),
        ("/overlay/text:a,underline,strikethrough/end/id:a", None),
        ("/overlay/text:a,gravity=north/end/id:a", None),
    ],
)  # fmt: skip
def test_native_layers_in_this_dialect(native: str, transformation: str | None) -> None:
    request = urls.parse(native)
    if transformation is not None:
        assert cloudinary.print(request) == f"/image/upload/{transformation}/a"
        return
    with pytest.raises(Failure) as caught:
        cloudinary.print(request)
    assert caught.value.code == "not-expressible"


@pytest.mark.parametrize(("transformation", "native"), STYLES)
def test_a_style_may_be_what_a_variable_holds(transformation: str, native: str) -> None:
    assert f"/{native}/" in steps(transformation)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("l_logo,g_south,x_3,w_9", "w_9,x_3,l_logo,g_south"),
        ("l_logo,w_9,g_south", "l_logo,c_fit,w_9/fl_layer_apply,g_south"),
        ("l_logo/fl_layer_apply,g_south", "l_logo,g_south/fl_layer_apply"),
        ("fl_layer_apply,l_logo", "l_logo"),
        ("l_logo/fl_layer_apply,fl_relative,w_0.5", "fl_relative,w_0.5,l_logo"),
        ("l_text:Arial_40_bold:a", "l_text:Arial_40_700:a"),
        ("l_logo,fl_no_overflow,fl_tiled", "fl_tiled.no_overflow,l_logo"),
        ("l_logo/q_80/fl_layer_apply/f_png", "f_png,q_80/l_logo"),
        ("l_logo/pg_2/e_sepia/fl_layer_apply", "l_logo/e_sepia,pg_2/fl_layer_apply"),
    ],
)
def test_equal_meaning_gives_equal_pipelines(one: str, other: str) -> None:
    assert steps(one) == steps(other)


@pytest.mark.parametrize(
    ("transformation", "code", "key"),
    [
        ("l_logo,e_blurr", "unknown-effect", "e"),
        ("l_logo,e_sepia:500", "bad-argument", "e"),
        ("l_logo,e_anti_removal:101", "bad-argument", "e"),
        ("l_logo/e_blur/fl_layer_apply,x_far", "bad-argument", "x"),
        ("l_logo,x_$", "bad-expression", "x"),
        ("l_logo,w_abc", "bad-argument", "w"),
        ("l_logo,o_101", "bad-argument", "o"),
        ("l_logo,co_nocolour", "bad-argument", "co"),
        ("l_logo,g_nothing", "bad-argument", "g"),
        ("l_logo,g_auto", "gravity-not-allowed", "g"),
        ("l_logo,g_xy_center,x_$x", "unsupported-expression", "g"),
        ("l_logo,g_xy_center,x_-1", "bad-argument", "x"),
        ("l_logo,w_100,h_0.5", "mixed-units", "w"),
        ("l_logo/if_w_gt_1,fl_layer_apply", "bad-argument", "if"),
        ("l_fetch:aW1hZ2UudXJs", "bad-source", "l"),
        ("u_text:hello", "missing-text-style", "u"),
        ("l_text:Arial:hi", "missing-text-style", "l"),
        ("l_text:$style:hi", "undefined-variable", "l"),
        ("$style_w/l_text:$style:hi", "unsupported-expression", "l"),
        ("if_w_gt_1,$style_!Arial_20!/l_text:$style:hi", "unsupported-expression", "l"),
        ("$style_!Arial!/l_text:$style:hi", "missing-text-style", "l"),
        ("l_text:Arial_900:hi,dpr_2", "bad-argument", "l"),
        ("l_text:Arial_20_stroke:hi,bo_201px_solid_red", "bad-argument", "l"),
        ("l_text:Arial_20_stroke:hi,bo_thick", "bad-argument", "bo"),
        ("l_text:Arial_20:hi,co_nocolour", "bad-argument", "co"),
        ("l_text:Arial_20:hi,b_auto", "bad-argument", "b"),
        ("l_text:Arial_20:hi,w_9000", "bad-argument", "w"),
    ],
)
def test_what_is_wrong_in_a_layer_is_refused_by_its_key(transformation: str, code: str, key: str) -> None:
    caught = refused(f"w_9/{transformation}")
    assert (caught.code, caught.details["key"]) == (code, key)


def test_a_condition_on_a_layer_does_not_decide_on_how_the_picture_is_sent() -> None:
    assert refused("l_logo/if_w_gt_1/q_5/if_end/fl_layer_apply").code == "step-in-layer"


@pytest.mark.parametrize(
    ("transformation", "pending"),
    [
        ("l_lut:warm.cube", "l_lut:warm.cube"),
        ("l_lut:warm.cube/w_9/fl_layer_apply", "l_lut:warm.cube"),
        ("l_logo,g_adv_eyes", "g_adv_eyes"),
        ("l_woman/e_style_transfer:preserve_color:15,fl_layer_apply", "e_style_transfer:preserve_color:15"),
        ("l_woman/e_gen_restore/fl_layer_apply", "e_gen_restore"),
    ],
)
def test_what_of_a_layer_is_not_done_stands_in_the_pipeline(transformation: str, pending: str) -> None:
    pipeline = urls.parse(path(transformation)).pipeline
    assert [node.text for node in pipeline.everywhere if isinstance(node, Pending)] == [pending]


def test_the_pictures_of_layers_are_known_before_anything_is_fetched() -> None:
    request = urls.parse(
        path(f"$v_!b:c!/l_a/l_private:p/fl_layer_apply/fl_layer_apply/if_w_gt_1,u_$v/l_fetch:{ADDRESS}")
    )
    assert set(request.pipeline.pictures) == {
        Picture("id", "a"), Picture("id", "p", "private"), Picture("id", "b/c"),
        Picture("https", "https://host.example/a%20b.png"),
    }  # fmt: skip


# Not in the language, or about vectors, colour spaces and formats that are not read or written here.
_NOT_DONE = ("fl_clip", "f_jpc", "f_wdp", "cs_icc")


@needs("spec", "corpus.jsonl")
def test_every_core_and_common_effect_layer_and_text_is_done() -> None:
    rows = [row for row in jsonl("corpus.jsonl") if row["class"] in ("core", "common")]
    undone = []
    for row in rows:
        try:
            pipeline = urls.parse(path(row["t"])).pipeline
        except Failure:  # another test's
            continue
        undone += [node.text for node in pipeline.everywhere if isinstance(node, Pending)]
    assert [text for text in undone if not text.startswith(_NOT_DONE)] == []
