"""Placeholders in the headers of the picture that they stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from ..instead import BESIDE, Beside, Components, Said
from ..output import Output
from ..registry import operation
from ..words import Grid, Words


@operation("placeholder", example="placeholder:blurhash:color", scaling="commutes")
def placeholder(
    output: Output,
    which: Annotated[tuple[Beside, ...], Words(BESIDE)],
    components: Annotated[Components | None, Grid(9)] = None,
) -> Output:
    """Say in headers what may be shown until the picture is there.

    `blurhash` is X-Blurhash, with `components` as of `format`; `thumbhash` is X-Thumbhash, in Base64; `color`, the main
    colour, is X-Dominant-Color (`#rrggbb`); `palette` is X-Palette, up to six colours, the most frequent first. Several
    have `:` between them, and several steps add up. They are of the first frame of what is sent, as it is sent; reports
    (`info` and the like) have none, but say the same as JSON where they are asked for `placeholders`.
    """
    names = tuple(name for name in BESIDE if name in (*output.said.names, *which))
    return replace(output, said=Said(names, components or output.said.components))
