"""Models are loaded a few at a time, those that come with Darkroom before all others."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

AT_ONCE = 2
"""Loading takes a core for a second or two: more at once end no sooner, and all need their memory at one time."""

SLOW_S = 10.0
"""What has been loaded for longer holds the others back no more: it may never end."""


class Loading:
    """What is being loaded, and what waits for that. May be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count()
        self._waiting: list[tuple[bool, int, str, Callable[[], None]]] = []  # a heap
        self._begun: dict[int, float] = {}

    def put(self, name: str, load: Callable[[], None], *, first: bool) -> None:
        """Have something loaded, in a thread of its own, when it is its turn; `first`: before those that are not."""
        with self._lock:
            heapq.heappush(self._waiting, (not first, next(self._numbers), name, load))
        self.go_on()

    def go_on(self) -> None:
        """Begin what may begin by now; to be called now and then, because what takes too long tells nobody."""
        with self._lock:
            while self._waiting and self._busy < AT_ONCE:
                _, number, name, load = heapq.heappop(self._waiting)
                self._begun[number] = time.monotonic()
                threading.Thread(target=self._run, args=(number, load), name=f"load-{name}", daemon=True).start()

    @property
    def _busy(self) -> int:
        """How many are being loaded for which others should wait."""
        now = time.monotonic()
        return sum(now - began < SLOW_S for began in self._begun.values())

    def _run(self, number: int, load: Callable[[], None]) -> None:
        try:
            load()
        finally:
            with self._lock:
                del self._begun[number]
            self.go_on()
