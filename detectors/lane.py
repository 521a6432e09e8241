"""One model: a bounded queue of questions, the threads that ask it, and the state that it is in."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from transforms.failure import Failure

from .asking import SICK_AFTER, Asking
from .canary import SILENT_AFTER, Canary
from .found import Missing
from .loading import Loading
from .models import ModelStore
from .registry import Detector, Loaded, Weights
from .taking import Untaken, Written, take, trouble
from .waiting import Questions, Unable, Waiting

__all__ = ["LOADED_S", "SICK_AFTER", "STUCK_S", "Lane", "State"]

log = logging.getLogger("darkroom.detection")

State = Literal["absent", "idle", "loading", "warm", "failed"]
"""idle: weights are there, and are loaded at the first question."""

QUEUE = 64
"""Questions that may wait for one model; at 20 ms each the last would wait 1.3 s."""

STUCK_S = 30.0
"""A call of a model of ours that takes longer, and the process should be restarted."""

RETRY_S = 60.0
"""How often a model on another machine is tried again that could not be loaded."""

LOADED_S = 90.0
"""A model that takes longer to load holds readiness, and who asks it, back no more; the slowest takes 10 s on a CPU."""


class Lane:
    """Owns the model of one detector. Questions that come while it loads wait for it.

    A lane without a model has no thread, so that folders in their dozens cost next to nothing.
    """

    def __init__(self, detector: Detector, store: ModelStore, device: str, loading: Loading) -> None:
        self.detector = detector
        self._state: State = "absent"
        self.weights: Weights | None = None  # of the model that answers
        self._tried: Weights | None = None  # of the model that was loaded last, or could not be
        self._since = 0.0  # when loading began
        self._store, self._device, self._loading = store, device, loading
        self._loaded: Loaded | None = None
        self._wanted = not detector.lazy
        self._turn = threading.Lock()  # to begin to load
        self._settled = threading.Event()
        self._queue = Questions(QUEUE)
        self._again, self._why = False, ""  # what could not be loaded is being tried again; why it could not
        self._altered: Mapping[str, str] = {}  # models that would serve it, and what to do about them
        self._canary, self._reloads = Canary(), 0
        self._asking = Asking(detector.task, detector.sides, self._canary)
        self._serving, self._closed = 0, False  # threads

    @property
    def arriving(self) -> bool:
        """Whether a model is being loaded where none has answered yet, or waits for its turn to be."""
        return self._state == "loading" and self.weights is None

    @property
    def settled(self) -> bool:
        """Whether nothing is being loaded for the first time: readiness waits for no more, and not for ever."""
        return not self.arriving or self._hangs

    @property
    def _hangs(self) -> bool:
        """Whether it has been loaded for so long that nobody should wait for it any more."""
        return self._state == "loading" and time.monotonic() - self._since > LOADED_S

    @property
    def state(self) -> State:
        return "failed" if self._fault and not self.is_ours else self._state

    @property
    def sick(self) -> bool:
        """Whether a model of ours hangs, fails on everything, or says something else than when it was loaded.

        No other model takes the process from all: it has failed, and its thread hangs for as long as it likes.
        """
        return self.is_ours and (bool(self._fault) or self._asking.fails)

    @property
    def spent(self) -> bool:
        """Whether it hangs with a model that is no longer the one in the folder: another lane would do better."""
        hangs = self._hangs or self._asking.calls.longest > STUCK_S
        return hangs and self._store.weights(self._kind) not in (None, self._tried)

    @property
    def is_ours(self) -> bool:
        """Whether the model came with Darkroom, and runs here."""
        weights = self.weights or self._tried
        return weights is None or weights.is_ours

    @property
    def _fault(self) -> str:
        return self._asking.fault(self.identity, STUCK_S)

    @property
    def identity(self) -> str:
        """That of the model that answers, or will at the first question; empty where none does."""
        weights = self.weights or (self._store.weights(self._kind) if self._state == "idle" else None)
        return weights.identity if weights else ""

    @property
    def _kind(self) -> str:
        return next(iter(self.detector.sides))

    @property
    def model(self) -> str:
        """The name of the model that answers, or that should."""
        weights = self.weights or self._tried
        return weights.model.name if weights else self.detector.models[0].name

    @property
    def problem(self) -> str:
        """What is wrong with the weights that should answer, in words for the operator; empty where nothing is."""
        if self._hangs and self._tried:
            return f"{self._tried.identity} has been loading for more than {LOADED_S:.0f} s: take it away, or wait"
        if self._fault:
            return self._fault
        wrong = [*self._altered.values()]
        if self._tried and self._state != "loading" and (self._tried != self.weights or self._state != "warm"):
            wrong.append(trouble(self._tried, self._why, RETRY_S))
        if wrong and self.weights and self._state == "warm":
            wrong.append(f"{self.weights.identity} answers instead")
        return "; ".join(wrong)

    def counted(self) -> dict[str, Any]:
        """What was asked of the model so far, as plain data."""
        return {
            "model": self.model, "task": self.detector.task, "waiting": self._queue.qsize(),
            "canaries": self._canary.failed, "reloads": self._reloads, **self._asking.counted(),
        }  # fmt: skip

    def refresh(self) -> None:
        """Have loaded whatever the store now has for this task, unless that is what was tried last; returns at once."""
        weights, self._altered = self._store.weights(self._kind), self._store.altered(self._kind)
        with self._turn:
            self._let_go(weights)
            if not self._wanted:
                self._state = "idle" if weights else "absent"
                return
            tried = weights == self._tried and not self._is_due
            if tried or weights is None or self._again or self._state == "loading":
                return  # weights that went away stay in memory: an answer is better than none
            self._again = weights == self._tried  # nobody waits for that: it has failed, and most likely will
            self._state = self._state if self._again else "loading"
            if not self._loaded:
                self._settled.clear()
            self._tried, self._since, self._canary.silent = weights, math.inf, 0
        self._loading.put(self.detector.task, lambda: self._take(weights), first=weights.is_ours)

    def _let_go(self, weights: Weights | None) -> None:
        """Of a model whose file is altered, to be loaded anew once that is well; of what did not load, and has gone."""
        if self.weights and self.weights.model.name in self._altered:
            log.error("%s: %s answers no more: its file is altered", self.detector.task, self.weights.identity)
            self._loaded = self.weights = None
            self._canary.forget()  # nobody knows whether it learnt from this file
        gone = weights is None or (self._tried and self._tried.model.name in self._altered)
        if gone and self._state != "loading" and self._tried != self.weights:
            self._tried, self._state = None, "warm" if self._loaded else "absent"

    @property
    def _is_due(self) -> bool:
        """Whether what could not be loaded should be tried again: it lies elsewhere, and may answer by now."""
        elsewhere = self._tried is not None and self._tried.elsewhere
        failed = elsewhere and (self._state == "failed" or self._tried != self.weights)
        return failed and time.monotonic() - self._since >= RETRY_S

    def ask(self, waiting: Waiting) -> None:
        """Put a question into the queue; raises Unable where that is full."""
        try:
            if not self._closed:
                self._queue.put_nowait(waiting)
                if not self._wanted:
                    self._wanted = True
                    self.refresh()
                return
        except queue.Full:
            raise Unable("too many questions are waiting") from None
        raise Unable("the detection service is stopping")

    def missing(self, kind: str) -> Missing | None:
        """Why a kind cannot be answered however long one waits, or None."""
        if self._hangs and not self._loaded:
            return Missing(kind, self.model, "it is still being loaded, which may never end: ask the operator")
        if self.state in ("idle", "warm", "loading"):
            return None
        if self.state == "failed":
            return Missing(kind, self.model, self.problem or "it could not be loaded; try again")
        return self._store.missing(kind) or Missing(kind, self.model, "it has just arrived, and is loaded: try again")

    def close(self) -> None:
        """Let the threads end after what they are doing; nobody waits any more for those that hang."""
        with self._turn:
            self._closed, serving = True, self._serving
        if self._asking.calls.longest > STUCK_S:
            self._asking.calls.refuse("its model hangs")
        self._queue.refuse("the detection service is stopping")
        for _ in range(serving):
            self._queue.put(None)
        self._settled.set()

    def _take(self, weights: Weights) -> None:
        """What was waiting for its turn; the folder may have other weights by now."""
        if self._closed:
            return
        with suppress(Failure):  # its folder has just gone
            weights = self._store.weights(self._kind) or weights
            self._altered = self._store.altered(self._kind)
        self._tried, self._since = weights, time.monotonic()
        self._load(weights)

    def _load(self, weights: Weights) -> None:
        try:
            if weights.model.name in self._altered:
                raise Written
            loaded = take(self.detector, weights, self._device, self._canary)
        except Written:
            self._settled.set()  # before the state says so: from then on another load may begin
            self._tried, self._state = None, "warm" if self._loaded else "absent"
        except Untaken as error:
            say = log.debug if self._again and self._why == str(error) else log.error
            say("%s: %s could not be loaded: %s", self.detector.task, weights.identity, error)
            log.debug("%s: as it was raised", self.detector.task, exc_info=error.__cause__)
            self._settled.set()
            self._why, self._state = str(error), "warm" if self._loaded else "failed"
        else:
            self._loaded, self.weights, self._asking.failures = loaded, weights, 0
            self._settled.set()
            self._state, took = "warm", time.monotonic() - self._since
            self._open()
            log.info("%s: %s is warm after %.1f s", self.detector.task, weights.identity, took)
        finally:
            self._again = False
        if not self._loaded:
            self._queue.refuse("its model could not be loaded")

    def _open(self) -> None:
        """Begin to answer."""
        with self._turn:
            new = 0 if self._closed or self._serving else self.detector.threads
            self._serving += new
        for number in range(new):
            threading.Thread(target=self._serve, name=f"{self.detector.task}-{number}", daemon=True).start()

    def _serve(self) -> None:
        while first := self._next():
            self._settled.wait()
            loaded, weights = self._loaded, self.weights
            if loaded and weights:
                more = [] if first.question.is_dear else self._queue.more(loaded.batch - 1)
                self._asking.run(loaded, weights.identity, [first, *more])
            else:
                first.refuse("its model could not be loaded again")

    def _next(self) -> Waiting | None:
        """The next question, or None at the end; in between the model is checked when that is due."""
        while True:
            if self._canary.take():
                self._check()
            try:
                return self._queue.get(timeout=self._canary.due_in)
            except queue.Empty:
                continue

    def _check(self) -> None:
        """Ask the model about the picture that it was warmed up with; load it again where it says something else."""
        loaded, weights = self._loaded, self.weights
        if loaded is None or weights is None:
            return
        self._canary.note(sings=(sings := self._asking.sings(loaded, weights.identity)))
        if not sings:
            log.error("%s: %s no longer says what it said when it was loaded", self.detector.task, weights.identity)
            self._load_again(weights)

    def _load_again(self, weights: Weights) -> None:
        """In the thread that asks; questions wait, because the answers of a broken model are worth nothing."""
        if self._again or self._state == "loading":
            return
        self._settled.clear()
        self._state, self._loaded, self._since = "loading", None, time.monotonic()
        self._reloads += 1
        self._load(weights)
        if self._loaded is None and not weights.elsewhere:  # that is tried again, and says itself what is wrong
            self._canary.silent = SILENT_AFTER
