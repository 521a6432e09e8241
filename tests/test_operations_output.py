"""format and quality: steps that touch no pixel."""

from __future__ import annotations

import pytest

from transforms.failure import Failure
from transforms.output import Output
from transforms.pipeline import Step

from .steps import outcome


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("format:webp", Output(format="webp")), ("format:jpg", Output(format="jpeg")),
        ("format:jpeg", Output(format="jpeg")),
        ("format:auto", Output(format="auto")), ("format:type=png", Output(format="png")),
        ("quality:1", Output(quality=1)), ("quality:100", Output(quality=100)), ("quality:auto", Output()),
    ],
)  # fmt: skip
def test_what_they_say(text: str, expected: Output) -> None:
    assert outcome(text, Output()) == expected


def test_the_last_one_wins_and_others_stay() -> None:
    output = outcome("quality:60", outcome("format:gif", outcome("format:webp", Output(background=(1, 2, 3)))))
    assert output == Output(format="gif", quality=60, background=(1, 2, 3))
    assert outcome("quality:auto", output) == Output(format="gif", background=(1, 2, 3))


def test_one_spelling_is_canonical() -> None:
    assert str(Step.parse("format:jpg")) == str(Step.parse("format:type=jpeg")) == "format:jpeg"


def test_a_format_that_is_not_written() -> None:
    with pytest.raises(Failure) as caught:
        Step.parse("format:heic")
    assert "jpeg" in caught.value.message
    assert caught.value.details["choices"] == ["jpeg", "png", "webp", "gif", "avif", "auto"]
