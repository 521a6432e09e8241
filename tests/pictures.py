"""Test pictures, built in code: arrays as the pipeline carries them, and files as cameras and browsers send them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from transforms.image import Frame, Image, PixelArray

RED, GREEN, BLUE, YELLOW = (20, 20, 220), (20, 180, 20), (220, 20, 20), (20, 220, 230)  # BGR


def quadrants(width: int = 60, height: int = 40) -> PixelArray:
    """BGR: red, green over blue, yellow. Shows every wrong turn and flip."""
    pixels = np.empty((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left], pixels[:top, left:] = RED, GREEN
    pixels[top:, :left], pixels[top:, left:] = BLUE, YELLOW
    return pixels


def corners(pixels: PixelArray) -> list[str]:
    """Names of the colours in the middle of the four quadrants, in reading order; other colours are their hex text."""
    height, width = pixels.shape[:2]
    places = [(y, x) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [_name(pixels[y, x, :3].astype(int)) for y, x in places]


def _name(colour: Any) -> str:
    for name, known in zip(("red", "green", "blue", "yellow"), (RED, GREEN, BLUE, YELLOW), strict=True):
        if np.abs(colour - known).max() <= 40:
            return name
    return bytes(colour[::-1].tolist()).hex()


def gradient(width: int = 64, height: int = 48, channels: int = 3) -> PixelArray:
    """Smooth in every channel, no two alike; of four channels the last runs from clear (left) to opaque (right)."""
    across = np.linspace(0, 255, width)[np.newaxis, :].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, np.newaxis].repeat(width, 1)
    planes = [across, down, 255 - (across + down) / 2, across]
    return np.dstack(planes[:channels]).round().astype(np.uint8)


def noise(width: int = 64, height: int = 48, channels: int = 3, seed: int = 1) -> PixelArray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def checks(width: int = 64, height: int = 48, side: int = 8) -> PixelArray:
    """Gray (h, w, 1): black and white squares."""
    y, x = np.mgrid[:height, :width] // side
    gray: PixelArray = ((x + y) % 2 * 255).astype(np.uint8)
    return gray[:, :, np.newaxis]


def photo(width: int = 640, height: int = 480, seed: int = 1) -> PixelArray:
    """BGR with detail at every scale, which compresses about as a photograph does."""
    pixels = np.zeros((height, width, 3), np.float32)
    for step in (2, 8, 32, 128):
        rough = noise(max(2, width // step), max(2, height // step), 3, seed + step).astype(np.float32)
        pixels += cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC) * (step / 170)
    return pixels.clip(0, 255).astype(np.uint8)


def image(*frames: PixelArray, duration_ms: int = 80, loop: int = 0) -> Image:
    """A picture of these arrays; durations only where there is more than one, each 10 ms longer than the one before."""
    moving = len(frames) > 1
    return Image(
        tuple(Frame(pixels, duration_ms + 10 * index if moving else 0) for index, pixels in enumerate(frames)), loop
    )


def animated(width: int = 48, height: int = 32, frames: int = 2, channels: int = 3) -> Image:
    """A bar that walks over a gradient; clear around it where there are four channels."""
    return image(*(_with_bar(gradient(width, height, channels), index, frames) for index in range(frames)))


def _with_bar(pixels: PixelArray, index: int, frames: int) -> PixelArray:
    width = pixels.shape[1]
    if pixels.shape[2] == 4:
        pixels[:, :, 3] = 0
    left = index * width // frames
    pixels[:, left : left + max(1, width // frames), :] = (RED[0], RED[1], RED[2], 255)[: pixels.shape[2]]
    return pixels


def kinds() -> dict[str, Image]:
    """One picture of each kind that every operation must take, by name."""
    return {
        "gray": image(gradient(64, 48, 1)),
        "bgr": image(gradient(64, 48, 3)),
        "bgra": image(gradient(64, 48, 4)),
        "animated": animated(),
        "animated-alpha": animated(channels=4),
        "odd": image(gradient(61, 37, 3)),
        "1x1": image(np.full((1, 1, 3), 90, np.uint8)),
        "1xN": image(gradient(1, 50, 3)),
    }


def pillow(pixels: PixelArray) -> Pillow.Image:
    """The same pixels as Pillow holds them."""
    code = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}.get(pixels.shape[2])
    return Pillow.fromarray(pixels[:, :, 0] if code is None else cv2.cvtColor(pixels, code))


def pixels(picture: Pillow.Image) -> PixelArray:
    """Pillow's picture of mode L, RGB or RGBA as the pipeline carries it."""
    array = np.asarray(picture)
    if array.ndim == 2:
        return array[:, :, np.newaxis]
    return np.asarray(cv2.cvtColor(array, cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA), np.uint8)


def file(pixels: PixelArray | Pillow.Image, format: str, *, orientation: int = 1, **options: Any) -> bytes:  # noqa: A002
    """An encoded file; options are those of Pillow's `save`.

    An orientation goes into the EXIF as it is: it says how the stored pixels are to be turned.
    """
    picture = pixels if isinstance(pixels, Pillow.Image) else pillow(pixels)
    if orientation != 1:
        options["exif"] = exif(orientation)
    body = io.BytesIO()
    picture.save(body, format, **options)
    return body.getvalue()


def animation(image: Image, format: str, **options: Any) -> bytes:  # noqa: A002
    """An animated file of a picture with several frames."""
    first, *rest = (pillow(frame.pixels) for frame in image.frames)
    durations = [frame.duration_ms for frame in image.frames]
    return file(first, format, save_all=True, append_images=rest, duration=durations, loop=image.loop, **options)


def exif(orientation: int, **more: Any) -> Pillow.Exif:
    """EXIF with an orientation, and with a GPS position that must never leave the house."""
    data = Pillow.Exif()
    data[0x0112] = orientation
    data[0x010E] = more.get("description", "SECRET-DESCRIPTION")
    data.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return data


_SRGB_COLOURANTS = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))  # XYZ, for D50


def profile(order: str = "RGB", *, gamma: float = 0.0, name: str = "made for a test", space: str = "RGB ") -> bytes:
    """An ICC profile of sRGB's colours, its channels in another order, or its curve a power; gray with space "GRAY"."""
    curve = struct.pack(">4sIIH", b"curv", 0, 1, round(gamma * 256)) if gamma else _srgb_curve()
    tags = {b"desc": struct.pack(">4sII", b"desc", 0, len(name) + 1) + name.encode() + bytes(79)}
    tags[b"wtpt"] = _xyz(0.9642, 1.0, 0.8249)
    if space == "GRAY":
        tags[b"kTRC"] = curve
    for channel, colour in zip("rgb", order, strict=True) if space == "RGB " else ():
        tags[f"{channel}XYZ".encode()] = _xyz(*_SRGB_COLOURANTS["RGB".index(colour)])
        tags[f"{channel}TRC".encode()] = curve
    return _assembled(tags, space)


def ink_profile(name: str = "inks made for a test") -> bytes:
    """An ICC profile of four inks, yellowish on paper and with black in place of equal parts, by tables both ways."""
    inks = np.stack(np.meshgrid(*[np.linspace(0, 1, 7)] * 4, indexing="ij"), -1).reshape(1, -1, 4)
    light = (1 - inks[:, :, :3]) * (1 - inks[:, :, 3:]) * _PAPER
    lab = np.stack(np.meshgrid(*[np.arange(0, 256, 255 / 32)] * 3, indexing="ij"), -1).reshape(1, -1, 3)
    wanted = cv2.cvtColor(_lab_numbers(lab), cv2.COLOR_Lab2RGB).clip(0.0, 1.0) / _PAPER
    black = 1 - wanted.clip(0, 1).max(axis=2, keepdims=True)
    colours = 1 - wanted.clip(0, 1) / np.maximum(1 - black, 1e-6)
    tags = {
        b"desc": struct.pack(">4sII", b"desc", 0, len(name) + 1) + name.encode() + bytes(79),
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        b"A2B0": _table(4, 3, 7, _lab_bytes(cv2.cvtColor(light.astype(np.float32), cv2.COLOR_RGB2Lab))),
        b"B2A0": _table(3, 4, 33, (np.dstack([colours, black]).clip(0, 1) * 255).round().astype(np.uint8)),
    }
    data = bytearray(_assembled(tags, "CMYK"))
    data[12:16], data[20:24] = b"prtr", b"Lab "
    return bytes(data)


_PAPER = np.array([1.0, 0.97, 0.9])


def _lab_numbers(stored: Any) -> Any:
    return (stored * [100 / 255, 1, 1] - [0, 128, 128]).astype(np.float32)


def _lab_bytes(lab: Any) -> PixelArray:
    stored: PixelArray = (lab * [255 / 100, 1, 1] + [0, 128, 128]).round().clip(0, 255).astype(np.uint8)
    return stored


def _table(inputs: int, outputs: int, grid: int, values: PixelArray) -> bytes:
    ramp, identity = bytes(range(256)), (65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    header = struct.pack(">4sIBBBB9i", b"mft1", 0, inputs, outputs, grid, 0, *identity)
    return header + ramp * inputs + values.tobytes() + ramp * outputs


def _srgb_curve() -> bytes:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.linspace(0, 1, 1024)]
    return struct.pack(">4sII1024H", b"curv", 0, 1024, *(round(v * 65535) for v in linear))


def _xyz(*values: float) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65536) for value in values))


def _assembled(tags: dict[bytes, bytes], space: str) -> bytes:
    table, data = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s12s4s", start + len(data), b"", 0x02400000, b"mntr", space.encode(), b"XYZ ",
                         bytes(12), b"acsp").ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)  # fmt: skip
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def png(width: int, depth: int, colour_type: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG by hand, one filter byte before each row."""
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, payload) for kind, payload in ((b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b""))
    )


def chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


Part = tuple[int, int, list[list[int]], int, int | None]


def gif(size: tuple[int, int], parts: list[Part], loop: int | None) -> bytes:
    """A GIF of four colours by hand: x, y, rows of indices, disposal, transparent index of each part."""
    body = b"GIF89a" + struct.pack("<HHBBB", *size, 0x81, 0, 0) + bytes([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    if loop is not None:
        body += b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loop) + b"\0"
    for x, y, rows, disposal, clear in parts:
        body += b"!\xf9\x04" + struct.pack("<BHBB", disposal << 2 | (clear is not None), 5, clear or 0, 0)
        body += b"," + struct.pack("<HHHHB", x, y, len(rows[0]), len(rows), 0) + b"\x02" + blocks(rows)
    return body + b";"


def blocks(rows: list[list[int]]) -> bytes:
    """LZW that clears its table before every pixel, so that all codes have three bits."""
    codes = [code for row in rows for index in row for code in (4, index)] + [5]
    packed = sum(code << 3 * place for place, code in enumerate(codes)).to_bytes(-(-3 * len(codes) // 8), "little")
    return bytes([len(packed)]) + packed + b"\0"
