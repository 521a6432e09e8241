"""What never gets into a log, a trace or a report: signatures, query strings, credentials, secrets of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from pydantic import SecretStr

MASK = "•••"
LONGEST = 500  # characters of a path
DECODED = 3  # times that a path is decoded at most: once by the server, once for a source in it, once by an origin
LEAST = 6  # characters of a secret that is looked for: shorter ones would be found in ordinary words

_SLASH = "(?:%(?:25)*2f)"
_RULES = (
    (re.compile(r"(?<=://)[^/\s\"']*@"), f"{MASK}@"),  # user:password of an address
    (re.compile(rf"({_SLASH}{{2}})(?:(?!{_SLASH})[^/\s\"'])*%(?:25)*40", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"\bs--[\w.=-]+?--"), f"s--{MASK}--"),  # a signature in a path
    (re.compile(r"(?<![a-z0-9])((?:b64|fetch)(?::|%(?:25)*3a))[\w=%/+-]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\baHR0c[\w=%+-]+"), MASK),  # http… in Base64: a source that may have a query
    (re.compile(r"(://[^\s\"'<>?]*)\?[^\s\"'<>]+"), rf"\1?{MASK}"),
    (
        re.compile(r"(?<=[\w/.)\]])(?:\?|%(?:25)*3f)(?=[^\s\"'<>]*(?:=|%(?:25)*3d))[^\s\"'<>]+", re.IGNORECASE),
        f"?{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic|token)\s+[\w.~+/=-]{4,}"), rf"\1 {MASK}"),
)
_QUERY = re.compile(r"\?|%(?:25)*3f", re.IGNORECASE)
_USER = re.compile(r"(?<=:/)(/*)[^/]+@")  # in a path, where spaces and quotes are characters like others
_UNSEEN = re.compile(r"[^ -~\xa0-\U0010ffff]+")


class _Known:
    """The secrets of this process, as one expression."""

    pattern: re.Pattern[str] | None = None


def remember(secrets: Iterable[str]) -> None:
    """Mask these words wherever they turn up; the words of before are masked as well."""
    words = {re.escape(word) for word in secrets if len(word) >= LEAST}
    if _Known.pattern is not None:
        words |= set(_Known.pattern.pattern.split("|"))
    if words:
        _Known.pattern = re.compile("|".join(sorted(words, key=lambda word: (-len(word), word))))


def secrets_of(settings: Any) -> set[str]:
    """Every secret in the settings, and the parts of those that are lists of secrets."""
    values = {value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)}
    values.discard("memory:")
    parts = {part.rpartition(":")[2].strip() for value in values if "://" not in value for part in value.split(",")}
    return values | parts


def redacted(text: str) -> str:
    """A text without what must not be read in it."""
    if _Known.pattern is not None:
        text = _Known.pattern.sub(MASK, text)
    for rule, instead in _RULES:
        text = rule.sub(instead, text)
    return text


@lru_cache(4096)
def shown(path: str) -> str:
    """A raw path for the log: without its signature, the query of a source, or a source written in Base64.

    What is percent-encoded is decoded before it is judged; it stays as it came where there is nothing to hide in it.
    """
    if "%" not in path:
        return redacted(path[: 4 * LONGEST])[:LONGEST]
    plain = _decoded(path)
    open_part = _QUERY.split(plain, maxsplit=1)[0]
    said = redacted(open_part[: 4 * LONGEST])
    if MASK not in said:  # as it came, but for a query
        said = redacted(_QUERY.split(path, maxsplit=1)[0][: 4 * LONGEST])
    return said[:LONGEST]


def _decoded(path: str) -> str:
    """A path as it reads in the end; users and passwords are masked at each level, before a slash in them shows."""
    for _ in range(DECODED):
        path = _USER.sub(rf"\1{MASK}@", path)
        inner = _UNSEEN.sub(lambda found: quote(found[0], errors="replace"), unquote(path))
        if inner == path:
            break
        path = inner
    return _USER.sub(rf"\1{MASK}@", path)


def clean(value: Any) -> Any:
    """The same data with every text in it redacted."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {name: clean(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    return value


def origin_of(scheme: str, location: str) -> str:
    """Where a source comes from, for the log: scheme and host of a remote one, the path of a file."""
    outer, separator, rest = location.partition("://")
    return f"{outer}://{rest.partition('/')[0].rpartition('@')[2]}" if separator else f"{scheme}:{location}"
