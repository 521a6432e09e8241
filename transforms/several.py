"""A parameter type made of another one: several words with `:` between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .failure import Failure, bad_argument


class Word(Protocol):
    """A parameter type whose values are words."""

    @property
    def words(self) -> tuple[str, ...]: ...

    def parse(self, text: str) -> str: ...

    def describe(self) -> str: ...

    def schema(self) -> dict[str, Any]: ...

    def beyond(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Several:
    """At most so many words of a type, each once. Values are tuples in the order that they were written in."""

    item: Word
    most: int

    def parse(self, text: str) -> tuple[str, ...]:
        words = tuple(self._one(word, text) for word in text.split(":"))
        if len(set(words)) < len(words) or len(words) > self.most:
            raise bad_argument(f"{text!r} is not {self.describe()}", maximum=self.most)
        return words

    def _one(self, word: str, text: str) -> str:
        try:
            return self.item.parse(word)
        except Failure as failure:
            if word == text:
                raise
            raise bad_argument(
                f"{text!r} is not {self.describe()}: {word!r} is none of them", hint=failure.hint, **failure.details
            ) from None

    def print(self, value: tuple[str, ...]) -> str:
        return ":".join(value)

    def describe(self) -> str:
        return f"{self.item.describe()}; or up to {self.most} of them, each once, with : between them"

    def schema(self) -> dict[str, Any]:
        schema = self.item.schema()
        return {**schema, "format": f"{schema['format']}s"}

    def beyond(self) -> tuple[str, ...]:
        first = self.item.words[0]
        return (f"{first}:", f"{first}:{first}", *(text for text in self.item.beyond() if ":" not in text))
