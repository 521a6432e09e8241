"""The languages that URLs are written in: each reads a path into a Request, and prints one."""

from __future__ import annotations

from transforms.failure import Failure, Kind
from transforms.registry import operations

from . import cloudinary, native
from .cloudinary.anatomy import begins
from .paths import Segment, split
from .request import Request

__all__ = ["RESERVED", "Request", "canonical", "is_cloudinary", "parse"]

RESERVED = frozenset((
    "health", "healthcheck", "ready", "metrics", "version", "models", "tags", "similar", "schema.json", "openapi.json",
    "playground", "reference", "image", "images", "iu", "v1_1", "iiif",
))  # fmt: skip
"""First segments that are no folder: pages of the server, and dialects that may come."""


def parse(raw_path: str, raw_query: str = "") -> Request:
    """The request of a path and query as they were sent (percent-encoded, one character a byte), in either dialect.

    `/image/<delivery type>/…` and `/<cloud>/image/<delivery type>/…` are Cloudinary's, unless the cloud has the name
    of an operation; all else is ours. Every Failure of either dialect may be raised, and not-found for a reserved path.
    """
    segments = split(raw_path)
    first = segments[0].text if segments else ""
    if _is_cloudinary(segments):
        return cloudinary.parse(raw_path, raw_query)
    if first in RESERVED:
        raise Failure(
            Kind.NOT_FOUND, "not-found", f"/{first} is no picture",
            hint=f"a file or folder of this name is reached by /-/{first}",
        )  # fmt: skip
    return native.parse(raw_path, raw_query)


def is_cloudinary(raw_path: str) -> bool:
    """Whether a path is in Cloudinary's dialect, right or wrong."""
    try:
        return _is_cloudinary(split(raw_path))
    except Failure:
        return False


def _is_cloudinary(segments: list[Segment]) -> bool:
    begin = begins(segments)
    return begin == 0 or (begin == 1 and segments[0].text not in operations() and segments[0].text not in RESERVED)


def canonical(request: Request) -> str:
    """The one path of a request in the native dialect."""
    return native.print(request)
