"""The URL language through a running server: conditions on content, client hints, what waits and what fails."""

from __future__ import annotations

import io

import httpx2
import pytest
from PIL import Image

from .servers import Server


def size(answer: httpx2.Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content)).size


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # zidane.jpg shows two people, photo.jpg nobody
        ("/if:faces>0/resize:20x10,fit=fill/else/resize:10x20,fit=fill/end/zidane.jpg", (20, 10)),
        ("/if:faces>0/resize:20x10,fit=fill/else/resize:10x20,fit=fill/end/photo.jpg", (10, 20)),
        ("/if:faces>=2&ar>1/resize:30x/else/resize:10x/end/crop:10x10/zidane.jpg", (10, 10)),
        ("/demo/image/upload/if_fc_gt_0,c_scale,w_20,h_10/if_else,c_scale,w_10,h_20/zidane.jpg", (20, 10)),
        ("/demo/image/upload/if_fc_gt_0,c_scale,w_20,h_10/if_else,c_scale,w_10,h_20/photo.jpg", (10, 20)),
        ("/demo/image/upload/if_fc_eq_0/w_20,h_10/if_else/w_10,h_20/if_end/photo.jpg", (20, 10)),
        ("/demo/image/upload/$n_fc_mul_10_add_5/w_$n,h_7/zidane.jpg", (25, 7)),
        ("/let:n=faces*10+5/resize:($n)x7,fit=fill/zidane.jpg", (25, 7)),
        ("/demo/image/upload/if_w_gt_1000,w_20,h_10/if_else,w_10,h_20/zidane.jpg", (20, 10)),
        ("/demo/image/upload/if_w_gt_2000,w_20,h_10/if_else,w_10,h_20/zidane.jpg", (10, 20)),
        ("/demo/image/upload/w_100/if_w_eq_100,w_20,h_10/zidane.jpg", (20, 10)),
        ("/demo/image/upload/w_iw_div_16,h_ih_div_12/photo.jpg", (100, 100)),
        ("/demo/image/upload/a_auto_right,c_fill,w_10,h_20/photo.jpg", (10, 20)),
        ("/demo/image/upload/if_ar_lt_1,e_sepia/w_40/photo.jpg", (40, 30)),
        ("/demo/image/upload/c_scale,w_0.05/photo.jpg", (80, 60)),
        ("/demo/image/upload/if_!nothing:known!_in_tags,w_20,h_10/if_else,w_10,h_20/photo.jpg", (10, 20)),
    ],
)
def test_conditions_and_arithmetic(server: Server, path: str, expected: tuple[int, int]) -> None:
    assert size(server.get(path)) == expected


def test_a_condition_on_objects(server: Server) -> None:
    answer = server.get("/if:tags~person:bus/resize:20x10,fit=fill/else/resize:10x20,fit=fill/end/bus.jpg")
    if answer.headers.get("X-Degraded"):
        pytest.skip("no detector of objects has its weights")
    assert size(answer) == (20, 10)


@pytest.mark.parametrize(
    ("path", "status", "code", "told"),
    [
        ("/demo/image/upload/e_upscale/photo.jpg", 501, "not-implemented", "e_upscale"),
        ("/demo/image/upload/l_quadrants.png/e_upscale/fl_layer_apply/photo.jpg", 501, "not-implemented", "e_upscale"),
        ("/demo/image/upload/if_w_gt_9,e_upscale/photo.jpg", 501, "not-implemented", "e_upscale"),
        ("/demo/image/upload/f_heic/photo.jpg", 501, "not-implemented", "f_heic"),
        ("/demo/image/upload/b_gen_fill,c_pad,w_9,h_9/photo.jpg", 501, "not-implemented", "b_gen_fill"),
        ("/demo/image/upload/if_tar_gt_1,w_9/photo.jpg", 501, "unsupported-operand", "tar"),
        ("/demo/image/upload/l_missing:logo/fl_layer_apply/photo.jpg", 404, "layer-not-found", "missing/logo"),
        ("/demo/image/upload/l_private:logo/fl_layer_apply/photo.jpg", 401, "unsigned-layer", "private"),
        ("/demo/image/upload/t_no_such/photo.jpg", 400, "unknown-preset", "no_such"),
        ("/preset:no_such/photo.jpg", 400, "unknown-preset", "no_such"),
        ("/demo/image/upload/w_$nope/photo.jpg", 400, "undefined-variable", "$nope"),
        ("/demo/image/upload/l_$nope/photo.jpg", 400, "undefined-variable", "$nope"),
        ("/demo/image/upload/$a_!b!/l_text:Arial_20:$(a)$(nope)/photo.jpg", 400, "undefined-variable", "$nope"),
        ("/demo/image/upload/l_text:$nope:Hello/photo.jpg", 400, "undefined-variable", "$nope"),
        ("/demo/image/upload/$a_!b!/l_$a/photo.jpg", 404, "layer-not-found", "b"),
        ("/demo/image/upload/$a_$a_add_1/w_$a/photo.jpg", 400, "undefined-variable", "$a"),
        ("/demo/image/upload/$s_!hello!/c_scale,w_$s/photo.jpg", 400, "bad-argument", "hello"),
        ("/demo/image/upload/$s_!nan!_to_i/c_scale,w_$s/photo.jpg", 400, "bad-expression", "nan"),
        ("/demo/image/upload/w_iw_mul_100/photo.jpg", 400, "bad-argument", "8192"),
        ("/demo/image/upload/w_iw_div_0/photo.jpg", 400, "bad-expression", "no value"),
        ("/demo/image/upload/if_pc_gt_0,pg_2/photo.jpg", 400, "input-depends", "page"),
        ("/demo/image/upload/c_crop,g_face/w_w_div_2/zidane.jpg", 400, "size-unknown", "w"),
        ("/demo/image/upload/e_blurr/photo.jpg", 400, "unknown-effect", "blurr"),
        ("/demo/image/upload/c_pad,g_auto,w_9,h_9/photo.jpg", 400, "gravity-not-allowed", "g_auto"),
    ],
)
def test_what_fails_is_named(server: Server, path: str, status: int, code: str, told: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert told in answer.json()["detail"]
    if "/image/upload/" in path:
        assert answer.json()["detail"][:60] in answer.headers["X-Cld-Error"]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/demo/image/upload/w_auto/photo.jpg", {"Width": "96"}, (96, 72)),
        ("/demo/image/upload/w_auto/photo.jpg", {"Sec-CH-Width": "192", "Sec-CH-DPR": "2"}, (192, 144)),
        ("/demo/image/upload/w_auto,dpr_auto/photo.jpg", {"Sec-CH-Width": "192", "Sec-CH-DPR": "2"}, (192, 144)),
        ("/demo/image/upload/w_auto:20:60/photo.jpg", {"Viewport-Width": "30"}, (40, 30)),
        ("/demo/image/upload/w_auto:20:60/photo.jpg", {}, (60, 45)),
        ("/demo/image/upload/w_auto,c_limit/photo.jpg", {"Width": "9000"}, (1600, 1200)),
        ("/demo/image/upload/w_40,dpr_auto/photo.jpg", {"DPR": "1.9"}, (80, 60)),
        ("/demo/image/upload/w_40,dpr_auto/photo.jpg", {}, (40, 30)),
        ("/resize:(auto@20)x/photo.jpg", {"Width": "30"}, (40, 30)),
    ],
)
def test_client_hints(server: Server, path: str, headers: dict[str, str], expected: tuple[int, int]) -> None:
    answer = server.get(path, headers=headers)
    assert size(answer) == expected
    varied = answer.headers["Vary"]
    assert ("Sec-CH-DPR" in varied, "Sec-CH-Width" in varied) == ("dpr" in path, "auto" in path.replace("dpr_auto", ""))
    assert "Sec-CH-Width" in answer.headers["Accept-CH"]


def test_only_what_makes_another_picture_makes_another_entry(server: Server) -> None:
    path = "/demo/image/upload/w_auto:50,dpr_auto,f_auto/photo.jpg"
    sent = [
        {"Width": "60"}, {"Width": "90"}, {"Width": "110"}, {"Width": "90", "Accept": "image/webp"},
        {"Width": "90", "DPR": "2"},
    ]  # fmt: skip
    tags = [server.get(path, headers=headers).headers["ETag"] for headers in sent]
    assert tags[0] == tags[1]
    assert len(set(tags)) == 4
    plain = [server.get("/demo/image/upload/w_33/photo.jpg", headers=headers).headers for headers in sent]
    assert len({headers["ETag"] for headers in plain}) == 1
    assert "Accept-CH" not in plain[0]


def test_both_dialects_share_one_entry(server: Server) -> None:
    first = server.get("/demo/image/upload/if_fc_gt_0,c_scale,w_22,h_11/zidane.jpg")
    second = server.get("/if:faces>0/resize:22x11,fit=fill,enlarge/end/format:jpeg/zidane.jpg")
    assert (size(first), size(second)) == ((22, 11), (22, 11))


def test_a_preset_that_no_file_names_is_refused_before_the_source_is_looked_for(server: Server) -> None:
    assert server.get("/demo/image/upload/t_no_such/missing.jpg").json()["code"] == "unknown-preset"
