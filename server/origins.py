"""Every kind of source that the settings name, opened, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cache.store import Store

from .environment import SettingsError
from .log import logger
from .metrics import Metrics
from .originals import Originals
from .settings import Settings
from .sources.http import HttpSource
from .sources.kept import Kept
from .sources.mounts import Mounts
from .sources.places import Places
from .sources.record import Lifetimes
from .sources.source import Source
from .sources.spool import Spool, roomiest
from .sources.storage import SCHEMES, StorageSource


@dataclass(frozen=True)
class Origins:
    """`web` is the source of http and https, for pull-through."""

    originals: Originals
    web: HttpSource


def open_origins(settings: Settings, mounts: Mounts, store: Store, metrics: Metrics) -> Origins:
    """Raises SettingsError where originals cannot be kept where they should be, or storage cannot be used."""
    spool = _spool(settings)
    web = HttpSource.of(settings, spool, metrics.origin)
    places = Places(settings.origin_connections)
    try:
        storage = StorageSource(
            spool, mounts.buckets, access=settings.storage, limits=settings.http_limits, places=places
        )  # fmt: skip
        sources: dict[str, Source] = {"file": mounts.folders, "http": web, "https": web}
        sources |= dict.fromkeys(SCHEMES, storage)
        kept = _kept(settings, spool)
        lifetimes = Lifetimes(settings.ttl, settings.least_ttl, settings.stale_ttl)
        originals = Originals(sources, store, kept, lambda how: metrics.sources[how].inc(), lifetimes)
        return Origins(originals, web)
    except ValueError as error:
        spool.close()
        raise SettingsError(f"mounts: {error}") from None
    except BaseException:
        spool.close()
        raise


def _spool(settings: Settings) -> Spool:
    """On the file system of the folder that originals are kept in, since they are linked there."""
    folder = settings.originals_dir if settings.originals_bytes else None
    if folder is None:
        return Spool(roomiest(settings.spooled_bytes))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Spool(folder)
    except OSError as error:
        raise SettingsError(f"DARKROOM_ORIGINALS_DIR={folder}: {error.strerror or error}") from None


def _kept(settings: Settings, spool: Spool) -> Kept | None:
    if not settings.originals_bytes:
        return None
    folder: Path = settings.originals_dir or spool.folder / "originals"
    try:
        return Kept(folder, int(settings.originals_bytes), spool, int(settings.max_src_file_size))
    except OSError as error:
        if settings.originals_dir is None:
            logger().warning("originals are not kept", reason=error.strerror)
            return None
        raise SettingsError(f"DARKROOM_ORIGINALS_DIR={folder}: {error.strerror or error}") from None
