"""Which format leaves where the choice is left to the server, by what is in the picture."""

from __future__ import annotations

import math
import time

import cv2
import numpy as np
import pytest

from tests import pictures
from tests.shared import SHARED, manifest, needs
from transforms.choose import AUTO_AVIF_PIXELS, Candidate, candidates, is_graphic
from transforms.decode import Decode, decode
from transforms.encode import encode
from transforms.image import Image, PixelArray
from transforms.limits import Limits
from transforms.output import Client, Level, Output, OutputFormat
from transforms.probe import open_source

from .encoded import CLEAR, MOVING, difference, probed, read

BOTH = Client(frozenset({"avif", "webp"}))
WEBP = Client(frozenset({"webp"}))
AVIF = Client(frozenset({"avif"}))
NEITHER = Client()
CLIENTS = [BOTH, WEBP, AVIF, NEITHER]


def drawing(channels: int = 3) -> PixelArray:
    """An interface with text, of many colours at its edges."""
    pixels = np.full((300, 400, 3), 245, np.uint8)
    for row in range(6):
        cv2.rectangle(pixels, (20, 20 + 45 * row), (60, 50 + 45 * row), (40 * row, 90, 255 - 40 * row), -1)
        cv2.putText(pixels, "Darkroom", (80, 45 + 45 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (9, 9, 90), 1, cv2.LINE_AA)
    if channels == 3:
        return pixels
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    alpha[:10] = 0
    return np.dstack([pixels, alpha])


DRAWING, PHOTO = pictures.image(drawing()), pictures.image(pictures.photo(400, 300))


@pytest.mark.parametrize(("image", "expected"), [(DRAWING, True), (PHOTO, False), (pictures.image(drawing(4)), True)])
def test_drawings_are_told_from_photographs(image: Image, expected: bool) -> None:
    assert is_graphic(image.frames[0].pixels) is expected


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 4), (9, 1, 1)])
def test_the_smallest_pictures_are_told_too(shape: tuple[int, int, int]) -> None:
    assert isinstance(is_graphic(np.zeros(shape, np.uint8)), bool)


def test_a_drawing_keeps_every_pixel_where_that_is_smaller() -> None:
    for client, format_ in ((WEBP, "webp"), (NEITHER, "png")):
        for pixels in (drawing(), drawing(4)):
            image = pictures.image(pixels)
            made = encode(image, Output("auto"), None, client)
            assert made.format == format_
            assert difference(pixels, read(made.body).frames[0].pixels) == 0
            lossy = encode(image, Output("webp" if client is WEBP else "jpeg"), None, client)
            assert pixels.shape[2] == 4 or len(made.body) < len(lossy.body)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("level", [None, "good"])
@pytest.mark.parametrize("source", [None, "png", "gif", "webp"])
def test_a_photograph_never_becomes_png(client: Client, level: Level | None, source: OutputFormat | None) -> None:
    for image in (PHOTO, pictures.image(pictures.noise(90, 60))):
        made = encode(image, Output("auto", level=level), probed(source), client)
        assert made.format in client.formats | {"jpeg"}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("image", [CLEAR, pictures.image(drawing(4)), pictures.image(pictures.gradient(300, 200, 4))])
def test_transparency_stays(client: Client, image: Image) -> None:
    made = encode(image, Output("auto"), None, client)
    after = read(made.body).frames[0].pixels
    assert after.shape[2] == 4
    assert np.abs(after[:, :, 3].astype(int) - image.frames[0].pixels[:, :, 3]).mean() < 3


@pytest.mark.parametrize("client", CLIENTS)
def test_animations_keep_moving(client: Client) -> None:
    made = encode(MOVING, Output("auto"), probed("gif"), client)
    assert made.format == ("webp" if "webp" in client.formats else "gif")
    assert len(read(made.body).frames) == len(MOVING.frames)


def first(image: Image, client: Client, seconds: float = math.inf, **more: object) -> Candidate:
    output = Output("auto", **more)  # type: ignore[arg-type]
    return candidates(output, None, image, client, deadline=time.monotonic() + seconds)[0]


def test_avif_has_a_size_and_needs_time() -> None:
    most = pictures.image(np.zeros((1000, AUTO_AVIF_PIXELS // 1000, 3), np.uint8))
    above = pictures.image(np.zeros((1000, AUTO_AVIF_PIXELS // 1000 + 1, 3), np.uint8))
    assert first(most, BOTH).format == "avif"
    assert first(above, BOTH).format == "webp"
    assert first(above, AVIF).format == "jpeg"
    assert first(most, BOTH, seconds=0.5).format == "avif"
    assert first(most, BOTH, seconds=0.5, level="good").format == "webp"
    assert first(most, BOTH, seconds=0.1).format == "webp"
    assert first(PHOTO, BOTH, seconds=0.1).format == "avif"


@pytest.mark.parametrize("side", [1, 8, 40, 120])
@pytest.mark.parametrize("make", [pictures.photo, pictures.noise, lambda w, h: np.full((h, w, 3), 90, np.uint8)])
def test_a_small_picture_is_never_larger_than_in_an_older_format(side: int, make: object) -> None:
    image = pictures.image(make(side, side))  # type: ignore[operator]
    made = encode(image, Output("auto"), None, BOTH)
    assert len(made.body) <= len(encode(image, Output("webp"), None, BOTH).body)


def test_nor_is_one_of_high_quality() -> None:
    made = encode(PHOTO, Output("auto", quality=90), None, BOTH)
    assert len(made.body) == min(len(encode(PHOTO, Output(name, 90), None, BOTH).body) for name in ("webp", "avif"))


@needs("images", "formats")
@pytest.mark.parametrize("name", ["gif-nyan-cat.gif", "png-1bit.png", "png-palette4-interlaced.png"])
def test_drawings_of_the_collection_are(name: str) -> None:
    path = SHARED / "images/formats" / name
    assert is_graphic(decode(open_source(path, Limits()), Decode(still=True)).image.frames[0].pixels)


@needs("images", "manifest.json")
@pytest.mark.parametrize("path", [e["path"] for e in manifest() if e["path"].startswith("photos/")])
def test_photographs_of_the_collection_are_none_of_drawings(path: str) -> None:
    pixels = decode(open_source(SHARED / "images" / path, Limits()), Decode(reduce=2)).image.frames[0].pixels
    assert not is_graphic(pixels)
