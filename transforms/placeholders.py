"""What stands where a picture will be until it is there: BlurHash, ThumbHash, a tiny picture, its colours.

All of them are made of one shrunken copy, so that several cost little more than one. Of 1 megapixel: 1.8 ms to shrink,
0.2 ms a BlurHash (4x3), 0.4 ms a ThumbHash, 0.4 ms the tiny picture, 6 ms the colours. The packages blurhash-python
(5 ms) and thumbhash (20 ms) give the same texts; tests compare with them.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .codecs import load_plugin
from .image import Image, PixelArray, Size, Swatch
from .instead import Beside, Components, Instead, Said
from .modes import flatten, is_opaque, to_bgr, to_bgra, to_picture
from .output import TRAITS, Encoded
from .resample import shrink

Floats = NDArray[np.float64]
SIDE = 100  # px; the most that a ThumbHash may see, and enough for all of them
TEXT = "text/plain; charset=utf-8"

TINY_SIDE = 32  # px
TINY_BYTES = 400
TINY_TRIES = ((TINY_SIDE, 50), (TINY_SIDE, 20), (TINY_SIDE, 0), (16, 20), (8, 20))  # side, quality
COLOURS = 6

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_HEADERS: dict[Beside, str] = {
    "blurhash": "X-Blurhash", "thumbhash": "X-Thumbhash", "color": "X-Dominant-Color", "palette": "X-Palette",
}  # fmt: skip


class Sketch:
    """The first frame of a picture, small. `background` (red, green, blue) is what a BlurHash shows through."""

    def __init__(self, image: Image, background: tuple[int, int, int] = (255, 255, 255)) -> None:
        pixels, size = image.frames[0].pixels, image.size
        self.pixels = shrink(pixels, size.scaled(SIDE / size.long_side)) if size.long_side > SIDE else pixels
        self._background = background

    def blurhash(self, components: Components | None = None) -> str:
        height, width = self.pixels.shape[:2]
        usual = (3, 4) if height > width else (4, 3)
        return blurhash(to_bgr(flatten(self.pixels, self._background)), *(components or usual))

    @cached_property
    def thumbhash(self) -> str:
        """In Base64, as everybody writes it."""
        return b64encode(thumbhash(to_bgra(self.pixels))).decode()

    @cached_property
    def tiny(self) -> bytes:
        """A WebP of at most 32 pixels a side and 400 bytes, alpha kept; of pure noise it has fewer pixels."""
        for side, quality in TINY_TRIES:
            body = _webp(self.pixels, side, quality)
            if len(body) <= TINY_BYTES:
                break
        return body

    @property
    def data(self) -> str:
        """The tiny picture as a data URI."""
        return f"data:image/webp;base64,{b64encode(self.tiny).decode()}"


def summary(sketch: Sketch, colors: tuple[Swatch, ...]) -> dict[str, object]:
    """All of them, as JSON: `color` is null where nothing can be seen."""
    return {
        "blurhash": sketch.blurhash(),
        "thumbhash": sketch.thumbhash,
        "lqip": sketch.data,
        "color": colors[0].hex if colors else None,
        "palette": [swatch.hex for swatch in colors[:COLOURS]],
    }


def headers(said: Said, sketch: Sketch, colors: tuple[Swatch, ...]) -> tuple[tuple[str, str], ...]:
    """Names and values: ASCII, at most 166 characters long. The colour of what cannot be seen is left out."""
    values: dict[Beside, Callable[[], str]] = {
        "blurhash": lambda: sketch.blurhash(said.components),
        "thumbhash": lambda: sketch.thumbhash,
        "color": lambda: colors[0].hex if colors else "",
        "palette": lambda: ", ".join(swatch.hex for swatch in colors[:COLOURS]),
    }
    return tuple((_HEADERS[name], value) for name in said.names if (value := values[name]()))


def encoded(image: Image, instead: Instead, background: tuple[int, int, int]) -> Encoded:
    """The placeholder that is sent instead of the picture."""
    sketch, size = Sketch(image, background), image.size
    match instead.what:
        case "blurhash":
            return Encoded(sketch.blurhash(instead.components).encode(), "blurhash", TEXT, size)
        case "thumbhash":
            return Encoded(sketch.thumbhash.encode(), "thumbhash", TEXT, size)
        case "lqip" if instead.data:
            return Encoded(sketch.data.encode(), "lqip", TEXT, size)
        case "lqip":
            return Encoded(sketch.tiny, "lqip", TRAITS["webp"].media_type, size)
    raise ValueError(f"{instead.what} is no placeholder")


def _webp(pixels: PixelArray, side: int, quality: int) -> bytes:
    size = Size(pixels.shape[1], pixels.shape[0])
    small = shrink(pixels, size.scaled(side / size.long_side)) if size.long_side > side else pixels
    small = to_bgr(small) if is_opaque(small) else small
    file = io.BytesIO()
    load_plugin("webp")
    to_picture(small).save(file, "WEBP", quality=quality, method=6, alpha_quality=quality, exact=False)
    return file.getvalue()


# BlurHash (https://github.com/woltapp/blurhash, Algorithm.md)


def blurhash(pixels: PixelArray, across: int, down: int) -> str:
    """The BlurHash of BGR pixels with that many components, each from 1 to 9: 4 + 2 × across × down characters."""
    linear = _LINEAR[pixels[:, :, ::-1]]
    factors = _waves(linear, across, down, half=0.0)
    factors[1:] *= 2
    constant, others = factors[0], factors[1:]
    steps = int(np.clip(np.floor(np.abs(others).max(initial=0.0) * 166 - 0.5), 0, 82))
    text = _digits(across - 1 + (down - 1) * 9, 1) + _digits(steps, 1) + _digits(_packed(_srgb(constant), 256), 4)
    levels = np.clip(np.floor(_root(others * 166 / (steps + 1)) * 9 + 9.5), 0, 18).astype(int)
    return text + "".join(_digits(_packed(level, 19), 2) for level in levels)


def _waves(values: Floats, across: int, down: int, half: float) -> Floats:
    """(down × across, channels): the means of (h, w, channels) under cosines, row by row, that of no wave first."""
    height, width = values.shape[:2]
    rows = np.cos(np.pi / height * np.outer(np.arange(down), np.arange(height) + half))
    columns = np.cos(np.pi / width * np.outer(np.arange(across), np.arange(width) + half))
    waves: Floats = np.tensordot(rows, np.tensordot(columns, values, (1, 1)), (1, 1))
    return np.asarray(waves.reshape(down * across, -1) / (height * width), np.float64)


def _packed(numbers: NDArray[np.int_], base: int) -> int:
    red, green, blue = (int(number) for number in numbers)
    return (red * base + green) * base + blue


def _digits(number: int, length: int) -> str:
    return "".join(_DIGITS[number // 83**place % 83] for place in reversed(range(length)))


def _root(values: Floats) -> Floats:
    result: Floats = np.sign(values) * np.sqrt(np.abs(values))
    return result


def _srgb(linear: Floats) -> NDArray[np.int_]:
    value = linear.clip(0, 1)
    curve = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    return (curve * 255 + 0.5).astype(int)


def _linear() -> Floats:
    value = np.arange(256) / 255
    curve: Floats = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return curve


_LINEAR = _linear()


# ThumbHash (https://github.com/evanw/thumbhash)


def thumbhash(pixels: PixelArray) -> bytes:
    """The ThumbHash of BGRA pixels, at most 100 a side: up to 25 bytes."""
    height, width = pixels.shape[:2]
    alpha = pixels[:, :, 3:] / 255
    weight = alpha.sum()
    mean = (pixels[:, :, :3] * alpha).sum(axis=(0, 1)) / (255 * weight) if weight else np.zeros(3)
    see_through = bool((pixels[:, :, 3] < 255).any())
    blue, green, red = np.moveaxis(mean * (1 - alpha) + alpha * pixels[:, :, :3] / 255, 2, 0)
    most = 5 if see_through else 7
    across, down = (max(1, _rounded(most * side / max(width, height))) for side in (width, height))
    light = _Channel((red + green + blue) / 3, max(3, across), max(3, down))
    yellow, tint = _Channel((red + green) / 2 - blue, 3, 3), _Channel(red - green, 3, 3)
    channels, landscape = [light, yellow, tint], width > height
    head = (
        _rounded(63 * light.constant) | _rounded(31.5 + 31.5 * yellow.constant) << 6
        | _rounded(31.5 + 31.5 * tint.constant) << 12 | _rounded(31 * light.scale) << 18 | see_through << 23
        | (down if landscape else across) << 24 | _rounded(63 * yellow.scale) << 27 | _rounded(63 * tint.scale) << 33
        | landscape << 39
    )  # fmt: skip
    result = bytearray(head.to_bytes(5, "little"))
    if see_through:
        opacity = _Channel(alpha[:, :, 0], 5, 5)
        result.append(_rounded(15 * opacity.constant) | _rounded(15 * opacity.scale) << 4)
        channels.append(opacity)
    levels = [level for channel in channels for level in channel.levels]
    levels += [0] * (len(levels) % 2)
    result += bytes(low | high << 4 for low, high in zip(levels[::2], levels[1::2], strict=True))
    return bytes(result)


class _Channel:
    """A channel as its mean, the strength of its waves, and each of them in 16 levels of that."""

    def __init__(self, values: Floats, across: int, down: int) -> None:
        waves = _waves(values[:, :, np.newaxis], across, down, half=0.5).reshape(down, across)
        kept = [waves[y, x] for y in range(down) for x in range(across) if x * down < across * (down - y)]
        self.constant, *others = map(float, kept)
        self.scale = max(map(abs, others), default=0.0)
        self.levels = [_rounded(7.5 + 7.5 * wave / self.scale) if self.scale else 0 for wave in others]


def _rounded(value: float) -> int:
    return int(np.floor(value + 0.5))
