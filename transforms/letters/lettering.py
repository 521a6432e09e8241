"""Texts as pictures: Unicode in any script, wrapped, aligned and adorned, with the fonts that are there.

Shaped and drawn by HarfBuzz, FriBidi and FreeType through Pillow. Hinting is FreeType's own, which Pillow cannot
change: `hinting` has no effect, and `antialias` only knows `none` and all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from typing import cast

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from ..blending import blended
from ..failure import Failure, Kind
from ..hues import Colour
from ..image import PixelArray
from ..places import MAX_SIDE
from . import fonts
from .emoji import emoji_of
from .faces import opened, rules, unreadable
from .fonts import Style
from .lines import Line, Run, advance, emoji_in, lines_of, spaced
from .writing import MOST_INK, MOST_PIXELS, Writing

SLANT = 0.21  # of letters that are slanted because the family has no italic: 12 degrees
BOLDER = 0.018  # ems that the outline of letters moves out where the family has no bold: FreeType's is 1/24 in all


@lru_cache(maxsize=4)
def drawn(writing: Writing) -> PixelArray:
    """The text as BGRA with straight alpha, read-only: as large as its ink, or with `trim=False` as its lines.

    Where it has no ink, it is as large as its lines, and transparent. Raises Failure unknown-font, unreadable-font,
    text-too-large with the bounds, no-text-shaping.
    """
    try:
        pixels = _sheet(writing).picture()
    except OSError:  # of FreeType, for a letter that is damaged in a font that could be opened
        raise unreadable(writing.font) from None
    pixels.setflags(write=False)
    return pixels


def _sheet(writing: Writing) -> _Sheet:
    block = _block(writing)
    sheet = _Sheet(block, writing)
    for line, left, base in block.places(writing):
        sheet.write(line, left, base)
    return sheet


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines under each other: `ascent` and `descent` of each, and the distance from one base line to the next."""

    lines: tuple[Line, ...]
    ascent: int
    descent: int
    pitch: float
    width: float
    margin: int  # room around the lines for what sticks out of them

    @property
    def height(self) -> int:
        return max(1, ceil(self.ascent + self.descent + (len(self.lines) - 1) * self.pitch))  # damaged fonts say less

    def places(self, writing: Writing) -> list[tuple[Line, float, float]]:
        """Each line with the left end of its base line."""
        places = []
        for index, line in enumerate(self.lines):
            left = _share(line, writing) * (self.width - line.width)
            places.append((line, self.margin + left, float(self.margin + round(self.ascent + index * self.pitch))))
        return places


def _block(writing: Writing) -> _Block:
    style = fonts.find(writing.font, writing.weight, writing.italic)
    ascent, descent = _metrics(style, writing.size)
    pitch = max(0.0, ascent + descent + writing.line_spacing)
    lines = tuple(lines_of(writing, pitch, ascent + descent))
    width = max(line.width for line in lines)
    block = _Block(lines, ascent, descent, pitch, width, ceil(writing.size / 2 + writing.stroke) + 2)
    _check_size(ceil(width), block.height, block.margin)
    _check_ink(lines, writing)
    return block


def _metrics(style: Style, size: float) -> tuple[int, int]:
    """How far a line goes above and below its base line."""
    own = style.face.strikes[-1] if style.face.strikes else size
    ascent, descent = opened(style.face, own, style.weight).getmetrics()
    return ceil(ascent * size / own), ceil(descent * size / own)


def _check_size(width: int, height: int, margin: int) -> None:
    if max(width, height) > MAX_SIDE or (width + 2 * margin) * (height + 2 * margin) > MOST_PIXELS:
        raise Failure(
            Kind.BAD_REQUEST, "text-too-large",
            f"the text needs {width}x{height} pixels: more than {MAX_SIDE} a side, or than"
            f" {MOST_PIXELS / 1e6:g} megapixels with what may stick out of its lines",
            hint="make the letters smaller, or wrap the text in a box",
            details={"width": width, "height": height, "maximum_side": MAX_SIDE, "maximum_pixels": MOST_PIXELS},
        )  # fmt: skip


def _check_ink(lines: tuple[Line, ...], writing: Writing) -> None:
    """Letters, and wide strokes, may lie over each other: each is drawn, however small the whole is."""
    letters = sum(len(run.text) for line in lines for run in line.runs)
    if letters * (writing.size + 2 * writing.stroke) ** 2 > MOST_INK:
        raise Failure(
            Kind.BAD_REQUEST, "text-too-large",
            f"{letters} letters of {writing.size:g} px with a stroke of {writing.stroke:g} px need more than"
            f" {MOST_INK / 1e6:g} megapixels, if they are counted one by one",
            hint="make the letters smaller, or the stroke", details={"letters": letters, "maximum_pixels": MOST_INK},
        )  # fmt: skip


def _share(line: Line, writing: Writing) -> float:
    """How much of what a line leaves free lies on its left."""
    if writing.align in ("left", "right", "center"):
        return {"left": 0.0, "right": 1.0, "center": 0.5}[writing.align]
    return float(line.backward != (writing.align == "end"))


class _Sheet:
    """What is drawn so far: how much each pixel is covered by letters and by their outlines, and coloured pictures."""

    def __init__(self, block: _Block, writing: Writing) -> None:
        self.writing = writing
        self.block = block
        size = ceil(block.width) + 2 * block.margin, block.height + 2 * block.margin
        self.letters = _Mask(size, writing)
        self.outlines = _Mask(size, writing) if writing.stroke else None
        self.pictures: list[tuple[PixelArray, int, int]] = []

    def write(self, line: Line, left: float, base: float) -> None:
        self._rule(line, left, base)
        for run in line.runs:
            width = advance(run, self.writing)
            if run.style.face.strikes:
                self._paste(run, left, base)
            elif self.writing.letter_spacing and not run.joined:
                at = left
                for cluster, step in spaced(run, self.writing):
                    self._letters(cluster, run, at, base)
                    at += step
            else:
                self._letters(run.text, run, left, base)
            left += width + run.gap

    def _letters(self, text: str, run: Run, left: float, base: float) -> None:
        bolder = BOLDER * self.writing.size if run.style.bold else 0.0
        self.letters.write(text, run, left, base, bolder)
        if self.outlines:
            self.outlines.write(text, run, left, base, bolder + self.writing.stroke)

    def _paste(self, run: Run, left: float, base: float) -> None:
        for cluster, step in emoji_in(run, self.writing):
            emoji = emoji_of(cluster, run.style.face, self.writing.size)
            self.pictures.append((emoji.pixels, round(left + emoji.left), round(base + emoji.top)))
            left += step

    def _rule(self, line: Line, left: float, base: float) -> None:
        """Underline and strike, as the font that was asked for wants them."""
        if not (self.writing.underline or self.writing.strikethrough) or not line.runs:
            return
        face = fonts.find(self.writing.font, self.writing.weight, self.writing.italic).face
        own, size = rules(face), self.writing.size
        for wanted, (middle, thick) in (
            (self.writing.underline, own.underline), (self.writing.strikethrough, own.strikethrough),
        ):  # fmt: skip
            if wanted:
                high = max(1, round(thick * size))
                top = round(base - middle * size - high / 2)
                for mask, more in ((self.letters, 0.0), (self.outlines, self.writing.stroke)):
                    if mask:
                        mask.rule(left - more, top - more, left + line.width + more, top + high + more)

    def picture(self) -> PixelArray:
        """All of it in colours, as large as it is wanted."""
        left, top, right, bottom = self._extent()
        layers: list[PixelArray] = []
        if self.outlines:
            layers.append(_tinted(self.outlines.pixels[top:bottom, left:right], self.writing.stroke_color))
        layers.append(_tinted(self.letters.pixels[top:bottom, left:right], self.writing.color))
        if self.pictures:
            layers.append(self._pictures()[top:bottom, left:right])
        if self.writing.background.alpha:
            whole = np.full((bottom - top, right - left), 255, np.uint8)
            layers.insert(0, _tinted(whole, self.writing.background))
        result = layers[0]
        for layer in layers[1:]:
            result = blended(result, layer)
        return result

    def _pictures(self) -> PixelArray:
        canvas = np.zeros((*self.letters.pixels.shape, 4), np.uint8)
        for pixels, left, top in self.pictures:
            rows = slice(max(0, top), max(0, top + pixels.shape[0]))
            columns = slice(max(0, left), max(0, left + pixels.shape[1]))
            part = canvas[rows, columns]
            shown = pixels[rows.start - top :, columns.start - left :][: part.shape[0], : part.shape[1]]
            part[:] = blended(part, shown)
        return canvas

    def _extent(self) -> tuple[int, int, int, int]:
        """What is kept: the ink, the lines, or both."""
        block = self.block
        spots = [cv2.boundingRect(self.letters.pixels)]
        if self.outlines:
            spots.append(cv2.boundingRect(self.outlines.pixels))
        if self.pictures:
            spots.append(cv2.boundingRect(np.ascontiguousarray(self._pictures()[:, :, 3])))
        boxes = [(x, y, x + width, y + height) for x, y, width, height in spots if width and height]
        if not boxes or not self.writing.trim:
            lefts = [left for _, left, _ in block.places(self.writing)]
            rights = [left + line.width for line, left, _ in block.places(self.writing)]
            top, left = block.margin, floor(min(lefts))
            boxes.append((left, top, max(left + 1, ceil(max(rights))), top + max(1, block.height)))
        lefts_, tops, rights_, bottoms = zip(*boxes, strict=True)
        return min(lefts_), min(tops), max(rights_), max(bottoms)


class _Mask:
    """How much of each pixel is covered, 0 to 255."""

    def __init__(self, size: tuple[int, int], writing: Writing) -> None:
        self._picture = Pillow.new("L", size)
        self._draw = ImageDraw.Draw(self._picture)
        self._mode = "1" if writing.antialias == "none" else "L"
        self._draw.fontmode = self._mode
        self._size = writing.size

    @property
    def pixels(self) -> PixelArray:
        return np.asarray(self._picture, np.uint8)

    def write(self, text: str, run: Run, left: float, base: float, outline: float) -> None:
        """Letters from the pen at the left end of the base line, `outline` pixels larger all around."""
        if run.style.oblique:
            self._slanted(text, run, left, base, outline)
        else:
            self._plain(self._draw, text, run, left, base, outline)

    def _plain(
        self, draw: ImageDraw.ImageDraw, text: str, run: Run, left: float, base: float, outline: float
    ) -> None:  # fmt: skip
        font = opened(run.style.face, self._size, run.style.weight)
        draw.text(
            (left, base), text, fill=255, font=font, anchor="ls", direction=run.direction, stroke_width=outline
        )  # fmt: skip

    def _slanted(self, text: str, run: Run, left: float, base: float, outline: float) -> None:
        font = opened(run.style.face, self._size, run.style.weight)
        box = font.getbbox(text, direction=run.direction, anchor="ls", stroke_width=outline)
        rim = 2 + ceil(SLANT * max(-box[1], box[3], 0))
        across, down = rim - floor(box[0]), 1 - floor(box[1])  # the pen on a sheet of their own
        sheet = Pillow.new("L", (ceil(box[2]) + across + rim, ceil(box[3]) + down + 1))
        draw = ImageDraw.Draw(sheet)
        draw.fontmode = self._mode
        self._plain(draw, text, run, across + left % 1, down, outline)
        shear = np.array([[1, -SLANT, SLANT * down], [0, 1, 0]], np.float64)
        how = cv2.INTER_NEAREST if self._mode == "1" else cv2.INTER_LINEAR
        slanted = cv2.warpAffine(np.asarray(sheet), shear, sheet.size, flags=how)
        whole = Pillow.fromarray(np.asarray(slanted, np.uint8))
        self._picture.paste(255, (floor(left) - across, round(base) - down), whole)

    def rule(self, left: float, top: float, right: float, bottom: float) -> None:
        if round(right) > round(left) and round(bottom) > round(top):
            self._draw.rectangle((round(left), round(top), round(right) - 1, round(bottom) - 1), fill=255)


def _tinted(mask: PixelArray, colour: Colour) -> PixelArray:
    """A colour where the mask covers."""
    result = np.empty((*mask.shape, 4), np.uint8)
    result[:] = colour.bgra
    if colour.alpha == 255:
        result[:, :, 3] = mask
    else:
        result[:, :, 3] = cv2.LUT(mask, cast(PixelArray, (np.arange(256) * colour.alpha / 255 + 0.5).astype(np.uint8)))
    return result
