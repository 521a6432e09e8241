"""The index that settings ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cache.open import Cache

from .feed import Feed
from .index import Index, OnEvent
from .sqlite import SqliteIndex

if TYPE_CHECKING:
    from ..settings import Settings

FILE = "search/index.sqlite"


def open_feed(settings: Settings, cache: Cache, on_event: OnEvent) -> Feed | None:
    """The index and what fills it; None where it is off."""
    return None if settings.search == "off" else Feed(open_index(settings, on_event), cache, on_event)


def open_index(settings: Settings, on_event: OnEvent = lambda name, outcome: None) -> Index:
    """In the Redis of the cache where there is one, else in a file or in memory."""
    if settings.search_index is None and settings.cache_text != "memory:":
        from .redis import RedisIndex  # redis-py takes 0.46 s and 49 MB: only where it is wanted

        return RedisIndex(
            settings.cache_text, prefix=settings.cache_prefix, most=settings.search_entries, on_event=on_event
        )  # fmt: skip
    return SqliteIndex(index_file(settings), settings.search_entries, on_event)


def index_file(settings: Settings) -> Path | None:
    """The file that is said, one beside the cache on disk, or one that the fronts of this instance share."""
    if settings.search_index is not None:
        return settings.search_index
    if settings.cache_disk is not None:
        return settings.cache_disk / FILE
    instance = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(instance) / FILE if instance and settings.workers > 1 else None
