"""The languages that URLs are written in: each reads a path into a Request, and prints one."""

from __future__ import annotations

import re

from transforms.failure import Failure, Kind
from transforms.registry import operations

from . import cloudinary, native
from .cloudinary import anatomy
from .cloudinary.anatomy import SHORT, form
from .paths import Segment, split
from .request import Claim, Dialect, Request, Signature

__all__ = ["RESERVED", "Claim", "Request", "canonical", "claim", "is_api", "is_cloudinary", "parse"]

API = "v1_1"

RESERVED = frozenset((
    "health", "healthcheck", "ready", "metrics", "version", "models", "tags", "similar", "schema.json", "openapi.json",
    "playground", "reference", "image", *SHORT, API, "iiif",
))  # fmt: skip
"""First segments that are no folder: pages of the server, and dialects that may come."""


def parse(raw_path: str, raw_query: str = "") -> Request:
    """The request of a path and query as they were sent (percent-encoded, one character a byte), in either dialect.

    `/image/<delivery type>/…`, `/iu/…`, `/images/<id>/<suffix>`, and these after the name of a cloud, are Cloudinary's,
    unless the cloud has the name of an operation; all else is ours, and what follows `/-/` always is. Every Failure of
    either dialect may be raised, not-found for a reserved path, and api-not-available.
    """
    segments = split(raw_path)
    first = segments[0].text if segments else ""
    if _is_cloudinary(segments):
        return cloudinary.read(segments, raw_query)
    if first == API:
        raise _no_api()
    if first in RESERVED:
        raise Failure(
            Kind.NOT_FOUND, "not-found", f"/{first} is no picture",
            hint=f"a file or folder of this name is reached by /-/{first}",
        )  # fmt: skip
    return native.parse(raw_path, raw_query)


_SOMEWHERE = re.compile(r"(?:/|%2f)s--[^/]*--", re.IGNORECASE)


def claim(raw_path: str, raw_query: str = "") -> Claim:
    """Who may ask by this path, as far as it says, for which it is split and not read. Raises Failure uri-too-long."""
    if is_api(raw_path):
        return Claim("cloudinary", None, pointless=True)
    try:
        segments = split(raw_path)
        if not _is_cloudinary(segments):
            return Claim("native", native.signature_of(segments, raw_query))
        parts = anatomy.read(segments, raw_query)
    except Failure as failure:
        if failure.kind is Kind.URI_TOO_LONG:
            raise
        dialect: Dialect = "cloudinary" if is_cloudinary(raw_path) else "native"
        signature = Signature(dialect, "", ()) if _SOMEWHERE.search(raw_path) else None
        return Claim(dialect, signature, malformed=True)
    presets = bool(parts.components) and all(text.startswith("t_") for text in parts.components)
    return Claim("cloudinary", parts.signature, parts.form.delivery, presets)


def is_api(raw_path: str) -> bool:
    """Whether a path is one of Cloudinary's upload and admin API."""
    return raw_path.lstrip("/").partition("/")[0] == API


def is_cloudinary(raw_path: str) -> bool:
    """Whether a path is in Cloudinary's dialect, right or wrong."""
    try:
        return is_api(raw_path) or _is_cloudinary(split(raw_path))
    except Failure:  # it cannot be read: as far as it looks like one
        return "image" in raw_path.lstrip("/").split("/", 2)[:2]


def _is_cloudinary(segments: list[Segment]) -> bool:
    found = form(segments)
    return found is not None and found.cloud not in operations() and found.cloud not in RESERVED


def _no_api() -> Failure:
    message = "there is no upload or admin API here"
    # Cloudinary's clients read the message there, and take an answer without it for success.
    return Failure(Kind.UNAUTHORISED, "api-not-available", message, details={"error": {"message": message}})


def canonical(request: Request) -> str:
    """The one path of a request in the native dialect."""
    return native.print(request)
