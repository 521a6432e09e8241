"""The queue of questions, and what answers weigh."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from detectors import engine as engine_module
from detectors import waiting as module
from detectors.found import Box, Found, Mask, Region, Saliency, Swatch, Tag
from detectors.registry import Question
from detectors.waiting import Answer, Questions, Waiting, size_of

from .test_detectors_engine import PIXELS, Model, engine_of, soon, wait_until

__all__ = ["engine_of"]


def question(kind: str = "objects") -> Waiting:
    return Waiting(Question(kind, PIXELS), soon())


def test_a_batch_ends_before_the_end_which_is_left_for_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_S", 0.01)
    questions = Questions(9)
    before, after = question(), question()
    for item in (before, None, after):
        questions.put(item)
    assert questions.more(4) == [before]
    assert questions.more(4) == []
    assert questions.get_nowait() is None
    assert questions.more(4) == [after]


def test_what_is_dear_goes_alone_even_where_others_come_while_it_begins(engine_of, monkeypatch) -> None:
    monkeypatch.setattr(module, "GATHER_S", 0.5)
    model = Model(batch=4)
    engine = engine_of(objects=model)
    model.go.clear()
    dear = engine.ask({"objects:words"}, PIXELS, soon())
    wait_until(lambda: engine.lanes[0].counted()["waiting"] == 0)  # it is taken
    other = engine.ask({"objects"}, PIXELS, soon())
    model.go.set()
    assert other.answers["objects"].result(5)
    assert dear.answers["objects:words"].result(5)
    assert [[one.kind for one in call] for call in model.calls] == [["objects:words"], ["objects"]]


def faces(number: int) -> Found:
    names = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
    return Found(
        tuple(
            Region("face", score / 3, Box(score / 7, 0, 1, 1), tuple((name, score / 5, score / 3) for name in names))
            for score in range(1, number + 1)
        )
    )  # fmt: skip


def masks(number: int, side: int) -> Found:
    return Found(
        tuple(
            Region("dog", score / 3, Box(score / 7, 0.1, 0.2, 0.3), mask=Mask(side, side, bytes([score]) * side**2))
            for score in range(1, number + 1)
        )
    )


def words(number: int) -> Found:
    return Found(
        tuple(
            Region("line", score / 3, Box(score / 7, 0.1, 0.2, 0.3), text=f"{score} " + "word " * 20)
            for score in range(1, number + 1)
        )
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: faces(1), lambda: faces(100), lambda: masks(100, 160), lambda: masks(1, 1024), lambda: words(200),
        lambda: Found(tags=tuple(Tag(f"tag {number}", number / 7, "objects") for number in range(20))),
        lambda: Found(colors=tuple(Swatch(f"#{number:06x}", f"red {number}", number / 7) for number in range(20))),
        lambda: Found(saliency=Saliency(np.full((64, 64), 7, np.uint8))),
    ],
)  # fmt: skip
def test_an_answer_weighs_what_it_takes(make: Callable[[], Found]) -> None:
    make()
    tracemalloc.start()
    try:
        kept = [Answer(make(), f"yunet@{number}") for number in range(20)]
        real = tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()
    assert 0.8 * real < size_of(kept[0]) < 2 * real + 512


def test_recent_answers_are_bounded_in_bytes(engine_of, monkeypatch, caplog) -> None:
    monkeypatch.setattr(engine_module, "RECENT", 3 << 20)
    model = Model()
    answer = {"objects": lambda: masks(1, 1024)}
    model.find = lambda questions: model.calls.append(questions) or [answer["objects"]() for _ in questions]
    engine = engine_of(objects=model)
    model.calls.clear()
    for key in "abca":  # only two of a megabyte and a bit each are kept
        engine.find({"objects"}, PIXELS, soon(), key=key)
    assert len(model.calls) == 4
    engine.find({"objects"}, PIXELS, soon(), key="a")
    assert len(model.calls) == 4
    answer["objects"] = lambda: masks(4, 1024)  # more than all: answered, and not kept
    for _ in range(2):
        assert len(engine.find({"objects"}, PIXELS, soon(), key="large").regions) == 4
    assert len(model.calls) == 6
    assert engine._recent.currsize <= 3 << 20
    assert caplog.text == ""
