"""Perceptual hashes: as imagehash makes them, alike for alike pictures, and none for plain ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from server.search.endpoints import DISTANCE
from transforms.fingerprint import fingerprint
from transforms.image import PixelArray

from . import pictures
from .shared import SHARED

FOLDERS = (SHARED / "images" / "photos", SHARED / "coco" / "images")
PHOTOS = sorted(file for folder in FOLDERS if folder.is_dir() for file in folder.rglob("*.jpg"))


def small(pixels: PixelArray, side: int = 640) -> PixelArray:
    factor = side / max(pixels.shape[:2])
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels


def compressed(pixels: PixelArray, quality: int) -> PixelArray:
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def cropped(pixels: PixelArray, by: float) -> PixelArray:
    height, width = pixels.shape[:2]
    return pixels[int(height * by) : int(height * (1 - by)), int(width * by) : int(width * (1 - by))]


def distance(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def made(pixels: PixelArray) -> int:
    bits = fingerprint(pixels)
    assert bits is not None
    return bits


def samples() -> list[PixelArray]:
    """Photographs where there are some, else pictures made here."""
    files = PHOTOS[::4] or []
    return [small(cv2.imread(str(file))) for file in files] or [pictures.photo(400, 300, seed=n) for n in range(8)]


def test_they_are_those_of_imagehash() -> None:
    imagehash = pytest.importorskip("imagehash")
    for pixels in samples():
        expected = int(str(imagehash.phash(Image.fromarray(pixels[:, :, ::-1]))), 16)
        assert distance(made(pixels), expected) <= 4  # of 81 photographs 55 have the same; area is not Lanczos


@pytest.mark.parametrize("quality", [80, 30, 10])
def test_compression_changes_little(quality: int) -> None:
    assert all(distance(made(pixels), made(compressed(pixels, quality))) <= DISTANCE for pixels in samples())


@pytest.mark.parametrize("side", [400, 128, 64])
def test_scaling_changes_little(side: int) -> None:
    assert all(distance(made(pixels), made(small(pixels, side))) <= 4 for pixels in samples())


def test_a_little_less_at_the_edges_changes_little() -> None:
    near = [distance(made(pixels), made(cropped(pixels, 0.01))) for pixels in samples()]
    assert max(near) <= DISTANCE


@pytest.mark.skipif(len(PHOTOS) < 40, reason="shared test material is missing: photographs")
def test_different_photographs_are_far_apart() -> None:
    hashes = [made(small(cv2.imread(str(file)), 256)) for file in PHOTOS]
    nearest = min(distance(one, other) for n, one in enumerate(hashes) for other in hashes[:n])
    assert nearest > DISTANCE + 3


def plain(kind: str) -> PixelArray:
    rng = np.random.default_rng(1)
    x = np.tile(np.linspace(0, 255, 320, dtype=np.float32), (240, 1))
    values = {
        "white": np.full((240, 320), 255.0), "noise": 128 + rng.normal(0, 5, (240, 320)), "gradient": x,
        "half": np.where(x > 128, 255.0, 0.0), "pixel": np.full((1, 1), 80.0), "line": np.full((1, 500), 80.0),
    }[kind]  # fmt: skip
    return np.clip(values, 0, 255).astype(np.uint8)[:, :, np.newaxis]


@pytest.mark.parametrize("kind", ["white", "noise", "gradient", "half", "pixel", "line"])
def test_plain_pictures_have_none(kind: str) -> None:
    assert fingerprint(plain(kind)) is None
    assert fingerprint(compressed(plain(kind), 30)) is None


def test_channels_and_what_is_transparent() -> None:
    photo = pictures.photo(200, 150)
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)[:, :, np.newaxis]
    opaque = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    assert made(gray) == made(photo) == made(opaque)
    hidden = opaque.copy()
    hidden[:, :, 3] = 0
    assert fingerprint(hidden) is None  # nothing of it shows
    assert distance(0, (1 << 64) - 1) == 64
