"""Fonts made in code, of which every length is known: an em is 1000 units, lines go from -200 to 800."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from transforms.letters import fonts

Boxes = Mapping[str, tuple[int, int, int, int]]
"""By character: left, bottom, right and top of the block that it is drawn as; it leads 600 units further."""

BLOCKS: Boxes = {"A": (100, 0, 500, 700), "B": (0, 0, 600, 500), " ": (0, 0, 0, 0), "j": (100, -200, 500, 400)}


def font(path: Path, family: str, boxes: Boxes = BLOCKS, weight: int = 400, italic: bool = False) -> Path:
    """A font file of a family, with these characters."""
    names = {character: f"uni{ord(character):04X}" for character in boxes}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap({ord(character): name for character, name in names.items()})
    glyphs = {".notdef": block(0, 0, 550, 600), **{names[one]: block(*box) for one, box in boxes.items()}}
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(
        {name: (600, glyph.xMin if glyph.numberOfContours else 0) for name, glyph in glyphs.items()}
    )
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    selection = 1 if italic else 64
    builder.setupOS2(
        sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200, usWeightClass=weight,
        fsSelection=selection, yStrikeoutPosition=350, yStrikeoutSize=100,
    )  # fmt: skip
    builder.setupPost(underlinePosition=-100, underlineThickness=100)
    builder.save(path)
    return path


def block(left: int, bottom: int, right: int, top: int) -> object:
    pen = TTGlyphPen(None)
    if right > left:
        pen.moveTo((left, bottom))
        for place in ((left, top), (right, top), (right, bottom)):
            pen.lineTo(place)
        pen.closePath()
    return pen.glyph()


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """The fonts of a folder first of all."""
    fonts.install([folder])
    try:
        yield
    finally:
        fonts.install([])


def wants(*families: str) -> None:
    """Skip a test that cannot mean anything without one of these."""
    if not set(families) & set(fonts.families()):
        pytest.skip(f"no font of {' or '.join(families)} is installed")
