"""Where the time of a render goes."""

from __future__ import annotations

import time

STAGES = ("probe", "plan", "decode", "find", "run", "encode", "explain")


class Clock:
    """Milliseconds by stage; a stage that comes twice is added up."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._spent: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """What has passed since the last lap belongs to `stage`."""
        now = time.perf_counter()
        self._spent[stage] = self._spent.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    @property
    def laps(self) -> tuple[tuple[str, float], ...]:
        """In the order of STAGES."""
        return tuple((stage, self._spent[stage]) for stage in STAGES if stage in self._spent)
