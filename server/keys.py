"""By what results are told apart: ETags, and the parts of cache keys."""

from __future__ import annotations

from cache.entry import Entry
from cache.key import digest
from transforms.output import Client

from .originals import Version
from .sources.source import SourceRef


def tag_of(key: str, entry: Entry | None = None) -> str:
    """The ETag of a result. What had to do without something has another, lest it be kept when it has healed."""
    degraded = str(entry.meta["degraded"]) if entry else ""
    return f'W/"{key}-{digest(degraded)[:8]}"' if degraded else f'W/"{key}"'


def of_client(client: Client) -> tuple[str, ...]:
    """What of the client enters a key."""
    saving = "save-data" if client.save_data else ""
    return ",".join(sorted(client.formats)), f"{client.dpr:g}", str(client.width or ""), saving


def identity(ref: SourceRef, version: Version, pipeline: str = "") -> str:
    """A version of a source, and what is made of it if that is said, as one word."""
    return digest(*ref.identity, version.tag, pipeline)
