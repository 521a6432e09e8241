"""A picture beside the one of the request, such as a layer shows, as a parameter type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import quote, unquote

from .failure import bad_argument
from .texts import is_plain, path_of

Scheme = Literal["file", "id", "http", "https"]
Delivery = Literal["upload", "private", "authenticated"]

# What separates steps, arguments, names and folders in canonical text, what begins an expression, and `%` itself.
_SEPARATORS = re.compile(r"[%/,=:()]")
_ADDRESS = re.compile(r"https?://[^/?#]", re.ASCII)
_ENCODED = re.compile(r"https?%3A%2F%2F", re.ASCII | re.IGNORECASE)

_WEB = ("http", "https")
_RESTRICTED = ("private", "authenticated")
_PREFIXES = ("file", "id", *_WEB, *_RESTRICTED)


@dataclass(frozen=True, slots=True)
class Picture:
    """Which picture: a file by its path, a public id, or a URL. `delivery` says how open an id is to everybody."""

    scheme: Scheme
    location: str
    delivery: Delivery = "upload"

    def __str__(self) -> str:
        return self.location


@dataclass(frozen=True)
class PictureName:
    """A file with `:` for `/` in its path, `id:` and a public id written so, or a URL.

    `%252C`, `%253D`, `%253A`, `%252F` and `%2525` in a URL are a comma, `=`, `:`, `/` and `%` of a name.
    """

    longest: int = 255
    longest_address: int = 2000

    def parse(self, text: str) -> Picture:
        prefix, colon, rest = text.partition(":")
        scheme = prefix if colon and prefix in _PREFIXES else "file"
        if scheme in _WEB or _ENCODED.match(text):
            return self._address(text)
        path = self._path(rest if scheme == prefix and colon else text, text)
        if scheme in _RESTRICTED:
            return Picture("id", path, "private" if scheme == "private" else "authenticated")
        return Picture("id" if scheme == "id" else "file", path)

    def _address(self, text: str) -> Picture:
        address = unquote(text)
        if not _ADDRESS.match(address) or len(address) > self.longest_address or not is_plain(address):
            raise bad_argument(f"{text!r} is not {self.describe()}", maximum=self.longest_address)
        return Picture("https" if address.startswith("https:") else "http", address)

    def _path(self, written: str, text: str) -> str:
        path = path_of(written, self.longest)
        if path is None:
            raise bad_argument(f"{text!r} is not {self.describe()}", maximum=self.longest)
        return path

    def print(self, value: Picture) -> str:
        if value.scheme in _WEB:
            _, _, rest = value.location.partition(":")
            return f"{value.scheme}:{escaped(rest)}"
        path = ":".join(map(escaped, value.location.split("/")))
        if value.scheme == "id":
            return f"{'id' if value.delivery == 'upload' else value.delivery}:{path}"
        return f"file:{path}" if path.partition(":")[0] in _PREFIXES and ":" in path else path

    def describe(self) -> str:
        return (
            f"a file (folders separated by `:`), id: and a public id, each of up to {self.longest} characters, or a URL"
            f" of up to {self.longest_address}"
        )

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "picture", "minLength": 1, "maxLength": self.longest_address}

    def beyond(self) -> tuple[str, ...]:
        return (
            "", "..:a", "a::b", "a\\b", "a\nb", "id:", "id:..", "private:", "https:", "https:%2F%2F", "http:a", "%FF",
            "a" * (self.longest + 1), "https://a/" + "a" * self.longest_address,
        )  # fmt: skip


def escaped(text: str, besides: str = "") -> str:
    """The text with all that separates anything percent-encoded, `besides` these."""
    return _SEPARATORS.sub(lambda found: quote(found[0], safe=besides), text)


assert set(get_args(Scheme)) <= set(_PREFIXES)  # noqa: S101 - a file of such a name is told by its own prefix
