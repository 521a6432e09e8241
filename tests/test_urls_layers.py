"""Cloudinary's layers: their sources, their text, and which components belong to which layer."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote

import pytest

from server import urls
from server.layered import check_layers
from server.urls.cloudinary import layers, laying, text
from server.urls.cloudinary.component import Component, lex
from server.urls.cloudinary.layers import Source
from server.urls.cloudinary.text import Style
from server.urls.paths import split
from transforms.computed import Computed
from transforms.expressions import Variable
from transforms.failure import Failure, Kind
from transforms.layers import MAX_LAYER_DEPTH
from transforms.picture import Picture

from .shared import jsonl, needs

URL = "https://example.com/a b/logo.png?x=1"


def components(path: str) -> list[Component]:
    """Those of a raw path, decoded once, as the path of a request is."""
    return [lex(segment.text) for segment in split(quote(path, safe="%/,:_.-!$()=;"))]


def source(raw: str) -> Source:
    [component] = components(f"l_{raw}")
    return layers.source(component, "l")


def address(url: str) -> str:
    return base64.urlsafe_b64encode(url.encode()).decode()


@pytest.mark.parametrize(
    ("raw", "expected", "written"),
    [
        ("logo", Source("image", "logo"), "logo"),
        ("docs:my_logo.png", Source("image", "docs/my_logo.png"), "docs:my_logo.png"),
        ("docs%252Flogo", Source("image", "docs/logo"), "docs:logo"),
        ("a%252Cb", Source("image", "a,b"), "a%2Cb"),
        ("abcαβγ", Source("image", "abcαβγ"), "abcαβγ"),
        ("upload:logo", Source("image", "logo"), "logo"),
        ("private:docs:logo", Source("image", "docs/logo", "private"), "private:docs:logo"),
        ("authenticated:logo", Source("image", "logo", "authenticated"), "authenticated:logo"),
        ("upload:video:a", Source("image", "video/a"), "upload:video:a"),
        ("lut:warm.3dl", Source("lut", "warm.3dl"), "lut:warm.3dl"),
        ("$logo", Source("variable", "$logo"), "$logo"),
    ],
)
def test_sources_have_one_text(raw: str, expected: Source, written: str) -> None:
    assert source(raw) == expected
    assert str(expected) == written
    assert source(quote(written, safe=":$")) == expected


@pytest.mark.parametrize("form", ["{}", "{}=", "{}%3D", "{}%253D", "{}.png", "{}=.png"])
def test_fetched_layers_are_base64_with_or_without_padding_and_extension(form: str) -> None:
    found = source("fetch:" + form.format(address(URL).rstrip("=")))
    assert found.kind == "fetch"
    assert found.location == "https://example.com/a%20b/logo.png?x=1"
    assert source(str(found)) == found


@pytest.mark.parametrize(
    ("raw", "kind", "code"),
    [
        ("fetch:", Kind.BAD_REQUEST, "bad-argument"),
        ("fetch:%25%25", Kind.BAD_REQUEST, "bad-argument"),
        ("fetch:a", Kind.BAD_REQUEST, "bad-argument"),
        (f"fetch:{address('FILE:///etc/passwd')}", Kind.FORBIDDEN, "bad-source"),
        (f"fetch:{address('http://user:word@host/')}", Kind.BAD_REQUEST, "bad-source"),
        ("%252e%252e:secret", Kind.NOT_FOUND, "source-not-found"),
        ("a:.:b", Kind.NOT_FOUND, "source-not-found"),
        ("private:..", Kind.NOT_FOUND, "source-not-found"),
        (":", Kind.BAD_REQUEST, "bad-argument"),
        ("upload:", Kind.BAD_REQUEST, "bad-argument"),
        ("a" * 256, Kind.BAD_REQUEST, "bad-argument"),
        ("video:dog", Kind.BAD_REQUEST, "unsupported-layer"),
        ("video:fetch:aHR0cA", Kind.BAD_REQUEST, "unsupported-layer"),
        ("subtitles:Arial_40:a.srt", Kind.BAD_REQUEST, "unsupported-layer"),
        ("audio:song", Kind.BAD_REQUEST, "unsupported-layer"),
    ],
)
def test_wrong_sources_are_refused(raw: str, kind: Kind, code: str) -> None:
    with pytest.raises(Failure) as caught:
        source(raw)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert caught.value.details["key"] == "l"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("docs:logo", Picture("id", "docs/logo")),
        ("private:logo", Picture("id", "logo", "private")),
        (f"fetch:{address('http://host.example/a')}", Picture("http", "http://host.example/a")),
        ("$logo", Computed(("id:", Variable("logo")))),
        ("text:Arial_20:hi", None),
    ],
)
def test_what_a_layer_begins_with(raw: str, expected: object) -> None:
    assert laying.picture(source(raw)) == expected


@pytest.mark.parametrize("url", ["not a url", "image.url"])
def test_a_fetched_layer_needs_an_address(url: str) -> None:
    with pytest.raises(Failure) as caught:
        laying.picture(source(f"fetch:{address(url)}"))
    assert caught.value.code == "bad-source"


@pytest.mark.parametrize(
    ("raw", "style", "written"),
    [
        ("Arial_20", Style("Arial", "20"), "Arial_20"),
        ("Times New Roman_90_bold", Style("Times New Roman", "90", "bold"), "Times New Roman_90_bold"),
        ("Times%20New%20Roman_90", Style("Times New Roman", "90"), "Times New Roman_90"),
        ("my_font.ttf_20", Style("my_font.ttf", "20"), "my_font.ttf_20"),
        ("Exo 2_40_italic", Style("Exo 2", "40", italic="italic"), "Exo 2_40_italic"),
        ("Arial_20_700", Style("Arial", "20", "700"), "Arial_20_700"),
        ("Arial_20_normal", Style("Arial", "20"), "Arial_20"),
        (
            "Arial_18_left_underline_italic_extrabold",
            Style("Arial", "18", "extrabold", "italic", "underline", "left"),
            "Arial_18_extrabold_italic_underline_left",
        ),
        (
            "a_1_hinting_slight_line_spacing_-12.5_antialias_best_letter_spacing_4_stroke",
            Style(
                "a", "1", stroke="stroke", letter_spacing="4", line_spacing="-12.5", antialias="best", hinting="slight"
            ),
            "a_1_stroke_letter_spacing_4_line_spacing_-12.5_antialias_best_hinting_slight",
        ),
        ("Arial_$size_bold", Style("Arial", "$size", "bold"), "Arial_$size_bold"),
        ("Arial_$size_mul_2_bold", Style("Arial", "$size_mul_2", "bold"), "Arial_$size_mul_2_bold"),
        ("$font_20", Style("$font", "20"), "$font_20"),
        ("Arial_1000", Style("Arial", "1000"), "Arial_1000"),
    ],
)
def test_styles_are_read_from_the_first_number_on(raw: str, style: Style, written: str) -> None:
    found = text.read(f"{raw}:Hello")
    assert found.style == style
    assert str(found) == f"{written}:Hello"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "style is missing"),
        (":hi", "style is missing"),
        ("_20:hi", "name of the font"),
        ("Arial_0:hi", "from 1 to 1000"),
        ("Arial_-5:hi", "from 1 to 1000"),
        ("Arial_99999:hi", "from 1 to 1000"),
        ("Arial_1001:hi", "from 1 to 1000"),
        ("Arial_12.5:hi", "from 1 to 1000"),
        ("Arial_20:", "text is missing"),
        ("Arial_20_blod:hi", "no text style 'blod'"),
        ("Arial_20_bold_thin:hi", "weight is given twice"),
        ("Arial_20_950:hi", "from 100 to 900"),
        ("Exo_2_40:hi", "from 100 to 900"),
        ("Arial_20_blod_letter_spacing_4:hi", "no text style 'blod'"),
        ("Arial_20_letter_spacing_wide:hi", "letter spacing"),
        ("Arial_20_hinting_some:hi", "hinting"),
        ("Arial_20:a%00b", "control characters"),
        ("Arial_20:" + "A" * 2001, "at most 2000 characters"),
        ("Arial_20:" + "%0A" * 200, "at most 200 lines"),
    ],
)
def test_wrong_texts_are_refused(raw: str, message: str) -> None:
    with pytest.raises(Failure, match=message) as caught:
        text.read(raw)
    assert caught.value.kind is Kind.BAD_REQUEST


def test_text_up_to_its_limits_is_taken() -> None:
    assert text.read("Arial_20:" + "A" * 2000).words == ("A" * 2000,)
    assert text.read("Arial_20:" + "%0A" * 199 + "a").words == ("\n" * 199 + "a",)


@pytest.mark.parametrize("raw", ["..%2Fsecret_20:hi", "..:hi", "a%2F..%2Fb"])
def test_fonts_and_ids_stay_in_their_folder(raw: str) -> None:
    with pytest.raises(Failure) as caught:
        text.read(raw)
    assert caught.value.code == "source-not-found"


@pytest.mark.parametrize(
    ("raw", "words", "written"),
    [
        ("a:b: c", ("a:b: c",), "a:b: c"),
        ("a%2C%2Fb%0Ac", ("a,/b\nc",), "a%2C%2Fb%0Ac"),
        ("100% off", ("100% off",), "100%25 off"),
        ("Cool%F0%9F%98%8D", ("Cool😍",), "Cool😍"),
        ("Hi $(name)!", ("Hi ", Variable("name"), "!"), "Hi $(name)!"),
        ("$(a)$(b)", (Variable("a"), Variable("b")), "$(a)$(b)"),
        ("%24%28name%29", ("$(name)",), "%24(name)"),
        ("$(no ) $x", ("$(no ) $x",), "%24(no ) $x"),
    ],
)
def test_words_and_variables_of_a_text(raw: str, words: tuple[object, ...], written: str) -> None:
    found = text.read(f"Arial_20:{raw}")
    assert found.words == words
    assert found.variables == tuple(word.name for word in words if isinstance(word, Variable))
    assert str(found) == f"Arial_20:{written}"
    assert text.read(str(found)) == found


@pytest.mark.parametrize(
    ("raw", "style", "stored"),
    [("$style:hi", "$style", None), ("hello", "hello", "hello"), ("my_text_2", "my_text_2", "my_text_2")],
)
def test_styles_may_be_variables_or_ids(raw: str, style: str, stored: str | None) -> None:
    found = text.read(raw)
    assert (found.style, found.stored, str(found)) == (style, stored, raw)


@pytest.mark.parametrize(
    ("path", "owners", "depths"),
    [
        ("w_100", [None], []),
        ("w_100/l_a,w_10,g_south/w_50", [None, 0, None], [1]),
        ("l_a/e_sepia/fl_layer_apply,g_north/w_50", [0, 0, 0, None], [1]),
        ("fl_layer_apply,l_a/w_50", [0, None], [1]),
        ("l_a/w_9/l_b/w_5/fl_layer_apply/fl_layer_apply/w_1", [0, 0, 1, 1, 1, 0, None], [1, 2]),
        ("l_a,w_9/w_5/l_b/w_5/fl_layer_apply", [0, None, 1, 1, 1], [1, 1]),
        ("l_a/l_b,w_5/w_4/u_c/fl_layer_apply", [0, 1, None, 2, 2], [1, 1, 1]),
        ("l_a/l_b,fl_layer_apply/w_4/fl_layer_apply", [0, 1, 0, 0], [1, 2]),
        ("if_w_gt_1/l_a/w_5/fl_layer_apply/if_end/w_1", [None, 0, 0, 0, None, None], [1]),
        ("l_a/if_w_gt_1/w_5/if_end/fl_layer_apply", [0, 0, 0, 0, 0], [1]),
        ("if_w_gt_1/l_a,w_5/if_else/l_b/fl_layer_apply/if_end", [None, 0, None, 1, 1, None], [1, 1]),
        ("if_w_gt_1,l_a,w_5/if_else,l_b,w_9/w_1", [0, 1, None], [1, 1]),
    ],
)
def test_components_belong_to_the_innermost_layer(path: str, owners: list[int | None], depths: list[int]) -> None:
    found = layers.structure(components(path))
    assert list(found.owners) == owners
    assert [layer.depth for layer in found.layers] == depths


def test_layers_say_where_they_lie() -> None:
    [above, below] = layers.structure(components("l_a/w_5/fl_layer_apply/u_b,w_9")).layers
    assert (above.under, above.opened, above.applied) == (False, 0, 2)
    assert (below.under, below.opened, below.applied) == (True, 3, 3)


def test_sources_are_listed_once() -> None:
    found = layers.structure(components("l_a,w_5/l_b,w_5/l_a,w_9/l_private:a"))
    assert [str(one) for one in found.sources] == ["a", "b", "private:a"]


NESTED = "/".join(["l_a"] * 9 + ["fl_layer_apply"] * 9)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("fl_layer_apply", "stray-layer-apply"),
        ("l_a/fl_layer_apply/fl_layer_apply", "stray-layer-apply"),
        ("if_w_gt_1/l_a,w_5/if_end/fl_layer_apply", "stray-layer-apply"),
        ("l_a/if_w_gt_1/fl_layer_apply/if_end", "stray-layer-apply"),
        ("l_a,u_b", "bad-argument"),
        (NESTED, "layers-too-deep"),
        ("/".join(["l_a"] * 21), "too-many-layers"),
        ("l_sample/" * 60 + "fl_layer_apply", "too-many-layers"),
    ],
)
def test_broken_structures_are_refused(path: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        layers.structure(components(path))
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, code)


def test_as_many_layers_as_allowed() -> None:
    deepest = layers.structure(components("/".join(["l_a"] * 8 + ["fl_layer_apply"] * 8)))
    assert max(layer.depth for layer in deepest.layers) == MAX_LAYER_DEPTH
    assert len(layers.structure(components("/".join(["l_a"] * 20))).layers) == layers.MAX_LAYERS


BROKEN = ("he%2C%2Fllo",)  # a comma that is not escaped in a text


@needs("spec", "corpus.jsonl")
def test_every_layer_found_in_the_wild_is_understood() -> None:
    rows: list[dict[str, Any]] = [
        row
        for row in jsonl("corpus.jsonl")
        if row["class"] not in ("video", "invalid") and re.search("(^|[/,])[lu]_", row["t"])
    ]
    assert len(rows) > 100
    for row in rows:
        if any(broken in row["t"] for broken in BROKEN):
            continue
        chain = components(row["t"])
        found = layers.structure(chain)
        assert found.layers, row
        for one in found.sources:
            assert one.kind == "text" or source(quote(str(one), safe=":$")) == one, row


STATUS = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHORISED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.URI_TOO_LONG: 414,
}


def outcome(path: str) -> Failure | Picture:
    """Why a path with one layer is refused, or what has to be looked up for it."""
    try:
        request = urls.parse(path)
        [found] = request.pipeline.pictures
        check_layers(request.pipeline, request)
    except Failure as failure:
        return failure
    return found


@needs("spec", "bad.jsonl")
@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in jsonl("bad.jsonl") if "/l_" in row["path"]])
def test_bad_layers_are_refused_or_looked_up(row: dict[str, Any]) -> None:
    found = outcome(row["path"])
    if isinstance(found, Failure):
        assert STATUS[found.kind] in row["expect"]
    else:
        assert row["cat"] == "ssrf" or "does not exist" in row["why"]
