"""Codes, made here by the writer of the library that reads them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")

from detectors.codes import LONGEST, MOST  # noqa: E402
from detectors.local import find_local  # noqa: E402
from transforms.image import Region  # noqa: E402

from .pictures import photo  # noqa: E402

FORMATS = zxingcpp.BarcodeFormat


def code(text: str | bytes, kind: object = FORMATS.QRCode, scale: int = 4) -> np.ndarray:
    """(h, w) uint8, with quiet zones."""
    return np.asarray(zxingcpp.create_barcode(text, kind).to_image(scale=scale, add_quiet_zones=True))


def found(pixels: np.ndarray) -> tuple[Region, ...]:
    return find_local({"codes"}, pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]).regions


@pytest.mark.parametrize(
    ("kind", "text", "label", "said"),
    [
        (FORMATS.QRCode, "https://example.com/?a=1", "qr-code", "https://example.com/?a=1"),
        (FORMATS.MicroQRCode, "123", "micro-qr-code", "123"),
        (FORMATS.DataMatrix, "hello", "data-matrix", "hello"),
        (FORMATS.Aztec, "hello", "aztec", "hello"),
        (FORMATS.PDF417, "hello", "pdf417", "hello"),
        (FORMATS.EAN13, "4006381333931", "ean-13", "4006381333931"),
        (FORMATS.UPCA, "036000291452", "ean-13", "0036000291452"),
        (FORMATS.EAN8, "96385074", "ean-8", "96385074"),
        (FORMATS.Code128, "AB-12", "code-128", "AB-12"),
        (FORMATS.Code39, "AB-12", "code-39", "AB-12"),
        (FORMATS.Code93, "AB-12", "code-93", "AB-12"),
        (FORMATS.ITF14, "15400141288763", "itf-14", "15400141288763"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_kind_is_read(kind: object, text: str, label: str, said: str, channels: int) -> None:
    pixels = np.repeat(code(text, kind)[:, :, np.newaxis], channels, axis=2)
    pixels[:, :, 3:] = 255
    (region,) = found(pixels)
    assert (region.label, region.text, region.by, region.score, region.sure) == (label, said, "codes", 1.0, True)


def test_where_it_is() -> None:
    scene = np.asarray(photo(900, 600)).copy()
    drawn = code("here")
    side = len(drawn)
    scene[200 : 200 + side, 500 : 500 + side] = drawn[:, :, np.newaxis]
    (region,) = found(scene)
    assert region.box.x == pytest.approx(516 / 900, abs=0.003)
    assert region.box.y == pytest.approx(216 / 600, abs=0.004)
    assert region.box.right == pytest.approx((500 + side - 16) / 900, abs=0.003)
    assert [name for name, _, _ in region.points] == ["corner_1", "corner_2", "corner_3", "corner_4"]


def test_corners_follow_the_code_as_it_is_turned() -> None:
    upright = {name: (x, y) for name, x, y in found(code("here"))[0].points}
    (turned,) = found(np.ascontiguousarray(np.rot90(code("here"))))
    assert turned.text == "here"
    first = next((x, y) for name, x, y in turned.points if name == "corner_1")
    assert first == pytest.approx((upright["corner_1"][1], 1 - upright["corner_1"][0]), abs=0.03)


def test_light_on_dark_and_askew_and_on_nothing() -> None:
    assert [region.text for region in found(255 - code("inverted"))] == ["inverted"]
    drawn = code("askew", scale=8)
    turn = cv2.getRotationMatrix2D((len(drawn) / 2, len(drawn) / 2), 27, 0.7)
    assert [region.text for region in found(cv2.warpAffine(drawn, turn, drawn.shape[::-1], borderValue=255))] == [
        "askew"
    ]
    clear = np.zeros((*drawn.shape, 4), np.uint8)  # black on transparent
    clear[..., 3] = 255 - drawn
    assert [region.text for region in found(clear)] == ["askew"]


def test_a_large_picture_is_looked_at_as_far_as_a_small_one() -> None:
    scene = np.full((3000, 4000), 200, np.uint8)
    drawn = code("https://example.com/", scale=8)
    scene[1000 : 1000 + len(drawn), 1000 : 1000 + len(drawn)] = drawn
    assert [region.text for region in found(scene)] == ["https://example.com/"]


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3, 3)])
def test_tiny_pictures_hold_nothing(size: tuple[int, int]) -> None:
    assert found(np.zeros((*size, 3), np.uint8)) == ()


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_stripes_say_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    stripes = np.repeat(random.integers(0, 2, (1, 640), np.uint8) * 255, 480, axis=0)
    for pixels in (random.integers(0, 256, (240, 320, 3), np.uint8), stripes, np.asarray(photo(320, 240))):
        assert found(pixels) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\x00b\x1b[31mc\r\n", "a␀b␛[31mc␍␊"),
        ("<script>\"'", "<script>\"'"),
        ("turned \u202e back\u200b", "turned \ufffd back\ufffd"),
        (b"\x00\xff\xfe", "␀ÿþ"),
        ("naïve 漢字", "naïve 漢字"),
    ],
)
def test_what_strangers_wrote_can_do_no_harm(text: str | bytes, told: str) -> None:
    (region,) = found(code(text))
    assert region.text == told
    assert json.loads(json.dumps(region.text)) == told


def test_long_texts_and_many_codes_are_cut() -> None:
    (region,) = found(code("x" * 2500, scale=3))
    assert region.text == "x" * LONGEST
    assert len(found(np.tile(code("1", scale=2), (12, 12)))) == MOST


def test_from_the_top_down_whatever_was_read_first() -> None:
    rows = np.vstack([np.hstack([code("a"), code("b")]), np.hstack([code("c"), code("d")])])
    assert [region.text for region in found(rows)] == ["a", "b", "c", "d"]
