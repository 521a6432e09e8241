"""What every registered operation keeps to, whoever wrote it."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from functools import singledispatch
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.registry import base_of, local_detectors, model_kinds
from transforms import params
from transforms.backdrop import Blurred
from transforms.effects.matrices import ColourMatrix
from transforms.effects.quads import QuadText
from transforms.effects.regions import Side
from transforms.effects.tints import Gradient, Stop
from transforms.failure import Failure, Kind
from transforms.gravity import THINGS, Search, Wish, Wishes
from transforms.image import Image, Scale, Size
from transforms.input import MAX_RANGES, Input, Pages, joined
from transforms.kinds import ModelName
from transforms.labelled import Label, Thing
from transforms.letters.writing import FontName, TextBox, Wording
from transforms.limits import Limits
from transforms.numbers import print_number
from transforms.output import Output, Report
from transforms.params import Colour, Compass, Dimensions, Focus
from transforms.picture import Delivery, Picture, PictureName
from transforms.pipeline import Step
from transforms.registry import Operation, describe, operations
from transforms.resample import shrink
from transforms.several import Several
from transforms.texts import FileName, PublicId
from transforms.words import Grid, Words

from .steps import FOUND, apply, outcome, picture, pixels, projected, scene

ALL = list(operations().values())
PICTURES = [operation for operation in ALL if operation.level in ("image", "frame")]
every = pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
every_picture = pytest.mark.parametrize("operation", PICTURES, ids=lambda operation: operation.name)

SHAPES = [(1, 1), (1, 4), (1, 17), (17, 1), (7, 5), (64, 48)]


def subject_of(operation: Operation, image: Image) -> Image | Input | Output:
    return {"output": Output(), "input": Input()}.get(operation.level, image)


def fingerprint(image: Image) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(frame.pixels).tobytes() for frame in image.frames)).hexdigest()


@every
def test_its_example_parses_and_prints_back(operation: Operation) -> None:
    step = Step.parse(operation.example)
    assert step.operation is operation
    assert Step.parse(str(step)) == step
    assert str(Step.parse(str(step))) == str(step)


@every
def test_it_is_documented(operation: Operation) -> None:
    assert operation.summary.endswith(".")
    assert 20 <= len(operation.summary) <= 120
    described = operation.describe()
    assert json.loads(json.dumps(described)) == described
    for argument in described["arguments"]:
        assert argument["description"]
        assert argument["required"] or "default" in argument or argument["name"] in operation.doc


def test_the_table_is_json() -> None:
    assert {entry["name"] for entry in json.loads(json.dumps(describe()))} == {operation.name for operation in ALL}


@pytest.mark.parametrize(
    ("operation", "name", "text"),
    [
        (operation, argument.name, text)
        for operation in ALL
        for argument in operation.arguments
        for text in argument.type.beyond()
    ],
    ids=lambda value: value.name if isinstance(value, Operation) else value,
)
def test_what_lies_beyond_its_bounds_is_refused(operation: Operation, name: str, text: str) -> None:
    step = Step.parse(operation.example)
    written = {argument.name: argument.type.print(step.arguments[argument.name])
               for argument in operation.arguments if step.arguments[argument.name] is not None}  # fmt: skip
    arguments = ",".join(f"{key}={value}" for key, value in {**written, name: text}.items())
    with pytest.raises(Failure) as caught:
        Step.parse(f"{operation.name}:{arguments}")
    failure = caught.value
    assert (failure.kind, failure.code) == (Kind.BAD_REQUEST, "bad-argument")
    assert failure.details["argument"] == name
    assert failure.details["operation"] == operation.name
    assert failure.message.startswith(f"{name}: {text!r} is not ")
    said = {failure.details.get(bound) for bound in ("minimum", "maximum")} - {None}
    assert all(print_number(bound) in failure.message for bound in said if isinstance(bound, int | float))


@every_picture
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", SHAPES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_it_takes_any_picture_and_leaves_it_alone(operation: Operation, size: tuple[int, int], channels: int) -> None:
    image = picture(*size, channels, frames=2)
    before = fingerprint(image)
    result = apply(operation.example, image)
    assert fingerprint(image) == before
    expected = projected(operation.example, image.size)
    for frame in result.frames:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.ndim == 3
        assert frame.channels in (1, 3, 4)
        assert (
            frame.size == expected
            if operation.is_exact(**Step.parse(operation.example).arguments)
            else frame.size.pixels <= expected.pixels
        )
    assert [frame.duration_ms for frame in result.frames] == [frame.duration_ms for frame in image.frames]
    assert np.isfinite(result.from_source).all()


@every
def test_it_is_deterministic(operation: Operation) -> None:
    subject = subject_of(operation, picture(40, 30, 4))
    first, second = outcome(operation.example, subject), outcome(operation.example, subject)
    if isinstance(first, Image) and isinstance(second, Image):
        assert fingerprint(first) == fingerprint(second)
    else:
        assert first == second


@every
def test_a_report_is_json(operation: Operation) -> None:
    result = outcome(operation.example, subject_of(operation, picture(40, 30)))
    assert isinstance(result, Report) == (operation.level == "report")
    if isinstance(result, Report):
        assert json.loads(json.dumps(result.content, allow_nan=False)) == result.content


@every_picture
def test_a_source_that_was_decoded_smaller_gives_the_same_picture(operation: Operation) -> None:
    """Commuting steps give it smaller as well, absorbing ones as large as ever; only fixed ones need every pixel."""
    if operation.scales(**Step.parse(operation.example).arguments) == "fixed":
        pytest.skip("it is given the nominal pixels")
    image = scene(1024, 768)
    small = Image((image.frames[0].with_pixels(shrink(pixels(image), Size(512, 384))),))
    full, reduced = apply(operation.example, image), apply(operation.example, small, scale=Scale(0.5, 0.5))
    if operation.scales(**Step.parse(operation.example).arguments) == "absorbs":
        assert full.size == reduced.size
    else:
        assert abs(full.size.width - 2 * reduced.size.width) <= 2
        assert abs(full.size.height - 2 * reduced.size.height) <= 2
    looks = [shrink(pixels(result), Size(64, 48)).astype(int) for result in (full, reduced)]
    assert np.abs(looks[0] - looks[1]).mean() < 2
    assert np.allclose(full.from_source, reduced.from_source, atol=0.01)


@every_picture
def test_detail_is_a_number_once_everything_is_known(operation: Operation) -> None:
    step = Step.parse(operation.example)
    if operation.scales(**Step.parse(operation.example).arguments) == "absorbs":
        detail = operation.detail(Size(4000, 3000), FOUND, **step.arguments)
        assert detail is not None
        assert 0 < detail < 1


@every
def test_it_asks_for_known_kinds(operation: Operation) -> None:
    known = {*model_kinds(), *local_detectors()}
    step = Step.parse(operation.example)
    assert {base_of(kind) for kind in step.needs} <= known
    assert operation.then(FOUND, **step.arguments) <= known
    assert not operation.hides(**step.arguments) or step.needs == {"all-faces"}


# Arguments at random. `small` ones are also run; the others only read and written.


@singledispatch
def values(kind: Any, small: bool) -> st.SearchStrategy[Any]:
    raise NotImplementedError(f"how are values of {kind} made?")


@values.register
def _(kind: Label, small: bool) -> st.SearchStrategy[Any]:
    return st.sampled_from(["person"] if small else list(kind.words))


@values.register
def _(kind: Thing, small: bool) -> st.SearchStrategy[Any]:
    return st.sampled_from(["dog", "person", "vehicle", "body"] if small else list(kind.words))


@values.register
def _(kind: ModelName, small: bool) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(kind.words))


@values.register
def _(kind: Several, small: bool) -> st.SearchStrategy[Any]:
    return st.lists(values(kind.item, small), min_size=1, max_size=4, unique=True).map(tuple)


@values.register
def _(kind: params.Int, small: bool) -> st.SearchStrategy[Any]:
    return st.integers(kind.least, max(kind.least, min(kind.most, 64)) if small else kind.most)


@values.register
def _(kind: params.Float, small: bool) -> st.SearchStrategy[Any]:
    return st.integers(round(kind.least * 1000), round(kind.most * 1000)).map(lambda value: value / 1000)


@values.register
def _(kind: params.Choice, small: bool) -> st.SearchStrategy[Any]:
    return st.sampled_from(kind.values)


@values.register
def _(kind: params.Flag, small: bool) -> st.SearchStrategy[Any]:
    return st.booleans()


@values.register
def _(kind: params.Offset, small: bool) -> st.SearchStrategy[Any]:
    whole = st.integers(-80, 80) if small else st.integers(kind.least, kind.most)
    return whole | st.integers(-8000, 8000).map(lambda value: value / 1000)


@values.register
def _(kind: Side, small: bool) -> st.SearchStrategy[Any]:
    return st.integers(1, 80 if small else kind.most) | st.integers(1, 8000).map(lambda value: value / 1000)


@values.register
def _(kind: params.WxH, small: bool) -> st.SearchStrategy[Any]:
    side = st.integers(1, 64 if small else kind.most) | st.integers(1, 3000 if small else 99_999).map(
        lambda v: v / 1000
    )
    return st.builds(Dimensions, side, st.none() | side) | st.builds(Dimensions, st.none() | side, side)


@values.register
def _(kind: params.Aspect, small: bool) -> st.SearchStrategy[Any]:
    return st.fractions(Fraction(1, 20), 20, max_denominator=100)


@values.register
def _(kind: params.ColourText, small: bool) -> st.SearchStrategy[Any]:
    level = st.integers(0, 255)
    return st.builds(Colour, level, level, level, level)


@values.register
def _(kind: params.BackdropText, small: bool) -> st.SearchStrategy[Any]:
    level = st.integers(0, 255)
    colour = st.builds(Colour, level, level, level, level)
    taken = st.sampled_from(["", ":predominant", ":border_contrast", ":predominant_gradient:4", ":border_gradient",
                             ":border_gradient_contrast:2:diagonal_asc", ":palette_red_0f08"])  # fmt: skip
    return colour | taken.map(lambda mode: kind.parse(f"auto{mode}")) | st.builds(
        Blurred, st.integers(1, 2000), st.integers(-300, 100)
    )  # fmt: skip


WISHES = st.builds(
    Wishes,
    st.sampled_from(["all", "no_faces", "none"]),
    st.lists(
        st.builds(Wish, st.sampled_from(["cat", "body", "hot_dog", "animal", "text"]), st.none() | st.integers(0, 100)),
        max_size=3, unique_by=lambda wish: wish.thing,
    ).map(tuple),
)  # fmt: skip
THING_LISTS = st.lists(st.sampled_from(THINGS), min_size=1, max_size=3, unique=True).map(tuple)


@values.register
def _(kind: params.Gravity, small: bool) -> st.SearchStrategy[Any]:
    given: st.SearchStrategy[Any] = st.sampled_from(kind.words) if kind.words else st.nothing()
    if kind.places:
        fraction, pixels = st.integers(0, 1000).map(lambda value: value / 1000), st.integers(0, 80)
        given |= st.builds(Focus, fraction, fraction) | st.builds(Focus, pixels, pixels)
    if kind.things:
        given |= st.builds(Search, THING_LISTS, WISHES if kind.auto else st.none()).map(str)
    return given | WISHES.map(str) if kind.auto else given


@values.register
def _(kind: params.IntOr, small: bool) -> st.SearchStrategy[Any]:
    return st.sampled_from(kind.words) | values(kind.number, small)


@values.register
def _(kind: params.Corners, small: bool) -> st.SearchStrategy[Any]:
    return st.just("max") | st.lists(values(kind.radius, small), min_size=1, max_size=4).map(tuple)


@values.register
def _(kind: Pages, small: bool) -> st.SearchStrategy[Any]:
    page = st.integers(1, kind.most)
    span = st.tuples(page, page).map(lambda pair: (min(pair), max(pair)))
    return st.lists(span, min_size=1, max_size=MAX_RANGES).map(joined)


@values.register
def _(kind: Words, small: bool) -> st.SearchStrategy[Any]:
    chosen = st.sets(st.sampled_from(kind.values), min_size=1)
    return chosen.map(lambda words: tuple(word for word in kind.values if word in words))


@values.register
def _(kind: Grid, small: bool) -> st.SearchStrategy[Any]:
    side = st.integers(1, kind.most)
    return st.tuples(side, side)


@values.register
def _(kind: QuadText, small: bool) -> st.SearchStrategy[Any]:
    most = 40 if small else 7000
    sides, moves = st.integers(4, most), st.lists(st.integers(-most // 8, most // 8), min_size=8, max_size=8)
    boxes = st.tuples(sides, sides, moves).map(
        lambda box: tuple(a + b for a, b in zip((0, 0, box[0], 0, box[0], box[1], 0, box[1]), box[2], strict=True))
    )
    return boxes | st.lists(st.integers(-1000, 2000).map(lambda value: value / 1000), min_size=8, max_size=8).map(tuple)


CHARACTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\\ufffd")


@values.register
def _(kind: FileName, small: bool) -> st.SearchStrategy[Any]:
    names = st.text(CHARACTERS, min_size=1, max_size=kind.longest)
    return names.filter(lambda name: name.strip(".") != "")


@values.register
def _(kind: PictureName, small: bool) -> st.SearchStrategy[Any]:
    part = st.text(CHARACTERS, min_size=1, max_size=40).filter(lambda name: name not in (".", ".."))
    path = st.lists(part, min_size=1, max_size=5).map("/".join)
    file, web = (
        st.builds(Picture, st.just("file"), path),
        path.map(lambda rest: Picture("https", f"https://a.b/{rest}")),
    )
    return file | web | st.builds(Picture, st.just("id"), path, st.sampled_from(get_args(Delivery)))


@values.register
def _(kind: ColourMatrix, small: bool) -> st.SearchStrategy[Any]:
    number = st.integers(-100_000, 100_000).map(lambda value: value / 1000)
    return st.sampled_from([9, 16]).flatmap(lambda count: st.tuples(*[number] * count))


@values.register
def _(kind: Gradient, small: bool) -> st.SearchStrategy[Any]:
    level = st.integers(0, 255)
    colour, place = st.builds(Colour, level, level, level), st.integers(0, 1000).map(lambda value: value / 10)
    return st.lists(st.builds(Stop, colour, st.none() | place), min_size=1, max_size=kind.most).map(tuple)


@values.register
def _(kind: Wording, small: bool) -> st.SearchStrategy[Any]:
    letters = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029")
    return st.text(letters | st.sampled_from("\n\t"), min_size=1, max_size=20 if small else 200)


@values.register
def _(kind: FontName, small: bool) -> st.SearchStrategy[Any]:
    if small:
        return st.sampled_from(["Arial", "helvetica", "DejaVu Sans"])
    part = st.text(CHARACTERS, min_size=1, max_size=20).filter(lambda name: name not in (".", "..") and "%" not in name)
    return st.lists(part, min_size=1, max_size=3).map("/".join)


@values.register
def _(kind: TextBox, small: bool) -> st.SearchStrategy[Any]:
    side = st.integers(1, 300 if small else params.MAX_SIDE)
    return st.tuples(side, st.none() | side)


@values.register
def _(kind: PublicId, small: bool) -> st.SearchStrategy[Any]:
    part = st.text(CHARACTERS, min_size=1, max_size=40).filter(lambda name: name not in (".", ".."))
    return st.lists(part, min_size=1, max_size=5).map("/".join)


def steps(operation: Operation, small: bool) -> st.SearchStrategy[Step]:
    def argument(entry: Any) -> st.SearchStrategy[Any]:
        given = values(entry.type, small)
        return given if entry.required else st.just(entry.default) | given

    return st.tuples(*(argument(entry) for entry in operation.arguments)).map(lambda given: Step(operation, given))


@every
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_step_reads_back_from_its_text(operation: Operation, data: st.DataObject) -> None:
    step = data.draw(steps(operation, small=False))
    assert Step.parse(str(step)) == step


@every_picture
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_step_gives_the_size_that_was_projected(operation: Operation, data: st.DataObject) -> None:
    step = data.draw(steps(operation, small=True))
    width, height, channels = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4])))
    image = picture(width, height, channels)
    try:
        expected = operation.size(image.size, **step.arguments)
    except Failure:  # what the plan refuses, the step refuses as well
        with pytest.raises(Failure, match=r"outside|ratio|needs|cuts nothing") as caught:
            apply(str(step), image)
        assert caught.value.code == "bad-argument"
        return
    overflow = step.arguments.get("overflow")
    try:
        size, refusal = apply(str(step), image).size, None
    except Failure as failure:  # what is laid over it is not known before
        size, refusal = image.size, failure.code
    if refusal in ("face-not-found", "object-not-found", "no-subject"):  # nor is what the picture shows
        assert {"which", "index", "object", "fallback"} & step.arguments.keys()
    elif refusal:
        assert overflow
        assert refusal in (f"{operation.name}-overflow", "layer-overflow", "layer-too-large", "text-too-large")
    elif overflow == "grow":
        assert max(size.width, size.height) <= Limits().result_side
        assert min(size.width, size.height) >= min(image.size.width, image.size.height)
    elif not operation.is_exact(**step.arguments):
        assert size.width <= expected.width
        assert size.height <= expected.height
    else:
        assert size == expected


def test_gravity_words_are_all_known_places() -> None:
    assert set(params.Gravity(things=False, auto=False).words) == set(Compass)
    assert set(params.Gravity().words) == {*Compass, *THINGS, "auto"}
