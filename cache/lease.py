"""Leases: which of many processes makes a thing, as Redis sees it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from .breaker import Unanswered

if TYPE_CHECKING:
    from .link import Link

TTL = 2.5  # s that a lease outlives its holder, and followers wait for one that died
APART = 1.0  # s for which others are told to make their own

RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
REPLACE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], '-', 'PX', ARGV[2]) return 1 end
return 0
"""

_log = logging.getLogger(__name__)


class Refusal(Enum):
    """Why a lease was not given."""

    HELD = "another makes it"
    APART = "each makes its own"
    UNKNOWN = "Redis does not say"


@dataclass(eq=False)
class Lease:
    """Renewed until it is given back, or was lost: its holder slept for longer than it lives, or Redis forgot it."""

    leases: Leases
    name: str
    token: str
    lost: bool = False
    _renewing: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._renewing = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while not self.lost:
            await asyncio.sleep(self.leases.ttl / 3)
            if await self.leases.run(RENEW, self, self.leases.ttl) == 0:
                self.lost = True
                _log.info("a lease was lost")

    def give_back(self, apart: bool = False) -> None:
        """Without waiting. With `apart`, those who wait are told that they will not find the result anywhere."""
        if self._renewing is not None:
            self._renewing.cancel()
        self.leases.later(self.leases.run(REPLACE if apart else RELEASE, self, APART))


class Leases:
    """One string per lease, under `<prefix>:lease:<key>`: the holder's token, or `-`."""

    def __init__(self, link: Link, prefix: str = "darkroom", ttl: float = TTL) -> None:
        self.ttl = ttl
        self._link = link
        self._prefix = prefix
        self._background: set[asyncio.Task[Any]] = set()

    async def take(self, key: str) -> Lease | Refusal:
        name, token = f"{self._prefix}:lease:{key}", secrets.token_hex(8)
        milliseconds = int(1000 * self.ttl)
        try:
            if await self._link.call(lambda client: client.set(name, token, nx=True, px=milliseconds)):
                return Lease(self, name, token)
            value = await self._link.call(lambda client: client.get(name))
        except Unanswered:
            return Refusal.UNKNOWN
        return Refusal.APART if value == b"-" else Refusal.HELD

    async def run(self, script: str, lease: Lease, seconds: float) -> int | None:
        """What a script said; None where it was not run."""
        arguments = (lease.token, int(1000 * seconds))
        try:
            return int(await self._link.call(lambda client: client.eval(script, 1, lease.name, *arguments)))
        except Unanswered:
            return None

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def close(self) -> None:
        """Waits until what was given back has arrived."""
        await asyncio.gather(*self._background, return_exceptions=True)
