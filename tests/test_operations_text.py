"""Text on pictures: how it is written in a URL, where it lands, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from transforms.computed import interpolated
from transforms.expressions import Expression, Number, Text, Value, Variable
from transforms.failure import Failure, Kind
from transforms.image import Image
from transforms.letters.writing import LONGEST, MOST_LINES, WEIGHTS
from transforms.operations.text import text
from transforms.pipeline import Pipeline, Step

from .lettered import font, installed
from .steps import FOUND as SEEN
from .steps import apply, face, picture, pixels, plain

WHITE = plain(200, 160, 255, 255, 255)
NOTHING = plain(1, 1, 0, 0, 0, 0)


@pytest.fixture(scope="module", autouse=True)
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """100 px: A is 40 wide and 70 high."""
    folder = tmp_path_factory.mktemp("fonts")
    (folder / "brand").mkdir()
    font(folder / "brand" / "Blocks.ttf", "Blocks")
    with installed(folder):
        yield


def extent(image: Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is not white."""
    dark = np.argwhere(pixels(image)[:, :, 0] < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0) + 1
    return int(left), int(top), int(right), int(bottom)


def words(written: str) -> object:
    return Step.parse(f"text:{written}").arguments["words"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Hello world", "Hello world"), ("a%2Cb%2Fc%3Dd%25", "a,b/c=d%"), ("one%0Atwo", "one\ntwo"),
        ("one%0D%0Atwo", "one\ntwo"), ("%E2%80%A8", "\n"), ("%24(name)", "$(name)"), ("$(", "$("), ("$(1)", "$(1)"),
        ("(a) $b", "(a) $b"), ("italic", "italic"), ("שלום", "שלום"), ("50%25 off", "50% off"), ("a+b", "a+b"),
    ],
)  # fmt: skip
def test_words_are_read_and_written_again(written: str, expected: str) -> None:
    assert words(written) == expected
    step = Step.parse(f"text:{written}")
    assert Step.parse(str(step)) == step
    assert "\n" not in str(step)
    assert len(Pipeline.parse(str(step)).steps) == 1


@pytest.mark.parametrize(
    "written",
    ["%00", "a%07", "a\x1bb", "%FF%FE", "%C2%80", "x" * (LONGEST + 1), "x%0A" * MOST_LINES, "$(a)%07"],
)
def test_words_are_refused(written: str) -> None:
    with pytest.raises(Failure) as caught:
        words(written)
    assert caught.value.code == "bad-argument"
    assert caught.value.details["argument"] == "words"
    assert caught.value.details["maximum"] == LONGEST


def known(expression: Expression) -> Value:
    assert isinstance(expression, Variable)
    return {"who": Text("a,(b)/$"), "n": Number(2.5), "long": Text("x" * 400), "bad": Text("a\x07")}[expression.name]


@pytest.mark.parametrize(
    ("written", "expected"),
    [("Hi $(who)!", "Hi a,(b)/$!"), ("$(who)(n)", "a,(b)/$(n)"), ("$(n)$(n)", "2.52.5"), ("%24(n)$(n)", "$(n)2.5")],
)
def test_variables_are_put_in(written: str, expected: str) -> None:
    step = Step.parse(f"text:{written},size=20")
    assert Step.parse(str(step)) == step
    assert step.resolved(known).arguments["words"] == expected


@pytest.mark.parametrize("written", ["$(bad)", "$(long)$(long)$(long)$(long)$(long)$(long)"])
def test_what_variables_hold_is_checked(written: str) -> None:
    with pytest.raises(Failure) as caught:
        Step.parse(f"text:{written}").resolved(known)
    assert caught.value.details["argument"] == "words"


def test_words_from_pieces() -> None:
    assert interpolated(["a,", "b"]) == "a,b"
    made = interpolated(["a,$(x)", Variable("n"), "/"])
    assert str(made) == "a%2C%24(x)$(n)%2F"
    assert words(str(made)) == made


@pytest.mark.parametrize(("word", "weight"), WEIGHTS.items())
def test_weights_have_words(word: str, weight: int) -> None:
    assert Step.parse(f"text:A,weight={word}") == Step.parse(f"text:A,weight={weight}")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("", (80, 45, 120, 115)), ("gravity=north_west", (0, 0, 40, 70)),
        ("gravity=south_east,x=5,y=9", (155, 81, 195, 151)),
        ("gravity=north,y=0.25", (80, 40, 120, 110)), ("gravity=west,x=-10", (0, 45, 30, 115)),
    ],
)  # fmt: skip
def test_it_lands_at_its_place(place: str, expected: tuple[int, int, int, int]) -> None:
    assert extent(apply(f"text:A,font=Blocks,size=100,{place}".rstrip(","), WHITE)) == expected


def test_fonts_come_from_files_as_well() -> None:
    assert extent(apply("text:A,font=brand:Blocks.ttf,size=100", WHITE)) == (80, 45, 120, 115)


def test_it_is_written_on_each_face() -> None:
    seen = SEEN.__class__(regions=(face(0.0, 0.0, 0.5, 1.0), face(0.5, 0.0, 0.5, 1.0)))
    dark = pixels(apply("text:A,font=Blocks,size=50,gravity=faces", WHITE, seen))[80, :, 0] < 128
    assert dark[50]
    assert dark[150]
    assert not dark[100]


@pytest.mark.parametrize(
    ("overflow", "size"),
    [("clip", (200, 160)), ("grow", (230, 160)), ("grow,gravity=south_east,y=-20", (200, 180))],
)  # fmt: skip
def test_what_passes_the_edge(overflow: str, size: tuple[int, int]) -> None:
    gravity = "" if "gravity" in overflow else ",gravity=east,x=-30"
    result = apply(f"text:A,font=Blocks,size=100{gravity},overflow={overflow}", WHITE)
    assert (result.size.width, result.size.height) == size


def test_a_text_that_does_not_fit_may_be_refused() -> None:
    assert apply("text:A,font=Blocks,size=100,overflow=refuse", WHITE).size == WHITE.size
    with pytest.raises(Failure) as caught:
        apply("text:AAAAA,font=Blocks,size=100,overflow=refuse", WHITE)
    failure = caught.value
    assert (failure.kind, failure.code) == (Kind.BAD_REQUEST, "text-overflow")
    assert (failure.details["layer"], failure.details["picture"]) == ("280x70", "200x160")


@pytest.mark.parametrize("overflow", ["clip", "grow", "refuse"])
@pytest.mark.parametrize("gravity", ["center", "south_east", "faces"])
def test_on_nothing_it_is_the_text_itself(overflow: str, gravity: str) -> None:
    result = apply(f"text:A,font=Blocks,size=100,color=red,gravity={gravity},x=7,y=3,overflow={overflow}", NOTHING)
    assert pixels(result).shape == (70, 40, 4)
    assert (pixels(result) == (0, 0, 255, 255)).all()


def test_opacity() -> None:
    assert pixels(apply("text:A,font=Blocks,size=100,opacity=50", WHITE))[80, 100].tolist() == pytest.approx(
        [127] * 3, abs=1
    )
    assert pixels(apply("text:A,font=Blocks,size=100,opacity=50", NOTHING))[9, 9].tolist() == [0, 0, 0, 128]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_nothing_but_the_letters_changes(channels: int) -> None:
    image = picture(200, 160, channels, frames=2)
    result = apply("text:A,font=Blocks,size=100,color=white", image)
    for before, after in zip(image.frames, result.frames, strict=True):
        outside = np.ones((160, 200), bool)
        outside[45:115, 80:120] = False
        assert (before.pixels[outside] == after.pixels[outside]).all()  # gray ones in each channel
        assert (after.pixels[45:115, 80:120] == 255).all()


def test_colour_on_gray_makes_colours() -> None:
    assert pixels(apply("text:A,font=Blocks,size=100,color=red", plain(200, 160, 128)))[80, 100].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("text:A,font=Ariel", "unknown-font"), ("text:A,font=none.ttf", "unknown-font"),
        ("text:AAAAAAAAAAAAAAAA,size=1000", "text-too-large"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(step: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        apply(step, WHITE)
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, code)


@pytest.mark.parametrize("font_name", ["..:a.ttf", "%2e%2e:a.ttf", ":etc:passwd", "a%00", "a%0A", "a%5Cb.ttf"])
def test_no_font_name_leads_out_of_the_folder(font_name: str) -> None:
    with pytest.raises(Failure) as caught:
        Step.parse(f"text:A,font={font_name}")
    assert caught.value.details["argument"] == "font"


def test_a_layer_of_text_is_turned_and_laid() -> None:
    step = Pipeline.parse("overlay:gravity=south/text:A,font=Blocks/rotate:10/end").steps[0]
    assert step.inner is not None
    assert step.inner.steps[0].operation.apply is text


def test_a_comma_that_was_meant_to_be_said_is_told_apart_from_a_font() -> None:
    with pytest.raises(Failure, match="' world' is one argument too many") as caught:
        Step.parse("text:Hello, world,size=20")
    assert caught.value.hint
    assert "%252C" in caught.value.hint
