"""Layers, texts and effects as Cloudinary's Python library writes them: each is fetched, and looked for in the picture.

It knows the older form, in which one component says all of a layer, as well as the one that ends with `layer_apply`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .clients import site as clients
from .clients.letters import is_written, writing
from .clients.library import moved_to, url
from .clients.signs import CLOSE, difference, extent, grows, is_changed, is_kept_outside
from .clients.site import Delivered, Site

Options = dict[str, Any]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("clients")
    with clients.opened(folder, detection, models_folder) as running, moved_to(running.host):
        yield running


def chain(*steps: Options) -> Options:
    return {"transformation": [*steps]}


APPLY = {"flags": "layer_apply"}
MARK = {"overlay": "marks:ink"}  # 40 × 20, magenta, on paper of 400 × 300


def ink(after: Delivered, box: tuple[int, int, int, int]) -> str:
    """The colour in the middle of a region, as hex text."""
    left, top, width, height = box
    return bytes(after.pixels[top + height // 2, left + width // 2, 2::-1].tolist()).hex()


@pytest.mark.parametrize(
    ("options", "box", "colour"),
    [
        (MARK, (180, 140, 40, 20), "ff00ff"),
        ({"overlay": {"public_id": "marks/ink"}}, (180, 140, 40, 20), "ff00ff"),
        ({"overlay": {"public_id": "marks/ink", "format": "png"}}, (180, 140, 40, 20), "ff00ff"),
        ({**MARK, "gravity": "south_east", "x": 5, "y": 7}, (355, 273, 40, 20), "ff00ff"),
        ({**MARK, "gravity": "north", "y": 0.1}, (180, 30, 40, 20), "ff00ff"),
        ({**MARK, "width": 100, "gravity": "north_west"}, (0, 0, 100, 50), "ff00ff"),
        ({**MARK, "width": 100, "height": 100, "crop": "fill"}, (150, 100, 100, 100), "ff00ff"),
        ({**MARK, "width": 0.5, "flags": "relative"}, (100, 100, 200, 100), "ff00ff"),
        ({**MARK, "width": "1.0", "flags": ["relative", "no_overflow"]}, (0, 50, 400, 200), "ff00ff"),
        ({**MARK, "opacity": 50}, (180, 140, 40, 20), "ff7fff"),
        ({**MARK, "angle": 90, "effect": "grayscale"}, (190, 130, 20, 40), "696969"),
        ({**MARK, "effect": "multiply"}, (180, 140, 40, 20), "ff00ff"),
        ({**MARK, "flags": "tiled"}, (0, 0, 400, 300), "ff00ff"),
        ({**MARK, "gravity": "west", "x": -30, "flags": "no_overflow"}, (0, 140, 10, 20), "ff00ff"),
        (chain(MARK, {"width": 80}, {**APPLY, "gravity": "north_west", "x": 10}), (10, 0, 80, 40), "ff00ff"),
        (chain({**MARK, "width": 80}, {"angle": 90}, {**APPLY, "gravity": "east"}), (360, 110, 40, 80), "ff00ff"),
        (chain({**MARK, "if": "w > 300"}, {"width": 80}, APPLY), (160, 130, 80, 40), "ff00ff"),
        (chain({"if": "w > 300"}, MARK, APPLY, {"if": "else"}, {"angle": 90}, {"if": "end"}), (180, 140, 40, 20),
         "ff00ff"),
        (chain({"$wide": 80}, {**MARK, "width": "$wide * 2"}), (120, 110, 160, 80), "ff00ff"),
        (chain(MARK, {"width": 200}, {"overlay": "logo"}, {"width": 50}, {**APPLY, "gravity": "west"}, APPLY),
         (100, 100, 200, 100), "ff00ff"),
        (chain(MARK, {"transformation": "small one"}, APPLY), (180, 140, 40, 20), "ff00ff"),
        (chain({"underlay": "marks:ink"}), None, ""),
        (chain({"if": "w > 500", **MARK}), None, ""),
    ],
    ids=str,
)  # fmt: skip
def test_a_mark_is_where_it_must_be(
    site: Site, options: Options, box: tuple[int, int, int, int] | None, colour: str
) -> None:
    before, after = site.fetch(url("paper.png")), site.fetch(url("paper.png", **options))
    assert after.size == before.size
    if box is None:
        assert difference(before, after).max() == 0
        return
    changed = extent(before, after)
    assert changed == box
    assert ink(after, changed) == colour


def test_marks_on_faces(site: Site) -> None:
    before = site.fetch(url("people.jpg", format="png"))
    over = {**MARK, "gravity": "faces", "width": "1.0", "height": "1.0", "crop": "fill", "flags": "region_relative"}
    after = site.fetch(url("people.jpg", format="png", transformation=[over]))
    assert after.size == before.size
    assert is_kept_outside(before, after, (0.3, 0, 0.95, 0.7))
    left, top, width, height = extent(before, after)
    assert width > 300  # from one to the other
    assert [ink(after, (left, top + height - 2, 2, 2)), ink(after, (left + width - 2, top, 2, 2))] == ["ff00ff"] * 2


def test_a_canvas_grows(site: Site) -> None:
    built = url("paper.png", transformation=[{**MARK, "gravity": "west", "x": -30}])
    assert site.fetch(built).size == (430, 300)


def test_a_ground(site: Site) -> None:
    for built in (
        url("logo.png", underlay="marks:ink", width=200, height=100, crop="fill"),
        url("logo.png", transformation=[{"underlay": "marks:ink"}, {"width": "1.0", "height": "1.0", "crop": "fill",
                                                                    "flags": "relative"}, APPLY]),
    ):  # fmt: skip
        answer = site.fetch(built)
        assert answer.size == (200, 100)
        assert [answer.colour(place, place) for place in (0.1, 0.5, 0.9)] == ["ff00ff", "red", "ff00ff"]


@pytest.mark.parametrize(
    ("mixed", "corner", "middle"),
    [
        ({"overlay": "logo", "flags": "cutter"}, "clear", "red"),
        ({"overlay": "logo", "effect": "cut_out"}, "red", "clear"),
        ({"overlay": "paper", "width": 60, "effect": "mask"}, "clear", "red"),
    ],
    ids=str,
)
def test_what_is_cut_by_a_layer(site: Site, mixed: Options, corner: str, middle: str) -> None:
    answer = site.fetch(url("photo", transformation=[{"width": 200}, mixed], format="png"))
    assert answer.size == (200, 150)
    assert [answer.colour(0.02, 0.02), answer.colour(0.45, 0.45)] == [corner, middle]


def test_a_map_moves_pixels(site: Site) -> None:
    before = site.fetch(url("people", width=400, format="png"))
    for step in ({"overlay": "marks:ink", "effect": "displace", "x": 30, "y": 10},):
        after = site.fetch(url("people", transformation=[{"width": 400}, step], format="png"))
        assert after.size == before.size
        assert is_changed(before, after, (0.45, 0.4, 0.55, 0.6))
        assert difference(before, after)[:20].max() <= CLOSE


def test_layers_of_the_web(site: Site) -> None:
    remote = f"{site.origin.url}/remote/mark.png"
    before = site.fetch(url("paper.png"))
    for layer in (f"fetch:{remote}", {"url": remote}, {"type": "fetch", "url": f"{remote}?size=a%2Fb"}):
        after = site.fetch(url("paper.png", overlay=layer, gravity="north_west", x=3))
        assert extent(before, after) == (3, 0, 30, 30)
        assert ink(after, (3, 0, 30, 30)) == "00c8ff"
    assert {"/remote/mark.png", "/remote/mark.png?size=a%2Fb"} <= set(site.origin.paths())


def test_layers_that_want_a_signature(site: Site) -> None:
    for kind in ("private", "authenticated"):
        over: Options = {"overlay": {"public_id": "hidden.jpg", "type": kind}, "width": 40}
        assert site.refusal(url("paper.png", **over)) == (401, "unsigned-layer")
        before, after = site.fetch(url("paper.png")), site.fetch(url("paper.png", sign_url=True, **over))
        assert extent(before, after) == (180, 135, 40, 30)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"overlay": "marks:none"}, 404, "layer-not-found"),
        ({"overlay": {"resource_type": "video", "public_id": "dog"}}, 400, "unsupported-layer"),
        ({"overlay": "fetch:https://example.com/a.png"}, 403, "source-not-allowed"),
        ({"overlay": "fetch:http://169.254.169.254/latest"}, 403, "source-not-allowed"),
        ({"overlay": "text:Ariel Sans_20:a"}, 400, "unknown-font"),
        ({"overlay": "text:Arial_2000:a"}, 400, "bad-argument"),
        ({"overlay": "text:Arial_20:$(nothing)"}, 400, "undefined-variable"),
        ({**MARK, "effect": "multipli"}, 400, "unknown-effect"),
        ({**MARK, "opacity": 101}, 400, "bad-argument"),
        (chain(APPLY), 400, "stray-layer-apply"),
        (chain(*[MARK] * 21), 400, "too-many-layers"),
        ({"effect": "brightness:101"}, 400, "bad-argument"),
        ({"effect": "art:zorro"}, 501, "not-implemented"),
        ({"effect": "gen_restore"}, 501, "not-implemented"),
    ],
    ids=str,
)
def test_mistakes(site: Site, options: Options, status: int, code: str) -> None:
    assert site.refusal(url("paper.png", **options)) == (status, code)


# Text


@pytest.mark.parametrize(("style", "hint"), [("Arial_20", "Arial_20:Hello;"), ("Arial", "Arial_40;")])
def test_words_or_a_size_are_missing(site: Site, style: str, hint: str) -> None:
    answer = site.get(url("paper.png", overlay=f"text:{style}"))
    assert (answer.status_code, answer.json()["code"]) == (400, "missing-text-style")
    assert hint in answer.json()["hint"]


FOX = "The quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"overlay": "text:Arial_40:Hello"}, {"words": "Hello"}),
        ({"overlay": {"text": "Hello", "font_family": "Arial", "font_size": 40}}, {"words": "Hello"}),
        ({"overlay": {"text": "Hello", "text_style": "Arial_40_bold"}}, {"words": "Hello", "weight": 700}),
        ({"overlay": {"text": "Hello", "font_family": "Times New Roman", "font_size": 50, "font_weight": "bold",
                      "font_style": "italic", "text_decoration": "underline", "letter_spacing": 4}},
         {"words": "Hello", "font": "Times New Roman", "size": 50, "weight": 700, "italic": True, "underline": True,
          "letter_spacing": 4}),
        ({"overlay": {"text": "a\nbcd", "font_family": "Verdana", "font_size": 30, "text_align": "right",
                      "line_spacing": 10, "font_antialiasing": "best", "font_hinting": "full"}},
         {"words": "a\nbcd", "font": "Verdana", "size": 30, "align": "right", "line_spacing": 10}),
        ({"overlay": {"text": "Hello", "font_family": "Arial", "font_size": 60, "stroke": "stroke"}, "color": "white",
          "border": {"width": 4, "color": "#ff8800"}},
         {"words": "Hello", "size": 60, "color": "white", "stroke": 4, "stroke_color": "ff8800"}),
        ({"overlay": "text:Arial_40:Hello", "color": "#ff0000", "background": "#00f"},
         {"words": "Hello", "color": "ff0000", "background": "0000ff"}),
        ({"overlay": {"text": FOX, "font_family": "Arial", "font_size": 24}, "width": 150, "crop": "fit"},
         {"words": FOX, "size": 24, "box": [150, None]}),
        ({"overlay": {"text": FOX, "font_family": "Arial", "font_size": 24, "text_align": "center"}, "width": 150,
          "height": 60, "crop": "fit"}, {"words": FOX, "size": 24, "box": [150, 60], "align": "center"}),
        (chain({"overlay": "text:Arial_40:Hello"}, APPLY), {"words": "Hello"}),
        (chain({"overlay": "text:Arial_40:Hello", "flags": "text_no_trim"}, APPLY), {"words": "Hello", "trim": False}),
        (chain({"$word": "!Ann%252C Bob!"}, {"overlay": "text:Arial_40:Hi $(word)%21"}),
         {"words": "Hi Ann, Bob!"}),
        (chain({"$size": 50}, {"overlay": {"text": "Hi", "font_family": "Arial", "font_size": "$size"}}),
         {"words": "Hi", "size": 50}),
        ({"overlay": "text:Arial_60_stroke_bo_3px_solid_red_letter_spacing_2:Hi"},
         {"words": "Hi", "size": 60, "stroke": 3, "stroke_color": "red", "letter_spacing": 2}),
        ({"overlay": "text:Arial_60_stroke_bo_3px_solid_red:Hi", "border": "5px_solid_blue"},
         {"words": "Hi", "size": 60, "stroke": 5, "stroke_color": "blue"}),
        (chain({"$style": "!Arial_30_bold!"}, {"overlay": "text:$style:Hi"}),
         {"words": "Hi", "size": 30, "weight": 700}),
        ({"overlay": "text:Arial_40:Hello", "dpr": 2}, {"words": "Hello", "size": 80}),
    ],
    ids=str,
)  # fmt: skip
def test_a_text_has_these_letters(site: Site, options: Options, written: Options) -> None:
    before, after = site.fetch(url("paper.png")), site.fetch(url("paper.png", **options))
    assert difference(before, after).max() > 100
    assert is_written(before, after, writing(written))


@pytest.mark.parametrize(
    "words",
    [
        "a, b/c", "100%", "50% off, 5%2", "#1 & more?", "a:b", "a;b=c+d", "one\ntwo", "$5 a$b", "\"so\" 'it'",
        "(x) [y]", "a\\b", "../../etc/passwd", "<script>", "Hi 😀 👍🏽", "Größe", "مرحبا بالعالم", "שלום עולם",
        "नमस्ते दुनिया", "你好，世界", "こんにちは世界", "안녕하세요", "สวัสดี", "abc שלום 123", "Ελληνικά", "Привет",
    ],
)  # fmt: skip
def test_any_words(site: Site, words: str) -> None:
    text = {"text": words, "font_family": "Arial", "font_size": 36}
    before = site.fetch(url("paper.png"))
    for options in ({"overlay": text}, {"overlay": text, "sign_url": True}):
        after = site.fetch(url("paper.png", **options))
        assert difference(before, after).max() > 100
        assert is_written(before, after, writing({"words": words, "size": 36}))


# Effects, in every way that the library takes them


@pytest.mark.parametrize(
    ("effect", "more", "sign"),
    [
        ("sepia", {}, "red"), ("sepia:50", {}, "red"), (["sepia", 50], {}, "red"), ({"sepia": 50}, {}, "red"),
        (["contrast", "level_60;type_sigmoidal"], {}, "contrast"), ({"brightness": 40}, {}, "light"),
        (["fill_light", 80, 20], {}, "light"), ("improve:indoor:90", {"brightness": -30}, "light"),
        ("saturation:80", {}, "colour"), ("vibrance:70", {}, "colour"), ("red:70", {}, "red"), ("blue:70", {}, "blue"),
        ("colorize:60", {"color": "#0000ff"}, "blue"), ("colorize", {"color": "green"}, "green"),
        ("tint:80:blue:0p:cyan:100p", {}, "blue"), ("sharpen:400", {}, "detail"), ("unsharp_mask:400", {}, "detail"),
        ("make_transparent:60", {"color": "black"}, "clear"), ("gradient_fade:70", {"y": 0.5}, "clear"),
        ("recolor:0:0:1:0:1:0:1:0:0", {}, "blue"), ("gamma:90", {}, "light"), ("negate", {}, "light"),
    ],
    ids=str,
)  # fmt: skip
def test_an_effect_is_there(site: Site, effect: Any, more: Options, sign: str) -> None:
    small: list[Options] = [{"width": 320, "crop": "scale"}]
    if "brightness" in more:
        small.append({"effect": {"brightness": more["brightness"]}})
    keys = {key: value for key, value in more.items() if key != "brightness"}
    before = site.fetch(url("people", format="png", transformation=small))
    after = site.fetch(url("people", format="png", transformation=small, effect=effect, **keys))
    assert before.size == after.size == (320, 180)
    assert is_changed(before, after)
    assert grows(sign, before, after)


def test_an_effect_of_a_variable(site: Site) -> None:
    whole = {"$strong": 40, "effect": "brightness:$strong", "format": "png"}
    assert difference(site.fetch(url("paper", **whole)), site.fetch(url("paper", format="png"))).max() <= CLOSE  # white
    before, plain = site.fetch(url("people", **whole)), site.fetch(url("people", effect="brightness:40", format="png"))
    assert difference(before, plain).max() <= CLOSE
    assert grows("light", site.fetch(url("people", format="png")), before)
