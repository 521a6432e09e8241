"""All that a picture is made of, its source and the pictures of its layers: which versions are current, and the bytes.

They are fetched at the same time, each as any source is: once however many wait for it, through the same guard and
caches. The version of all together is what keys, freshness and headers are made of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import TypeVar

from werkzeug.http import parse_date

from cache.key import digest
from transforms.failure import Failure

from .layered import MISSING, Layered
from .originals import Original, Originals, Version
from .sources.grant import UNSAID, Grant
from .sources.pull import PullThrough
from .sources.source import Fetched, SourceRef
from .tags import source_tag, tags_of_source
from .wanted import Wanted

T = TypeVar("T")

MISSING_TTL = 60.0  # s for which an answer is fresh that a missing layer has a part in


@dataclass(frozen=True, slots=True)
class Joint(Version):
    """The version of a source and of the layers over it: `parts`, the source's first."""

    parts: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing(Version):
    """What stands for the version of a layer that there is no picture of: its tag says why."""

    @staticmethod
    def of(layered: Layered) -> Nothing:
        return Nothing(f"none: {layered.failure.code if layered.failure else ''}", MISSING_TTL)


@dataclass(frozen=True)
class Brought:
    """A picture of a layer: where it was found and its bytes, or why there are none."""

    layered: Layered
    ref: SourceRef | None
    original: Original | None

    @property
    def version(self) -> Version:
        return self.original.version if self.original is not None else Nothing.of(self.layered)

    @property
    def fetched(self) -> Fetched | None:
        return self.original.fetched if self.original is not None else None


@dataclass(frozen=True)
class Gathered:
    """The source, the pictures of its layers, and the version of all together.

    Spool files live as long as this is referred to: whoever still renders from them keeps it.
    """

    source: Original
    layers: tuple[Brought, ...]
    version: Version

    @property
    def complete(self) -> bool:
        """Whether there are the bytes of all, but for those of layers that there are none of."""
        layers = (brought.fetched is not None or brought.original is None for brought in self.layers)
        return self.source.fetched is not None and all(layers)

    @property
    def fetched(self) -> tuple[Fetched, ...]:
        """What there are bytes of, the source first."""
        found = (self.source.fetched, *(brought.fetched for brought in self.layers))
        return tuple(fetched for fetched in found if fetched is not None)

    @property
    def modified(self) -> str | None:
        """When the latest of all was changed; None where one of them does not say."""
        said = [_changed(self.source), *(_changed(brought.original) for brought in self.layers)]
        if len(said) == 1:
            return said[0]
        dates = [(date, text) for text in said if text and (date := parse_date(text)) is not None]
        return max(dates)[1] if len(dates) == len(said) else None

    def tags(self, source: SourceRef) -> tuple[str, ...]:
        """The tags of the source and of layers, then those of their folders, each once: no deep folder of the source,
        of which a URL may have any number, must push out a layer's."""
        refs = [source, *(brought.ref for brought in self.layers if brought.ref is not None)]
        folders = (tag for ref in refs for tag in tags_of_source(ref))
        return tuple(dict.fromkeys((*map(source_tag, refs), *folders)))


def _changed(original: Original | None) -> str | None:
    if original is None:
        return None
    return original.version.modified or (original.fetched.modified if original.fetched else None)


class Gathering:
    """Asks originals for all of them together."""

    def __init__(self, originals: Originals) -> None:
        self._originals = originals

    def near(self, wanted: Wanted) -> Version | None:
        """The current version of all where it is at hand. Raises the failures of the source; None where a layer is not
        there, or not at hand."""
        source = self._originals.near(wanted.ref)
        if source is None or not wanted.layers:
            return source
        layers = []
        for layered in wanted.layers:
            found = self._near(layered)
            if found is None:
                return None
            layers.append(found)
        return joined(source, layers)

    def _near(self, layered: Layered) -> tuple[SourceRef | None, Version] | None:
        failure = layered.failure
        for ref in layered.refs:
            try:
                version = self._originals.near(ref)
                return (ref, version) if version is not None else None
            except Failure as found:
                failure = failure or found
                if found.code not in MISSING:
                    break
        return (None, Nothing.of(layered.failing(failure))) if layered.guarded and failure else None

    async def version(self, wanted: Wanted) -> Version | None:
        """The current version of all as far as it is known without fetching. Raises the failures of the source, and
        those of layers."""
        source = await self._originals.version(wanted.ref)
        if not wanted.layers:
            return source
        layers = [await self._version(layered) for layered in wanted.layers]
        found = [layer for layer in layers if layer is not None]
        return joined(source, found) if source is not None and len(found) == len(layers) else None

    async def check_layers(self, wanted: Wanted) -> None:
        """Raises the failures of layers that are known already."""
        for layered in wanted.layers:
            await self._version(layered)

    async def _version(self, layered: Layered) -> tuple[SourceRef | None, Version] | None:
        failure = layered.failure
        for ref in layered.refs:
            try:
                version = await self._originals.version(ref)
                return (ref, version) if version is not None else None
            except Failure as found:
                failure = failure or found
                if found.code not in MISSING:
                    break
        return (None, Nothing.of(layered.failing(failure))) if failure else None

    async def fetch(self, wanted: Wanted, deadline: float, known: Version | None = None) -> Gathered:
        """All of them. With `known` origins are only asked whether that still holds, and bytes may be left out.

        Raises the failures of the source, and those of layers that are shown in any case.
        """
        if not wanted.layers:
            original = await self._originals.fetch(wanted.ref, deadline, known)
            return Gathered(original, (), original.version)
        parts: tuple[Version | None, ...] = (
            known.parts if isinstance(known, Joint) else (None,) * (1 + len(wanted.layers))
        )
        source, *others = parts
        asking = [
            asyncio.ensure_future(self._fetch(layered, deadline, one))
            for layered, one in zip(wanted.layers, others, strict=True)
        ]
        try:
            original = await self._originals.fetch(wanted.ref, deadline, source)
            layers = tuple([await task for task in asking])
        finally:
            await _ended(asking)
        version = joined(original.version, [(brought.ref, brought.version) for brought in layers])
        return Gathered(original, layers, version)

    async def _fetch(self, layered: Layered, deadline: float, known: Version | None) -> Brought:
        failure = layered.failure
        for ref in layered.refs:
            try:
                asked = None if isinstance(known, Nothing) else known
                return Brought(layered, ref, await self._originals.fetch(ref, deadline, asked))
            except Failure as found:
                failure = failure or found
                if found.code not in MISSING:
                    break
        assert failure is not None  # noqa: S101 - a layer without a failure has a place, and that ends in one
        return Brought(layered.failing(failure), None, None)


async def brought(wanted: Wanted, pull: PullThrough, deadline: float) -> Wanted:
    """The same with all in their folders that old hosts still have, brought at the same time.

    Raises the failures of PullThrough.bring, for layers as `fetch` does.
    """
    bringing = [asyncio.ensure_future(_brought(layered, pull, deadline)) for layered in wanted.layers]
    try:
        if wanted.absent is not None:
            wanted = wanted.at(await pull.bring(wanted.absent, deadline))
        return wanted.over(tuple([await task for task in bringing]))
    finally:
        await _ended(bringing)


async def _brought(layered: Layered, pull: PullThrough, deadline: float) -> Layered:
    if layered.absent is None:
        return layered
    try:
        return layered.at(await pull.bring(layered.absent, deadline))
    except Failure as failure:
        return layered.failing(failure)


async def _ended(tasks: Sequence[asyncio.Future[T]]) -> None:
    """Nothing of them goes on, and nobody is told that a failure was never looked at."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def joined(source: Version, layers: Sequence[tuple[SourceRef | None, Version]]) -> Joint:
    """One version for all: as fresh as the least fresh, private where one is."""
    parts = (source, *[version for _, version in layers])
    tag = _tag(source.tag, tuple([(ref, version.tag) for ref, version in layers]))
    if all(part.grant is UNSAID and not (part.stale or part.tags) for part in parts):  # files: nobody speaks of them
        return Joint(tag, min([part.fresh_for for part in parts]), parts=parts)
    return Joint(
        tag, min(part.fresh_for for part in parts), any(part.private for part in parts),
        tags=tuple(dict.fromkeys(tag for part in parts for tag in part.tags)),
        stale=any(part.stale for part in parts), grant=reduce(_both, (part.grant for part in parts)), parts=parts,
    )  # fmt: skip


@lru_cache(2048)
def _tag(source: str, layers: tuple[tuple[SourceRef | None, str], ...]) -> str:
    """Asked for at every request, as keys are."""
    return digest(source, *(part for ref, tag in layers for part in (*(ref.identity if ref else ()), tag)))


def _both(one: Grant, other: Grant) -> Grant:
    """What two origins grant together: the less of it."""
    return Grant(
        _less(one.fresh_for, other.fresh_for), one.private or other.private, one.ask or other.ask,
        _less(one.while_revalidate, other.while_revalidate), _less(one.if_error, other.if_error),
        one.said or other.said, _less(one.browser_for, other.browser_for),
    )  # fmt: skip


def _less(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else min(one, other)
