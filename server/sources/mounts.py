"""Where originals live: the folder or address that a public id of a cloud means, and what a remote address is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from transforms.failure import Failure, Kind, nearest
from transforms.output import OutputFormat

from .file import FORMATS, FileSource, is_plain, split_extension
from .scopes import ANY, DELIVERIES, Scoped
from .scopes import Scope as Scope
from .source import Fetched, NotModified, SourceRef, Validators, not_found
from .storage import Bucket
from .url import AllowedSource, climbs, parse_url

FALLBACK_TTL = 60.0  # s for which a picture is kept that stands for a missing one


@dataclass(frozen=True, slots=True)
class Base:
    """An address that originals lie below: `url` is canonical and ends with a slash."""

    url: str

    @classmethod
    def parse(cls, text: str) -> Base:
        """Read an address. Raises ValueError that says what is wrong with it."""
        try:
            url = parse_url(text)
        except Failure as failure:
            raise ValueError(failure.message) from None
        if url.query or "?" in text or "#" in text:
            raise ValueError("an address that originals lie below has no query and no fragment")
        if climbs(url.path):
            raise ValueError("an address that originals lie below has no '..' in it")
        return cls(str(url).removesuffix("/") + "/")

    def below(self, rest: str) -> SourceRef | None:
        """The remote source at `rest`, part of a canonical URL and so encoded; None where it could lead out."""
        url = parse_url(self.url + rest)
        inside = not climbs(url.path) and str(url).startswith(self.url) and AllowedSource.below(self.url).allows(url)
        return SourceRef(url.scheme, str(url), self.url) if inside else None

    def at(self, location: str) -> SourceRef:
        """The remote source that a decoded path means. Fails with `source-not-found` where it could lead out."""
        found = self.below(quote(location, safe="/")) if is_plain(location) else None
        if found is None:
            raise not_found()
        return found


Mount = FileSource | Base | Bucket


@dataclass(frozen=True, slots=True)
class Absent:
    """An original that is not in its folder, and may be at the old host: `rest` there, `location` in the folder.

    `exact` is where it must get that very name, because a path means one file and not a public id.
    """

    folder: FileSource
    location: str
    base: Base
    rest: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where an original may be, and the output format that the extension of its public id names.

    `absent` says that it must be brought first; `lasting` bounds the seconds that what is made of it may be kept.
    """

    ref: SourceRef
    format: OutputFormat | None = None
    absent: Absent | None = None
    lasting: float | None = None


class Mounts:
    """The places of all originals. Without entries every cloud, and no cloud, means the media folder."""

    def __init__(
        self,
        media: FileSource,
        entries: Iterable[tuple[Scope, Mount]] = (),
        pulls: Iterable[tuple[Scope, Base]] = (),
        rewrites: Iterable[tuple[Base, Base]] = (),
    ) -> None:
        entries = tuple(entries)
        plain = [(Scope(ANY, delivery), media) for delivery in DELIVERIES]
        self._mounts: Scoped[Mount] = Scoped(entries or plain)
        self._pulls = Scoped(pulls)
        self._rewrites = sorted(rewrites, key=lambda pair: -len(pair[0].url))
        folders = (folder for _, folder in (entries or plain) if isinstance(folder, FileSource))
        self.folders = Folders(folders)
        self.roots = tuple(folder.root for _, folder in (entries or plain) if isinstance(folder, FileSource))
        buckets = (bucket for _, bucket in entries if isinstance(bucket, Bucket))
        self.buckets = tuple(dict.fromkeys(buckets))

    def places(self, source: SourceRef, cloud: str = "", delivery: str = "upload") -> tuple[Place, ...]:
        """Where a source may be, to be tried in this order until one is there.

        Raises Failure: `unknown-cloud`, `source-not-found`, `bad-argument` (see FileSource.locate).
        """
        self._check_cloud(cloud)
        if source.scheme not in ("id", "file"):
            return (Place(self._rewritten(source)),)
        found = self._mounts.find(cloud, delivery, source.location)
        if found is None:
            raise not_found()
        mount, location = found
        pull = self._pulls.find(cloud, delivery, source.location)
        if not isinstance(mount, FileSource):
            return _remote(mount, location) if source.scheme == "id" else (Place(mount.at(location)),)
        if source.scheme == "file" and (pull is None or mount.has(location)):
            return (Place(SourceRef("file", location, mount.root)),)
        try:
            return (located(mount, location, exact=source.scheme == "file"),)
        except Failure as failure:
            if failure.kind is not Kind.NOT_FOUND or pull is None or not is_plain(location):
                raise
        absent = Absent(mount, location, *pull, exact=source.scheme == "file")
        return (Place(SourceRef("file", location, mount.root), absent=absent),)

    def places_or(self, fallback: str, source: SourceRef, cloud: str, delivery: str) -> tuple[Place, ...]:
        """As `places`, and after them those of the public id of a picture that stands for a missing one."""
        missing: Failure | None = None
        places: tuple[Place, ...] = ()
        try:
            places = self.places(source, cloud, delivery)
        except Failure as failure:
            if failure.code != "source-not-found":
                raise
            missing = failure
        output = FORMATS.get(split_extension(source.location)[1].lower()) if source.scheme == "id" else None
        try:
            others = self.places(SourceRef("id", fallback), cloud)
        except Failure:
            others = ()
        if missing is not None and not others:
            raise missing
        return (*places, *(Place(other.ref, output or other.format, other.absent, FALLBACK_TTL) for other in others))

    @property
    def clouds(self) -> tuple[str, ...]:
        """The clouds that originals are mounted for, "" for URLs that name none."""
        known = self._mounts.clouds()
        return tuple(sorted({"" if cloud == ANY else cloud for cloud in known}))

    def folder_of(self, scope: Scope) -> tuple[FileSource, str] | None:
        """The folder that all ids of a scope live in, and the path in it that they live below; None where none is."""
        found = self._mounts.find(scope.cloud, scope.delivery, "/".join((*scope.prefix, ".")))
        if found is None or not isinstance(found[0], FileSource):
            return None
        return found[0], found[1].removesuffix(".")

    def below(self, folder: str, cloud: str = "", delivery: str = "upload") -> list[str]:
        """Folders inside a folder of public ids that originals of their own are mounted at."""
        return list(self._mounts.below(cloud, delivery, folder))

    def names(self, ref: SourceRef) -> Iterator[tuple[SourceRef, str]]:
        """What URLs may say for an original that anybody may ask for: the source, and the cloud that must be named."""
        if ref.scheme in ("http", "https") and not any(ref.root == mount.url for mount in self._mounts.all(Base)):
            yield from self._before_rewriting(ref)
        for scope, mount in self._mounts.entries:
            location = _inside(mount, ref)
            if location is not None and scope.delivery == "upload":
                name = "/".join((*scope.prefix, location))
                # A public id leads there in every case; a path only where no cloud has to be named.
                yield SourceRef("file", name), ""
                if scope.cloud not in ("", ANY):
                    yield SourceRef("id", name), scope.cloud

    def _before_rewriting(self, ref: SourceRef) -> Iterator[tuple[SourceRef, str]]:
        for old, new in self._rewrites:
            if ref.root == new.url:
                location = old.url + ref.location.removeprefix(new.url)
                yield SourceRef(location.partition(":")[0], location), ""
        if not ref.root:
            yield SourceRef(ref.scheme, ref.location), ""

    def _check_cloud(self, cloud: str) -> None:
        known = self._mounts.clouds()
        if cloud and not known & {ANY, cloud}:
            close = nearest(cloud, known - {""})
            raise Failure(
                Kind.NOT_FOUND, "unknown-cloud", f"there is no cloud {cloud}",
                hint=f"did you mean {close}?" if close else None,
            )  # fmt: skip

    def _rewritten(self, source: SourceRef) -> SourceRef:
        """The address that a remote source has now."""
        for old, new in self._rewrites:
            if source.location.startswith(old.url):
                found = new.below(source.location.removeprefix(old.url))
                if found is None:
                    raise not_found()
                return found
        return source


def _inside(mount: Mount, ref: SourceRef) -> str | None:
    """Where in a mount an original lies, as a decoded path; None where it does not."""
    if isinstance(mount, FileSource):
        return ref.location if (ref.scheme, ref.root) == ("file", mount.root) else None
    if ref.root != mount.url:
        return None
    return unquote(ref.location.removeprefix(mount.url)) if isinstance(mount, Base) else ref.location


def located(folder: FileSource, location: str, *, exact: bool) -> Place:
    """The file of a folder that a path or a public id means. Raises the failures of FileSource.locate."""
    path, extension = folder.locate(location) if not exact else (location, None)
    if not folder.has(path):
        raise not_found()
    return Place(SourceRef("file", path, folder.root), extension)


def _remote(base: Base | Bucket, public_id: str) -> tuple[Place, ...]:
    """The id as it is written; where its extension is an output format, else the id without it."""
    stem, extension = split_extension(public_id)
    written = Place(base.at(public_id))
    output = FORMATS.get(extension.lower())
    return (written, Place(base.at(stem), output)) if output else (written,)


class Folders:
    """Source of "file" references: each root is a FileSource of its own."""

    def __init__(self, folders: Iterable[FileSource]) -> None:
        self._folders = {folder.root: folder for folder in folders}

    def current(self, ref: SourceRef) -> str:
        return self._folders[ref.root].current(ref)

    def join(self, others: Folders) -> None:
        """Know their folders too, in place of one's own where they are the same; requests that run keep the others."""
        self._folders.update(others._folders)

    async def fetch(self, ref: SourceRef, known: Validators | None, deadline: float) -> Fetched | NotModified:
        return await self._folders[ref.root].fetch(ref, known, deadline)

    async def close(self) -> None:
        """Nothing is held open."""
