"""How the result leaves: format, quality and what else does not touch a pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from .image import Affine, Found, Image, Size, identity
from .instead import SILENT, Instead, Placeholder, Said

OutputFormat = Literal["jpeg", "png", "webp", "gif", "avif", "bmp", "tiff", "ico", "jp2"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = ("jpeg", "png", "webp", "gif", "avif", "bmp", "tiff", "ico", "jp2")
WEB_FORMATS: frozenset[OutputFormat] = frozenset({"jpeg", "png", "webp", "gif", "avif"})
"""What every browser shows: the others are only written where they are named."""
AUTO_FORMATS: tuple[OutputFormat, ...] = ("avif", "webp")
"""What "auto" may choose beside the formats that everybody takes, where the client names it."""
LOSSLESS: frozenset[OutputFormat] = frozenset({"png", "gif", "bmp", "tiff", "ico"})
"""Where quality changes nothing; but the colours of a PNG or GIF that is to be lossy."""

Chroma = Literal["420", "422", "444"]
Progressive = Literal["none", "semi", "steep"]
Inks = Literal["cmyk", "keep_cmyk", "copy"]
Compression = Literal["lzw", "deflate", "none"]
Kept = Literal["keep", "attribution"]
Level = Literal["best", "good", "eco", "low"]
"""How much is given up for fewer bytes where quality is measured."""


@dataclass(frozen=True, slots=True)
class FormatTraits:
    """What a format can hold; `profile`: of colours, ICC; `metadata`: EXIF and XMP; `inks`: CMYK."""

    media_type: str
    extension: str
    alpha: bool
    animation: bool
    profile: bool = True
    metadata: bool = True
    inks: bool = False


TRAITS: dict[OutputFormat, FormatTraits] = {
    "jpeg": FormatTraits("image/jpeg", "jpg", alpha=False, animation=False, inks=True),
    "png": FormatTraits("image/png", "png", alpha=True, animation=True),
    "webp": FormatTraits("image/webp", "webp", alpha=True, animation=True),
    "gif": FormatTraits("image/gif", "gif", alpha=True, animation=True, profile=False, metadata=False),
    "avif": FormatTraits("image/avif", "avif", alpha=True, animation=True),
    "bmp": FormatTraits("image/bmp", "bmp", alpha=False, animation=False, profile=False, metadata=False),
    "tiff": FormatTraits("image/tiff", "tif", alpha=True, animation=False, inks=True),
    "ico": FormatTraits("image/vnd.microsoft.icon", "ico", alpha=True, animation=False, profile=False, metadata=False),
    "jp2": FormatTraits("image/jp2", "jp2", alpha=True, animation=False, profile=False, metadata=False),
}


@dataclass(frozen=True, slots=True)
class Output:
    """What the steps say about encoding and sending.

    `format` None keeps the source's family, "auto" picks by what the client accepts. `quality` is 1 to 100, None for
    the format's own default; `level` how far it may be lowered until the picture no longer looks good enough. The
    file has at most `max_bytes`; `lossless` keeps every pixel in WebP. `background` (red, green, blue) is shown through
    where the format has no alpha. None or false elsewhere: nothing was said. `delay_ms` is how long each frame of an
    animation is shown, `png` the bits of a pixel, `profile` whether sRGB is named by an embedded profile. `download` is
    the name of the file, empty for that of the source; `fallback` the public id of what is sent where the source is
    missing. `instead` is what is sent instead of the picture, `said` what headers say beside it.
    """

    format: OutputFormat | Literal["auto"] | None = None
    quality: int | None = None
    level: Level | None = None
    max_bytes: int | None = None
    lossless: bool = False
    background: tuple[int, int, int] = (255, 255, 255)
    chroma: Chroma | None = None
    progressive: Progressive | None = None
    colorspace: Inks | None = None
    profile: bool = False
    png: Literal[8, 24, 32] | None = None
    lossy: bool = False
    compression: Compression = "lzw"
    metadata: Kept | None = None
    still: bool = False
    delay_ms: int | None = None
    download: str | None = None
    immutable: bool = False
    fallback: str | None = None
    instead: Instead | None = None
    said: Said = SILENT


@dataclass(frozen=True, slots=True)
class Client:
    """What the client said of itself; only what the pipeline asks for gets into the cache key.

    `formats` that it takes; `dpr`, its pixels per CSS pixel; `width` that it lays the picture out in, None where it did
    not say: in pixels of its screen, but in CSS pixels where the pipeline asks for `dpr` too.
    """

    formats: frozenset[OutputFormat] = frozenset()
    dpr: float = 1.0
    width: int | None = None
    save_data: bool = False  # it asked for fewer bytes


@dataclass(frozen=True)
class Encoded:
    """A file and what a response says about it."""

    body: bytes
    format: OutputFormat | Placeholder
    media_type: str
    size: Size
    degraded: tuple[str, ...] = ()  # what there was no time for


@dataclass(frozen=True)
class Report:
    """A result that is JSON about the picture instead of the picture."""

    content: dict[str, Any]


@dataclass(frozen=True)
class Encoding:
    """For reports about the file that the picture would be: `write` encodes it as the steps say."""

    write: Callable[[Image], Encoded]


@dataclass(frozen=True)
class Past:
    """For reports: the kinds that earlier steps asked detectors for, and the faces that they saw, in fractions of the
    picture at this step. `began` is the picture's `from_source` as it was read."""

    kinds: frozenset[str] = frozenset()
    faces: Found = field(default_factory=Found)
    began: Affine = field(default_factory=identity)
