"""BlurHash, ThumbHash and tiny pictures: the very texts of the usual packages, for any picture."""

from __future__ import annotations

import inspect
import io
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import blurhash as blurhash_oracle
import numpy as np
import pytest
import thumbhash as thumbhash_oracle
from PIL import Image as Pillow

from transforms.encode import encode
from transforms.geometry import flipped
from transforms.image import Frame, Image, PixelArray, Size, Swatch
from transforms.instead import Instead, Said
from transforms.modes import to_bgra
from transforms.output import Client, Output
from transforms.placeholders import TINY_BYTES, TINY_SIDE, Sketch, blurhash, headers, summary, thumbhash
from transforms.resample import shrink

from . import pictures
from .steps import plain

PHOTO = pictures.photo(96, 72)
SHAPES = [(1, 1), (1, 17), (17, 1), (7, 5), (64, 48), (48, 64), (100, 100), (100, 3)]


def image(pixels: PixelArray) -> Image:
    return Image((Frame(pixels),))


def sized(width: int, height: int, channels: int = 3) -> PixelArray:
    return pictures.photo(width, height) if channels == 3 else pictures.noise(width, height, channels)


@pytest.mark.filterwarnings("ignore:Image.Image.getdata is deprecated")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("components", [(1, 1), (4, 3), (3, 4), (9, 9), (1, 9)], ids=str)
def test_a_blurhash_is_that_of_its_inventors(shape: tuple[int, int], components: tuple[int, int]) -> None:
    pixels = pictures.noise(*shape)
    told = blurhash_oracle.encode(Pillow.fromarray(pixels[:, :, ::-1]), *components)
    assert blurhash(pixels, *components) == told
    assert len(told) == 4 + 2 * components[0] * components[1]


@pytest.mark.filterwarnings("ignore:Image.Image.getdata is deprecated")
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (30, 200, 120), (1, 1, 1)])
def test_a_blurhash_of_one_colour(colour: tuple[int, int, int]) -> None:
    pixels = np.full((9, 12, 3), colour, np.uint8)
    assert blurhash(pixels, 4, 3) == blurhash_oracle.encode(Pillow.fromarray(pixels[:, :, ::-1]), 4, 3)


@cache
def thumbhash_of_the_package() -> Callable[..., list[int]]:
    """Its function, with the parentheses without which release 0.1.2 fails for what is transparent."""
    source = inspect.getsource(thumbhash_oracle.rgba_to_thumb_hash)
    mended = source.replace("if has_alpha else 1.0, [], 1.0", "if has_alpha else (1.0, [], 1.0)")
    names = dict(vars(thumbhash_oracle))
    exec(mended, names)  # noqa: S102 - a package that is installed for this
    function: Callable[..., list[int]] = names["rgba_to_thumb_hash"]
    return function


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_thumbhash_is_that_of_the_package(shape: tuple[int, int], channels: int) -> None:
    pixels = to_bgra(pictures.noise(*shape, channels))
    rgba = pixels[:, :, [2, 1, 0, 3]].ravel().tolist()
    assert thumbhash(pixels) == bytes(thumbhash_of_the_package()(*shape, rgba))


def test_a_thumbhash_keeps_transparency() -> None:
    clear = thumbhash(np.zeros((20, 30, 4), np.uint8))
    assert thumbhash_oracle.thumb_hash_to_average_rgba(list(clear))[3] == 0
    half = to_bgra(plain(30, 20, 10, 20, 200).frames[0].pixels).copy()
    half[:, 15:, 3] = 0
    assert thumbhash_oracle.thumb_hash_to_average_rgba(list(thumbhash(half)))[3] == pytest.approx(0.5, abs=0.05)


def test_the_sketch_is_small_and_made_once() -> None:
    sketch = Sketch(image(pictures.photo(640, 480)))
    assert sketch.pixels.shape == (75, 100, 3)
    assert sketch.blurhash() == blurhash(shrink(pictures.photo(640, 480), Size(100, 75)), 4, 3)
    assert sketch.tiny is sketch.tiny


@pytest.mark.parametrize(("shape", "size_flag"), [((60, 40), "L"), ((40, 60), "T"), ((40, 40), "L")])
def test_most_components_lie_along_the_longer_side(shape: tuple[int, int], size_flag: str) -> None:
    assert Sketch(image(pictures.photo(*shape))).blurhash()[0] == size_flag


def test_what_is_transparent_is_white_in_a_blurhash_or_what_is_said() -> None:
    clear = image(np.zeros((20, 30, 4), np.uint8))
    assert Sketch(clear).blurhash((1, 1)) == blurhash(np.full((20, 30, 3), 255, np.uint8), 1, 1)
    red = Sketch(clear, (255, 0, 0)).blurhash((1, 1))
    assert red == blurhash(np.full((20, 30, 3), (0, 0, 255), np.uint8), 1, 1)


@pytest.mark.parametrize("pixels", [
    PHOTO, pictures.photo(800, 600), pictures.noise(300, 300), pictures.noise(32, 32, 4), pictures.noise(200, 10, 4),
    pictures.gradient(64, 48, 4), pictures.noise(5, 5, 1), pictures.noise(1, 1), pictures.noise(1, 500),
], ids=lambda pixels: str(pixels.shape))  # fmt: skip
def test_the_tiny_picture_is_small_in_every_way(pixels: PixelArray) -> None:
    body = Sketch(image(pixels)).tiny
    assert len(body) <= TINY_BYTES
    opened = Pillow.open(io.BytesIO(body))
    assert opened.format == "WEBP"
    assert max(opened.size) <= TINY_SIDE
    assert opened.mode == ("RGBA" if pixels.shape[2] == 4 else "RGB")


def test_the_tiny_picture_looks_like_the_picture() -> None:
    opened = np.asarray(Pillow.open(io.BytesIO(Sketch(image(PHOTO)).tiny)).convert("RGB"))[:, :, ::-1]
    assert opened.shape == (24, 32, 3)
    assert np.abs(opened.astype(int) - shrink(PHOTO, Size(32, 24))).mean() < 12


def test_another_picture_has_other_placeholders() -> None:
    one, other = image(PHOTO), flipped(image(PHOTO), horizontal=True, vertical=False)
    first, second = (summary(Sketch(of), ()) for of in (one, other))
    assert all(first[name] != second[name] for name in ("blurhash", "thumbhash", "lqip"))
    assert first == summary(Sketch(one), ())


SWATCHES = tuple(Swatch(f"#00000{n}", "black", 0.1) for n in range(8))


def test_the_summary() -> None:
    said = summary(Sketch(image(PHOTO)), SWATCHES)
    assert list(said) == ["blurhash", "thumbhash", "lqip", "color", "palette"]
    assert said["color"] == "#000000"
    assert said["palette"] == [f"#00000{n}" for n in range(6)]
    assert str(said["lqip"]).startswith("data:image/webp;base64,")
    nothing = summary(Sketch(image(np.zeros((4, 4, 4), np.uint8))), ())
    assert (nothing["color"], nothing["palette"]) == (None, [])


def test_headers_are_short_and_plain() -> None:
    said = headers(Said(("blurhash", "thumbhash", "color", "palette"), (9, 9)), Sketch(image(PHOTO)), SWATCHES)
    assert [name for name, _ in said] == ["X-Blurhash", "X-Thumbhash", "X-Dominant-Color", "X-Palette"]
    for _, value in said:
        assert value.isascii()
        assert value.isprintable()
        assert value == value.strip()
        assert len(value) <= 166
    assert headers(Said(("color",)), Sketch(image(PHOTO)), ()) == ()


@pytest.mark.parametrize(
    ("instead", "media_type", "said"),
    [
        (Instead("blurhash"), "text/plain; charset=utf-8", lambda s: s.blurhash().encode()),
        (Instead("blurhash", (2, 2)), "text/plain; charset=utf-8", lambda s: s.blurhash((2, 2)).encode()),
        (Instead("thumbhash"), "text/plain; charset=utf-8", lambda s: s.thumbhash.encode()),
        (Instead("lqip"), "image/webp", lambda s: s.tiny),
        (Instead("lqip", data=True), "text/plain; charset=utf-8", lambda s: s.data.encode()),
    ],
)
def test_what_is_sent_instead(instead: Instead, media_type: str, said: object) -> None:
    moving = replace(image(PHOTO), frames=(Frame(PHOTO, 80), Frame(pictures.noise(96, 72), 80)))
    encoded = encode(moving, Output("gif", instead=instead), None, Client())
    assert (encoded.format, encoded.media_type, encoded.size) == (instead.what, media_type, Size(96, 72))
    assert encoded.body == said(Sketch(image(PHOTO)))  # type: ignore[operator]
    if instead.data:
        assert b64decode(encoded.body.partition(b",")[2]) == Sketch(image(PHOTO)).tiny
