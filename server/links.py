"""`darkroom sign` and `darkroom url`: paths for pages and mails, signed or in the other spelling."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from urllib.parse import quote

from transforms.failure import Failure, Kind, bad_argument

from . import urls
from .signing import LONG, SHORT, Algorithm, cloudinary_signature, native_signature
from .urls import native
from .urls.cloudinary import anatomy
from .urls.paths import split
from .urls.request import Dialect

_SAFE = "/%:?@!$&'()*+,;=~"  # beside letters, digits and -._: what clients send as it is


def as_sent(path: str) -> tuple[str, str]:
    """Raw path and query as clients send them: what no URL may hold is percent-encoded, escapes stay as they are."""
    raw_path, _, query = quote(path, safe=_SAFE).partition("?")
    return raw_path if raw_path.startswith("/") else f"/{raw_path}", query


def dialect_of(path: str) -> Dialect:
    return "cloudinary" if urls.is_cloudinary(as_sent(path)[0]) else "native"


def sign_native(path: str, key: str, secret: str, expires: int | None = None) -> str:
    """A path of ours, signed. Raises the failures of parsing it, and bad-argument where it is signed already."""
    raw_path, query = as_sent(path)
    if dialect_of(path) != "native":
        raise bad_argument("that path is in Cloudinary's spelling")
    _check_unsigned(urls.parse(raw_path, query))
    if expires is not None:
        raw_path = f"/expires:{expires}/{split(raw_path)[0].rest}"
    signature = native_signature(secret, native.signable(raw_path, query))
    return _joined(f"/s--{key}.{signature}--/{split(raw_path)[0].rest}", query)


def sign_cloudinary(path: str, secret: str, algorithm: Algorithm = "sha1", *, long: bool = False) -> str:
    """A path of Cloudinary's, signed; a long signature is always SHA-256. Raises as sign_native does."""
    raw_path, query = as_sent(path)
    parts = anatomy.read(split(raw_path), query)
    _check_unsigned(urls.parse(raw_path, query))
    if long:
        signature = cloudinary_signature(secret, parts.signable, "sha256", LONG)
    else:
        signature = cloudinary_signature(secret, parts.signable, algorithm, SHORT)
    return _joined(f"{raw_path[: -len(parts.rest)]}s--{signature}--/{parts.rest}", query)


def _check_unsigned(request: urls.Request) -> None:
    if request.signature is not None:
        raise bad_argument("the path is signed already")


def _joined(raw_path: str, query: str) -> str:
    return f"{raw_path}?{query}" if query else raw_path


def moment(text: str) -> int:
    """Unix seconds of `3600` (seconds from now) or of a date as in ISO 8601, UTC where it does not say otherwise."""
    if text.isascii() and text.isdigit():
        return int(time.time()) + int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise bad_argument(f"{text!r} is neither a number of seconds nor a date such as 2030-12-31T18:00") from None
    return int(when.replace(tzinfo=when.tzinfo or UTC).timestamp())


def translated(path: str, dialect: Dialect) -> str:
    """A path in the canonical form of either dialect, without any signature.

    Raises the failures of parsing it, and not-expressible where the other dialect has no words for it.
    """
    request = urls.parse(*as_sent(path))
    guarded = request.delivery in ("private", "authenticated")
    if guarded and dialect == "native":
        raise Failure(
            Kind.BAD_REQUEST, "not-expressible", f"{request.delivery} originals are reached by Cloudinary's URLs alone"
        )  # fmt: skip
    if dialect == "native":
        return urls.canonical(request)
    return (f"/{request.cloud}" if request.cloud else "") + urls.cloudinary.print(request)
