"""Masks on pictures: where they land, what they become at other scales, and edges that follow the picture's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from transforms.blending import alpha_of
from transforms.image import Found, Image, PixelArray, Size
from transforms.masks import plane, reach, refined, shape, union
from transforms.projection import projected

from .masked import boundary_error, mask, masked, oval, overlap
from .pictures import image, photo
from .shared import SHARED, needs
from .steps import apply

QUARTERS = np.array([[255, 0], [0, 128]], np.uint8)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (97, 61), (40, 300), (3, 2), (1, 1)])
def test_a_mask_lies_where_it_belongs_on_any_size(width: int, height: int) -> None:
    laid = plane(mask(QUARTERS), Size(width, height))
    assert laid.shape == (height, width)
    assert laid.dtype == np.uint8
    if min(width, height) > 20:
        assert laid[height // 8, width // 8] == 255
        assert laid[height * 7 // 8, width * 7 // 8] == 128
        assert laid[height // 8, width * 7 // 8] == laid[height * 7 // 8, width // 8] == 0


def test_what_reaches_the_edge_of_the_picture_does_not_fade_there() -> None:
    laid = plane(mask(np.full((4, 4), 255, np.uint8)), Size(400, 300))
    assert (laid == 255).all()


def test_outside_of_a_mask_is_nothing() -> None:
    laid = plane(mask(np.full((4, 4), 255, np.uint8), (0.5, 0, 0.25, 0, 0.25, 0.5)), Size(400, 400))
    assert (laid[200:300, 100:300] == 255).all()
    assert laid.sum() == 255 * 200 * 100


@pytest.mark.parametrize("at", [(1, 0, 1.5, 0, 1, 0), (1, 0, 0, 0, 1, -1), (0, 0, 0, 0, 0, 0), (1e9, 0, 1, 0, 1e9, 1)])
def test_masks_far_off_or_without_any_area_cover_nothing_and_do_no_harm(at: tuple[float, ...]) -> None:
    assert not plane(mask(np.full((4, 4), 255, np.uint8), at), Size(50, 40)).any()


def test_a_mask_finer_than_the_picture_is_averaged() -> None:
    stripes = np.tile(np.array([[255, 0]], np.uint8), (512, 256))
    laid = plane(mask(stripes), Size(64, 64))
    assert np.abs(laid.astype(int) - 128).max() <= 1


@pytest.mark.parametrize(
    "steps",
    [
        "crop:400x300,x=100,y=60", "rotate:90", "rotate:180", "rotate:30", "flip:horizontal", "flip:vertical",
        "resize:200x150", "crop:300x300,x=50,y=50/rotate:340/flip:horizontal",
    ],
)  # fmt: skip
def test_a_mask_goes_where_the_pixels_go(steps: str) -> None:
    values = oval(640, 480, 0.4, 0.5, 0.2, 0.3)
    moved = image(values[:, :, np.newaxis])
    for step in steps.split("/"):
        moved = apply(step, moved)
    [region] = projected(Found((masked("dog", 0.4, 0.5, 0.2, 0.3),)), moved.from_source).regions
    assert region.mask
    laid = plane(region.mask, moved.size)
    assert overlap(seen(laid, moved), seen(moved.frames[0].pixels[:, :, 0], moved)) > 0.98


def seen(values: PixelArray, moved: Image) -> PixelArray:
    """What of it lies where the picture is: beside it, where a turn left room, a mask may go on."""
    return np.asarray(cv2.multiply(values, alpha_of(moved.frames[0].pixels), scale=1 / 255), np.uint8)


def test_several_masks_leave_no_seam_where_they_meet() -> None:
    left = np.zeros((16, 16), np.uint8)
    left[:, :8] = 255
    whole = union([mask(left), mask(255 - left)], Size(640, 640))
    assert whole.min() >= 190
    assert shape([mask(left), mask(255 - left)], photo(640, 640)).min() == 255


def test_how_many_pixels_one_of_a_mask_covers() -> None:
    assert reach(mask(np.zeros((160, 160), np.uint8)), Size(1600, 800)) == pytest.approx(10 / 2**0.5)
    assert reach(mask(np.zeros((160, 160), np.uint8), (0, 0.5, 0, -0.5, 0, 1)), Size(640, 640)) == pytest.approx(2)


def composite(seed: int, channels: int = 3, width: int = 640, height: int = 480) -> tuple[PixelArray, PixelArray]:
    """A subject of one photograph before another, and where exactly it is."""
    truth = np.asarray(
        cv2.max(oval(width, height, 0.45, 0.5, 0.2, 0.3), oval(width, height, 0.6, 0.4, 0.05, 0.3)), np.uint8
    )
    truth = np.asarray(cv2.GaussianBlur(truth, (0, 0), 1.0), np.uint8)
    share = truth[:, :, np.newaxis].astype(np.float32) / 255
    subject, behind = photo(width, height, seed) * 0.5, 127 + photo(width, height, seed + 1) * 0.5
    mixed = (subject * share + behind * (1 - share)).round().astype(np.uint8)
    return {1: mixed[:, :, :1], 3: mixed, 4: np.dstack([mixed, np.full_like(truth, 255)])}[channels], truth


def coarse(truth: PixelArray, side: int = 160) -> PixelArray:
    """As models draw it: smooth over several of few pixels, wobbling, and never quite sure."""
    small = cv2.resize(truth, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    level = cv2.GaussianBlur(small, (0, 0), 1.5)
    wobble = np.random.default_rng(4).normal(0, 1, (side // 8, side // 8)).astype(np.float32)
    level = level + 0.5 * cv2.resize(wobble, (side, side), interpolation=cv2.INTER_CUBIC) * level * (1 - level)
    return np.asarray(np.rint(255 / (1 + np.exp(-8 * (level - 0.5)))), np.uint8)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("seed", [1, 5])
def test_edges_follow_the_picture(seed: int, channels: int) -> None:
    pixels, truth = composite(seed, channels)
    rough = mask(coarse(truth))
    before, after = plane(rough, Size(640, 480)), shape([rough], pixels)
    assert 1 - overlap(after, truth) < 0.85 * (1 - overlap(before, truth))
    assert boundary_error(after, truth) < 0.9 * boundary_error(before, truth)
    assert np.abs(after.astype(int) - truth).mean() < 0.35 * np.abs(before.astype(int) - truth).mean()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_right_mask_stays_right_and_becomes_sharp(channels: int) -> None:
    pixels, truth = composite(1, channels)
    small = np.asarray(cv2.resize(truth, (160, 160), interpolation=cv2.INTER_AREA), np.uint8)
    before, after = plane(mask(small), Size(640, 480)), shape([mask(small)], pixels)
    assert overlap(after, truth) > overlap(before, truth) - 0.002
    assert np.abs(after.astype(int) - truth).mean() < 0.5 * np.abs(before.astype(int) - truth).mean()


def test_far_from_its_edge_a_mask_stays_what_it_is_whatever_the_colours() -> None:
    rough = plane(mask(oval(160, 160)), Size(640, 480))
    after = refined(rough, photo(640, 480), 4.0)
    assert (after[rough == 255] == 255).all()
    assert not after[rough == 0].any()


def test_what_is_fine_enough_is_left_alone() -> None:
    values = oval(640, 480)
    assert refined(values, photo(640, 480), 1.0) is values
    assert np.array_equal(
        shape([mask(values // 2)], photo(1280, 960), fine=True), plane(mask(values // 2), Size(1280, 960))
    )


def test_a_flat_picture_tells_nothing() -> None:
    rough = plane(mask(oval(160, 160)), Size(640, 480))
    after = refined(rough, np.full((480, 640, 3), 90, np.uint8), 4.0)
    assert overlap(after, rough) > 0.99


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 40), (40, 1), (7, 5)])
def test_tiny_pictures(width: int, height: int) -> None:
    assert shape([mask(oval(4, 4))], photo(width, height)).shape == (height, width)
    assert shape([], photo(width, height)).sum() == 0


@needs("coco", "segments")
def test_on_outlines_that_people_drew_nothing_is_lost() -> None:
    """Of masks that are rough as models' are: the shape agrees as well as before, its edge is 4 times as sharp."""
    before, after, off = [], [], []
    for pixels, truth in outlines(12):
        rough = mask(coarse(truth))
        bare, fine = plane(rough, Size(truth.shape[1], truth.shape[0])), shape([rough], pixels)
        before.append(overlap(bare, truth))
        after.append(overlap(fine, truth))
        off.append(np.abs(fine.astype(int) - truth).mean() / np.abs(bare.astype(int) - truth).mean())
    assert len(before) >= 12
    assert np.mean(after) >= np.mean(before) - 0.001
    assert np.mean(off) < 0.4


def outlines(pictures: int) -> list[tuple[PixelArray, PixelArray]]:
    """Photographs with each thing in them that is large enough."""
    found = []
    for path in sorted((SHARED / "coco" / "images" / "all").glob("*.jpg"))[:pictures]:
        pixels = np.asarray(cv2.imread(str(path)), np.uint8)
        height, width = pixels.shape[:2]
        for line in (SHARED / "coco" / "segments" / "all" / f"{path.stem}.txt").read_text().splitlines():
            corners = np.array(line.split()[1:], float).reshape(-1, 2) * [width, height]
            truth = np.zeros((height, width), np.uint8)
            cv2.fillPoly(truth, [corners.round().astype(np.int32)], 255)
            if truth.mean() > 5:
                found.append((pixels, truth))
    return found
