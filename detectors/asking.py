"""Asks a loaded model, batch by batch: who waits is told, and what it took and what failed is counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from .canary import Canary, summary
from .counted import SECONDS, SIZES, Tally
from .manifest import Unlike
from .registry import Loaded
from .waiting import Answer, Calls, Waiting, in_time

log = logging.getLogger("darkroom.detection")

SICK_AFTER = 10
"""So many failures in a row, and the process of a model of ours should be restarted."""


class Asking:
    """The calls of one model, by the threads of its lane."""

    def __init__(self, task: str, kinds: Iterable[str], canary: Canary) -> None:
        self.calls = Calls()
        self.failures = 0  # in a row
        self._failed = 0  # in all
        self._task, self._kinds, self._canary = task, tuple(kinds), canary
        self._known = set[type[Exception]]()
        self._seconds, self._sizes = Tally(SECONDS), Tally(SIZES)

    @property
    def fails(self) -> bool:
        """Whether it fails on everything."""
        return self.failures >= SICK_AFTER

    def fault(self, identity: str, stuck_s: float) -> str:
        """What is wrong with the model, in words for the operator; empty where nothing is."""
        if self.calls.longest > stuck_s:
            why = f"it hangs: {identity} has not answered for more than {stuck_s:.0f} s"
        elif self._canary.is_silent:
            why = f"{identity} no longer says what it said when it was loaded first"
        else:
            return ""
        return f"{why}; replace it, or start the detection process anew"

    def counted(self) -> dict[str, Any]:
        return {"failures": self._failed, "seconds": self._seconds.described(), "batch": self._sizes.described()}

    def run(self, loaded: Loaded, identity: str, batch: list[Waiting]) -> None:
        """One call about those that still wait."""
        now, batch = time.monotonic(), in_time(batch)
        if not batch:
            return
        try:
            with self.calls.running(batch):
                found = loaded.find([waiting.question for waiting in batch])
        except Exception as error:
            if len(batch) == 1:
                self._tell(error)
            self._retry(loaded, identity, batch)
        else:
            self.failures = 0
            for waiting, one in zip(batch, found, strict=True):
                waiting.tell(Answer(one, identity))
        finally:
            self._seconds.add(time.monotonic() - now)
            self._sizes.add(len(batch))

    def _tell(self, error: Exception) -> None:
        """One line, and where it was raised once for each kind of trouble; what a server says has no such place."""
        known = isinstance(error, Unlike) or type(error) in self._known
        self._known.add(type(error))
        log.error("%s: a question failed: %s", self._task, summary(error), exc_info=None if known else error)

    def _retry(self, loaded: Loaded, identity: str, batch: list[Waiting]) -> None:
        """One by one, so that a picture that fails, or a batch too large for the memory, costs the others nothing."""
        if len(batch) > 1:
            for waiting in batch:
                self.run(loaded, identity, [waiting])
            return
        self.failures += 1
        self._failed += 1
        if self.fails and self.sings(loaded, identity):
            self.failures = 0  # it is these pictures, of which anybody may have sent as many as it takes
        batch[0].refuse("the model failed on this picture")

    def sings(self, loaded: Loaded, identity: str) -> bool:
        with self.calls.running():
            return self._canary.sings(loaded, identity, self._kinds)
