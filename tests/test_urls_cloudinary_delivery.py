"""Cloudinary's `q_ f_ cs_ pg_ dl_ d_ dn_ fl_ t_`: how the source is read and the result leaves."""

from __future__ import annotations

import pytest

from .transformations import steps

DELIVERY = [
    ("q_80", "quality:80"),
    ("q_1", "quality:1"),
    ("q_0.4", "quality:40"),
    ("q_.05", "quality:5"),
    ("q_auto", "quality:auto"),
    ("q_auto:good", "quality:auto"),
    ("q_auto:best", "quality:auto:best"),
    ("q_auto:eco", "quality:auto:eco"),
    ("q_auto:low", "quality:auto:low"),
    ("q_80:420", "quality:80,chroma=420"),
    ("q_80:444", "quality:80,chroma=444"),
    ("q_auto:444", "quality:auto,chroma=444"),
    ("q_auto:good:420", "quality:auto,chroma=420"),
    ("q_auto:best:444", "quality:auto:best,chroma=444"),
    ("q_$q", "quality:($q)"),
    ("q_$q:444", "quality:($q),chroma=444"),
    ("f_auto", "format:auto"),
    ("f_auto:image", "format:auto"),
    ("f_auto:animated", "format:auto"),
    ("f_jpg", "format:jpeg"),
    ("f_jpe", "format:jpeg"),
    ("f_png", "format:png"),
    ("f_webp", "format:webp"),
    ("f_avif", "format:avif"),
    ("f_gif", "format:gif"),
    ("f_bmp", "format:bmp"),
    ("f_ico", "format:ico"),
    ("f_tif", "format:tiff"),
    ("f_jp2", "format:jp2"),
    # said last and once, so that every way to spell them shares one cache entry
    ("f_webp,q_50/w_10", "resize:10x,enlarge=true/quality:50/format:webp"),
    ("q_50/f_png/q_70,f_avif", "quality:70/format:avif"),
    ("w_10,f_auto,q_auto/r_5", "resize:10x,enlarge=true/round:5/quality:auto/format:auto"),
    (
        "w_10,pg_2,cs_srgb,dl_50,d_none.png,f_gif,q_9",
        "resize:10x,enlarge=true/colorspace:srgb/delay:50/fallback:none.png/page:2/quality:9/format:gif",
    ),
    (
        "a_auto_right,w_1,h_2,f_png/w_3",
        "if:ar>1/rotate:90/end/resize:1x2,fit=fill,enlarge=true/resize:3x,enlarge=true/format:png",
    ),
    # pages and frames
    ("pg_2", "page:2"),
    ("pg_2-4", "page:2-4"),
    ("pg_2-4;6;8", "page:2-4;6;8"),
    ("dl_100", "delay:100"),
    # colours, fallback, density of vectors
    ("cs_srgb", "colorspace:srgb"),
    ("cs_srgb:truecolor", "colorspace:srgb"),
    ("cs_tinysrgb", "colorspace:tinysrgb"),
    ("cs_cmyk", "colorspace:cmyk"),
    ("cs_no_cmyk", "colorspace:no_cmyk"),
    ("cs_keep_cmyk", "colorspace:keep_cmyk"),
    ("cs_copy", "colorspace:copy"),
    ("d_avatar.png", "fallback:avatar.png"),
    ("d_folder:avatar.png", "fallback:folder:avatar.png"),
    ("d_a%252Fb.png", "fallback:a:b.png"),
    ("dn_150", ""),
    # flags
    ("fl_progressive", "progressive"),
    ("fl_progressive:semi", "progressive"),
    ("fl_progressive:steep", "progressive:steep"),
    ("fl_progressive:none", "progressive:none"),
    ("fl_attachment", "download"),
    ("fl_attachment:my_name", "download:my_name"),
    ("fl_attachment:my%252Ename", "download:my.name"),
    ("fl_attachment:a%2520b", "download:a b"),
    ("fl_attachment:a%252Cb", "download:a%2Cb"),
    ("fl_immutable_cache", "immutable"),
    ("fl_lossy", "lossy"),
    ("fl_png8", "png:8"),
    ("fl_png24", "png:24"),
    ("fl_png32", "png:32"),
    ("fl_keep_iptc", "metadata:keep"),
    ("fl_keep_attribution", "metadata:attribution"),
    ("fl_force_icc", "profile"),
    ("fl_animated", "animated"),
    ("fl_tiff8_lzw", "compression:lzw"),
    ("fl_getinfo", "getinfo"),
    ("c_fill,ar_1:1,g_auto/fl_getinfo", "crop:1.0x,gravity=auto,ratio=1:1/getinfo"),
    ("fl_lossy.progressive", "lossy/progressive"),
    ("fl_lossy,fl_progressive", "lossy/progressive"),
    # presets
    ("t_named", "preset:named"),
    ("t_one.two", "preset:one/preset:two"),
    ("t_fit_100x150", "preset:fit_100x150"),
    ("t_Resized%20Artwork", "preset:Resized Artwork"),
    ("t_Resized%2520Artwork", "preset:Resized Artwork"),
    ("t_a-b", "preset:a-b"),
    ("bl_named", "preset:named"),
    ("t_a,w_100", "preset:a/resize:100x,enlarge=true"),
    ("w_100/t_a/w_50", "resize:100x,enlarge=true/preset:a/resize:50x,enlarge=true"),
]

SAID_OF_WHAT_IS_DONE_ANYWAY = [
    "fl_strip_profile", "fl_force_strip", "fl_preserve_transparency", "fl_any_format", "fl_awebp", "fl_apng",
    "fl_replace_image", "fl_sanitize", "fl_rasterize", "fl_original", "fl_relative", "fl_region_relative", "fl_tiled",
    "fl_cutter", "fl_no_overflow", "fl_text_no_trim", "fl_text_disallow_overflow", "fl_ignore_mask_channels",
    "fl_ignore_aspect_ratio", "fl_force_strip.strip_profile",
]  # fmt: skip

UNDERSTOOD = [
    "q_auto:sensitive", "q_jpegmini", "q_jpegmini:1", "f_svg", "f_heic", "f_jxl", "f_pdf", "f_wdp", "f_psd",
    "cs_icc:uploaded.icc", "pg_name:layer1;layer2", "pg_embedded:1", "pg_embedded:name:f", "fl_clip",
    "fl_clip_evenodd", "fl_c2pa", "w_auto:breakpoints", "w_auto:breakpoints_100_1900_20_15:json", "c_imagga_scale",
    "c_imagga_crop,w_9,h_9", "b_gen_fill,c_pad,w_9,h_9", "b_gen_fill:prompt_a cat;seed_3,c_pad,w_9,h_9",
]  # fmt: skip


@pytest.mark.parametrize(("transformation", "native"), DELIVERY)
def test_delivery(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize("transformation", SAID_OF_WHAT_IS_DONE_ANYWAY)
def test_flags_that_say_what_is_done_anyway(transformation: str) -> None:
    assert steps(transformation) == ""


@pytest.mark.parametrize("transformation", UNDERSTOOD)
def test_what_is_understood_and_waits_stands_in_the_pipeline(transformation: str) -> None:
    assert steps(transformation) == f"cloudinary:{transformation}"
    assert steps(f"w_9/{transformation}/r_3") == f"resize:9x,enlarge=true/cloudinary:{transformation}/round:3"
