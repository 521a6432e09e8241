"""What the pixels say themselves, on pictures built here: each rule where it holds, and where it must not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.local import find_local
from detectors.traits import DARK, SIDE

from .pictures import photo

ORIENTATIONS = {"landscape", "portrait", "square"}


def traits(pixels: np.ndarray) -> dict[str, float]:
    return {tag.name: tag.score for tag in find_local({"traits"}, pixels).tags}


def others(pixels: np.ndarray) -> set[str]:
    return traits(pixels).keys() - ORIENTATIONS


def street(width: int = 640, height: int = 480, seed: int = 3) -> np.ndarray:
    """Soft ground with many sharp things on it, as photographs have them: (h, w, 3), never flat, in mid tones."""
    random = np.random.default_rng(seed)
    ground = cv2.resize(random.integers(60, 190, (6, 8, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y, r = random.integers((0, 0, 5), (width, height, 60))
        colour = tuple(int(value) for value in random.integers(30, 220, 3))
        cv2.ellipse(ground, ((float(x), float(y)), (float(r), float(r) * 0.7), float(r)), colour, -1, cv2.LINE_AA)
    return np.clip(ground.astype(np.int16) + random.normal(0, 1.5, ground.shape), 0, 255).astype(np.uint8)


def screenshot(width: int = 800, height: int = 600) -> np.ndarray:
    pixels = np.full((height, width, 3), 250, np.uint8)
    pixels[:60] = (80, 60, 40)
    pixels[60:, :160] = (235, 230, 225)
    for row in range(90, height - 10, 22):
        cv2.putText(pixels, f"A line of text, number {row}", (180, row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1,
                    cv2.LINE_AA)  # fmt: skip
    return pixels


@pytest.mark.parametrize(
    ("width", "height", "name"),
    [(640, 480, "landscape"), (480, 640, "portrait"), (500, 500, "square"), (500, 493, "square"), (1, 1, "square"),
     (500, 489, "landscape"), (1, 5000, "portrait")],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_orientation(width: int, height: int, name: str, channels: int) -> None:
    found = traits(np.full((height, width, channels), 200, np.uint8))
    assert found[name] == 1
    assert len(found.keys() & ORIENTATIONS) == 1


def test_a_good_photograph_has_nothing_to_be_said_of_it() -> None:
    assert others(street()) == set()


@pytest.mark.parametrize("sigma", [2.5, 4])
def test_a_picture_without_sharp_edges_is_blurry(sigma: float) -> None:
    found = traits(cv2.GaussianBlur(street(), (0, 0), sigma))
    assert found["blurry"] >= 0.5
    assert set(found) == {"landscape", "blurry"}


def test_a_moved_camera_is_blurry_although_edges_along_its_way_are_sharp() -> None:
    assert others(cv2.blur(street(), (15, 1))) == {"blurry"}


def test_a_portrait_before_a_soft_ground_is_sharp() -> None:
    sharp = street()
    pixels = cv2.GaussianBlur(sharp, (0, 0), 6)
    pixels[150:330, 220:420] = sharp[150:330, 220:420]
    assert others(pixels) == set()


@pytest.mark.parametrize("size", [(1, 1), (20, 400), (480, 640)])
def test_what_has_no_edges_is_not_called_blurry(size: tuple[int, int]) -> None:
    sky = np.linspace(90, 200, size[0] * size[1]).reshape(*size, 1).repeat(3, 2).astype(np.uint8)
    assert "blurry" not in traits(sky)


@pytest.mark.parametrize("sigma", [0, 3.5])
@pytest.mark.parametrize("scale", [1.5, 2, 3])
def test_blur_hangs_on_what_is_seen_and_not_on_the_scale_of_decoding(sigma: float, scale: float) -> None:
    """A file as it was decoded in full, and as a JPEG decoder makes it smaller."""
    large = street(round(SIDE * scale), round(480 * scale))
    large = cv2.GaussianBlur(large, (0, 0), sigma * scale) if sigma else large
    small = cv2.resize(large, (SIDE, 480), interpolation=cv2.INTER_AREA)
    scores = traits(large).get("blurry", 0), traits(small).get("blurry", 0)
    assert scores[0] == pytest.approx(scores[1], abs=0.02)
    assert (scores[0] > 0.5) == (sigma > 0)


@pytest.mark.parametrize("quality", [60, 85])
def test_grayscale(quality: int) -> None:
    gray = cv2.cvtColor(street(), cv2.COLOR_BGR2GRAY)
    assert others(gray[:, :, np.newaxis]) == {"grayscale"}
    jpeg = cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    assert others(jpeg) == {"grayscale"}
    jpeg[100:130, 100:130] = (0, 0, 200)
    assert others(jpeg) == set()


def test_dark() -> None:
    night = (street().astype(np.float32) * 0.3).astype(np.uint8)
    assert others(night) == {"dark"}
    assert traits(night)["dark"] == pytest.approx((cv2.cvtColor(night, cv2.COLOR_BGR2GRAY) < DARK).mean(), abs=0.01)
    night[:, :200] = street()[:, :200] // 2 + 110  # somebody lit before a dark ground
    assert others(night) == set()


def test_overexposed() -> None:
    lit = street()
    blown = np.clip(lit.astype(np.float32) * 1.3 + 30, 0, 255).astype(np.uint8)
    blown[:200] = 255  # the sky
    assert others(blown) == {"overexposed"}
    on_white = np.full_like(lit, 255)
    on_white[100:380, 150:500] = lit[100:380, 150:500]
    assert others(on_white) == set()


def test_graphic() -> None:
    assert others(screenshot()) == {"graphic"}
    assert others(screenshot(2400, 1800)) == {"graphic"}


@pytest.mark.parametrize("side", [100, 300])
def test_a_photograph_on_a_plain_ground_is_no_graphic(side: int) -> None:
    pixels = np.full((480, 640, 3), 240, np.uint8)
    pixels[60 : 60 + side, 90 : 90 + side] = street()[60 : 60 + side, 90 : 90 + side]
    assert others(pixels) == set()


def test_transparent() -> None:
    pixels = np.dstack([street(), np.full((480, 640), 255, np.uint8)])
    assert others(pixels) == set()
    pixels[:100, :100, 3] = 0
    assert others(pixels) == {"transparent"}
    pixels[..., 3] = 0
    assert others(pixels) == {"transparent"}  # of what nobody sees nothing more is said


def test_what_is_hidden_does_not_count() -> None:
    pixels = np.dstack([cv2.cvtColor(street(), cv2.COLOR_BGR2GRAY)] * 3 + [np.full((480, 640), 255, np.uint8)])
    pixels[:200, :, :] = (0, 0, 255, 0)
    assert others(pixels) == {"grayscale", "transparent"}


def test_the_same_every_time_and_nothing_is_written_to() -> None:
    pixels = np.ascontiguousarray(np.asarray(photo(200, 150)))
    pixels.flags.writeable = False
    assert find_local({"traits"}, pixels) == find_local({"traits"}, pixels)
