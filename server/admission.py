"""A bounded queue before the renderers: fair between clients, and quick to say no.

It is bounded by the pixels that wait, not by how many wait: thirty icons are no load and thirty posters are. Clients
take turns, so that one with 500 requests delays another's single one by one render, not by 500; while nobody else waits
one client may have the whole queue. Who would wait too long is told so at once rather than after having waited.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from transforms.failure import Failure, Kind
from transforms.image import HEAT

LEAST_PIXELS = 1_000_000  # what an icon counts as: a render costs a few milliseconds however small it is
HOT_PIXELS = 16_000_000  # what a heat map counts as at least: it asks a model 25 to 50 times
HOPELESS = 0.6  # of the greatest age: who is to wait longer than that is refused at once
SAMPLES = 8  # turns that are measured before waits are foretold, and that an earlier rush counts as
_WEIGHT = 0.02  # of the latest turn in the mean: with 0.05 one in eight foretold waits was wrong by a third


@dataclass(slots=True, eq=False)
class _Waiter:
    client: str
    pixels: int
    since: float
    until: float
    """When its place is given up."""
    deadline: float
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True, eq=False)
class _Line:
    """The waiters of one client, first come first."""

    waiters: dict[_Waiter, None] = field(default_factory=dict)
    pixels: int = 0


class Admission:
    """At most `concurrent` and `most_inside` pixels inside; at most `waiting` and `most_waiting` pixels at the door,
    none there for longer than `seconds`. A picture larger than the bounds goes in when it is alone, and none counts for
    more than `largest` pixels: what truly has more is refused by its header, and others only say so.

    For metrics: `inside`, `waiting` (renders), `pixels_inside`, `pixels_waiting`, `age` (s that the oldest waits).
    """

    def __init__(
        self, concurrent: int, waiting: int, seconds: float, *,
        most_inside: int = 1 << 62, most_waiting: int = 1 << 62, largest: int = 1 << 62,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._concurrent = concurrent
        self._most_count = waiting
        self._seconds = seconds
        self._most_inside = most_inside
        self._most_waiting = most_waiting
        self._largest = largest
        self._clock = clock
        self._lines: dict[str, _Line] = {}  # in the order of their turns
        self._turn = 0.0  # s from one turn to the next while somebody waits, on average
        self._turns = 0
        self._last = 0.0  # when somebody's turn came, or the line began
        self.inside = 0
        self.waiting = 0
        self.pixels_inside = 0
        self.pixels_waiting = 0

    @property
    def age(self) -> float:
        """Seconds that the oldest waiter has been here."""
        now = self._clock()
        return now - min((next(iter(line.waiters)).since for line in self._lines.values()), default=now)

    @asynccontextmanager
    async def admitted(self, client: str = "", pixels: int = 0, deadline: float | None = None) -> AsyncIterator[None]:
        """Inside from its turn on. `pixels` are those of all frames of the source, as far as they are known; `deadline`
        is of time.monotonic().

        Raises Failure queue-full (429), queue-timeout and deadline-exceeded (503). Whoever is cancelled while it waits
        leaves its place at once.
        """
        weight = self._weight(pixels)
        await self._enter(client, weight, deadline if deadline is not None else float("inf"))
        try:
            yield
        finally:
            self.inside -= 1
            self.pixels_inside -= weight
            self._call()

    def refuse_if_full(self, client: str = "", pixels: int | None = None) -> None:
        """Raises Failure queue-full; asked before a source is fetched, so that load never becomes load on origins."""
        weight = self._weight(pixels or 0)
        if not self._lines and self._fits(weight):
            return
        if self._is_hopeless(client) or not (self._has_room(weight) or self._least_deserving(client, weight)):
            raise _full()

    def _weight(self, pixels: int) -> int:
        return min(max(pixels, LEAST_PIXELS), self._largest)

    async def _enter(self, client: str, pixels: int, deadline: float) -> None:
        now = self._clock()
        if now >= deadline:
            raise late()
        if not self._lines and self._fits(pixels):
            self._admit(pixels)
            return
        self._make_room(client, pixels)
        waiter = _Waiter(client, pixels, now, min(now + self._seconds, deadline), deadline)
        self._append(waiter)
        await self._wait(waiter)

    async def _wait(self, waiter: _Waiter) -> None:
        try:
            async with asyncio.timeout(waiter.until - self._clock()):
                await waiter.turn
        except TimeoutError:
            if not _granted(waiter):  # its turn may have come in the same moment
                raise _expired(waiter) from None
        except asyncio.CancelledError:
            if _granted(waiter):
                self.inside -= 1
                self.pixels_inside -= waiter.pixels
                self._call()
            raise
        finally:
            self._remove(waiter)

    def _fits(self, pixels: int) -> bool:
        free = self.inside < self._concurrent
        return free and (self.inside == 0 or self.pixels_inside + pixels <= self._most_inside)

    def _has_room(self, pixels: int) -> bool:
        few = self.waiting < self._most_count
        return few and (self.waiting == 0 or self.pixels_waiting + pixels <= self._most_waiting)

    def _is_hopeless(self, client: str) -> bool:
        """Whether one more of a client is to wait too long: for each that it has waiting, everybody has a turn."""
        if self._turns < SAMPLES:
            return False
        line = self._lines.get(client)
        rounds = (len(line.waiters) if line else 0) + 1
        turns = min(self.waiting, rounds * len(self._lines))
        return turns * self._turn > HOPELESS * self._seconds

    def _make_room(self, client: str, pixels: int) -> None:
        """Raises Failure queue-full; those that hold more than their share give way to those that hold less."""
        if self._is_hopeless(client):
            raise _full()
        while not self._has_room(pixels):
            victim = self._least_deserving(client, pixels)
            if victim is None:
                raise _full()
            self._remove(victim)
            victim.turn.set_exception(_full())

    def _least_deserving(self, client: str, pixels: int) -> _Waiter | None:
        """The latest waiter of the client with the most pixels, where without it that has twice this client's still."""
        if not self._lines:
            return None
        greedy = max(self._lines.values(), key=lambda line: line.pixels)
        victim = next(reversed(greedy.waiters))
        own = self._lines.get(client)
        held = (own.pixels if own else 0) + pixels
        return victim if victim.client != client and greedy.pixels - victim.pixels >= 2 * held else None

    def _append(self, waiter: _Waiter) -> None:
        if not self._lines:
            self._last, self._turns = waiter.since, min(self._turns, SAMPLES)
        line = self._lines.setdefault(waiter.client, _Line())
        line.waiters[waiter] = None
        line.pixels += waiter.pixels
        self.waiting += 1
        self.pixels_waiting += waiter.pixels

    def _remove(self, waiter: _Waiter) -> None:
        line = self._lines.get(waiter.client)
        if line is None or waiter not in line.waiters:
            return
        del line.waiters[waiter]
        line.pixels -= waiter.pixels
        self.waiting -= 1
        self.pixels_waiting -= waiter.pixels
        if not line.waiters:
            del self._lines[waiter.client]

    def _admit(self, pixels: int) -> None:
        self.inside += 1
        self.pixels_inside += pixels

    def _call(self) -> None:
        """Lets in who is next, as far as there is room; whoever came too late for its deadline is sent away."""
        while self._lines:
            now = self._clock()
            client, line = next(iter(self._lines.items()))
            waiter = next(iter(line.waiters))
            if waiter.turn.done():  # cancelled, and about to leave
                self._remove(waiter)
            elif now >= waiter.until:
                self._remove(waiter)
                waiter.turn.set_exception(_expired(waiter))
            elif not self._fits(waiter.pixels):
                return
            else:
                self._measure(now)
                self._lines[client] = self._lines.pop(client)  # to the end of the round
                self._remove(waiter)
                self._admit(waiter.pixels)
                waiter.turn.set_result(None)

    def _measure(self, now: float) -> None:
        self._turns += 1
        # A true mean at first: an average that begins with one sample would believe it.
        self._turn += (now - self._last - self._turn) * max(_WEIGHT, 1 / self._turns)
        self._last = now


def weight(pixels: int, needs: Iterable[str]) -> int:
    """The pixels that a render counts as, of sources with so many, which asks for these kinds of detections."""
    return max(pixels, HOT_PIXELS) if any(f":{HEAT}" in kind for kind in needs) else pixels


def _granted(waiter: _Waiter) -> bool:
    turn = waiter.turn
    return turn.done() and not turn.cancelled() and turn.exception() is None


def _full() -> Failure:
    return Failure(Kind.BUSY, "queue-full", "too many pictures are being rendered", retry_after=1)


def _expired(waiter: _Waiter) -> Failure:
    if waiter.until >= waiter.deadline:
        return late()
    return Failure(Kind.UNAVAILABLE, "queue-timeout", "the picture waited too long to be rendered", retry_after=2)


def late() -> Failure:
    """That a request has come to its deadline."""
    return Failure(
        Kind.UNAVAILABLE, "deadline-exceeded", "the picture took longer than a request may", retry_after=5
    )  # fmt: skip
