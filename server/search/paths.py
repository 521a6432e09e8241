"""The path that an original may be listed under, and what such a path means now."""

from __future__ import annotations

from urllib.parse import quote

from transforms.failure import Failure
from transforms.pipeline import Pipeline

from ..sources.mounts import Mounts
from ..sources.source import SourceRef
from ..urls import native, parse
from ..urls.request import Request

_SAFE = "/!$&'()*+,:;=@~"


def path_of(ref: SourceRef, mounts: Mounts) -> str | None:
    """The path of a source without steps, which any client can put before it: `/resize:100x` + path.

    Ours (`/-/team/jane.jpg`) where that leads there, else Cloudinary's of the cloud that it is mounted for. None of
    what may not be listed: originals of private and authenticated deliveries alone, and addresses with a query, which
    may hold a secret.
    """
    for source, cloud in mounts.names(ref):
        if _leads(mounts, source, cloud, ref):
            if not cloud:
                return native.print(Request(Pipeline(()), source, delivery=""))
            return f"/{quote(cloud)}/image/upload/{quote(source.location, safe=_SAFE)}"
    return None


def refs_at(path: str, mounts: Mounts) -> list[SourceRef]:
    """The originals that a path without steps may mean now."""
    try:
        request = parse(path)
        places = mounts.places(request.source, request.cloud, request.delivery or "upload")
    except Failure:
        return []
    return [place.ref for place in places]


def _leads(mounts: Mounts, source: SourceRef, cloud: str, ref: SourceRef) -> bool:
    if "?" in source.location and source.scheme in ("http", "https"):
        return False
    try:
        return any(place.ref == ref for place in mounts.places(source, cloud))
    except Failure:
        return False
