"""Cloudinary's `g_`: what a cut holds on to, in native words, and where it may stand."""

from __future__ import annotations

import pytest

from .transformations import refused, steps

GRAVITIES = [
    ("north_east", "north_east"),
    ("center", "center"),
    ("face", "face"),
    ("faces", "faces"),
    ("face:center", "face"),
    ("faces:center", "faces"),
    ("face:auto", "face:auto"),
    ("faces:auto", "faces:auto"),
    ("adv_face", "face"),
    ("adv_faces", "faces"),
    ("body", "body"),
    ("ocr_text", "text"),
    ("no_faces", "auto:no_faces"),
    # a chain of things to look for
    ("cat", "cat"),
    ("cat:dog", "cat:dog"),
    ("cat:dog:auto", "cat:dog:auto"),
    ("cat:dog:center", "cat:dog"),
    ("cat:faces:auto:cat_50", "cat:faces:auto:cat_50"),
    ("vehicle:animal", "vehicle:animal"),
    ("center:face", "center"),
    # coordinates that would be stored with the asset: the next of the chain has its turn
    ("custom", "center"),
    ("custom:face", "face"),
    ("custom:faces", "faces"),
    ("custom:adv_face", "face"),
    ("custom_no_override", "center"),
    # Cloudinary's spellings of objects
    ("motorbike", "motorcycle"),
    ("aeroplane", "airplane"),
    ("sofa", "couch"),
    ("tvmonitor", "tv"),
    ("diningtable", "dining_table"),
    ("pottedplant", "potted_plant"),
    ("cellphone", "cell_phone"),
    ("hotdog", "hot_dog"),
    ("donut", "donut"),
    ("hair_drier", "hair_drier"),
    ("stopsign", "stop_sign"),
    ("traffic_light", "traffic_light"),
    ("parkingmeter", "parking_meter"),
    ("firehydrant", "fire_hydrant"),
    ("sportsball", "sports_ball"),
    ("baseballbat", "baseball_bat"),
    ("tennisracket", "tennis_racket"),
    ("wine_glass", "wine_glass"),
    ("teddy_bear", "teddy_bear"),
    # auto, and what it is to prefer
    ("auto", "auto"),
    ("auto:subject", "auto"),
    ("auto:face", "auto"),
    ("auto:faces", "auto"),
    ("auto:adv_faces", "auto"),
    ("auto:custom", "auto"),
    ("auto:custom_no_override", "auto"),
    ("auto:classic", "auto:none"),
    ("auto:none", "auto:none"),
    ("auto:no_faces", "auto:no_faces"),
    ("auto:body", "auto:body"),
    ("auto:ocr_text", "auto:text"),
    ("auto:ocr_text_50", "auto:text_50"),
    ("auto:cat", "auto:cat"),
    ("auto:cat:dog", "auto:cat:dog"),
    ("auto:sofa_20", "auto:couch_20"),
    ("auto:teddy_bear_50", "auto:teddy_bear_50"),
    ("auto:person_100:cat_avoid", "auto:person:cat_avoid"),
    ("auto:face_avoid", "auto:face_avoid"),
    ("auto:0", "auto"),
    ("auto:aoi_thirds_10", "auto"),
]

COMPASS = ["center", "north", "north_east", "east", "south_east", "south", "south_west", "west", "north_west"]


@pytest.mark.parametrize(("gravity", "native"), [*GRAVITIES, *((word, word) for word in COMPASS)])
def test_gravities(gravity: str, native: str) -> None:
    held = "" if native == "center" else f",gravity={native}"
    assert steps(f"c_lfill,w_9,h_9,g_{gravity}") == f"resize:9x9,fit=cover{held}"


@pytest.mark.parametrize(
    ("transformation", "native"),
    [
        ("c_fill,w_9,h_9,g_auto", "smart-crop:9x9"),
        ("c_fill,w_9,h_9,g_auto:cat", "smart-crop:9x9,gravity=auto:cat"),
        ("c_thumb,w_9,h_9,g_auto:no_faces", "smart-crop:9x9,gravity=auto:no_faces"),
        ("c_auto,w_9,h_9,g_auto:cat_avoid", "smart-crop:9x9,gravity=auto:cat_avoid"),
        ("c_auto,w_9,h_9,g_face", "resize:9x9,fit=cover,gravity=face,enlarge=true"),
        ("c_auto,w_9,h_9,g_north", "resize:9x9,fit=cover,gravity=north,enlarge=true"),
        ("c_fill_pad,w_9,h_9,g_auto:cat", "fill-pad:9x9,gravity=auto:cat"),
        ("c_crop,w_9,h_9,g_auto", "crop:9x9,gravity=auto"),
        ("c_crop,w_9,h_9,g_face,z_0.7", "crop:9x9,gravity=face,zoom=0.7"),
        ("c_crop,w_9,h_9,x_1,y_2,g_face", "crop:9x9,gravity=face"),
        ("c_crop,w_9,h_9,x_1,y_2,g_cat:dog", "crop:9x9,gravity=cat:dog"),
        ("c_crop,ar_1:1,g_auto", "crop:1.0x,gravity=auto,ratio=1:1"),
        ("c_crop,g_face", "crop:gravity=face"),
        ("c_crop,g_cat:dog,z_1.3", "crop:gravity=cat:dog,zoom=1.3"),
        ("c_thumb,w_9,h_9,g_custom:face", "face-crop:9x9,fallback=center"),
        ("c_thumb,w_9,h_9,g_custom", "resize:9x9,fit=cover,enlarge=true"),
        ("c_thumb,w_9,h_9,g_cat:face", "object-crop:9x9,gravity=cat:face"),
        ("c_fit,w_9,h_9,g_face", "resize:9x9,enlarge=true"),
        ("w_9,h_9,g_south", "resize:9x9,fit=fill,enlarge=true"),
        # understood, and not held on to yet
        ("c_thumb,w_9,h_9,g_adv_eyes", "cloudinary:c_thumb,w_9,h_9,g_adv_eyes"),
        ("c_fill,w_9,h_9,g_ocr_text:adv_ocr", "cloudinary:c_fill,w_9,h_9,g_ocr_text:adv_ocr"),
        ("c_scale,w_9,h_9,g_liquid", "cloudinary:c_scale,w_9,h_9,g_liquid"),
        ("c_crop,g_region_logo", "cloudinary:c_crop,g_region_logo"),
    ],
)
def test_gravities_by_mode(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize("mode", ["scale", "fit", "limit", "mfit", "pad", "lpad", "mpad"])
def test_auto_is_refused_where_nothing_is_cut(mode: str) -> None:
    caught = refused(f"c_{mode},w_9,h_9,g_auto")
    assert (caught.code, caught.details["key"], caught.details["value"]) == ("gravity-not-allowed", "g", "auto")


@pytest.mark.parametrize("mode", ["pad", "lpad", "mpad"])
@pytest.mark.parametrize("gravity", ["face", "cat:dog"])
def test_nothing_is_looked_for_where_a_canvas_is_laid_out(mode: str, gravity: str) -> None:
    assert refused(f"c_{mode},w_9,h_9,g_{gravity}").code == "gravity-not-allowed"


@pytest.mark.parametrize(
    ("gravity", "code", "details"),
    [
        ("norht", "bad-argument", {"nearest": "north"}),
        ("catt", "bad-argument", {"nearest": "cat"}),
        ("cat:dogg", "bad-argument", {"nearest": "dog"}),
        ("auto:subjekt", "bad-argument", {}),
        ("auto:cat_101", "bad-argument", {"minimum": 0, "maximum": 100}),
        ("auto:cat_", "bad-argument", {"nearest": "cat"}),
        ("auto:_avoid", "bad-argument", {}),
        ("auto:", "bad-argument", {}),
        ("auto:cat:cat", "bad-argument", {}),
        ("auto:none:no_faces", "bad-argument", {}),
        ("face:", "bad-argument", {}),
        (":face", "bad-argument", {}),
        ("face:face", "bad-argument", {}),
        ("face:north", "unsupported-gravity", {}),
        ("track_person", "unsupported-gravity", {}),
        ("$v", "bad-argument", {}),
    ],
)
def test_gravities_that_are_refused(gravity: str, code: str, details: dict[str, object]) -> None:
    caught = refused(f"c_fill,w_9,h_9,g_{gravity}")
    assert (caught.code, caught.details["key"], caught.details["value"]) == (code, "g", gravity)
    assert {name: caught.details.get(name) for name in details} == details


@pytest.mark.parametrize(
    ("place", "key", "bounds"),
    [
        ("x_-5,y_60", "x", (0, 65536)),
        ("x_5,y_-60", "y", (0, 65536)),
        ("x_0.5,y_1.5", "y", (0, 1.0)),
    ],
)
def test_a_point_lies_in_the_picture(place: str, key: str, bounds: tuple[float, float]) -> None:
    caught = refused(f"c_fill,ar_1:1,g_xy_center,{place}")
    assert (caught.code, caught.details["key"]) == ("bad-argument", key)
    assert (caught.details["minimum"], caught.details["maximum"]) == bounds
