"""What tests of encoding share: pictures of every kind, files of them, and how far two pictures are apart."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from transforms.carried import NOTHING, Carried
from transforms.decode import Decode, decode
from transforms.encode import encode
from transforms.image import FormatName, Image, PixelArray, Probe, Size
from transforms.limits import Limits
from transforms.output import Client, Output, OutputFormat
from transforms.probe import Source

from . import pictures

ANY = Client()
KINDS = {
    **pictures.kinds(),
    "gray-animated": pictures.animated(channels=1),
    "five": pictures.animated(frames=5, channels=4),
    "gray-1x1": pictures.image(np.full((1, 1, 1), 90, np.uint8)),
    "clear-1x1": pictures.image(np.zeros((1, 1, 4), np.uint8)),
}
STILL, CLEAR, MOVING = KINDS["bgr"], KINDS["bgra"], KINDS["animated"]


def body(
    image: Image,
    format: OutputFormat,  # noqa: A002
    quality: int | None = None,
    carried: Carried = NOTHING,
    **more: Any,
) -> bytes:
    return encode(image, Output(format, quality, **more), None, ANY, carried).body


def opened(data: bytes) -> Pillow.Image:
    """As another program sees the file."""
    return Pillow.open(io.BytesIO(data))


def read(data: bytes) -> Image:
    return decode(Source(data, Limits()), Decode()).image


def difference(before: PixelArray, after: PixelArray) -> float:
    """Mean difference over channels of what is seen: colours weighted by alpha, and alpha."""
    return float(np.abs(_seen(before) - _seen(after)).mean())


def _seen(pixels: PixelArray) -> Any:
    code = {1: cv2.COLOR_GRAY2BGRA, 3: cv2.COLOR_BGR2BGRA}.get(pixels.shape[2])
    seen = (pixels if code is None else cv2.cvtColor(pixels, code)).astype(float)
    seen[:, :, :3] *= seen[:, :, 3:] / 255
    return seen


def probed(source: FormatName | None) -> Probe | None:
    return source and Probe(source, Size(64, 48), 1, False, False, None, 1, 1000)


def opaque(pixels: PixelArray) -> PixelArray:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
