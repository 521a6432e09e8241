"""How the result leaves: format, quality and what else does not touch a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

OutputFormat = Literal["jpeg", "png", "webp", "gif", "avif"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = ("jpeg", "png", "webp", "gif", "avif")


@dataclass(frozen=True, slots=True)
class FormatTraits:
    """What a format can hold."""

    media_type: str
    alpha: bool
    animation: bool


TRAITS: dict[OutputFormat, FormatTraits] = {
    "jpeg": FormatTraits("image/jpeg", alpha=False, animation=False),
    "png": FormatTraits("image/png", alpha=True, animation=True),
    "webp": FormatTraits("image/webp", alpha=True, animation=True),
    "gif": FormatTraits("image/gif", alpha=True, animation=True),
    "avif": FormatTraits("image/avif", alpha=True, animation=True),
}


@dataclass(frozen=True, slots=True)
class Output:
    """What the steps say about encoding.

    `format` None keeps the source's family, "auto" picks by what the client accepts. `quality` is 1 to 100, None for
    the format's own default. `background` (red, green, blue) is shown through where the format has no alpha.
    """

    format: OutputFormat | Literal["auto"] | None = None
    quality: int | None = None
    background: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Client:
    """What the client said of itself; only what the pipeline asks for gets into the cache key.

    `formats` that it takes; `dpr`, its pixels per CSS pixel; `width` in CSS pixels that it lays the picture out in, None
    where it did not say.
    """

    formats: frozenset[OutputFormat] = frozenset()
    dpr: float = 1.0
    width: int | None = None


@dataclass(frozen=True)
class Report:
    """A result that is JSON about the picture instead of the picture."""

    content: dict[str, Any]
