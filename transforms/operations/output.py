"""How the result leaves: format and quality."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from ..output import OUTPUT_FORMATS, Output
from ..params import Choice, Int, IntOr
from ..registry import operation

_Format = Choice((*OUTPUT_FORMATS, "auto"), aliases=(("jpg", "jpeg"),))


@operation("format", example="format:webp", scaling="commutes")
def format_(output: Output, type: Annotated[Any, _Format]) -> Output:  # noqa: A002 - the name in URLs
    """Choose the format of the result.

    `auto` takes the best that the client accepts: AVIF, WebP, or the family of the source. Without this step JPEG, PNG,
    WebP, GIF and AVIF keep their format; others become JPEG, or PNG where something is transparent.
    """
    return replace(output, format=type)


@operation("quality", example="quality:75", scaling="commutes")
def quality(output: Output, value: Annotated[int | str, IntOr(Int(1, 100), ("auto",))]) -> Output:
    """Choose the quality of lossy formats, from 1 to 100; `auto` is the default of each format."""
    return replace(output, quality=value if isinstance(value, int) else None)
