"""Leaves a service alone that does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable


class Unanswered(Exception):
    """A service did not do what it was asked to; already counted."""


class Breaker:
    """Opens after `limit` failures in a row; then admits one call every `pause` seconds, until one succeeds.

    A probe that never reports back (its caller went away) locks nothing: the next is due after another pause.
    """

    def __init__(self, limit: int = 5, pause: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._pause = pause
        self._clock = clock
        self._failures = 0
        self._probe_at = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= self._limit

    def admit(self) -> bool:
        """Whether to make a call now."""
        if not self.open:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + self._pause
        return True

    def succeed(self) -> None:
        self._failures = 0

    def fail(self) -> None:
        self._failures += 1
        if self.open:
            self._probe_at = self._clock() + self._pause
