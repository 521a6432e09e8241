"""Originals in object storage: S3 and what is compatible with it, Google Cloud Storage, Azure Blob Storage.

obstore signs, reuses connections and retries; here are the bounds. An object comes in one request: four ranges at a
time took 19 ms instead of 12 for 5 MB, and sources are at most 20 MiB, so that one stream is done in a second.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

from werkzeug.http import http_date, parse_date

from transforms.failure import Failure

from ..log import logger
from ..tags import from_origin
from .download import failed, refused, save, timed_out
from .file import is_plain
from .grant import Grant, granted, validator
from .http import HttpLimits
from .places import Places
from .source import Fetched, NotModified, SourceRef, Validators, not_found, too_many_bytes
from .spool import Spool
from .url import climbs

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ObjectStore
    from typing_extensions import Buffer

SCHEMES = ("s3", "gs", "az")
NEEDED = "object storage needs obstore: pip install -e '.[s3]'"

_CHUNK = 256 * 1024
_ADDRESS = re.compile(r"([a-z0-9]+)://([a-z0-9][a-z0-9._-]{1,254})(?:/(.*))?", re.DOTALL)
_TAGS = ("cache-tag", "surrogate-key")  # of the object's own metadata


@dataclass(frozen=True, slots=True)
class Bucket:
    """A mount: everything below a prefix of a bucket (a container, for Azure). `prefix` is empty or ends without /."""

    scheme: str
    name: str
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Bucket:
        """Read `s3://bucket[/prefix]`. Raises ValueError that says what is wrong with it."""
        match = _ADDRESS.fullmatch(text)
        if match is None or match[1] not in SCHEMES:
            raise ValueError(f"object storage is <{', '.join(SCHEMES)}>://bucket[/prefix]; a bucket is in lower case")
        prefix = (match[3] or "").removesuffix("/")
        if prefix and not is_plain(prefix):
            raise ValueError("a prefix has no '.', '..' and no empty parts in it")
        return cls(match[1], match[2], prefix)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.name}/{self.prefix}"

    def at(self, location: str) -> SourceRef:
        """The object that a decoded path means. Fails with `source-not-found` where it could lead out."""
        if not is_plain(location) or climbs(location):
            raise not_found()
        return SourceRef(self.scheme, location, self.url)


@dataclass(frozen=True, slots=True)
class StorageAccess:
    """How S3 is reached; what is None comes from the environment that AWS's own tools read, or from the instance."""

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    anonymous: bool = False


def is_installed() -> bool:
    return importlib.util.find_spec("obstore") is not None


class StorageSource:
    """Source of "s3", "gs" and "az" references, all of which come from mounts: what the operator wrote is trusted, also
    where it is a private address. `buckets` are opened now, others (of a settings file that was read again) when they
    are asked for. Raises ValueError where one cannot be used as it is set.
    """

    def __init__(
        self, spool: Spool, buckets: Iterable[Bucket] = (), *, access: StorageAccess | None = None,
        limits: HttpLimits | None = None, places: Places | None = None,
    ) -> None:  # fmt: skip
        self._spool = spool
        self._limits = limits or HttpLimits()
        self._places = Places() if places is None else places
        self._access = access or StorageAccess()
        self._stores = {bucket.url: _store(bucket, self._access, self._limits) for bucket in buckets}

    def current(self, ref: SourceRef) -> None:
        """Nothing is known of it here."""

    async def fetch(self, ref: SourceRef, known: Validators | None, deadline: float) -> Fetched | NotModified:
        """Download the object.

        Raises Failure: `source-not-found`, `source-refused`, `too-many-bytes`, `source-failed`, `source-timeout`,
        `source-busy`, `spool-full`; none of them names the bucket or the key.
        """
        async with self._places.of(ref.root, deadline):
            try:
                async with asyncio.timeout(min(self._limits.total, deadline - time.monotonic())):
                    return await self._get(ref, known)
            except TimeoutError:
                raise timed_out() from None

    async def close(self) -> None:
        self._stores.clear()
        self._spool.close()

    async def _get(self, ref: SourceRef, known: Validators | None) -> Fetched | NotModified:
        from obstore import exceptions, get_async

        try:
            async with asyncio.timeout(self._limits.connect + self._limits.first_byte):
                found = await get_async(self._opened(ref.root), ref.location, options=_conditions(known))
            return await self._take(found)
        except exceptions.NotModifiedError:
            return NotModified()
        except (FileNotFoundError, exceptions.BaseError, ValueError) as error:
            raise _failure(error) from None  # the text has the bucket, the key and the request in it

    def _opened(self, root: str) -> ObjectStore:
        if root not in self._stores:
            try:
                self._stores[root] = _store(Bucket.parse(root), self._access, self._limits)
            except ValueError as error:
                logger().error("storage cannot be used", reason=str(error))
                raise failed("the storage cannot be used as it is set") from None
        return self._stores[root]

    async def _take(self, found: GetResult) -> Fetched:
        meta, attributes = found.meta, {str(name).lower(): value for name, value in found.attributes.items()}
        if meta["size"] > self._limits.bytes:
            raise too_many_bytes(self._limits.bytes)
        if attributes.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
            raise failed("the object is stored compressed")
        async with self._spool.draft() as draft:
            size, version = await save(self._chunks(found), draft, self._limits.bytes)
            if size != meta["size"]:
                raise failed("the storage broke off")
        return Fetched(
            path=draft.path,
            version=version,
            size=size,
            etag=validator(meta["e_tag"]),
            modified=http_date(modified) if (modified := meta["last_modified"]).year > 1970 else None,  # else unsaid
            grant=_grant(attributes),
            tags=from_origin(attributes[name] for name in _TAGS if name in attributes),
            owned=True,
        )

    async def _chunks(self, found: GetResult) -> AsyncIterator[Buffer]:
        stream = found.stream(min_chunk_size=_CHUNK)
        while True:
            async with asyncio.timeout(self._limits.first_byte):
                chunk = await anext(stream, None)
            if chunk is None:
                return
            yield chunk


def _grant(attributes: dict[str, str]) -> Grant:
    return granted({"Cache-Control": attributes["cache-control"]} if "cache-control" in attributes else {})


def _conditions(known: Validators | None) -> GetOptions:
    if known is not None and known.etag:
        return {"if_none_match": known.etag}
    modified = parse_date(known.modified) if known else None
    return {"if_modified_since": modified} if modified else {}


def _failure(error: Exception) -> Failure:
    from obstore import exceptions

    text = str(error)
    if isinstance(error, ValueError) or (isinstance(error, FileNotFoundError) and "NoSuchBucket" not in text):
        return not_found()
    logger().warning("storage failed", reason=_told(text))
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return refused("the storage refuses to hand it out")
    return failed("the storage could not be reached, or failed")


def _told(text: str) -> str:
    """What the storage says for the log: the status or the error, not the address that is asked."""
    match = re.search(r"<Code>(\w{1,60})</Code>|status code: (\d{3})", text)
    return (match[1] or match[2]) if match else re.sub(r"\S*/\S*", "…", text.split("\n")[0])[:200]


def _store(bucket: Bucket, access: StorageAccess, limits: HttpLimits) -> ObjectStore:
    """Raises ValueError, in the words of obstore, where what is set cannot be used."""
    from obstore import exceptions
    from obstore.store import AzureStore, GCSStore, S3Store

    kinds: dict[str, Any] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
    try:
        store: ObjectStore = kinds[bucket.scheme](
            bucket.name,
            prefix=bucket.prefix or None,
            config=_config(bucket, access),
            client_options=_client(access, limits),
            retry_config={
                "max_retries": 2,
                "retry_timeout": timedelta(seconds=limits.total),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=50),
                    "max_backoff": timedelta(milliseconds=500),
                    "base": 2,
                },
            },
        )
    except (exceptions.BaseError, OSError) as error:
        raise ValueError(f"{bucket.scheme}://{bucket.name}: {str(error).splitlines()[0]}") from None
    return store


def _config(bucket: Bucket, access: StorageAccess) -> dict[str, Any]:
    if bucket.scheme != "s3":
        return {"skip_signature": True} if access.anonymous else {}
    said = {
        "endpoint": access.endpoint,
        "region": access.region,
        "access_key_id": access.access_key,
        "secret_access_key": access.secret_key,
        "skip_signature": access.anonymous or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _client(access: StorageAccess, limits: HttpLimits) -> dict[str, Any]:
    return {
        "allow_http": (access.endpoint or "").lower().startswith("http://"),
        "connect_timeout": timedelta(seconds=limits.connect),
        "read_timeout": timedelta(seconds=limits.first_byte),
        "timeout": timedelta(seconds=limits.total),
        "user_agent": f"Darkroom/{installed_version('darkroom')}",
    }
