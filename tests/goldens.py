"""How every effect looks, kept as small fingerprints in goldens.json: `python -m tests.goldens` writes them anew.

Only for looks that changed on purpose: the command says which, and `python -m bench.sheet` shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from transforms.failure import Failure
from transforms.image import Image, Size
from transforms.modes import to_bgra

from .drawn import graphic, landscape, portrait, someone
from .effects import Subject, effects, made, settings

FILE = Path(__file__).parent / "goldens.json"
SIDE = 32  # px of the picture that is hashed
CELLS = 3  # along a side, whose mean colours are kept

# What other processors and builds of OpenCV may change: a level here and there, never a look.
BITS, LEVELS = 6, 3  # of the hash; of a cell's mean
MORE, STILL = 0.05, 0.3  # of the detail: its share, and the levels that are nothing
FAINT = 8.0  # of a coefficient, half a level of a wave: below it there is none


@dataclass(frozen=True)
class Look:
    """A picture in a few numbers.

    `hash`: 64 bits, the signs of the lowest frequencies of its light, which stand for shapes (a perceptual hash by the
    discrete cosine transform). `colours`: mean blue, green, red, alpha of 3 × 3 cells, premultiplied. `detail`: the
    mean difference between neighbouring pixels, which blurring and sharpening change.
    """

    size: Size
    hash: int
    colours: bytes
    detail: float

    def __str__(self) -> str:
        return f"{self.size} {self.hash:016x} {self.detail:.1f} {self.colours.hex()}"

    @staticmethod
    def parse(text: str) -> Look:
        size, bits, detail, colours = text.split()
        width, height = size.split("x")
        return Look(Size(int(width), int(height)), int(bits, 16), bytes.fromhex(colours), float(detail))

    def unlike(self, other: Look) -> list[str]:
        """In what the two differ by more than a build may make them differ; nothing for the same look."""
        levels = np.abs(np.frombuffer(self.colours, np.uint8).astype(int) - np.frombuffer(other.colours, np.uint8))
        apart, more = (self.hash ^ other.hash).bit_count(), abs(self.detail - other.detail)
        reasons = {
            f"size {self.size}, not {other.size}": self.size != other.size,
            f"{apart} bits of the hash": apart > BITS,
            f"colours by up to {levels.max()} levels": levels.max() > LEVELS,
            f"detail {self.detail:.2f}, not {other.detail:.2f}": more > STILL + MORE * other.detail,
        }
        return [reason for reason, differs in reasons.items() if differs]


def look_of(image: Image) -> Look:
    """Of the first frame; what is transparent counts as mid-gray."""
    pixels = to_bgra(image.frames[0].pixels).astype(np.float32)
    pixels[:, :, :3] *= pixels[:, :, 3:] / 255
    light = pixels @ np.array([0.114, 0.587, 0.299, -0.5], np.float32) + np.float32(127.5)
    colours = cv2.resize(pixels, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return Look(image.size, _hash(light), colours.round().astype(np.uint8).tobytes(), _detail(light))


def _hash(light: NDArray[np.float32]) -> int:
    """A bit for each of 8 × 8 frequencies: whether its wave begins light; the first, whether all is light."""
    small = cv2.resize(light, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lowest = cv2.dct(small - np.float32(127.5))[:8, :8] > FAINT
    return int("".join("01"[int(bit)] for bit in lowest.flat), 2)


def _detail(light: NDArray[np.float32]) -> float:
    steps = [np.abs(np.diff(light, axis=axis)) for axis in (0, 1) if light.shape[axis] > 1]
    return round(float(np.mean([step.mean() for step in steps])) if steps else 0.0, 1)


@cache
def subjects() -> tuple[Subject, ...]:
    return (
        Subject("landscape", landscape(192, 144), someone()),
        Subject("portrait", portrait(144, 180), someone()),
        Subject("graphic", graphic(192, 144)),
    )


def every_setting() -> Iterator[str]:
    """The steps of every effect, at every setting that shows it."""
    for operation in effects():
        yield from (setting.text for setting in settings(operation))


def looks(text: str) -> dict[str, str]:
    """By the name of the picture: its look, or the code of the failure that refuses it."""
    return {subject.name: _look(text, subject) for subject in subjects()}


def _look(text: str, subject: Subject) -> str:
    try:
        return str(look_of(made(text, subject)))
    except Failure as failure:
        return failure.code


@cache
def goldens() -> dict[str, dict[str, str]]:
    """Text of the steps -> name of the picture -> look."""
    read: dict[str, dict[str, str]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return read


def difference(now: str, then: str) -> list[str]:
    if now == then:
        return []
    if " " not in now or " " not in then:
        return [f"{now}, not {then}"]
    return Look.parse(now).unlike(Look.parse(then))


def main() -> None:
    before, after = goldens(), {text: looks(text) for text in every_setting()}
    for text in sorted(before.keys() | after.keys()):
        if text not in after or text not in before:
            print("-" if text in before else "+", text)
            continue
        for name, now in after[text].items():
            if differs := difference(now, before[text].get(name, "nothing")):
                print("!", text, f"({name}):", ", ".join(differs))
            else:
                after[text][name] = before[text][name]  # no new numbers for the same look
    lines = (f"{json.dumps(text)}: {json.dumps(found)}" for text, found in after.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
