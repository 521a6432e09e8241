"""What in a picture made a tag, asked of models whose answers are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from detectors import canary
from detectors import heat as module
from detectors.found import Box, Found, Region, Tag
from detectors.heat import PLACES, THINGS, Explaining
from detectors.registry import Question

GRAY, GREEN = 114, (0, 200, 0)


class Seeing:
    """A model that tells by how much of a green patch is left what is there: a region around it, or a tag."""

    def __init__(self, *boxes, batch=1, tag=False):
        self.boxes, self.batch, self.tag, self.asked = boxes, batch, tag, []

    def find(self, questions):
        self.asked.append(len(questions))
        assert len(questions) <= self.batch
        return [self.answer(question) for question in questions]

    def answer(self, question):
        height, width = question.pixels.shape[:2]
        things = []
        for number, box in enumerate(self.boxes):
            rows = slice(round(box.y * height), round(box.bottom * height))
            columns = slice(round(box.x * width), round(box.right * width))
            left = float((question.pixels[rows, columns] == GREEN).all(axis=2).mean())
            if left > 0.5:
                things.append((left * (0.9 - number / 10), box))
        if self.tag:
            return Found(tags=tuple(Tag("dog", score, question.kind) for score, _ in things))
        return Found(tuple(Region("dog", score, box, by=question.kind) for score, box in things))


def picture(*boxes, width=320, height=240):
    pixels = np.full((height, width, 3), 60, np.uint8)
    for box in boxes:
        pixels[round(box.y * height) : round(box.bottom * height), round(box.x * width) : round(box.right * width)] = (
            GREEN
        )
    return pixels


def heat(model, pixels, kind="objects:heat:dog"):
    found = Explaining(model).find([Question(kind, pixels)])[0]
    return found.regions[0] if found.regions else None


def peak(region):
    levels = np.frombuffer(region.mask.data, np.uint8).reshape(region.mask.height, region.mask.width)
    row, column = np.unravel_index(levels.argmax(), levels.shape)
    return (column + 0.5) / region.mask.width, (row + 0.5) / region.mask.height


def level(region, x, y):
    """How hot a place is, 0 to 255."""
    mask = region.mask
    return mask.data[int(y * mask.height) * mask.width + int(x * mask.width)]


def inside(box, point):
    return box.x <= point[0] <= box.right and box.y <= point[1] <= box.bottom


SMALL = Box(0.6, 0.2, 0.15, 0.2)
LARGE = Box(0.1, 0.3, 0.4, 0.6)
CORNER = Box(0.0, 0.0, 0.2, 0.3)


@pytest.mark.parametrize("box", [SMALL, LARGE, CORNER], ids=["small", "large", "in the corner"])
@pytest.mark.parametrize("batch", [1, 7])
def test_the_heat_is_on_the_thing(box, batch):
    region = heat(Seeing(box, batch=batch), picture(box))
    assert region.label == "dog"
    assert region.by == "objects:heat:dog"
    assert region.score == pytest.approx(0.9, abs=0.01)
    assert inside(box, peak(region))
    assert box.x - 0.5 * box.width <= region.box.x < region.box.right <= box.right + 0.5 * box.width


def test_the_map_has_the_ratio_of_the_picture_and_its_hottest_place_is_255():
    region = heat(Seeing(LARGE), picture(LARGE, width=400, height=100))
    assert (region.mask.width, region.mask.height) == (80, 20)
    assert max(region.mask.data) == 255


def test_the_surest_things_are_looked_into_together():
    third = Box(0.05, 0.75, 0.1, 0.2)
    model = Seeing(LARGE, SMALL, third)
    region = heat(model, picture(LARGE, SMALL, third))
    assert sum(model.asked) == 1 + THINGS * PLACES**2
    for box in (LARGE, SMALL):
        middle = round(box.centre[1] * region.mask.height) * region.mask.width + round(
            box.centre[0] * region.mask.width
        )
        assert region.mask.data[middle] > 100
    assert region.box.x <= LARGE.centre[0] <= SMALL.centre[0] <= region.box.right


def test_a_word_for_the_whole_picture_is_explained_too():
    region = heat(Seeing(SMALL, tag=True), picture(SMALL))
    assert inside(SMALL, peak(region))


def test_of_several_labels_any_will_do():
    assert heat(Seeing(SMALL), picture(SMALL), "objects:heat:cat|dog").label == "dog"


def test_what_was_not_found_has_no_heat():
    assert heat(Seeing(SMALL), picture()) is None
    assert heat(Seeing(SMALL), picture(SMALL), "objects:heat:cat") is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 1, 3)])
def test_tiny_pictures(shape):
    region = heat(Seeing(Box(0, 0, 1, 1)), np.full(shape, GREEN, np.uint8))
    assert region.mask.width * region.mask.height == len(region.mask.data)
    assert max(region.mask.width, region.mask.height) == 80


def test_plain_questions_are_answered_as_before_and_together():
    model = Seeing(SMALL, batch=4)
    questions = [Question("objects", picture(SMALL)), Question("objects:heat:dog", picture(SMALL)),
                 Question("objects", picture())]  # fmt: skip
    first, second, third = Explaining(model).find(questions)
    assert [region.by for region in first.regions] == ["objects"]
    assert second.regions[0].mask
    assert third == Found()
    assert model.asked[0] == 2


def test_the_picture_is_not_changed():
    pixels = picture(SMALL)
    before = pixels.copy()
    heat(Seeing(SMALL), pixels)
    assert (pixels == before).all()


def test_the_numbers_of_a_model_are_shown_through_it():
    class Pulsed(Seeing):
        def pulse(self, pixels):
            return [np.ones(3, np.float32)]

    assert isinstance(Explaining(Pulsed()), canary.Pulsed)
    assert not isinstance(Explaining(Seeing()), canary.Pulsed)


def test_a_slow_model_is_not_held_for_longer_than_anybody_waits(monkeypatch):
    box = Box(0.2, 0.2, 0.5, 0.5)
    model = Seeing(box)
    monkeypatch.setattr(module, "LONGEST_S", 0.0)
    with pytest.raises(TimeoutError):
        heat(model, picture(box))
    assert len(model.asked) <= 2


def test_another_thing_that_overlaps_a_little_is_not_the_same():
    one, other = Box(0.2, 0.3, 0.3, 0.4), Box(0.42, 0.3, 0.3, 0.4)
    region = heat(Seeing(one, other), picture(one, other))
    for x in (0.3, 0.62):  # what each has alone
        assert level(region, x, 0.5) > 100


def test_what_is_around_a_thing_is_looked_into_too():
    """A model that knows a thing by what stands beside it."""
    thing, beside = Box(0.4, 0.4, 0.2, 0.2), Box(0.66, 0.4, 0.06, 0.2)

    class Beside(Seeing):
        def answer(self, question):
            found = super().answer(question)
            return Found(tuple(Region("dog", one.score, thing, by=one.by) for one in found.regions))

    region = heat(Beside(beside), picture(beside))
    assert max(region.mask.data) == 255
    assert peak(region)[0] > thing.right


def test_of_a_slow_model_rather_one_thing_than_none(monkeypatch):
    class Slow(Seeing):
        now = 0.0

        def find(self, questions):
            Slow.now += 0.1 * module.LONGEST_S / 4  # 2.6 s of 4 for the first thing
            return super().find(questions)

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: Slow.now))
    model = Slow(LARGE, SMALL)
    region = heat(model, picture(LARGE, SMALL))
    assert sum(model.asked) == 1 + PLACES**2
    assert level(region, *LARGE.centre) > 100 > level(region, *SMALL.centre)
