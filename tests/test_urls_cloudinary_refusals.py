"""What Cloudinary's dialect refuses: with the component, the key, the bounds and the nearest name."""

from __future__ import annotations

import pytest

from server import urls
from server.urls import cloudinary
from transforms.failure import Failure, Kind

from .transformations import refused

OUT_OF_BOUNDS = [
    ("w_0", (1, 8192)), ("w_0.0", (1, 8192)), ("w_-5", (1, 8192)), ("w_9000", (1, 8192)), ("w_1000.1", (1, 8192)),
    ("h_0", (1, 8192)), ("ar_0", ("1/100", "100")), ("ar_1:0", ("1/100", "100")), ("ar_0:1", ("1/100", "100")),
    ("ar_101:1", ("1/100", "100")), ("dpr_0", (0.1, 20)), ("dpr_-1", (0.1, 20)), ("dpr_21", (0.1, 20)),
    ("z_0", (0.1, 10)), ("z_99", (0.1, 10)), ("x_65537", (-65536, 65536)), ("y_-65537", (-65536, 65536)),
    ("x_8.1", (-65536, 65536)), ("q_0", (1, 100)), ("q_101", (1, 100)), ("r_-10", (0, 8192)), ("r_9000", (0, 8192)),
    ("r_1:2:3:4:5", (0, 8192)), ("$v_1,r_$v:2:3:4:5", (0, 8192)), ("o_101", (0, 100)), ("o_-1", (0, 100)),
    ("dn_0", (1, 300)), ("dn_301", (1, 300)), ("dl_9", (10, 60000)), ("pg_0", (1, 9999)), ("pg_10000", (1, 9999)),
    ("e_blur:3000", (1, 2000)), ("e_brightness:200", (-99, 100)),
]  # fmt: skip

MALFORMED = [
    "w_abc", "w_nan", "w_inf", "w_0x10", "w_+100", "w_5.", "w_1e3", "w_100px", "w_--5", "w_ 100", "w_100%09", "w_٣",
    "w_auto:0", "w_auto:foo", "w_auto:50:60:70", "h_auto", "h_1e3", "ar_foo", "ar_16:9:4", "ar_16_9", "dpr_foo",
    "z_tight", "x_1e3", "x_10pp", "c_scale;w_100", "c_Fill", "q_80:999", "q_80:", "q_auto:", "q_jpegmini:3", "f_JPG",
    "a_foo", "a_hflip.", "a_5.", "a_--5", "a_1e3", "r_max:10", "r_20.5", "r_:10",
    "r_10_20", "b_rgb:zzzzzz", "b_rgb:12345", "b_reed", "b_auto:middle", "b_auto:border_gradient:3", "b_blurred:0",
    "b_blurred:9:1001", "co_rgb:12345", "co_nope", "bo_5px_dotted_red", "bo_px_solid_red", "bo_5_solid_red",
    "bo_5px_solid_", "bo_-5px_solid_red", "bo_$w_px_solid_red", "bo_9999px_solid_red", "o_50.5", "o_50p", "cs_foo",
    "cs_icc:", "pg_2;", "pg_4-2", "pg_-1", "d_..:x.png", "t_a..b", "t_.", "t_a%252Fb", "fl_attachment:",
    "fl_attachment:a%252Fb", "e_blur:2001", "e_blur:0", "e_blur::", "e_blur:", "e_grayscale:3",
]  # fmt: skip


@pytest.mark.parametrize(("transformation", "bounds"), OUT_OF_BOUNDS)
def test_values_out_of_bounds_say_the_bounds(transformation: str, bounds: tuple[object, object]) -> None:
    caught = refused(transformation)
    assert (caught.kind, caught.code) == (Kind.BAD_REQUEST, "bad-argument")
    assert (caught.details["minimum"], caught.details["maximum"]) == bounds


@pytest.mark.parametrize("transformation", [*MALFORMED, *(text for text, _ in OUT_OF_BOUNDS)])
def test_refusals_name_the_component_the_key_and_the_value(transformation: str) -> None:
    caught = refused(f"q_80/{transformation}")
    assert caught.code == "bad-argument"
    assert set(caught.details) >= {"component", "key", "value"}
    assert f"{caught.details['key']}_{caught.details['value']}" in caught.message


@pytest.mark.parametrize(
    ("transformation", "nearest"),
    [
        ("e_graiscale", "grayscale"),
        ("e_sepiaa", "sepia"),
        ("c_fil", "fill"),
        ("c_imaga_crop", "imagga_crop"),
        ("g_nort", "north"),
        ("f_wepb", "webp"),
        ("f_JPG", "jpg"),
        ("fl_progresive", "progressive"),
        ("fl_atachment", "attachment"),
        ("a_hflp", "hflip"),
        ("q_auto:beste", "auto:best"),
        ("w_1,dprr_3", "dpr"),
        ("cs_sgrb", "srgb"),
    ],
)
def test_refusals_name_the_nearest(transformation: str, nearest: str) -> None:
    caught = refused(transformation)
    assert caught.details["nearest"] == nearest
    assert nearest in (caught.hint or "")


@pytest.mark.parametrize(
    ("transformation", "code", "key"),
    [
        ("w_100,h_0.5", "mixed-units", "w"),
        ("c_crop,w_100,h_100,x_0.5,y_0", "mixed-units", "w"),
        ("c_crop,w_0.5,h_0.5,x_3", "mixed-units", "w"),
        ("x_0.5,y_3", "mixed-units", "x"),
        ("w_5000,dpr_2", "bad-argument", "w"),
        ("h_2000,ar_10:1", "bad-argument", "h"),
        ("ar_1:100000,c_pad,w_2000", "bad-argument", "ar"),
        ("e_blurr", "unknown-effect", "e"),
        ("fl_lossy.foo", "unknown-flag", "fl"),
        ("fl_lossy.", "unknown-flag", "fl"),
        ("fl_progressive:foo", "unknown-flag", "fl"),
        ("fl_splice", "unsupported-flag", "fl"),
        ("fl_streaming_attachment:x", "unsupported-flag", "fl"),
        ("f_mp4", "unsupported-format", "f"),
        ("f_auto:video", "unsupported-format", "f"),
        ("q_80:qmax_90", "unsupported-quality", "q"),
        ("fn_wasm:x.wasm", "unsupported-function", "fn"),
        ("fn_remote:aHR0cDovL3g", "unsupported-function", "fn"),
        ("p_prefix", "unsupported-key", "p"),
        ("so_1.5", "unsupported-key", "so"),
        ("w_9,vc_h264", "unsupported-key", "vc"),
        ("fl_layer_apply", "stray-layer-apply", "fl"),
    ],
)
def test_other_refusals(transformation: str, code: str, key: str) -> None:
    caught = refused(f"q_80/{transformation}")
    assert (caught.kind, caught.code, caught.details["key"]) == (Kind.BAD_REQUEST, code, key)
    assert caught.details["component"] == transformation


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/demo/image/upload/", Kind.BAD_REQUEST, "missing-source"),
        ("/demo/image/upload/a/../b.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/demo/image/upload/b.jpg%00", Kind.NOT_FOUND, "source-not-found"),
        ("/demo/image/upload/%FF.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/demo/image/upload/e_%25FF/b.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/demo/image/upload/" + "i" * 256, Kind.BAD_REQUEST, "id-too-long"),
        ("/demo/image/upload/" + "r_1,bo_1px_solid_red/" * 20 + "b.jpg", Kind.BAD_REQUEST, "too-many-steps"),
        ("/demo/image/upload/" + "if_w_gt_1,r_1/" * 120 + "b.jpg", Kind.BAD_REQUEST, "too-many-steps"),
        ("/demo/image/upload/w_1" + "0" * 9000 + "/b.jpg", Kind.URI_TOO_LONG, "uri-too-long"),
    ],
)
def test_paths_that_are_refused(path: str, kind: Kind, code: str) -> None:
    with pytest.raises(Failure) as caught:
        urls.parse(path)
    assert (caught.value.kind, caught.value.code) == (kind, code)


def test_the_dialect_alone_refuses_other_paths() -> None:
    with pytest.raises(Failure) as caught:
        cloudinary.parse("/resize:400x300/bus.jpg")
    assert caught.value.code == "not-found"
