"""Kinds of detections as a parameter type: which detectors an operation asks, built in or the operator's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import vocabulary
from .failure import bad_argument, nearest
from .numbers import decimal

MOST = 16  # models that one step may ask


@dataclass(frozen=True)
class Kinds:
    """Names of kinds or of the operator's models, with `:` between them, each once.

    Values are tuples in the order that they were written in. `words` are the kinds that come with Darkroom.
    """

    words: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.words, *vocabulary.current().names)

    def parse(self, text: str) -> tuple[str, ...]:
        names = text.split(":")
        unknown = next((name for name in names if name not in self.known), None)
        if unknown is not None:
            close = nearest(unknown, self.known)
            raise bad_argument(
                f"{text!r} is not {self.describe()}: there is no model {unknown!r}",
                hint=_hint(unknown, close), model=unknown, nearest=close,
            )  # fmt: skip
        if len(set(names)) < len(names) or len(names) > MOST:
            raise bad_argument(f"{text!r} is not {self.describe()}", maximum=MOST)
        return tuple(names)

    def print(self, value: tuple[str, ...]) -> str:
        return ":".join(value)

    def describe(self) -> str:
        return f"up to {MOST} of {', '.join(self.known)}, each once, with : between them"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "kinds", "x-words": list(self.known)}

    def beyond(self) -> tuple[str, ...]:
        return ("", "no-such-model", ":".join((self.words[0], self.words[0])))


def _hint(unknown: str, close: str | None) -> str | None:
    if decimal(unknown) is not None:
        return f"a score is written confidence={unknown}"
    return f"did you mean {close!r}?" if close else None
