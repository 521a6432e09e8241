"""What may be sent instead of a picture, and what headers may say beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Components = tuple[int, int]
"""Columns and rows of a BlurHash."""

Placeholder = Literal["blurhash", "thumbhash", "lqip"]
PLACEHOLDERS: tuple[Placeholder, ...] = ("blurhash", "thumbhash", "lqip")
Beside = Literal["blurhash", "thumbhash", "color", "palette"]
BESIDE: tuple[Beside, ...] = ("blurhash", "thumbhash", "color", "palette")


@dataclass(frozen=True, slots=True)
class Instead:
    """A placeholder, or what was done and why (`explain`).

    `components` are of a BlurHash: None takes what suits the picture. `data`: a tiny picture as a data URI. `json`:
    what was done as JSON instead of a drawing.
    """

    what: Placeholder | Literal["explain"]
    components: Components | None = None
    data: bool = False
    json: bool = False

    @property
    def explains(self) -> bool:
        return self.what == "explain"


@dataclass(frozen=True, slots=True)
class Said:
    """What headers say beside the picture."""

    names: tuple[Beside, ...] = ()
    components: Components | None = None


SILENT = Said()
