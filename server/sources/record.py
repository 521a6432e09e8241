"""What is remembered of a remote source: an entry of the shared store, without a body."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from cache.entry import Entry, Meta
from transforms.failure import Failure

from .. import refusals
from .grant import UNSAID, Grant
from .source import Fetched, NotModified, Validators

STALE_TTL = 30.0  # s until an origin that failed is asked again, where there are bytes to go on with
REMEMBERED = 7 * 86_400.0  # s after freshness for which it can be revalidated
FAILED_TTL = {
    "source-not-found": 30.0,
    "source-refused": 30.0,
    "too-many-bytes": 30.0,
    "source-timeout": 10.0,
    "source-failed": 6.0,
}
"""Seconds for which a failure is given again without asking, by its code; less a fifth at most, by chance."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds for which a source is fresh where the origin says nothing, and at least, so that `max-age=0` does not
    become a request to the origin per request to us; and for which it may be used after that, where nothing is said."""

    unsaid: float = 86_400.0
    least: float = 60.0
    stale: float = 86_400.0


LIFETIMES = Lifetimes()


@dataclass(frozen=True, slots=True)
class Version:
    """What is known of a source without its bytes. `fresh_for` is in seconds, negative once stale.

    `stale` says that the origin failed and that this is what it last gave; `tags` are the origin's own.
    """

    tag: str
    fresh_for: float
    private: bool = False
    etag: str | None = None
    modified: str | None = None
    tags: tuple[str, ...] = ()
    stale: bool = False
    grant: Grant = UNSAID

    @property
    def fresh(self) -> bool:
        return self.private is False and self.fresh_for > 0


@dataclass(frozen=True, slots=True)
class Record:
    """Times are in seconds since the epoch: until when it is fresh, until when it may be served while it is
    revalidated, until when where the origin fails, and until when `failure` is given without asking.

    `tag` is empty where nothing but a failure is known.
    """

    asked_at: float
    tag: str = ""
    size: int = 0
    etag: str | None = None
    modified: str | None = None
    tags: tuple[str, ...] = ()
    fresh_until: float = 0.0
    serve_until: float = 0.0
    error_until: float = 0.0
    grant: Grant = UNSAID
    stale: bool = False
    failure: Failure | None = None
    failed_until: float = 0.0

    @classmethod
    def of(cls, fetched: Fetched, asked_at: float, lifetimes: Lifetimes = LIFETIMES) -> Record:
        record = cls(asked_at, fetched.version, fetched.size, fetched.etag, fetched.modified, fetched.tags)
        return record._granted(fetched.grant, asked_at, lifetimes)

    def renewed(self, answer: NotModified, asked_at: float, lifetimes: Lifetimes = LIFETIMES) -> Record:
        """What holds since the origin said so; what it does not say stays as it was."""
        known = replace(self, asked_at=asked_at, tags=answer.tags or self.tags, stale=False, failure=None)
        return known._granted(answer.grant if answer.grant.said else self.grant, asked_at, lifetimes)

    def _granted(self, grant: Grant, now: float, lifetimes: Lifetimes) -> Record:
        ttl = lifetimes.unsaid if grant.fresh_for is None else max(grant.fresh_for, lifetimes.least)
        fresh_until = now if grant.ask else now + ttl
        serve = lifetimes.stale if grant.while_revalidate is None else grant.while_revalidate
        error = lifetimes.stale if grant.if_error is None else grant.if_error
        return replace(
            self, grant=grant, fresh_until=fresh_until, serve_until=fresh_until + serve,
            error_until=fresh_until + error,
        )  # fmt: skip

    def outlasting(self, now: float) -> Record:
        """What goes on for a little, because the origin failed."""
        fresh_until = min(now + STALE_TTL * random.uniform(0.8, 1.0), self.error_until)  # noqa: S311 - only spreads
        return replace(self, fresh_until=fresh_until, stale=True)

    def failing(self, failure: Failure, now: float) -> Record:
        seconds = FAILED_TTL[failure.code] * random.uniform(0.8, 1.0)  # noqa: S311
        return replace(self, failure=failure.with_details(), failed_until=now + seconds)

    @property
    def private(self) -> bool:
        return self.grant.private

    @property
    def validators(self) -> Validators | None:
        return Validators(self.etag, self.modified) if self.etag or self.modified else None

    def fresh(self, now: float) -> bool:
        return bool(self.tag) and now < self.fresh_until

    def version(self, now: float) -> Version:
        return Version(
            self.tag, self.fresh_until - now, self.private, self.etag, self.modified, self.tags, self.stale, self.grant
        )  # fmt: skip

    def servable(self, now: float) -> Version | None:
        """The version where it may be used without asking first. Raises the failure that is remembered instead."""
        if self.tag and now < max(self.fresh_until, self.serve_until):
            return self.version(now)
        self.refuse(now)
        return None

    def refuse(self, now: float) -> None:
        if self.failure is not None and now < self.failed_until:
            raise self.failure.with_details()  # anew: a raised one holds on to all that was at hand

    def entry(self, tags: tuple[str, ...]) -> Entry:
        """As it is stored; `tags` are those of the source."""
        fresh_until = max(self.fresh_until, self.failed_until)
        usable = max(self.serve_until, self.error_until, self.fresh_until + REMEMBERED) if self.tag else 0.0
        return Entry(
            b"", self._meta(), self.asked_at, fresh_until, max(fresh_until, usable),
            tags=tuple(dict.fromkeys((*tags, *self.tags))),
        )  # fmt: skip

    def _meta(self) -> Meta:
        grant = self.grant
        return {
            "tag": self.tag, "size": self.size, "etag": self.etag, "modified": self.modified, "tags": list(self.tags),
            "until": [self.fresh_until, self.serve_until, self.error_until, self.failed_until], "stale": self.stale,
            "grant": [grant.fresh_for, grant.ask, grant.while_revalidate, grant.if_error, grant.browser_for],
            "failure": refusals.written(self.failure) if self.failure else None,
        }  # fmt: skip

    @classmethod
    def read(cls, entry: Entry) -> Record | None:
        """The record of an entry; None where it is none, or another release wrote it."""
        meta: dict[str, Any] = dict(entry.meta)
        try:
            fresh_for, ask, while_revalidate, if_error, browser_for = meta["grant"]
            fresh_until, serve_until, error_until, failed_until = (float(until) for until in meta["until"])
            return cls(
                entry.stored_at, str(meta["tag"]), int(meta["size"]), meta["etag"], meta["modified"],
                tuple(map(str, meta["tags"])), fresh_until, serve_until, error_until,
                Grant(fresh_for, False, bool(ask), while_revalidate, if_error, browser_for=browser_for),
                bool(meta["stale"]), refusals.read(meta["failure"]), failed_until,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            return None
