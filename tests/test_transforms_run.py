"""Running a plan: detections where they belong, failing closed, deadlines; and what a finder asks and decodes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detectors.client import Unanswered
from detectors.registry import side_for
from server.clock import Clock
from server.finder import SourceFinder
from transforms.decode import Decode
from transforms.failure import Failure
from transforms.image import Box, Found, Frame, Image, Missing, Probe, Region, Size
from transforms.limits import Limits
from transforms.output import Client, Report
from transforms.pipeline import Pipeline
from transforms.plan import Plan, plan
from transforms.probe import Source
from transforms.projection import moved, projected
from transforms.run import Outcome, run

from . import pictures

FACE = Region("face", 0.9, Box(0.5, 0.25, 0.25, 0.25), (("nose", 0.6, 0.4),), by="faces")
HERE = (("faces", "m@1"), ("all-faces", "m@1"), ("objects", "m@1"), ("largest-face", "m@1"))


def found(*regions: Region) -> Found:
    return Found(regions=regions, models=HERE)


def probed(size: Size, frames: int = 1) -> Probe:
    return Probe("png", size, frames, frames > 1, False, None, 1, 100)


class Answers:
    """A finder that knows what is on the source; of other pictures it says the same, or what it is told to."""

    def __init__(self, answer: Found, anew: Found | None = None) -> None:
        self.answer = answer
        self.other = anew

    def __call__(self, kinds: frozenset[str], asked: Image, frame: int) -> Found:
        return self._of(kinds, projected(self.answer, asked.from_source))

    def anew(self, kinds: frozenset[str], asked: Image, frame: int) -> Found:
        return self._of(kinds, self.other) if self.other else self(kinds, asked, frame)

    def _of(self, kinds: frozenset[str], seen: Found) -> Found:
        kept = tuple(region for region in seen.regions if region.by in kinds)
        known = dict(seen.models).keys()
        silent = tuple(Missing(kind, "", "no answer") for kind in sorted(kinds - known))
        return Found(kept, models=tuple(m for m in seen.models if m[0] in kinds), missing=silent)


def ran(text: str, image: Image, answer: Found, deadline: float | None = None) -> Outcome:
    probe = probed(image.size, len(image.frames))
    planned = plan(Pipeline.parse(text), probe, Limits(), answer, side_for=side_for)
    end = time.monotonic() + 10 if deadline is None else deadline

    return run(planned, image, probe, Answers(answer), end)


def picture(width: int = 200, height: int = 100, frames: int = 1) -> Image:
    return Image(tuple(Frame(pictures.noise(width, height, seed=n)) for n in range(frames)))


def redacted(text: str, image: Image) -> Any:
    face = replace(FACE, by="all-faces")
    result = ran(text, image, found(face)).result
    assert isinstance(result, Image)
    return result


@pytest.mark.parametrize(
    ("before", "box"),
    [
        ("", (0.5, 0.25, 0.75, 0.5)),
        ("flip", (0.25, 0.25, 0.5, 0.5)),
        ("rotate:90", (0.5, 0.5, 0.75, 0.75)),
        ("rotate:180", (0.25, 0.5, 0.5, 0.75)),
        ("crop:0.5x1.0,gravity=east", (0.0, 0.25, 0.5, 0.5)),
        ("border:50", (0.5, 0.375, 2 / 3, 0.5)),
        ("pad:400x100", (0.5, 0.25, 0.625, 0.5)),
        ("resize:100x50", (0.5, 0.25, 0.75, 0.5)),
    ],
)
def test_faces_are_hidden_where_they_came_to_lie(before: str, box: tuple[float, float, float, float]) -> None:
    steps = [before] if before else []
    plain = ran("/".join(steps), picture(), found()).result
    hidden = redacted("/".join([*steps, "pixelate-faces:2"]), picture())
    assert isinstance(plain, Image)
    height, width = plain.size.height, plain.size.width
    changed = (plain.frames[0].pixels[:, :, :3] != hidden.frames[0].pixels[:, :, :3]).any(axis=2)
    left, top, right, bottom = (round(v * s) for v, s in zip(box, (width, height, width, height), strict=True))
    assert changed[top:bottom, left:right].mean() > 0.9
    far = changed.copy()
    margin = max(width, height) // 6
    far[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin] = False
    assert not far.any()


def test_every_frame_is_redacted() -> None:
    image = picture(frames=3)
    hidden = redacted("blur-faces", image)
    for before, after in zip(image.frames, hidden.frames, strict=True):
        assert (before.pixels[30:45, 110:140] != after.pixels[30:45, 110:140]).mean() > 0.9


@pytest.mark.parametrize(
    ("how", "code", "kind"),
    [
        ("run `pip install 'darkroom[ocr]'`", "no-text-detector", "not-implemented"),
        ("the detection service did not answer in time; try again", "detector-unavailable", "unavailable"),
    ],
)
@pytest.mark.parametrize("text", ["blur-region:gravity=text", "flip/pixelate-region:gravity=text"])
def test_writing_stays_hidden_without_an_answer(text: str, how: str, code: str, kind: str) -> None:
    class Silent(Answers):
        def _of(self, kinds: frozenset[str], seen: Found) -> Found:
            return Found(missing=tuple(Missing(kind, "m", how) for kind in kinds))

    image = picture()
    planned = plan(Pipeline.parse(text), probed(image.size), Limits(), Found(), side_for=side_for)
    with pytest.raises(Failure) as caught:
        run(planned, image, probed(image.size), Silent(Found()), time.monotonic() + 10)
    assert (caught.value.code, caught.value.kind) == (code, kind)


@pytest.mark.parametrize("answer", [Found(), Found(missing=(Missing("all-faces", "m", "wait"),))])
@pytest.mark.parametrize("text", ["blur-faces", "blur-region:gravity=faces", "flip/pixelate-region:gravity=face"])
def test_redaction_fails_without_an_answer(text: str, answer: Found) -> None:
    with pytest.raises(Failure) as caught:
        ran(text, picture(), answer)
    assert (caught.value.code, caught.value.kind) == ("detector-unavailable", "unavailable")
    assert caught.value.retry_after


def test_a_region_without_a_face_asks_nobody() -> None:
    image = picture()
    outcome = ran("flip/blur-region:x=20,width=50", image, Found())
    assert isinstance(outcome.result, Image)
    assert outcome.degraded == ()


def test_redaction_looks_again_at_what_earlier_steps_made() -> None:
    image = picture()
    face = replace(FACE, by="all-faces")
    planned = plan(Pipeline.parse("rotate:180/blur-faces"), probed(image.size), Limits(), side_for=lambda kinds: 1)
    unseen = Answers(found(), anew=found(face))
    result = run(planned, image, probed(image.size), unseen, time.monotonic() + 10).result
    plain = ran("rotate:180", image, found()).result
    assert isinstance(result, Image)
    assert isinstance(plain, Image)
    assert (result.frames[0].pixels[30:45, 110:140] != plain.frames[0].pixels[30:45, 110:140]).mean() > 0.9
    with pytest.raises(Failure, match="never sent"):
        run(planned, image, probed(image.size), Answers(found(), anew=Found()), time.monotonic() + 10)


def test_everything_else_does_without_and_says_so() -> None:
    outcome = ran("face-crop:50x50,fallback=center", picture(), Found(missing=(Missing("largest-face", "m", "wait"),)))
    assert isinstance(outcome.result, Image)
    assert outcome.result.size == Size(50, 50)
    assert outcome.degraded == ("largest-face", "faces")


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("explain:airplane/explain:dog", ("objects",)),
        ("auto-tag:text", ("text",)),
        ("detect:models=text:objects/explain:furniture", ("objects", "text")),
    ],
)
def test_who_did_not_answer_is_named_without_what_it_was_asked(text: str, silent: tuple[str, ...]) -> None:
    assert ran(text, picture(), Found()).degraded == silent


def test_a_report_is_about_the_picture_at_its_step() -> None:
    result = ran("crop:100x50,x=0,y=0/info/resize:9x", picture(), found()).result
    assert isinstance(result, Report)
    assert (result.content["width"], result.content["height"]) == (100, 50)


def test_the_deadline_is_kept_between_steps() -> None:
    with pytest.raises(Failure) as caught:
        ran("grayscale", picture(), found(), deadline=time.monotonic() - 1)
    assert (caught.value.code, caught.value.kind) == ("deadline-exceeded", "unavailable")


def test_a_failure_names_its_step() -> None:
    with pytest.raises(Failure) as caught:
        ran("grayscale/crop:10x10,x=900", picture(), found())
    assert caught.value.details["step"] == "crop:10x10,x=900"


def test_what_left_the_picture_is_not_found_in_it() -> None:
    half_gone = np.array([[1, 0, -0.6], [0, 1, 0]], np.float64)
    left = projected(found(FACE), half_gone).regions[0].box
    assert (left.x, left.y, left.right, left.bottom) == pytest.approx((0, 0.25, 0.15, 0.5))
    mostly_gone = np.array([[1, 0, -0.7], [0, 1, 0]], np.float64)
    assert projected(found(FACE), mostly_gone).regions == ()
    traces = projected(found(replace(FACE, by="all-faces")), mostly_gone).regions
    assert len(traces) == 1  # redaction covers what little is left


def test_a_turned_box_is_inside_the_new_one() -> None:
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    box = moved(Box(0.4, 0.4, 0.2, 0.1), turn)
    for x in (0.4, 0.6):
        for y in (0.4, 0.5):
            at = turn @ np.array([x, y, 1])
            assert box.x - 1e-9 <= at[0] <= box.right + 1e-9
            assert box.y - 1e-9 <= at[1] <= box.bottom + 1e-9


class Detection:
    """Stands in for the service's client: answers with a face, or not at all; notes what it was asked."""

    def __init__(self, *regions: Region, dead: bool = False) -> None:
        self.regions = regions
        self.dead = dead
        self.asked: list[tuple[frozenset[str], Size]] = []

    def find(self, kinds: frozenset[str], pixels: Any, *, deadline: float, key: str | None) -> Found:
        self.asked.append((kinds, Size(pixels.shape[1], pixels.shape[0])))
        if self.dead:
            raise Unanswered(kinds, "dead")
        kept = tuple(replace(region, by=kind) for region in self.regions for kind in kinds)
        return Found(regions=kept, models=tuple((kind, "m@1") for kind in kinds))


def finder(detection: Detection, known: Found | None = None, size: tuple[int, int] = (3200, 2400)) -> SourceFinder:
    source = Source(pictures.file(pictures.photo(*size), "JPEG"), Limits())
    return SourceFinder(source, detection, known or Found(), "hash", time.monotonic() + 10, Clock())  # type: ignore[arg-type]


def decoded(asking: SourceFinder, text: str) -> tuple[Plan, Size]:
    planned = asking.planned(Pipeline.parse(text), Client())
    return planned, asking.picture(planned.decode).size


def test_a_small_face_is_cut_from_all_pixels() -> None:
    detection = Detection(Region("face", 0.9, Box(0.5, 0.5, 0.03, 0.04)))
    asking = finder(detection)
    _, size = decoded(asking, "face-crop:200x200")
    assert detection.asked == [(frozenset({"largest-face"}), Size(320, 240))]
    assert size == Size(3200, 2400)


def test_a_large_face_is_cut_from_few_pixels() -> None:
    asking = finder(Detection(Region("face", 0.9, Box(0.2, 0.1, 0.5, 0.7))))
    assert decoded(asking, "face-crop:100x100")[1] == Size(400, 300)


def test_where_no_face_is_seen_a_closer_look_is_taken() -> None:
    detection = Detection()
    decoded(finder(detection), "face-crop:100x100")
    assert detection.asked == [
        (frozenset({"largest-face"}), Size(320, 240)), (frozenset({"faces"}), Size(640, 480))
    ]  # fmt: skip


def test_what_is_known_is_not_asked() -> None:
    detection = Detection()
    known = Found(regions=(replace(FACE, by="largest-face"),), models=(("largest-face", "m@1"),))
    asking = finder(detection, known)
    assert not decoded(asking, "face-crop:100x100")[0].provisional
    assert (detection.asked, asking.asked) == ([], False)


def test_redaction_sees_what_transparency_hides() -> None:
    detection = Detection()
    pixels = np.dstack([pictures.noise(60, 40), np.zeros((40, 60), np.uint8)])
    source = Source(pictures.file(pixels, "PNG"), Limits())
    asking = SourceFinder(source, detection, Found(), "hash", time.monotonic() + 10, Clock())  # type: ignore[arg-type]
    planned = asking.planned(Pipeline.parse("blur-faces"), Client())
    run(planned, asking.picture(planned.decode), source.probe, asking, time.monotonic() + 10)
    assert [kinds for kinds, _ in detection.asked] == [frozenset({"all-faces"})] * 2  # on white, and bare


def test_a_kind_that_nobody_serves_is_missing() -> None:
    asking = finder(Detection(), size=(64, 48))
    image = asking.picture(Decode())
    assert [missing.detector for missing in asking(frozenset({"plates"}), image, 0).missing] == ["plates"]


def test_a_dead_detector_is_asked_once() -> None:
    detection = Detection(dead=True)
    asking = finder(detection)
    planned, _ = decoded(asking, "face-crop:100x100/face-crop:50x50")
    outcome = run(
        planned, asking.picture(planned.decode), probed(Size(3200, 2400)), asking, time.monotonic() + 10
    )  # fmt: skip
    assert [set(kinds) for kinds, _ in detection.asked] == [{"largest-face"}]
    assert outcome.degraded == ("largest-face", "faces")
