"""How a Cloudinary transformation is taken apart: what is decoded when, what separates, what is a folder."""

from __future__ import annotations

import pytest

from server import urls

from .transformations import refused, steps


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("c_fill,w_300,h_200,q_auto,f_auto", "f_auto/q_auto/h_200,w_300,c_fill"),
        ("c_fill,w_300,h_200,q_auto,f_auto", "c_fill%2Cw_300%2Ch_200%2cq_auto%2Cf_auto"),
        ("w_100/h_50", "w_100%2Fh_50"),
        ("w_100/h_50", "/w_100//h_50/"),
        ("b_red", "b_rgb%253Af00"),
        ("w_400", "c_fit,w_400"),
        ("c_thumb,g_auto,w_9,h_9", "c_fill,g_auto,w_9,h_9"),
        ("fl_lossy.progressive", "fl_lossy,fl_progressive"),
        ("t_one.two", "t_one/t_two"),
        ("$v_!a b!", "$v_!a%20b!"),
        ("$v_!a b!", "$v_!a%2520b!"),
        ("w_100", "w_0100"),
        ("w_0.5", "w_.50"),
        ("b_RED", "b_red"),
    ],
)
def test_spellings_that_share_one_pipeline(one: str, other: str) -> None:
    assert steps(one) == steps(other) != ""


@pytest.mark.parametrize(
    ("transformation", "native"),
    [
        ("e_grayscale,e_blur", "grayscale/blur:5"),
        ("e_blur,e_grayscale", "blur:5/grayscale"),
        ("$a_1,$b_$a", "let:a=1/let:b=$a"),
        ("l_my_named_layer", "overlay:id:my_named_layer,overflow=grow/end"),
        ("t_fit_100x150", "preset:fit_100x150"),
        ("g_north_east,c_lfill,w_9,h_9", "resize:9x9,fit=cover,gravity=north_east"),
        ("fl_attachment:a_b", "download:a_b"),
    ],
)
def test_an_underscore_after_the_first_belongs_to_the_value(transformation: str, native: str) -> None:
    assert steps(transformation) == native


@pytest.mark.parametrize(
    ("folder", "location"),
    [
        ("zz_10", "zz_10/a.jpg"),
        ("width_400,height_300", "width_400,height_300/a.jpg"),
        ("W_100", "W_100/a.jpg"),
        ("folder", "folder/a.jpg"),
        ("_w_100", "_w_100/a.jpg"),
        ("folder/w_100", "folder/w_100/a.jpg"),
        ("v1/w_100", "w_100/a.jpg"),
        ("w_100/v1/a_b", "a_b/a.jpg"),
        ("w_100/v1/v2", "v2/a.jpg"),
    ],
)
def test_folders(folder: str, location: str) -> None:
    assert urls.parse(f"/demo/image/upload/{folder}/a.jpg").source.location == location


@pytest.mark.parametrize("slashes", ["/", "//", "%2F", "%2f%2F/", "/" * 7000, "%2F" * 2000])
@pytest.mark.parametrize("form", ["/demo/image/upload/w_9{}v1{}a.jpg{}", "/resize:9x,enlarge{}id:a.jpg{}{}"])
def test_slashes_before_between_and_after_all(form: str, slashes: str) -> None:
    once = "/" if len(slashes) > 9 else slashes
    request = urls.parse(form.format(once, once, slashes))
    assert (str(request.pipeline), request.source.location) == ("resize:9x,enlarge=true", "a.jpg")


@pytest.mark.parametrize("public_id", ["w_100", "c_fill,w_100", "e_sepia", "if_end", "t_named", "w_9,foo", "w_"])
def test_the_last_segment_is_never_a_component(public_id: str) -> None:
    request = urls.parse(f"/demo/image/upload/w_50/{public_id}")
    assert (str(request.pipeline), request.source.location) == ("resize:50x,enlarge=true", public_id)


@pytest.mark.parametrize("folder", ["e_commerce", "t_", "c_suite", "l_", "a_b"])
def test_a_folder_that_looks_like_a_component_is_told_how_to_be_one(folder: str) -> None:
    caught = refused(folder)
    assert f"v1/{folder}/" in (caught.hint or "")
    assert urls.parse(f"/demo/image/upload/v1/{folder}/shoe.jpg").source.location == f"{folder}/shoe.jpg"


@pytest.mark.parametrize(
    ("transformation", "code", "key"),
    [
        ("zz_10,w_100", "unknown-key", "zz"),
        ("w_100,foo", "unknown-key", "foo"),
        ("w_100,foo_bar", "unknown-key", "foo"),
        ("$v_!a%2Cb!", "unknown-key", "b!"),
        ("w_100,,h_100", "empty-parameter", ""),
        (",w_100", "empty-parameter", ""),
        ("w_100,", "empty-parameter", ""),
        ("w_", "empty-value", "w"),
        ("$v_", "empty-value", "$v"),
        ("w_100,w_200", "repeated-key", "w"),
        ("c_fill,w_9,c_fill", "repeated-key", "c"),
        ("e_%25FF", "bad-encoding", None),
    ],
)
def test_components_that_are_none(transformation: str, code: str, key: str | None) -> None:
    caught = refused(transformation)
    assert (caught.code, caught.details.get("key")) == (code, key)


def test_a_value_is_decoded_twice_and_no_more() -> None:
    assert steps("$v_!100%25!") == steps("$v_!100%2525!") == "let:v='100%25'"
    assert steps("$v_!a%25252Cb!") == "let:v='a%252Cb'"


@pytest.mark.parametrize(("count", "refused_"), [(64, False), (65, True)])
def test_how_many_components_there_may_be(count: int, refused_: bool) -> None:
    transformation = "/".join(["a_1"] * count)
    if refused_:
        caught = refused(transformation)
        assert (caught.code, caught.details["maximum"]) == ("too-many-steps", 64)
    else:
        assert steps(transformation).count("rotate") == count


def test_both_dialects_share_one_pipeline() -> None:
    ours = urls.parse("/face-crop:200x200,fallback=center/quality:auto/format:auto/-/id:zidane.jpg")
    assert urls.parse("/demo/image/upload/c_thumb,g_face,w_200,h_200/f_auto,q_auto/zidane.jpg") == ours
