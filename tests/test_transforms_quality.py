"""Quality that is measured, and files that must not be larger than asked."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from tests import pictures
from tests.shared import SHARED, needs
from transforms import encode as encoding
from transforms import quality, writers
from transforms.carried import Carried
from transforms.decode import Decode, decode
from transforms.encode import encode
from transforms.failure import Failure, Kind
from transforms.image import Image, PixelArray
from transforms.inks import Sheet
from transforms.likeness import Original
from transforms.limits import Limits
from transforms.output import Client, Encoded, Level, Output, OutputFormat
from transforms.probe import open_source

from .encoded import ANY, CLEAR, MOVING, STILL, body, opened

LEVELS: tuple[Level, ...] = ("low", "eco", "good", "best")
MEASURED: tuple[OutputFormat, ...] = ("jpeg", "webp", "avif")
PHOTO = pictures.image(pictures.photo(320, 240))
NOISE = pictures.image(pictures.noise(320, 240))
FLAT = pictures.image(np.full((240, 320, 3), 120, np.uint8))
GRAY = pictures.image(
    np.asarray(cv2.cvtColor(pictures.photo(320, 240), cv2.COLOR_BGR2GRAY)[:, :, np.newaxis], np.uint8)
)
LARGE = pictures.image(pictures.photo(1400, 1000))
PICTURES = {
    "photo": PHOTO, "noise": NOISE, "flat": FLAT, "gray": GRAY, "clear": CLEAR, "moving": MOVING, "large": LARGE,
    "dot": pictures.image(np.full((1, 1, 3), 9, np.uint8)), "line": pictures.image(pictures.noise(1, 300)),
}  # fmt: skip


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[OutputFormat, Sheet, Output]]:
    """What was written, in order."""
    calls: list[tuple[OutputFormat, Sheet, Output]] = []

    def write(*call: Any) -> bytes:
        calls.append(call)
        return writers.write(*call)

    monkeypatch.setattr(encoding, "write", write)
    return calls


def file(image: Image, name: OutputFormat, client: Client = ANY, **more: Any) -> Encoded:
    return encode(image, Output(name, **more), None, client)


# --- likeness


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_is_like_itself(name: str) -> None:
    pixels = PICTURES[name].frames[0].pixels
    assert Original(pixels).likeness(pixels) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["photo", "noise", "gray", "large"])
def test_what_lost_more_is_less_alike(name: str) -> None:
    image = PICTURES[name]
    original = Original(image.frames[0].pixels)
    likes = [original.likeness(quality.decoded("jpeg", body(image, "jpeg", q))) for q in (5, 20, 50, 80, 98)]
    assert likes == sorted(set(likes))
    assert likes[0] < 0.9 < likes[-1] <= 1


def _blurred(pixels: PixelArray) -> PixelArray:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2), np.uint8)


def test_a_spoilt_fifth_counts_for_more_than_its_share() -> None:
    pixels = pictures.photo(320, 240)
    spoilt, original = pixels.copy(), Original(pixels)
    spoilt[:, :64] = _blurred(pixels)[:, :64]
    everywhere = original.likeness(_blurred(pixels))
    assert original.likeness(spoilt) < everywhere + 0.4 * (1 - everywhere)


def test_colours_count_where_there_are_some() -> None:
    pixels = pictures.photo(320, 240)
    pale = cv2.cvtColor(pixels, cv2.COLOR_BGR2YCrCb)
    pale[:, :, 1:] = cv2.blur(pale[:, :, 1:], (31, 31))
    faded = np.asarray(cv2.cvtColor(pale, cv2.COLOR_YCrCb2BGR), np.uint8)
    gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[:, :, np.newaxis]
    assert Original(pixels).likeness(faded) < Original(np.asarray(gray, np.uint8)).likeness(faded)


def test_what_hides_behind_transparency_does_not_count() -> None:
    clear = pictures.noise(64, 48, channels=4)
    clear[:, :, 3] = 0
    other = clear.copy()
    other[:, :, :3] = 255 - other[:, :, :3]
    assert Original(clear).likeness(other) == pytest.approx(1, abs=1e-6)


# --- levels


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("level", LEVELS)
def test_few_files_are_written(
    name: OutputFormat, picture: str, level: Level, written: list[tuple[OutputFormat, Sheet, Output]]
) -> None:
    image = PICTURES[picture]
    result = file(image, name, level=level)
    assert 1 <= len(written) <= quality.MOST_ENCODES
    assert result.degraded == ()
    assert opened(result.body).size == (image.size.width, image.size.height)
    assert {call[0] for call in written} == {name}
    low, high = quality.SCALES[name].bounds[level]
    assert all(low <= (call[2].quality or 0) <= high for call in written)


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("picture", ["photo", "gray"])
def test_the_grade_is_reached_and_hardly_passed(name: OutputFormat, picture: str) -> None:
    image = PICTURES[picture]
    for level in LEVELS:
        result = file(image, name, level=level)
        scale, grade = quality.SCALES[name], quality.GRADES[level]
        low, high = scale.bounds[level]
        original = Original(image.frames[0].pixels)
        fitting = [q for q in range(low, high + 1) if body(image, name, q) == result.body]
        apart = 1 - original.likeness(quality.decoded(name, result.body))
        got = scale.base - scale.like * math.log(apart) + scale.each * fitting[-1]
        assert got >= grade or high in fitting
        assert got <= grade + 4 or low in fitting


@pytest.mark.parametrize("name", MEASURED)
def test_levels_are_in_order(name: OutputFormat) -> None:
    sizes = [len(file(PHOTO, name, level=level).body) for level in LEVELS]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("name", MEASURED)
def test_the_same_picture_gives_the_same_bytes(name: OutputFormat) -> None:
    assert file(LARGE, name, level="good").body == file(LARGE, name, level="good").body


def test_what_cannot_look_good_stays_below_the_cap() -> None:
    assert len(file(NOISE, "jpeg", level="good").body) <= len(body(NOISE, "jpeg", 82))


@pytest.mark.parametrize("level", LEVELS)
def test_save_data_takes_the_level_below(level: Level) -> None:
    saving = Client(save_data=True)
    assert file(PHOTO, "jpeg", saving, level=level).body == file(PHOTO, "jpeg", level=quality.SAVING[level]).body
    assert file(PHOTO, "jpeg", saving).body == file(PHOTO, "jpeg").body


def test_a_large_picture_is_measured_on_parts(written: list[tuple[OutputFormat, Sheet, Output]]) -> None:
    file(LARGE, "jpeg", level="good")
    sizes = [call[1].image.size for call in written]
    assert sizes[-1] == LARGE.size
    assert {(size.width, size.height) for size in sizes[:-1]} == {(768, 576)}


def test_parts_come_from_all_over() -> None:
    rows, columns = np.mgrid[0:1200, 0:1600]
    marked = pictures.image(np.dstack([rows // 8, columns // 8, rows * 0]).astype(np.uint8)).frames[0]
    parts = quality.sampled(marked).pixels
    assert len(np.unique(parts[:: quality.PART, 0, 0])) == 3
    assert len(np.unique(parts[0, :: quality.PART, 1])) == 4
    assert (parts[:, :, 0].min() < 30) & (parts[:, :, 0].max() > 120)
    assert quality.sampled(PHOTO.frames[0]) is PHOTO.frames[0]


def test_an_animation_is_measured_on_its_busiest_frame(written: list[tuple[OutputFormat, Sheet, Output]]) -> None:
    frames = (FLAT.frames[0], replace(NOISE.frames[0], duration_ms=40), FLAT.frames[0])
    moving = Image(tuple(replace(frame, duration_ms=40) for frame in frames))
    assert quality.busiest(moving) is moving.frames[1]
    result = file(moving, "webp", level="eco")
    assert [len(call[1].image.frames) for call in written] == [*(1 for _ in written[1:]), 3]
    assert all((call[1].image.frames[0].pixels == moving.frames[1].pixels).all() for call in written[:-1])
    assert opened(result.body).n_frames == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["png", "gif", "bmp", "tiff"])
def test_what_loses_nothing_is_not_measured(name: OutputFormat) -> None:
    assert file(PHOTO, name, level="low").body == file(PHOTO, name).body


@pytest.mark.parametrize(("name", "more"), [("jp2", {}), ("png", {"lossy": True}), ("gif", {"lossy": True})])
def test_others_have_a_quality_for_each_level(name: OutputFormat, more: dict[str, Any]) -> None:
    sizes = [len(file(PHOTO, name, level=level, **more).body) for level in LEVELS]
    assert sizes == sorted(set(sizes))


def test_inks_have_a_quality_for_each_level() -> None:
    sizes = [len(file(PHOTO, "jpeg", level=level, colorspace="cmyk").body) for level in LEVELS]
    assert sizes == sorted(set(sizes))


def test_what_stands_beside_the_pixels_stays() -> None:
    beside = Carried(xmp=b"<x:xmpmeta>BY ANN</x:xmpmeta>")
    for image in (PHOTO, LARGE):
        assert b"BY ANN" in encode(image, Output("jpeg", level="good"), None, Client(), beside).body


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("picture", ["photo", "large", "moving"])
def test_in_a_hurry_fewer_files_are_tried_and_the_result_says_so(
    name: OutputFormat, picture: str, written: list[tuple[OutputFormat, Sheet, Output]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "NEAR", 0.0)  # so that one file is never enough
    result = encode(PICTURES[picture], Output(name, level="best"), None, Client(), deadline=time.monotonic() - 1)
    assert result.degraded == ("quality",)
    assert len(written) == (1 if picture == "photo" or (picture, name) == ("moving", "jpeg") else 2)
    assert opened(result.body).size[0] == PICTURES[picture].size.width


# --- max-bytes


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif", "jp2", "png", "gif"])
@pytest.mark.parametrize("share", [0.95, 0.7, 0.45])
def test_files_fit(
    name: OutputFormat, share: float, written: list[tuple[OutputFormat, Sheet, Output]]
) -> None:  # fmt: skip
    usual = len(file(PHOTO, name).body)
    written.clear()
    most = int(usual * share)
    result = file(PHOTO, name, max_bytes=most)
    assert len(result.body) <= most
    assert len(written) <= quality.MOST_FITTING
    assert len(result.body) > most * (0.25 if name in ("png", "gif") else 0.8)  # 256 colours are a large step
    assert result.format == name


def _small(pixels: PixelArray, side: int) -> PixelArray:
    scale = side / max(pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _photograph(name: str) -> Image:
    return decode(open_source(SHARED / "images/photos" / name, Limits()), Decode()).image


def _check_fitting(image: Image, name: OutputFormat, highest: int, goals: list[int], least: float = 0.85) -> None:
    """Against every quality there is: near the best in at most six files, and that many bytes at least."""
    files: list[bytes] = [b"", *(body(image, name, value) for value in range(1, highest + 1))]
    for goal in goals:
        made: list[int] = []

        def write(value: int) -> bytes:
            made.append(value)  # noqa: B023 - called within the turn
            return files[value]

        found = quality.fitting(write, goal, highest)
        best = max((value for value in range(1, highest + 1) if len(files[value]) <= goal), default=None)
        assert found.encodes == len(made) == len(set(made)) <= quality.MOST_FITTING
        if best is None:
            assert (found.quality, found.body) == (1, files[1])
            continue
        assert best - 3 <= found.quality <= best
        assert found.body == files[found.quality]
        assert len(found.body) <= goal
        assert len(found.body) >= least * min(goal, len(files[best])) or found.quality == highest


GOALS = [1000 * thousands for thousands in (10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60)]


@pytest.mark.parametrize(("name", "highest"), [("jpeg", 80), ("jpeg", 66), ("jpeg", 100), ("webp", 80), ("avif", 55)])
def test_the_best_that_fits_is_found(name: OutputFormat, highest: int) -> None:
    image = PHOTO if name == "avif" else pictures.image(pictures.photo(640, 480))
    lengths = [len(body(image, name, value)) for value in (1, highest)]
    step = (lengths[1] - lengths[0]) // 8
    _check_fitting(image, name, highest, [*GOALS, *range(lengths[0] - 50, lengths[1] + 50, step)])


@needs("images", "photos")
@pytest.mark.parametrize("photograph", ["eagle.jpg", "bus-street.jpg", "two-coaches.jpg", "coffee.png"])
@pytest.mark.parametrize(("name", "highest"), [("jpeg", 80), ("jpeg", 66), ("webp", 80), ("avif", 55)])
def test_the_best_that_fits_is_found_of_photographs(photograph: str, name: OutputFormat, highest: int) -> None:
    image = _photograph(photograph)
    if name == "avif":  # 55 files are made to compare with
        image = pictures.image(_small(image.frames[0].pixels, 400))
    _check_fitting(image, name, highest, GOALS, 0.6 if photograph == "two-coaches.jpg" else 0.85)


@needs("images", "photos", "eagle.jpg")
@pytest.mark.parametrize("more", [{}, {"level": "good"}, {"level": "best"}])
@pytest.mark.parametrize("kilobytes", [20, 30, 40])
def test_a_photograph_fills_what_it_may_take(kilobytes: int, more: dict[str, Any]) -> None:
    made = len(file(_photograph("eagle.jpg"), "jpeg", max_bytes=1000 * kilobytes, **more).body)
    assert 850 * kilobytes <= made <= 1000 * kilobytes


@pytest.mark.parametrize("name", ["png", "gif"])
def test_as_many_colours_as_fit_are_kept(name: OutputFormat) -> None:
    files = [len(file(PHOTO, name, quality=value, lossy=True).body) for value in range(1, 101)]
    for most in range(files[9], files[-1], 9_000):
        best = max(length for length in files if length <= most)
        assert 0.8 * best <= len(file(PHOTO, name, max_bytes=most).body) <= most


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif", "jp2", "png", "gif", "bmp", "tiff"])
def test_what_fits_anyway_is_as_ever(name: OutputFormat) -> None:
    usual = file(PHOTO, name).body
    assert file(PHOTO, name, max_bytes=len(usual)).body == usual
    assert file(PHOTO, name, max_bytes=10**7).body == usual


@pytest.mark.parametrize(("more", "limit"), [({"quality": 30}, 10**6), ({"level": "low"}, 10**6)])
def test_the_quality_that_was_asked_for_is_not_passed(more: dict[str, Any], limit: int) -> None:
    assert file(PHOTO, "jpeg", max_bytes=limit, **more).body == file(PHOTO, "jpeg", **more).body


def test_a_measured_quality_is_lowered_where_its_file_does_not_fit() -> None:
    measured = len(file(PHOTO, "jpeg", level="best").body)
    assert len(file(PHOTO, "jpeg", level="best", max_bytes=measured // 2).body) <= measured // 2


def test_animations_fit() -> None:
    moving = pictures.image(pictures.photo(160, 120), pictures.photo(160, 120, seed=2))
    for name in ("webp", "gif", "png"):
        most = len(file(moving, name).body) * 2 // 3
        assert len(file(moving, name, max_bytes=most).body) <= most


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif", "png", "gif", "bmp", "tiff"])
def test_what_cannot_fit_is_refused(name: OutputFormat) -> None:
    with pytest.raises(Failure) as caught:
        file(NOISE, name, max_bytes=500)
    failure = caught.value
    assert (failure.kind, failure.code) == (Kind.UNPROCESSABLE, "cannot-fit")
    assert failure.hint
    assert failure.details["maximum"] == 500
    least = file(NOISE, name, quality=1, lossy=name in writers.PALETTES).body
    assert failure.details["smallest"] == len(least) > 500
    assert ("lowest quality" in failure.message) is (name not in ("bmp", "tiff"))


@pytest.mark.parametrize(
    ("asked", "client", "offered"),
    [
        ("jpeg", ANY, ["auto", "webp"]), ("bmp", ANY, ["auto", "webp"]), (None, ANY, ["auto", "webp"]),
        ("webp", ANY, ["auto"]), ("avif", ANY, []), ("auto", ANY, ["webp"]),
        ("auto", Client(frozenset({"webp"})), []), ("auto", Client(frozenset({"webp", "avif"})), []),
    ],
)  # fmt: skip
def test_only_other_formats_are_offered(asked: OutputFormat | None, client: Client, offered: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        encode(NOISE, Output(asked, max_bytes=200), None, client)
    assert re.findall(r"format:(\w+)", caught.value.hint or "") == offered
    assert (caught.value.hint or "").startswith("ask for a smaller picture")


def test_files_of_automatic_formats_fit() -> None:
    webp = Client(frozenset({"webp"}))
    usual = encode(PHOTO, Output("auto"), None, webp)
    made = encode(PHOTO, Output("auto", max_bytes=len(usual.body) // 2), None, webp)
    assert made.format == "webp"
    assert len(made.body) <= len(usual.body) // 2


def test_small_enough_or_late_whatever_fits_is_sent() -> None:
    usual = len(file(STILL, "jpeg").body)
    late = encode(STILL, Output("jpeg", max_bytes=usual - 60), None, Client(), deadline=time.monotonic() - 1)
    assert len(late.body) <= usual - 60
