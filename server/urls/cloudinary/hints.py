"""`hints_(cat;bus)` of `e_background_removal`: what is to stay."""

from __future__ import annotations

from typing import Any

from transforms.failure import Failure, bad_argument
from transforms.subjects import THINGS


class Hints:
    """Things in parentheses with `;` between them, or one without; as Cloudinary and others spell them."""

    def parse(self, text: str) -> tuple[str, ...]:
        inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
        words = [word.strip() for word in inner.split(";")]
        try:
            return THINGS.parse(":".join(words))
        except Failure as failure:
            raise bad_argument(
                f"{text!r} is not {self.describe()}", hint=failure.hint, **failure.details
            ) from None  # fmt: skip

    def print(self, value: tuple[str, ...]) -> str:
        return f"({';'.join(value)})"

    def describe(self) -> str:
        return "things such as (cat;bus), each once"

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def beyond(self) -> tuple[str, ...]:
        return "()", "(no-such-thing)", "(cat;cat)"


def things(hints: str) -> str:
    """The same as an operation's argument."""
    return THINGS.print(Hints().parse(hints))


def hints(things: str) -> str:
    return Hints().print(THINGS.parse(things))
