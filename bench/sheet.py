"""A contact sheet of every effect: `python -m bench.sheet OUT.jpg [--only NAME …] [--side 320]`.

Each effect of the registry at its default, at low and high strength and with each of its choices: on two of the sample
pictures, a street and a portrait cut out as a soft oval, and on a drawing with transparent parts; over checks. What
passes 6000 pixels goes on to another page, `OUT-2.jpg`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from tests.drawn import Bgr
from tests.effects import Setting, Subject, effects, made, settings
from transforms.failure import Failure
from transforms.image import PixelArray, Size
from transforms.modes import to_bgra
from transforms.resample import shrink

from .samples import drawing, portrait, street

COLUMNS = 6
TALLEST = 6000  # px of a page
GAP, LINE = 6, 18  # px between tiles, and of a line of letters
CHECK = 8  # px of a square of the ground
INK, RED, PAPER = (40, 40, 40), (30, 30, 200), 255


def tile(setting: Setting, subject: Subject, side: int) -> PixelArray:
    """What an effect makes of a picture, fitted into a square; or why it refuses."""
    try:
        pixels = made(setting.text, subject).frames[0].pixels
    except Failure as failure:
        return words(failure.code, side, side, RED)
    size = Size(pixels.shape[1], pixels.shape[0])
    if size.long_side > side:
        pixels = shrink(pixels, size.scaled(side / size.long_side))
    return over_checks(pixels, side)


def over_checks(pixels: PixelArray, side: int) -> PixelArray:
    """The picture in the middle of a square, gray checks where it is transparent, paper beside it."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width] // CHECK
    checks = (((x + y) % 2) * 40 + 190)[:, :, np.newaxis]
    bgra = to_bgra(pixels).astype(np.float32)
    alpha = bgra[:, :, 3:] / 255
    result = np.full((side, side, 3), PAPER, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    result[top : top + height, left : left + width] = (bgra[:, :, :3] * alpha + checks * (1 - alpha)).round()
    return result


def words(text: str, width: int, height: int = LINE, colour: Bgr = INK, scale: float = 0.4) -> PixelArray:
    result = np.full((height, width, 3), PAPER, np.uint8)
    cv2.putText(result, text, (2, LINE - 5), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
    return result


def blocks(only: set[str], side: int) -> Iterator[PixelArray]:
    """An effect's settings, COLUMNS side by side, each on every picture."""
    subjects = [street(side), portrait(side), drawing(side)]
    for operation in effects():
        if only and operation.name not in only:
            continue
        every = settings(operation)
        for begin in range(0, len(every), COLUMNS):
            chosen = every[begin : begin + COLUMNS]
            yield block(operation.name, [column(one, subjects, side) for one in chosen], side)


def column(setting: Setting, subjects: list[Subject], side: int) -> PixelArray:
    name = setting.text if setting.label in ("default", "example") else setting.label
    tiles = [tile(setting, subject, side) for subject in subjects]
    gap = np.full((GAP, side, 3), PAPER, np.uint8)
    return np.vstack([words(name, side), *(part for one in tiles for part in (one, gap))])


def block(name: str, columns: list[PixelArray], side: int) -> PixelArray:
    gap = np.full((len(columns[0]), GAP, 3), PAPER, np.uint8)
    empty = [np.full_like(columns[0], PAPER)] * (COLUMNS - len(columns))
    body = np.hstack([part for one in (*columns, *empty) for part in (one, gap)])
    return np.vstack([words(name, body.shape[1], LINE + 6, scale=0.6), body])


def pages(parts: Iterator[PixelArray]) -> Iterator[PixelArray]:
    page: list[PixelArray] = []
    for part in parts:
        if page and sum(map(len, page)) + len(part) > TALLEST:
            yield np.vstack(page)
            page = []
        page.append(part)
    if page:
        yield np.vstack(page)


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m bench.sheet", description=(__doc__ or "").partition("\n")[0])
    reader.add_argument("out", type=Path)
    reader.add_argument("--only", nargs="+", default=[], metavar="NAME", choices=[one.name for one in effects()])
    reader.add_argument("--side", type=int, default=320, help="pixels of a picture's longer side")
    given = reader.parse_args()
    for number, page in enumerate(pages(blocks(set(given.only), given.side)), 1):
        path = given.out if number == 1 else given.out.with_stem(f"{given.out.stem}-{number}")
        cv2.imwrite(str(path), page, [cv2.IMWRITE_JPEG_QUALITY, 92])
        print(path, f"{page.shape[1]}x{page.shape[0]}")


if __name__ == "__main__":
    main()
