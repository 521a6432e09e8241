"""QR codes and barcodes, read by zxing-cpp: where they are and what they say.

What is read is what some stranger printed: it is told as text, never followed, with control characters (which could
write over a terminal, or turn lines around) as their symbols, and cut to LONGEST characters.

Codes need 2 pixels a module to be read in a photograph (of 15 tries each with blur and JPEG: 11 at 2 pixels, 14 at
3), so that the side bounds how small a code may be: at SIDE a QR code of 29 modules may be a twentieth of the
picture wide. In 244 photographs and graphics without codes none is seen; they took 6 ms (median), 24 ms (95 %) and at
most 42 ms, noise of black and white pixels, the worst that was found, 220 ms.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from .found import Box, Found, PixelArray, Region
from .sizes import shrink

SIDE = 1280
"""Longest side in pixels that is looked at."""

MOST = 64
"""Codes of one picture that are told."""

LONGEST = 1000
"""Characters of a text that are told; the largest QR code holds 4296."""

LABELS = {
    zxingcpp.BarcodeFormat.QRCode: "qr-code",
    zxingcpp.BarcodeFormat.MicroQRCode: "micro-qr-code",
    zxingcpp.BarcodeFormat.RMQRCode: "rmqr-code",
    zxingcpp.BarcodeFormat.DataMatrix: "data-matrix",
    zxingcpp.BarcodeFormat.Aztec: "aztec",
    zxingcpp.BarcodeFormat.PDF417: "pdf417",
    zxingcpp.BarcodeFormat.EAN13: "ean-13",
    zxingcpp.BarcodeFormat.EAN8: "ean-8",
    zxingcpp.BarcodeFormat.UPCE: "upc-e",
    zxingcpp.BarcodeFormat.Code128: "code-128",
    zxingcpp.BarcodeFormat.Code93: "code-93",
    zxingcpp.BarcodeFormat.Code39: "code-39",
    zxingcpp.BarcodeFormat.ITF14: "itf-14",
    zxingcpp.BarcodeFormat.ITF: "itf-14",
    zxingcpp.BarcodeFormat.DataBar: "databar",
}
"""By what is read. UPC-A is read as the EAN-13 that it is, with a zero before it."""

WANTED = zxingcpp.barcode_formats_from_str(
    "QRCode|MicroQRCode|RMQRCode|DataMatrix|Aztec|PDF417|EAN13|EAN8|UPCE|Code128|Code93|Code39|ITF14|DataBar"
)
"""What is looked for. Codabar and plain ITF have no check digit: stripes of any kind would be read as some number."""


def find(pixels: PixelArray) -> Found:
    """Codes in uint8 pixels (h, w, 1|3|4) BGR from the top down: regions with text and four corners, in the order of
    the code's own top left, top right, bottom right, bottom left. Their score is 1: a check sum says that they are."""
    gray = _gray(pixels)
    height, width = gray.shape
    read = zxingcpp.read_barcodes(gray, WANTED, text_mode=zxingcpp.TextMode.Plain)
    regions = (_region(code, width, height) for code in read if code.valid)
    ordered = sorted(regions, key=lambda region: (region.box.y, region.box.x, region.label, region.text))
    return Found(tuple(ordered[:MOST]))


def _gray(pixels: PixelArray) -> NDArray[np.uint8]:
    """(h, w), at most SIDE a side, what is transparent on white."""
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.float32) / 255
        pixels = (pixels[:, :, :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    gray = pixels[:, :, 0] if pixels.shape[2] == 1 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return np.ascontiguousarray(shrink(np.asarray(gray, np.uint8)[:, :, np.newaxis], SIDE)[:, :, 0])


def _region(code: zxingcpp.Barcode, width: int, height: int) -> Region:
    at = code.position
    corners = [(corner.x / width, corner.y / height)
               for corner in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)]  # fmt: skip
    xs, ys = zip(*corners, strict=True)
    box = Box.between(min(xs), min(ys), max(xs), max(ys))
    points = tuple((f"corner_{number}", x, y) for number, (x, y) in enumerate(corners, 1))
    label = LABELS.get(code.format) or LABELS.get(code.symbology, "barcode")
    return Region(label, 1.0, box, points, "codes", text=shown(code.text))


def shown(text: str) -> str:
    """The text as it may be told."""
    return "".join(_harmless(text[:LONGEST]))


def _harmless(text: Iterable[str]) -> Iterable[str]:
    for letter in text:
        if letter < " ":
            yield chr(0x2400 + ord(letter))
        elif unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            yield "\ufffd"
        else:
            yield letter
