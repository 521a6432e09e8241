"""Cloudinary's dialect: what each rule of its grammar becomes in the native one, and what is refused."""

from __future__ import annotations

import pytest

from server import urls
from server.urls import cloudinary
from transforms.failure import Failure, Kind


def steps(transformation: str) -> str:
    """The canonical steps of a transformation."""
    return str(urls.parse(f"/demo/image/upload/{transformation}/v1/sample.jpg").pipeline)


def failure(path: str) -> Failure:
    with pytest.raises(Failure) as caught:
        urls.parse(path)
    return caught.value


GEOMETRY = [
    ("w_400", "resize:400x,enlarge=true"),
    ("w_400,h_300", "resize:400x300,fit=fill,enlarge=true"),
    ("c_scale,h_300", "resize:x300,enlarge=true"),
    ("c_scale,w_0.5", "resize:0.5x,enlarge=true"),
    ("c_scale,w_.5", "resize:0.5x,enlarge=true"),
    ("c_scale,w_1", "resize:1x,enlarge=true"),
    ("c_scale,w_1.0", "resize:1.0x,enlarge=true"),
    ("c_scale,w_300,ar_2:1", "resize:300x150,fit=fill,enlarge=true"),
    ("ar_1.0,c_scale,w_1.0", "resize:1.0x,fit=fill,enlarge=true,ratio=1:1"),
    ("c_scale,w_400,fl_ignore_aspect_ratio", "resize:400x1.0,fit=fill,enlarge=true"),
    ("c_scale,h_150,fl_progressive.ignore_aspect_ratio", "resize:1.0x150,fit=fill,enlarge=true"),
    ("c_scale,w_4,h_5,fl_ignore_aspect_ratio", "resize:4x5,fit=fill,enlarge=true"),
    ("c_fit,w_400,h_300", "resize:400x300,enlarge=true"),
    ("c_fit,w_100,ar_2.0", "resize:100x50,enlarge=true"),
    ("c_limit,w_400,h_300", "resize:400x300"),
    ("c_limit,h_300", "resize:x300"),
    ("c_fill,w_400,h_300", "resize:400x300,fit=cover,enlarge=true"),
    ("c_fill,w_400,h_300,g_north_east", "resize:400x300,fit=cover,gravity=north_east,enlarge=true"),
    ("c_fill,w_400,h_300,g_faces:center", "resize:400x300,fit=cover,gravity=faces,enlarge=true"),
    ("c_fill,w_400,g_face", "resize:400x,enlarge=true"),
    ("c_fill,w_500,ar_16:9", "resize:500x281,fit=cover,enlarge=true"),
    ("c_fill,w_0.5,ar_1:1", "resize:0.5x,fit=cover,enlarge=true,ratio=1:1"),
    ("c_fill,w_400,h_300,ar_1:1", "resize:400x300,fit=cover,enlarge=true"),
    ("c_fill,ar_16:9", "crop:1.0x,ratio=16:9"),
    ("c_fill,ar_16:9,g_south", "crop:1.0x,gravity=south,ratio=16:9"),
    ("c_fill,w_200,x_100,y_100", "resize:200x,enlarge=true"),
    ("c_lfill,w_400,h_300", "resize:400x300,fit=cover"),
    ("c_lfill,w_400,h_300,g_auto", "resize:400x300,fit=cover,gravity=auto"),
    ("c_fill,w_400,h_300,g_auto", "smart-crop:400x300"),
    ("c_fill,w_400,h_300,g_auto:subject", "smart-crop:400x300"),
    ("c_fill,w_0.5,ar_3:2,g_auto:faces", "smart-crop:0.5x,ratio=3:2"),
    ("c_pad,w_400,h_300", "pad:400x300,enlarge=true"),
    ("c_pad,w_400,h_300,g_south,b_red", "pad:400x300,gravity=south,background=ff0000,enlarge=true/background:ff0000"),
    ("c_pad,w_400", "resize:400x,enlarge=true"),
    ("c_pad,ar_1:1,b_white", "pad:ratio=1:1,background=ffffff/background:ffffff"),
    ("c_pad,w_0.5,ar_1:1", "pad:0.5x,ratio=1:1,enlarge=true"),
    ("c_lpad,w_400,h_300,b_rgb:0f08", "pad:400x300,background=00ff0088/background:00ff0088"),
    ("c_lpad,w_3200", "pad:3200x"),
    ("c_crop,w_400,h_300", "crop:400x300"),
    ("c_crop,w_400", "crop:400x"),
    ("c_crop,w_400,h_300,x_10", "crop:400x300,x=10,y=0"),
    ("c_crop,w_400,h_300,x_-10,y_5,g_south", "crop:400x300,x=-10,y=5,gravity=south"),
    ("c_crop,w_0.5,h_0.5,x_20p,y_0", "crop:0.5x0.5,x=0.2,y=0"),
    ("c_crop,w_400,h_300,x_1,y_2,g_face", "crop:400x300,gravity=face"),
    ("c_crop,w_400,h_300,x_1,g_auto", "crop:400x300,gravity=auto"),
    ("c_crop,x_0,y_0,ar_1.5", "crop:1.0x,x=0,y=0,ratio=3:2"),
    ("c_crop,h_900,ar_1:1", "crop:900x900"),
    ("c_crop,w_150,h_150,g_face,z_1.5", "crop:100x100,gravity=face/resize:150x150,fit=cover,enlarge=true"),
    ("c_thumb,w_90,h_90,g_face", "face-crop:90x90,fallback=center"),
    ("c_thumb,w_90,h_90,g_face:auto", "face-crop:90x90"),
    ("c_thumb,w_90,h_90,g_faces,z_0.7", "face-crop:90x90,zoom=0.7,which=all,fallback=center"),
    ("c_thumb,w_0.1,ar_1:1,g_face", "face-crop:0.1x,fallback=center,ratio=1:1"),
    ("c_thumb,w_90,h_90,g_auto", "smart-crop:90x90"),
    ("c_thumb,w_90,h_90,g_north", "resize:90x90,fit=cover,gravity=north,enlarge=true"),
    ("c_thumb,w_90", "resize:90x,enlarge=true"),
]

QUALIFIES_NOTHING = ["c_limit", "c_thumb", "c_pad,x_1", "c_crop,g_auto", "ar_3:2", "c_fit,ar_3:2", "g_center", "g_auto",
                     "z_1.2", "co_rgb:2bff00", "dpr_2", "a_exif", "a_0", "a_-360", "r_0", "r_0:0", "o_100",
                     "b_transparent", "bo_0px_solid_red", "fl_progressive:steep", "fl_force_strip.strip_profile",
                     "dpr_2/dpr_3"]  # fmt: skip

DENSITY = [
    ("w_100,dpr_2.0", "resize:200x,enlarge=true"),
    ("c_scale,w_333,dpr_1.5", "resize:500x,enlarge=true"),
    ("c_fill,w_100,ar_16:9,dpr_2", "resize:200x113,fit=cover,enlarge=true"),
    ("c_scale,w_0.5,dpr_2", "resize:1.0x,enlarge=true"),
    ("c_crop,w_10,h_10,x_3,y_-3,dpr_1.5", "crop:15x15,x=5,y=-4"),
    ("w_9,dpr_1.5,r_5,bo_1px_solid_black", "resize:14x,enlarge=true/round:8/background:000000/border:2/round:10"),
    ("c_crop,w_0.5,x_0.2,dpr_2", "crop:1.0x,x=0.2,y=0"),
    ("w_100/dpr_2.0", "resize:200x,enlarge=true"),
    ("c_limit,w_100/r_10/q_80,dpr_2.0", "resize:200x/round:10/quality:80"),
    ("w_600/q_80,dpr_2/bo_1px_solid_gray", "resize:1200x,enlarge=true/border:1,color=808080/quality:80"),
    ("c_crop,w_100/dpr_2", "crop:100x"),
    ("dpr_2/w_100", "resize:100x,enlarge=true"),
    ("dpr_2,bo_1px_solid_black", "border:2"),
]  # fmt: skip

LOOK = [
    ("a_90", "rotate:90"),
    ("a_450", "rotate:90"),
    ("a_-10", "rotate:350"),
    ("a_12.5", "rotate:12.5"),
    ("a_90.80", "rotate:90.8"),
    ("a_hflip", "flip"),
    ("a_vflip.180", "flip:vertical/rotate:180"),
    ("a_10.hflip.12.5", "rotate:10/flip/rotate:12.5"),
    ("a_20,b_red", "rotate:20,background=ff0000/background:ff0000"),
    ("r_20", "round:20"),
    ("r_max", "round:max"),
    ("r_10:20", "round:10:20"),
    ("r_10:20:30", "round:10:20:30"),
    ("r_5:5:5:5", "round:5"),
    ("r_25:0:0:0", "round:25:0:0:0"),
    ("bo_5px_solid_red", "border:5,color=ff0000"),
    ("bo_5px_solid_rgb:00f8", "border:5,color=0000ff88"),
    ("bo_5px_solid_transparent,r_max", "round:max/border:5,color=00000000/round:max"),
    ("r_20:0,bo_5px_solid_black", "round:20:0/background:000000/border:5/round:25:0"),
    ("b_LightBlue", "background:add8e6"),
    ("b_rgb:FFFFFF", "background:ffffff"),
    ("h_300,b_rgb:d5d2ca", "resize:x300,enlarge=true/background:d5d2ca"),
    ("o_30", "opacity:30"),
    ("e_grayscale", "grayscale"),
    ("e_blur", "blur:5"),
    ("e_blur:1", "blur:0.1"),
    ("e_blur:2000", "blur:100"),
    ("e_sharpen", "sharpen"),
    ("e_sharpen:2000", "sharpen:10"),
    ("e_brightness", "brightness:80"),
    ("e_brightness:-99", "brightness:-99"),
    ("e_blur_faces", "blur-faces"),
    ("e_blur_faces:2000", "blur-faces:10"),
    ("e_pixelate_faces", "pixelate-faces"),
    ("e_pixelate_faces:1", "pixelate-faces:8"),
    ("e_pixelate_faces:200", "pixelate-faces:2"),
    ("e_grayscale,w_100,e_blur", "resize:100x,enlarge=true/grayscale/blur:5"),
    ("o_50,b_red,a_90,bo_1px_solid_red,e_blur", "blur:5/border:1,color=ff0000/rotate:90/background:ff0000/opacity:50"),
]  # fmt: skip

DELIVERY = [
    ("q_80", "quality:80"),
    ("q_auto", "quality:auto"),
    ("q_auto:good", "quality:auto"),
    ("q_auto:best", "quality:90"),
    ("q_auto:eco", "quality:70"),
    ("q_auto:low", "quality:60"),
    ("f_auto", "format:auto"),
    ("f_jpg", "format:jpeg"),
    ("f_webp,q_50/w_10", "resize:10x,enlarge=true/quality:50/format:webp"),
    ("q_50/f_png/q_70,f_avif", "quality:70/format:avif"),
]


@pytest.mark.parametrize(("transformation", "native"), [*GEOMETRY, *DENSITY, *LOOK, *DELIVERY])
def test_a_transformation_in_native_steps(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize("transformation", QUALIFIES_NOTHING)
def test_what_qualifies_nothing_is_accepted_and_changes_nothing(transformation: str) -> None:
    assert steps(transformation) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("c_fill,w_300,h_200,q_auto,f_auto", "f_auto/q_auto/h_200,w_300,c_fill"),
        ("c_fill,w_300,h_200,q_auto,f_auto", "c_fill%2Cw_300%2Ch_200%2Cq_auto%2Cf_auto"),
        ("w_100/h_50", "w_100%2Fh_50"),
        ("b_red", "b_rgb%253Af00"),
        ("w_400", "c_fit,w_400"),
        ("ar_1,c_fill,w_9", "ar_1.0,c_fill,w_9"),
        ("c_thumb,g_auto,w_9,h_9", "c_fill,g_auto,w_9,h_9"),
    ],
)
def test_spellings_that_share_one_pipeline(one: str, other: str) -> None:
    assert steps(one) == steps(other) != ""


def test_both_dialects_share_one_pipeline() -> None:
    ours = urls.parse("/face-crop:200x200,fallback=center/quality:auto/format:auto/-/id:zidane.jpg")
    assert urls.parse("/demo/image/upload/c_thumb,g_face,w_200,h_200/f_auto,q_auto/zidane.jpg") == ours


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/image/upload/sample.jpg", "id:sample.jpg"),
        ("/demo/image/upload/sample", "id:sample"),
        ("/my-cloud_2/image/upload/v1234/folder/sample.jpg", "id:folder/sample.jpg"),
        ("/demo/image/upload/w_100/v1/a_b/x.jpg", "id:a_b/x.jpg"),
        ("/demo/image/upload/w_100", "id:w_100"),
        ("/demo/image/upload/w_100/v1", "id:v1"),
        ("/demo/image/upload/v1/w_100/x.jpg", "id:w_100/x.jpg"),
        ("/demo/image/upload/w_100//x.jpg", "id:x.jpg"),
        ("/demo/image/upload/width_400,height_300/x.jpg", "id:width_400,height_300/x.jpg"),
        ("/demo/image/upload/folder/w_100/x.jpg", "id:folder/w_100/x.jpg"),
        ("/demo/image/upload/a.jpg.jpg", "id:a.jpg.jpg"),
        ("/demo/image/upload/a%3Fb%25c%20d.jpg", "id:a?b%c d.jpg"),
        ("/demo/image/upload/%2fetc%2fpasswd", "id:etc/passwd"),
        ("/demo/image/fetch/https://host.example/a.jpg", "https://host.example/a.jpg"),
        ("/demo/image/fetch/w_9/v1/https:/host.example/a.jpg", "https://host.example/a.jpg"),
        ("/image/fetch/f_jpg/http://host.example/hello%3Fa%3Db", "http://host.example/hello?a=b"),
        ("/image/fetch/https%3A%2F%2Fhost.example%2Fa%2520b.jpg", "https://host.example/a%20b.jpg"),
        ("/image/fetch/https://host.example/a%20b.jpg", "https://host.example/a%20b.jpg"),
        ("/demo/image/fetch/w_9/https://res.example/demo/image/upload/w_3/a.jpg",
         "https://res.example/demo/image/upload/w_3/a.jpg"),
    ],
)  # fmt: skip
def test_sources(path: str, source: str) -> None:
    found = urls.parse(path).source
    assert (f"id:{found.location}" if found.scheme == "id" else found.location) == source


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/image/fetch/https://host.example/a.jpg", "x=1", "https://host.example/a.jpg?x=1"),
        ("/image/fetch/https://host.example/a.jpg", "_a=AB&x=1&_i=C", "https://host.example/a.jpg?x=1"),
        ("/image/fetch/https://host.example/a.jpg", "_a=AB", "https://host.example/a.jpg"),
        ("/image/fetch/https://host.example/a.jpg%3Fb=1", "x=1", "https://host.example/a.jpg?b=1"),
        ("/image/fetch/https%3A%2F%2Fhost.example%2Fa.jpg", "x=1", "https://host.example/a.jpg"),
    ],
)
def test_the_query_of_a_fetched_url(path: str, query: str, location: str) -> None:
    assert urls.parse(path, query).source.location == location


@pytest.mark.parametrize(
    ("transformation", "code", "key"),
    [
        ("zz_10,w_100", "unknown-key", "zz"),
        ("w_100,foo", "unknown-key", "foo"),
        ("w_100,,h_100", "empty-parameter", ""),
        (",w_100", "empty-parameter", ""),
        ("w_100,", "empty-parameter", ""),
        ("w_", "empty-value", "w"),
        ("w_100,w_200", "repeated-key", "w"),
        ("w_100,h_0.5", "mixed-units", "w"),
        ("c_crop,w_100,h_100,x_0.5,y_0", "mixed-units", "w"),
        ("w_0", "bad-argument", "w"),
        ("w_0.0", "bad-argument", "w"),
        ("w_-5", "bad-argument", "w"),
        ("h_1e3", "bad-argument", "h"),
        ("w_nan", "bad-argument", "w"),
        ("w_inf", "bad-argument", "w"),
        ("w_0x10", "bad-argument", "w"),
        ("w_+100", "bad-argument", "w"),
        ("w_5.", "bad-argument", "w"),
        ("w_%D9%A3", "bad-argument", "w"),
        ("w_100%09", "bad-argument", "w"),
        ("w_9000", "bad-argument", "w"),
        ("w_5000,dpr_2", "bad-argument", "w"),
        ("h_2000,ar_10:1", "bad-argument", "h"),
        ("w_100,ar_16:9:4", "bad-argument", "ar"),
        ("ar_0", "bad-argument", "ar"),
        ("ar_1:0", "bad-argument", "ar"),
        ("dpr_0,w_1", "bad-argument", "dpr"),
        ("dpr_-1,w_1", "bad-argument", "dpr"),
        ("x_1e3", "bad-argument", "x"),
        ("z_0", "bad-argument", "z"),
        ("c_scale;w_100", "bad-argument", "c"),
        ("c_Fill,w_9", "bad-argument", "c"),
        ("g_norht", "bad-argument", "g"),
        ("g_auto:subjekt", "bad-argument", "g"),
        ("q_0", "bad-argument", "q"),
        ("q_101", "bad-argument", "q"),
        ("q_80:999", "bad-argument", "q"),
        ("q_auto:superb", "bad-argument", "q"),
        ("f_jpgg", "bad-argument", "f"),
        ("a_foo", "bad-argument", "a"),
        ("r_-10", "bad-argument", "r"),
        ("r_1:2:3:4:5", "bad-argument", "r"),
        ("b_rgb:zzzzzz", "bad-argument", "b"),
        ("co_rgb:12345", "bad-argument", "co"),
        ("bo_5px_dotted_red", "bad-argument", "bo"),
        ("bo_px_solid_red", "bad-argument", "bo"),
        ("bo_9999px_solid_red", "bad-argument", "bo"),
        ("o_101", "bad-argument", "o"),
        ("e_blur:2001", "bad-argument", "e"),
        ("e_blur:0", "bad-argument", "e"),
        ("e_blur::", "bad-argument", "e"),
        ("e_blur:", "bad-argument", "e"),
        ("e_grayscale:3", "bad-argument", "e"),
        ("e_brightness:-100", "bad-argument", "e"),
        ("e_blurr", "unknown-effect", "e"),
        ("fl_progresive", "unknown-flag", "fl"),
        ("c_pad,g_auto,w_4,h_4", "gravity-not-allowed", "g"),
        ("c_lpad,g_face,w_4,h_4", "gravity-not-allowed", "g"),
        ("w_4,g_auto", "gravity-not-allowed", "g"),
        ("c_crop,g_face", "unsupported-crop", "c"),
        ("c_auto,g_auto,w_9,h_9", "unsupported-crop", "c"),
        ("g_cat:dog_avoid", "unsupported-gravity", "g"),
        ("c_crop,g_xy_center,w_9,h_9,x_3,y_3", "unsupported-gravity", "g"),
        ("e_sepia", "unsupported-effect", "e"),
        ("e_grayscale,co_red", "unsupported-color", "e"),
        ("fl_layer_apply", "unsupported-flag", "fl"),
        ("fl_attachment:name", "unsupported-flag", "fl"),
        ("c_fit,w_9,fl_ignore_aspect_ratio", "unsupported-flag", "fl"),
        ("b_auto:border", "unsupported-background", "b"),
        ("b_blurred:400:15", "unsupported-background", "b"),
        ("a_auto_right", "unsupported-angle", "a"),
        ("q_80:444", "unsupported-quality", "q"),
        ("f_heic", "unsupported-format", "f"),
        ("w_auto", "unsupported-value", "w"),
        ("dpr_auto", "unsupported-value", "dpr"),
        ("w_iw_div_2", "unsupported-expression", "w"),
        ("x_w_div_50", "unsupported-expression", "x"),
        ("r_10:$v", "unsupported-expression", "r"),
        ("$v_20", "unsupported-variable", "$v"),
        ("if_w_gt_100", "unsupported-condition", "if"),
        ("l_logo", "unsupported-layer", "l"),
        ("u_logo", "unsupported-layer", "u"),
        ("t_named", "unsupported-named-transformation", "t"),
        ("fn_wasm:x.wasm", "unsupported-function", "fn"),
        ("pg_2", "unsupported-key", "pg"),
        ("so_1.5", "unsupported-key", "so"),
    ],
)
def test_refusals_name_component_and_key(transformation: str, code: str, key: str) -> None:
    caught = failure(f"/demo/image/upload/q_80/{transformation}/v1/sample.jpg")
    assert (caught.kind, caught.code, caught.details["key"]) == (Kind.BAD_REQUEST, code, key)
    assert caught.details["component"] == transformation.replace("%D9%A3", "٣").replace("%09", "\t")


@pytest.mark.parametrize(
    ("transformation", "details"),
    [
        ("w_0", {"minimum": 1, "maximum": 8192}),
        ("e_blur:3000", {"minimum": 1, "maximum": 2000}),
        ("e_brightness:200", {"minimum": -99, "maximum": 100}),
        ("q_0", {"minimum": 1, "maximum": 100}),
        ("z_99", {"minimum": 0.1, "maximum": 10}),
        ("e_graiscale", {"nearest": "grayscale"}),
        ("e_sepiaa", {"nearest": "sepia"}),
        ("c_fil,w_1", {"nearest": "fill"}),
        ("g_nort", {"nearest": "north"}),
        ("f_wepb", {"nearest": "webp"}),
        ("fl_progresive", {"nearest": "progressive"}),
        ("a_hflp", {"nearest": "hflip"}),
        ("q_auto:beste", {"nearest": "auto:best"}),
        ("w_1,dprr_3", {"nearest": "dpr"}),
    ],
)
def test_refusals_state_bounds_or_the_nearest_name(transformation: str, details: dict[str, object]) -> None:
    found = failure(f"/demo/image/upload/{transformation}/v1/sample.jpg").details
    assert {name: found.get(name) for name in details} == details


def test_a_folder_that_looks_like_a_component_is_told_how_to_be_one() -> None:
    assert "v1/e_commerce/" in (failure("/demo/image/upload/e_commerce/shoe.jpg").hint or "")
    assert urls.parse("/demo/image/upload/v1/e_commerce/shoe.jpg").source.location == "e_commerce/shoe.jpg"


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/demo/image/upload/", Kind.BAD_REQUEST, "missing-source"),
        ("/demo/image/fetch/", Kind.BAD_REQUEST, "missing-source"),
        ("/demo/image/fetch/w_100/", Kind.BAD_REQUEST, "bad-source"),
        ("/demo/image/fetch/w_100/file:///etc/passwd", Kind.FORBIDDEN, "bad-source"),
        ("/demo/image/fetch/GOPHER%3A%2F%2Fhost", Kind.FORBIDDEN, "bad-source"),
        ("/demo/image/fetch///host/x.jpg", Kind.BAD_REQUEST, "bad-source"),
        ("/demo/image/fetch/http:host/x.jpg", Kind.BAD_REQUEST, "bad-source"),
        ("/demo/image/fetch/http://a.example:80%40127.0.0.1/", Kind.BAD_REQUEST, "bad-source"),
        ("/demo/image/upload/a/../b.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/demo/image/upload/v1/..%2fb.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/demo/image/upload/b.jpg%00", Kind.NOT_FOUND, "source-not-found"),
        ("/demo/image/upload/%FF.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/demo/image/upload/e_%25FF/b.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/demo/image/upload/" + "i" * 256, Kind.BAD_REQUEST, "id-too-long"),
        ("/demo/image/upload/" + "q_80/" * 65 + "b.jpg", Kind.BAD_REQUEST, "too-many-steps"),
        ("/demo/image/upload/" + "r_1,bo_1px_solid_red/" * 20 + "b.jpg", Kind.BAD_REQUEST, "too-many-steps"),
        ("/demo/image/list/tag.json", Kind.UNAUTHORISED, "unsupported-delivery-type"),
        ("/demo/video/upload/b.mp4", Kind.NOT_FOUND, "unsupported-asset-type"),
        ("/demo/raw/upload/b.zip", Kind.NOT_FOUND, "unsupported-asset-type"),
        ("/image/b.jpg", Kind.NOT_FOUND, "not-found"),
        ("/images/b.jpg", Kind.NOT_FOUND, "not-found"),
    ],
)
def test_paths_that_are_refused(path: str, kind: Kind, code: str) -> None:
    caught = failure(path)
    assert (caught.kind, caught.code) == (kind, code)


def test_the_dialect_alone_refuses_other_paths() -> None:
    with pytest.raises(Failure) as caught:
        cloudinary.parse("/resize:400x300/bus.jpg")
    assert caught.value.code == "not-found"


@pytest.mark.parametrize("transformation", [one for one, _ in [*GEOMETRY, *DENSITY, *LOOK, *DELIVERY]])
def test_printing_reads_back(transformation: str) -> None:
    request = urls.parse(f"/demo/image/upload/{transformation}/v1/a%20b/sample.jpg")
    printed = cloudinary.print(request)
    assert urls.parse(printed) == request
    assert cloudinary.print(urls.parse(printed)) == printed


@pytest.mark.parametrize("url", ["https://host.example/a%20b.jpg?x=%26&y=1", "http://h.example:8080/"])
def test_printing_a_remote_source_reads_back(url: str) -> None:
    request = urls.parse("/blur:3/" + url.replace("%", "%25").replace("?", "%3F").replace(":", "%3A", 1))
    assert request.source.location == url
    assert urls.parse(cloudinary.print(request)) == request


@pytest.mark.parametrize(
    "path",
    [
        "/grayscale/bus.jpg",
        "/resize:400x300,fit=outside/id:a",
        "/resize:400x300,fit=contain/id:a",
        "/resize:400x300,fit=cover,gravity=0.1:0.2/id:a",
        "/blur:3.333/id:a",
        "/format:webp/resize:4x/id:a",
        "/pad:4x4,background=red,enlarge/id:a",
        "/flip:both/id:a",
        "/info/id:a",
    ],
)
def test_what_cannot_be_said_in_this_dialect_is_a_failure(path: str) -> None:
    with pytest.raises(Failure) as caught:
        cloudinary.print(urls.parse(path))
    assert caught.value.code == "not-expressible"
