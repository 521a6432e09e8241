"""Kinds of detections as a parameter type: which detectors an operation asks, built in or the operator's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import vocabulary
from .failure import bad_argument, nearest
from .image import WORDS
from .numbers import decimal
from .several import Several

LISTED = 12  # names that an error message lists

READ = f"text:{WORDS}"
"""The kind that says what is written: `text` alone only says where."""


@dataclass(frozen=True)
class ModelName:
    """The name of a kind that comes with Darkroom (`built_in`), or of one of the operator's models."""

    built_in: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.built_in, *vocabulary.current().names)

    def parse(self, text: str) -> str:
        if text in self.words:
            return text
        close = nearest(text, self.words)
        raise bad_argument(f"{text!r} is not {self.describe()}", hint=_hint(text, close), model=text, nearest=close)

    def print(self, value: str) -> str:
        return value

    def describe(self) -> str:
        more = ", …" if len(self.words) > LISTED else ""
        return f"one of {', '.join(self.words[:LISTED])}{more}"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "kind", "x-words": list(self.words)}

    def beyond(self) -> tuple[str, ...]:
        return "", "no-such-model"


def _hint(unknown: str, close: str | None) -> str | None:
    if decimal(unknown) is not None:
        return f"a score is written confidence={unknown}"
    return f"did you mean {close!r}?" if close else None


_PLACED = ("objects", "masks", "faces", "codes", "text", "moderation")

PLACED = Several(ModelName(_PLACED), 16)
"""What says where something is."""

TOLD = Several(ModelName((*_PLACED, "traits", "colors")), 16)
"""What says anything of a picture."""


def asked(names: Iterable[str]) -> frozenset[str]:
    """The kinds of detections by their names in a URL: writing is read where it is asked for."""
    return frozenset(READ if name == "text" else name for name in names)
