"""Free texts as parameter types: what would separate steps or arguments is percent-encoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from .failure import bad_argument

# What separates steps, arguments and names in canonical text, and `%` itself; all else is written as it is.
_SEPARATORS = re.compile(r"[%/,=]")
_SEPARATORS_OF_IDS = re.compile(r"[%,=:]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _escaped(text: str, separators: re.Pattern[str]) -> str:
    return separators.sub(lambda found: quote(found[0], safe=""), text)


def is_plain(text: str) -> bool:
    """Whether nothing in it controls how it is shown, and all of it was UTF-8."""
    return not _CONTROL.search(text) and "\N{REPLACEMENT CHARACTER}" not in text


def path_of(text: str, longest: int) -> str | None:
    """The path of a text in which `:` stands for `/`; None where it is none, or could lead out of its folder."""
    path = unquote(text.replace(":", "/"))
    named = all(part not in ("", ".", "..") for part in path.split("/"))
    return path if named and len(path) <= longest and is_plain(path) and "\\" not in path else None


@dataclass(frozen=True)
class FileName:
    """The name of a file to save, without a folder. `%2C`, `%3D` and `%25` stand for `,`, `=` and `%`."""

    longest: int = 150

    def parse(self, text: str) -> str:
        name = unquote(text).strip()
        if not name.strip(".") or len(name) > self.longest or _CONTROL.search(name) or set(name) & set("/\\�"):
            raise bad_argument(f"{text!r} is not {self.describe()}", maximum=self.longest)
        return name

    def print(self, value: str) -> str:
        return _escaped(value, _SEPARATORS)

    def describe(self) -> str:
        return f"a file name of up to {self.longest} characters, without / and \\"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.longest, "pattern": r"^[^/\\]+$"}

    def beyond(self) -> tuple[str, ...]:
        return "a/b", "a%2Fb", "a\\b", "a\nb", "", " ", "..", "%FF", "a" * (self.longest + 1)


@dataclass(frozen=True)
class PublicId:
    """A public id: a path in which `:` stands for `/`. `%3A`, `%2C`, `%3D` and `%25` stand for `:`, `,`, `=`, `%`."""

    longest: int = 255

    def parse(self, text: str) -> str:
        name = path_of(text, self.longest)
        if name is None:
            raise bad_argument(f"{text!r} is not {self.describe()}", maximum=self.longest)
        return name

    def print(self, value: str) -> str:
        return _escaped(value, _SEPARATORS_OF_IDS).replace("/", ":")

    def describe(self) -> str:
        return f"a public id of up to {self.longest} characters, folders separated by `:`"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.longest}

    def beyond(self) -> tuple[str, ...]:
        return "..:a", "a::b", "a\\b", "a\nb", "", ".", "%FF", "a" * (self.longest + 1)
