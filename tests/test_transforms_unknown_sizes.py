"""Steps after one whose size hangs on what is found."""

import time

import pytest

from transforms.failure import Failure
from transforms.image import Found, Probe, Size
from transforms.limits import Limits
from transforms.pipeline import Pipeline
from transforms.plan import plan
from transforms.run import run

from .steps import scene, thing

FOUND = Found(regions=(thing("cat", 0.25, 0.125, 0.5, 0.25),))


class Finds:
    def __call__(self, kinds, image, frame):
        return FOUND

    anew = __call__


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("crop:gravity=cat", "512x192"),
        ("crop:gravity=cat/resize:100x", "100x38"),
        ("crop:gravity=cat/rotate:90/resize:x100", "38x100"),
        ("crop:gravity=cat/border:10/resize:266x", "266x106"),
        ("crop:gravity=cat/resize:100x/crop:0.5x", "50x38"),
        ("crop:gravity=cat,zoom=0.5/crop:100x100,x=0,y=0", "100x100"),
    ],
)
def test_they_see_the_true_size(text, size):
    probe = Probe("jpeg", Size(1024, 768), 1, animated=False, has_alpha=False, icc=None, orientation=1, bytes=1)
    made = plan(Pipeline.parse(text), probe, Limits(), side_for=lambda kinds: 640)
    assert made.decode.reduce == 1
    result = run(made, scene(1024, 768), probe, Finds(), time.monotonic() + 9).result
    assert str(result.size) == size


def test_limits_hold_for_them():
    probe = Probe("jpeg", Size(1024, 768), 1, animated=False, has_alpha=False, icc=None, orientation=1, bytes=1)
    tall = Found(regions=(thing("cat", 0.25, 0.0, 0.005, 1.0),))

    class Slim(Finds):
        def __call__(self, kinds, image, frame):
            return tall

    made = plan(Pipeline.parse("crop:gravity=cat/resize:2000x,enlarge"), probe, Limits(), side_for=lambda kinds: 640)
    with pytest.raises(Failure) as caught:
        run(made, scene(1024, 768), probe, Slim(), time.monotonic() + 9)
    assert caught.value.code == "result-too-large"
