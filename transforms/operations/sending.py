"""What the response says: whether it is saved as a file, how long it holds, and what is sent instead."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from ..output import Output
from ..registry import operation
from ..texts import FileName, PublicId


@operation("download", example="download:holiday.jpg", scaling="commutes")
def download(output: Output, name: Annotated[str, FileName()] | None = None) -> Output:
    """Have browsers save the result as a file instead of showing it.

    `name` is that of the file; the extension of its format is added where it has another. Without it the source gives
    the name. In a name `%2C` is a comma, `%3D` an equals sign and `%25` a percent sign (in a URL: `%252C` …).
    """
    return replace(output, download=name or "")


@operation("immutable", example="immutable", scaling="commutes")
def immutable(output: Output) -> Output:
    """Tell caches that the result never changes under its address, so that a reload does not ask again."""
    return replace(output, immutable=True)


@operation("fallback", example="fallback:products:none.png", scaling="commutes")
def fallback(output: Output, picture: Annotated[str, PublicId()]) -> Output:
    """Name the picture that is used where the source is missing: a public id, with `:` between folders."""
    return replace(output, fallback=picture)
