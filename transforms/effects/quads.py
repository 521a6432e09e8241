"""Four corners that a picture is drawn into, as a parameter type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..failure import Failure, bad_argument
from ..places import MAX_SIDE, Length, Offset, pixels_of, print_length

Quad = tuple[Length, ...]
"""x and y of the top left, top right, bottom right and bottom left corner."""

LEAST_AREA = 0.5  # px²; less is no picture
_HINT = "write x and y of the top left, top right, bottom right and bottom left corner, : between all"


@dataclass(frozen=True)
class QuadText:
    """Four places from the top left corner clockwise, `:` between all eight numbers."""

    place: ClassVar[Offset] = Offset(-MAX_SIDE, MAX_SIDE)

    def parse(self, text: str) -> Quad:
        parts = text.split(":")
        if len(parts) != 8:
            raise bad_argument(f"{text!r} is not {self.describe()}", hint=_HINT)
        try:
            return tuple(self.place.parse(part) for part in parts)
        except Failure:
            raise bad_argument(
                f"{text!r} is not {self.describe()}", minimum=self.place.least, maximum=self.place.most
            ) from None

    def print(self, value: Quad) -> str:
        return ":".join(map(print_length, value))

    def describe(self) -> str:
        return f"x and y of four corners clockwise from the top left, : between, each {self.place.describe()}"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "corners-of-a-quad"} | {
            "minimum": self.place.least, "maximum": self.place.most,
        }  # fmt: skip

    def beyond(self) -> tuple[str, ...]:
        return "0:0:1:0:1:1:0", "0:0:1:0:1:1:0:1:1", *(f"0:0:1:0:1:1:0:{text}" for text in self.place.beyond())


def points_of(quad: Quad, width: int, height: int) -> NDArray[np.float64]:
    """The corners (4, 2) in pixels of a picture of that size.

    Raises Failure bad-argument where no picture can be seen in them: they cross, fold in or enclose nothing.
    """
    points = np.array([pixels_of(value, (width, height)[at % 2]) for at, value in enumerate(quad)]).reshape(4, 2)
    sides = np.roll(points, -1, axis=0) - points
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if abs(turns).min() > LEAST_AREA and abs(np.sign(turns).sum()) == 4:
        return points
    raise bad_argument(
        "corners: it needs four corners of a convex shape, in turn", hint=_HINT, corners=points.round(2).tolist(),
        argument="corners",
    )  # fmt: skip
