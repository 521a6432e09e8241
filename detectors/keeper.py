"""Keeps the models of a running engine as the models folder has them, and downloads the default ones if told to."""

from __future__ import annotations

import logging
import threading
import time

from transforms.failure import Failure

from .engine import Engine

log = logging.getLogger("darkroom.detection")

LOOK_S = 2.0
RETRY_S = (600.0, 21_600.0)
"""Seconds before a failed download is tried again: at first, and at most; doubled in between."""


class Keeper:
    """A thread beside an engine. Weights that arrive or change are loaded within seconds, without a restart."""

    def __init__(self, engine: Engine, *, pull: bool) -> None:
        self.engine = engine
        self._pull = pull
        self._next_pull = 0.0
        self._backoff = RETRY_S[0]
        self._trouble = ""  # that was logged last
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S if self._next_pull else 0):
            try:
                self._look()
            except Exception as error:  # whatever the folder holds: what comes next must be seen
                if self._trouble != (trouble := repr(error)):
                    log.exception("the models folder could not be looked at; it is tried again every %.0f s", LOOK_S)
                self._trouble = trouble
            else:
                self._trouble = ""

    def _look(self) -> None:
        due = self._pull and time.monotonic() >= self._next_pull
        self._next_pull = time.monotonic() + self._backoff if due else self._next_pull or 1.0
        if due and not self.pull_missing():
            self._backoff = min(self._backoff * 2, RETRY_S[1])
        self.engine.refresh()

    def pull_missing(self) -> bool:
        """Download the default model of every task that has none in the folder; whether all came."""
        store = self.engine.store
        wanted = {kind: store.wanted(kind) for kind in (next(iter(lane.detector.sides)) for lane in self.engine.lanes)}
        came = True
        for model in filter(None, wanted.values()):
            try:
                store.pull(model.name)
                log.info("%s was downloaded", model.name)
                self.engine.refresh()
            except Failure as failure:
                came = False
                log.warning("%s: %s", model.name, failure.message)
        return came
