"""What is wrong with a pipeline whatever the picture is."""

from __future__ import annotations

import pytest

from transforms.check import check
from transforms.failure import Failure
from transforms.pipeline import Pipeline


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("resize:($nope)x", "undefined-variable"),
        ("resize:($size)x/let:size=300", "undefined-variable"),
        ("let:a=$a+1", "undefined-variable"),
        ("let:s='hello'/resize:($s)x", "bad-argument"),
        ("let:a=9999/resize:($a)x", "bad-argument"),
        ("let:a=1:0", "bad-expression"),
        ("let:a=current", "unsupported-operand"),
        ("if:w>1/let:a=1/end/resize:($b)x", "undefined-variable"),
    ],
)
def test_is_told_before_anything_is_fetched(text: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        check(Pipeline.parse(text))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        "let:a=100/resize:($a)x",
        "resize:(w:2)x",
        "let:a=w/let:b=$a*100000/resize:($b)x",  # it depends on the picture
        "if:w>9/let:a='x'/end/resize:($a)x",  # and so does this
        "if:w>9/resize:($nope)x/end",  # which may never be done
        "let:a=1/if:w>9/let:a=9999/end/resize:($a)x",
    ],
)
def test_what_depends_on_the_picture_is_left_for_later(text: str) -> None:
    check(Pipeline.parse(text))
