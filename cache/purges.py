"""What was purged lately, so that nothing that was begun before comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from .entry import Entry

REMEMBERED = 600.0  # s; no request takes as long, so that whatever was begun before a purge has ended by then


class Purges:
    """The moments at which tags were purged, of the last minutes; shared by the tiers of a process.

    Moments are wall-clock seconds, as in entries: the clocks of replicas should agree to a few milliseconds (NTP).
    """

    def __init__(self, remembered: float = REMEMBERED, clock: Callable[[], float] = time.time) -> None:
        self._moments: dict[str, float] = {}
        self._remembered = remembered
        self._clock = clock
        self._swept = 0.0
        self.count = 0  # of purges; whoever asks after one has nothing to do with what was begun before

    def add(self, tags: Collection[str], moment: float | None = None) -> float:
        """Remembers that these were purged, now unless said otherwise. Gives the moment."""
        now = self._clock()
        moment = now if moment is None else moment
        self._sweep(now)
        self.count += 1
        for tag in tags:
            self._moments[tag] = max(moment, self._moments.get(tag, moment))
        return moment

    def forbid(self, entry: Entry) -> bool:
        """Whether making the entry began before a purge of one of its tags, or as that happened."""
        if not self._moments:
            return False
        return any(entry.stored_at <= self._moments.get(tag, -1.0) for tag in entry.tags)

    def _sweep(self, now: float) -> None:
        if now - self._swept < self._remembered / 10:
            return
        self._swept = now
        self._moments = {tag: at for tag, at in self._moments.items() if now - at < self._remembered}
