"""Requests printed in Cloudinary's spelling: read back as the same request, or said not to be expressible."""

from __future__ import annotations

import pytest

from server import urls
from server.urls import cloudinary
from transforms.failure import Failure

from . import test_urls_cloudinary_conditions as conditions
from . import test_urls_cloudinary_delivery as delivery
from . import test_urls_cloudinary_geometry as geometry
from . import test_urls_cloudinary_look as look
from . import test_urls_cloudinary_variables as variables
from . import test_urls_laying as laying
from .test_urls_cloudinary_gravity import GRAVITIES
from .transformations import path

TRANSFORMATIONS = [
    *(text for text, _ in (*geometry.SIZES, *look.LOOK, *delivery.DELIVERY)),
    *(text for text, _ in geometry.DENSITIES if text != "w_100,r_5,dpr_auto"),
    *(text for text, _ in (*variables.VARIABLES, *conditions.GUARDS)),
    *(f"if_{text},w_5" for text, _ in conditions.COMPARISONS),
    *(f"c_lfill,w_9,h_9,g_{gravity}" for gravity, _ in GRAVITIES),
    *delivery.UNDERSTOOD,
    *(text for text, _ in (*laying.LAYERS, *laying.TEXTS) if not text.startswith("t_small,")),
    "e_sepia:50/w_100", "l_logo,w_10,x_3/q_80", "l_text:Arial_20:a%252Cb/fl_layer_apply,g_south/f_auto",
]  # fmt: skip


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
def test_what_was_read_is_printed_and_reads_back(transformation: str) -> None:
    request = urls.parse(path(transformation))
    printed = cloudinary.print(request)
    assert urls.parse(printed) == request
    assert cloudinary.print(urls.parse(printed)) == printed
    assert urls.parse(urls.canonical(request)) == request


@pytest.mark.parametrize(
    ("native", "transformation"),
    [
        ("/resize:400x,enlarge/id:a", "c_scale,w_400"),
        ("/resize:1.0x,enlarge/id:a", "c_scale,w_1.0"),
        ("/resize:400x300,enlarge/id:a", "c_fit,w_400,h_300"),
        ("/resize:400x1.0,fit=fill,enlarge/id:a", "c_scale,w_400,fl_ignore_aspect_ratio"),
        ("/resize:(iw:2)x,enlarge/id:a", "c_scale,w_iw_div_2"),
        ("/resize:(300:2)x,enlarge/id:a", "c_scale,w_300_div_2"),
        ("/resize:(auto*dpr)x/id:a", "c_limit,w_auto,dpr_auto"),
        ("/let:v=-w/id:a", "$v_0_sub_w"),
        ("/let:v=w*(4:3)/round:($v)/id:a", "$v_w_mul_4:3/r_$v"),
        ("/if:faces>0&tags~dog/face-crop:9x9,fallback=center/else/pad:9x9,enlarge/end/id:a",
         "if_fc_gt_0_and_!dog!_in_tags/c_thumb,w_9,h_9,g_face/if_else/c_pad,w_9,h_9/if_end"),
        ("/smart-crop:9x9,gravity=auto:couch_20/id:a", "c_fill,w_9,h_9,g_auto:couch_20"),
        ("/preset:Resized Artwork/id:a", "t_Resized%20Artwork"),
        ("/download:a.b/id:a", "fl_attachment:a%252Eb"),
    ],
)  # fmt: skip
def test_native_steps_in_this_dialect(native: str, transformation: str) -> None:
    assert cloudinary.print(urls.parse(native)) == f"/image/upload/{transformation}/a"


@pytest.mark.parametrize("url", ["https://host.example/a%20b.jpg?x=%26&y=1", "http://h.example:8080/"])
def test_printing_a_remote_source_reads_back(url: str) -> None:
    request = urls.parse("/blur:3/" + url.replace("%", "%25").replace("?", "%3F").replace(":", "%3A", 1))
    assert request.source.location == url
    assert urls.parse(cloudinary.print(request)) == request


@pytest.mark.parametrize(
    "path_",
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
        "/let:v=(w+1)*2/id:a",
        "/let:v=int(w)+1/id:a",
        "/let:v='!'/id:a",
        "/let:v=dpr/id:a",
        "/if:w>(h+1)*2/grayscale/end/id:a",
        "/resize:(9*dpr)x,enlarge/round:(5*dpr)/id:a",
    ],
)
def test_what_cannot_be_said_in_this_dialect_is_a_failure(path_: str) -> None:
    with pytest.raises(Failure) as caught:
        cloudinary.print(urls.parse(path_))
    assert caught.value.code == "not-expressible"
