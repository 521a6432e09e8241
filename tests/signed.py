"""Signed paths for tests, and what comes of them."""

from __future__ import annotations

import base64
import hashlib
import hmac

from server import urls
from server.signing import Access
from transforms.failure import Failure

KEYS = {"k1": "a secret of 16 or more", "k2": "another one, also long"}
NOW = 1_900_000_000

OPEN, STRICT = Access(secrets=("b",)), Access(secrets=("b",), strict=True)
LOCKED, UNLOCKED = Access(KEYS, ("b",)), Access(KEYS, ("b",), unsigned=True)
REQUIRED = "signature-required"


def code_of(access: Access, path: str, now: float = NOW) -> str | None:
    """The code that a path is refused with, None where it may pass."""
    failure = failure_of(access, path, now)
    return failure.code if failure else None


def failure_of(access: Access, path: str, now: float = NOW) -> Failure | None:
    raw, _, query = path.partition("?")
    try:
        access.check(urls.parse(raw, query), now)
    except Failure as failure:
        return failure
    return None


def sha(text: str, word: str = "b", length: int = 8, algorithm: str = "sha1") -> str:
    """A signature by the book, written again here so that the tests do not believe the code."""
    digest = hashlib.new(algorithm, (text + word).encode()).digest()
    return base64.b64encode(digest).decode().replace("+", "-").replace("/", "_")[:length]


def native(rest: str, key: str = "k1", secret: str | None = None) -> str:
    """A signed path by the book."""
    code = hmac.new((secret or KEYS[key]).encode(), rest.encode(), "sha256").digest()
    signature = base64.urlsafe_b64encode(code).decode().rstrip("=")
    path, mark, query = rest.partition("?")
    return f"/s--{key}.{signature}--{path}{mark}{query}"
