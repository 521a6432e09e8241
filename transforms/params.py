"""Parameter types: how an argument is parsed, printed, bounded and described, in one object each.

An operation names one in the annotation of each parameter (`Annotated[int, Pixels(2, 200)]`); grammar, error
messages, canonical text, JSON schema and the playground's control all come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .backdrop import Backdrop, BackdropText
from .failure import Failure, bad_argument, nearest
from .gravity import Compass, Focus, Gravity
from .hues import BLACK, TRANSPARENT, WHITE, Colour, ColourText
from .numbers import Degrees, Float, Int, Percent, Pixels, Ratio
from .places import MAX_SIDE, Aspect, Corners, Dimensions, Length, Offset, WxH, pixels_of

__all__ = [
    "BLACK", "MAX_SIDE", "TRANSPARENT", "WHITE", "Aspect", "Backdrop", "BackdropText", "Choice", "Colour", "ColourText",
    "Compass", "Corners", "Degrees", "Dimensions", "Flag", "Float", "Focus", "Gravity", "Int", "IntOr",
    "Length", "Offset", "Parameter", "Percent", "Pixels", "Ratio", "WxH", "pixels_of",
]  # fmt: skip


class Parameter(Protocol):
    """What every parameter type can do. `T` differs by type, so values are Any here and exact in the types below."""

    def parse(self, text: str) -> Any:
        """The value of `text`; raises Failure bad-argument that states the bounds."""

    def print(self, value: Any) -> str:
        """The canonical text of a value: parse(print(v)) == v."""

    def describe(self) -> str:
        """The accepted values in words, as error messages and the reference say them."""

    def schema(self) -> dict[str, Any]:
        """JSON schema, with what the playground needs."""

    def beyond(self) -> tuple[str, ...]:
        """Texts just outside the bounds, each of which must be refused."""


@dataclass(frozen=True)
class Choice:
    """One of a few words; made from Literal[...] annotations. `aliases` are other spellings of them."""

    values: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...] = ()

    def parse(self, text: str) -> str:
        value = dict(self.aliases).get(text, text)
        if value in self.values:
            return value
        close = nearest(text, self.values)
        raise bad_argument(
            f"{text!r} is not {self.describe()}",
            hint=f"did you mean {close!r}?" if close else None,
            choices=list(self.values),
        )

    def print(self, value: str) -> str:
        return value

    def describe(self) -> str:
        return "one of " + ", ".join(self.values)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}

    def beyond(self) -> tuple[str, ...]:
        return ("no-such-choice",)


@dataclass(frozen=True)
class Flag:
    """Yes or no; made from bool annotations. The bare name of the parameter means yes."""

    def parse(self, text: str) -> bool:
        if text in ("true", "1", "false", "0"):
            return text in ("true", "1")
        raise bad_argument(f"{text!r} is not {self.describe()}", choices=["true", "false"])

    def print(self, value: bool) -> str:
        return "true" if value else "false"

    def describe(self) -> str:
        return "true or false"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def beyond(self) -> tuple[str, ...]:
        return ("2", "maybe")


@dataclass(frozen=True)
class IntOr:
    """A whole number in bounds, or one of a few words (`auto`, `max`). `aliases` are other spellings of them."""

    number: Int
    words: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...] = ()

    def parse(self, text: str) -> int | str:
        word = dict(self.aliases).get(text, text)
        if word in self.words:
            return word
        try:
            return self.number.parse(text)
        except Failure as failure:
            raise bad_argument(f"{text!r} is not {self.describe()}", **failure.details) from None

    def print(self, value: int | str) -> str:
        return str(value)

    def describe(self) -> str:
        return f"{self.number.describe()}, or {' or '.join(self.words)}"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.number.schema(), {"type": "string", "enum": list(self.words)}]}

    def beyond(self) -> tuple[str, ...]:
        return (*self.number.beyond(), "no-such-word")
