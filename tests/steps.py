"""Builders for the tests of operations: small pictures made in code, and one step applied to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from transforms.encode import encode
from transforms.image import Box, Found, Frame, Image, Mask, PixelArray, Probe, Region, Saliency, Scale, Size, Swatch
from transforms.input import Input
from transforms.layers import Layer
from transforms.limits import Limits
from transforms.output import Client, Encoding, Output, Past, Report
from transforms.pipeline import Step


def picture(width: int, height: int, channels: int = 3, frames: int = 1) -> Image:
    """Reproducible noise, every frame its own; nobody may write to it."""
    random = np.random.default_rng(width * 10_007 + height)
    return Image(tuple(frame(random.integers(0, 256, (height, width, channels), np.uint8), 40) for _ in range(frames)))


def frame(pixels: PixelArray, duration: int = 0) -> Frame:
    pixels.flags.writeable = False
    return Frame(pixels, duration)


def plain(width: int, height: int, *colour: int) -> Image:
    return Image((frame(np.full((height, width, len(colour)), colour, np.uint8)),))


def scene(width: int, height: int) -> Image:
    """Soft shapes of all sizes, as photographs have them."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64) / [[[height]], [[width]]]
    waves = [
        np.sin(9 * x + 5 * y) + np.sin(31 * x * y),
        np.cos(17 * y) + np.sin(23 * x),
        np.sin(40 * x) * np.cos(3 * y),
    ]
    return Image((frame((np.dstack(waves) * 60 + 128).clip(0, 255).astype(np.uint8)),))


def coordinates(side: int = 256) -> Image:
    """Each pixel's blue says its column and its green its row, from 0 to 255."""
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    return Image((frame(np.dstack([across, down, np.full_like(across, 99)]).astype(np.uint8)),))


def face(x: float, y: float, width: float, height: float, score: float = 0.9, by: str = "faces") -> Region:
    return Region("face", score, Box(x, y, width, height), (("nose", x + width / 2, y + height / 2),), by)


def thing(label: str, x: float, y: float, width: float, height: float, score: float = 0.8) -> Region:
    return Region(label, score, Box(x, y, width, height), sure=score >= 0.4)


def heat(label: str, box: Box, *labels: str) -> Region:
    """What made a label, rising towards the right."""
    mask = Mask(8, 6, bytes(range(0, 256, 32)) * 5 + bytes(range(3, 256, 36)))
    return Region(label, 0.8, box, by=f"objects:heat:{'|'.join(labels or (label,))}", mask=mask)


FOUND = Found(
    regions=(
        heat("person", Box(0.45, 0.1, 0.3, 0.9)),
        face(0.5, 0.2, 0.2, 0.3),
        face(0.5, 0.2, 0.2, 0.3, by="all-faces"),
        face(-0.05, 0.7, 0.1, 0.2, 0.6, by="all-faces"),
        thing("dog", 0.1, 0.5, 0.3, 0.4),
        thing("person", 0.45, 0.1, 0.3, 0.9, 0.7),
    ),
    colors=(Swatch("#808080", "gray", 0.7),),
    saliency=Saliency(np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)),
    models=(("faces", "yunet@0123456789ab"),),
)


PROBE = Probe("jpeg", Size(64, 48), 1, animated=False, has_alpha=False, icc=None, orientation=1, bytes=12345)
AS_IT_IS = Scale()
MARK = Image((Frame(np.full((6, 8, 4), (20, 40, 240, 200), np.uint8)),))
AS_LAYER = Layer(lambda region: MARK, Limits())
AS_PNG = Encoding(lambda image: encode(image, Output("png"), None, Client()))


def apply(text: str, subject: Image, found: Found = FOUND, scale: Scale = AS_IT_IS, layer: Layer = AS_LAYER) -> Image:
    """The picture that a step makes of a picture."""
    result = outcome(text, subject, found, scale, layer)
    assert isinstance(result, Image)
    return result


def outcome(
    text: str, subject: Any, found: Found = FOUND, scale: Scale = AS_IT_IS, layer: Layer = AS_LAYER
) -> Image | Input | Output | Report:
    """Whatever the step makes of its subject, run the way that run.py does; `layer` is what it lays over a picture."""
    step = Step.parse(text)
    have = {Found: found, Scale: scale, Probe: PROBE, Encoding: AS_PNG, Past: Past(), Layer: layer}
    given: dict[str, Any] = {**step.arguments, **{name: have[kind] for name, kind in step.operation.injected}}
    if step.operation.level != "frame":
        return step.operation.apply(subject, **given)  # type: ignore[no-any-return]
    return replace(subject, frames=tuple(step.operation.apply(frame, **given) for frame in subject.frames))


def projected(text: str, before: Size) -> Size:
    step = Step.parse(text)
    return step.operation.size(before, **step.arguments)


def pixels(image: Image) -> PixelArray:
    return image.frames[0].pixels
