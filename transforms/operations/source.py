"""How the source is read, wherever the step stands: which pages, and which way up."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from ..input import Input, Pages
from ..registry import operation


@operation("page", example="page:2", scaling="commutes")
def page(source: Input, pages: Annotated[Any, Pages()]) -> Input:
    """Choose pages of a TIFF or HEIC, or frames of an animation, counted from 1.

    `page:3` is one still picture; `page:2-4;6` of an animation are these frames. Several pages of other files become an
    animation where the result is in a format that moves, and is named (`format:webp`) or `auto`; else the first of them
    is taken. They must be of one size then (422 `pages-differ`). A page that is not there is a 404 `page-not-found`.
    Of a JPEG only the first picture counts. It is the source that is read so: where the step stands does not matter.
    """
    return replace(source, pages=pages)


@operation("orientation", example="orientation:ignore", scaling="commutes")
def orientation(source: Input, how: Literal["ignore", "apply"]) -> Input:
    """Say whether the picture is turned as its EXIF orientation says; `ignore` keeps the pixels as they are stored.

    Without this step it is turned. All other steps work on the picture as it is read, wherever this one stands. HEIC is
    turned by its container, not by EXIF, and stays upright.
    """
    return replace(source, upright=how == "apply")
