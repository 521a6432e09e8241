"""One model: a bounded queue of questions, the threads that ask it, and the state that it is in."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, Literal

from .canary import SILENT_AFTER, Canary
from .counted import SECONDS, SIZES, Tally
from .found import Missing
from .heat import Explaining
from .manifest import Unlike
from .models import ModelStore
from .registry import Detector, Loaded, Weights
from .waiting import Answer, Calls, Questions, Unable, Waiting, in_time

log = logging.getLogger("darkroom.detection")

State = Literal["absent", "idle", "loading", "warm", "failed"]
"""idle: weights are there, and are loaded at the first question."""

QUEUE = 64
"""Questions that may wait for one model; at 20 ms each the last would wait 1.3 s."""

STUCK_S = 30.0
SICK_AFTER = 10
"""A call of a model of ours that takes longer, or so many failures in a row, and the process should be restarted."""

RETRY_S = 60.0
"""How often a model on another machine is tried again that could not be loaded."""

LOADED_S = 90.0
"""A model that takes longer to load holds readiness, and who asks it, back no more; the slowest takes 10 s on a CPU."""


class Lane:
    """Owns the model of one detector. Questions that come while it loads wait for it."""

    def __init__(self, detector: Detector, store: ModelStore, device: str) -> None:
        self.detector = detector
        self._state: State = "absent"
        self.weights: Weights | None = None  # of the model that answers
        self._tried: Weights | None = None  # of the model that was loaded last, or could not be
        self._since = 0.0  # when loading began
        self._store, self._device = store, device
        self._loaded: Loaded | None = None
        self._wanted = not detector.lazy
        self._turn = threading.Lock()  # to begin to load
        self._settled = threading.Event()
        self._queue = Questions(QUEUE)
        self._calls = Calls()
        self._again = False  # what could not be loaded is being tried again
        self._unlike = ""  # what its network has else than its model.toml says
        self._failures = self._failed = 0
        self._canary, self._reloads = Canary(), 0
        self._seconds, self._sizes = Tally(SECONDS), Tally(SIZES)
        self._closed = False

    @property
    def settled(self) -> bool:
        """Whether nothing is being loaded for the first time: readiness waits for no more, and not for ever."""
        return self._state != "loading" or self.weights is not None or self._hangs

    @property
    def _hangs(self) -> bool:
        """Whether it has been loaded for so long that nobody should wait for it any more."""
        return self._state == "loading" and time.monotonic() - self._since > LOADED_S

    @property
    def state(self) -> State:
        return "failed" if self._fault and not self._is_ours else self._state

    @property
    def sick(self) -> bool:
        """Whether a model of ours hangs, fails on everything, or says something else than when it was loaded.

        No other model takes the process from all: it has failed, and its thread hangs for as long as it likes.
        """
        return self._is_ours and (bool(self._fault) or self._failures >= SICK_AFTER)

    @property
    def spent(self) -> bool:
        """Whether it hangs with a model that is no longer the one in the folder: another lane would do better."""
        hangs = self._hangs or self._calls.longest > STUCK_S
        return hangs and self._store.weights(self._kind) not in (None, self._tried)

    @property
    def _is_ours(self) -> bool:
        weights = self.weights or self._tried
        return weights is None or weights.is_ours

    @property
    def _fault(self) -> str:
        """What is wrong with a model that was loaded, in words for the operator; empty where nothing is."""
        if self._calls.longest > STUCK_S:
            why = f"it hangs: {self.identity} has not answered for more than {STUCK_S:.0f} s"
        elif self._canary.is_silent:
            why = f"{self.identity} no longer says what it said when it was loaded first"
        else:
            return ""
        return f"{why}; replace it, or start the detection process anew"

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
        """What is wrong with the weights that were loaded last, in words for the operator; empty where nothing is."""
        if self._hangs and self._tried:
            return f"{self._tried.identity} has been loading for more than {LOADED_S:.0f} s: take it away, or wait"
        if self._fault:
            return self._fault
        if self._tried is None or self._state == "loading" or (self._tried == self.weights and self._state == "warm"):
            return ""
        older = f"; {self.weights.identity} answers instead" if self.weights and self._state == "warm" else ""
        again = f"{self._unlike or 'its server does not answer as it should'}; it is tried again every {RETRY_S:.0f} s"
        how = again if self._tried.elsewhere else "run `darkroom models verify`, or delete it and fetch it again"
        return f"{self._tried.identity} could not be loaded: {how}{older}"

    def counted(self) -> dict[str, Any]:
        """What was asked of the model so far, as plain data."""
        return {
            "model": self.model, "task": self.detector.task, "waiting": self._queue.qsize(), "failures": self._failed,
            "canaries": self._canary.failed, "reloads": self._reloads,
            "seconds": self._seconds.described(), "batch": self._sizes.described(),
        }  # fmt: skip

    def start(self) -> None:
        """Begin to load, and to answer as soon as that is done."""
        self.refresh()
        for number in range(self.detector.threads):
            threading.Thread(target=self._serve, name=f"{self.detector.task}-{number}", daemon=True).start()

    def refresh(self) -> None:
        """Load whatever the store now has for this task, unless that is what was tried last; returns at once."""
        weights = self._store.weights(self._kind)
        with self._turn:
            if not self._wanted:
                self._state = "idle" if weights else "absent"
                return
            tried = weights == self._tried and not self._is_due
            if tried or weights is None or self._again or self._state == "loading":
                return  # weights that went away stay in memory: an answer is better than none
            self._again = weights == self._tried  # nobody waits for that: it has failed, and most likely will
            self._state = self._state if self._again else "loading"
            self._tried, self._since, self._canary.silent = weights, time.monotonic(), 0
        threading.Thread(target=self._load, args=(weights,), name=f"load-{self.detector.task}", daemon=True).start()

    @property
    def _is_due(self) -> bool:
        """Whether what could not be loaded should be tried again: it lies elsewhere, and may answer by now."""
        failed = self._state == "failed" or self._tried != self.weights
        elsewhere = self._tried is not None and self._tried.elsewhere
        return failed and elsewhere and time.monotonic() - self._since >= RETRY_S

    def ask(self, waiting: Waiting) -> None:
        """Put a question into the queue; raises Unable where that is full."""
        try:
            if not self._closed:
                self._queue.put_nowait(waiting)
                return self._want()
        except queue.Full:
            raise Unable("too many questions are waiting") from None
        raise Unable("the detection service is stopping")

    def _want(self) -> None:
        if not self._wanted:
            self._wanted = True
            self.refresh()

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
        self._closed = True
        if self._calls.longest > STUCK_S:
            self._calls.refuse("its model hangs")
        self._queue.refuse("the detection service is stopping")
        for _ in range(self.detector.threads):
            self._queue.put(None)
        self._settled.set()

    def _load(self, weights: Weights) -> None:
        began = time.monotonic()
        try:
            loaded = Explaining(self.detector.load(weights, self._device))
            self._canary.learn(loaded, weights.identity, self.detector.sides, anew=weights.elsewhere)
        except Exception as error:
            self._unlike = str(error) if isinstance(error, Unlike) else ""
            known = self._again  # where it goes wrong
            log.error("%s: %s cannot be loaded: %r", self.detector.task, weights.identity, error, exc_info=not known)
            self._state = "warm" if self._loaded else "failed"
        else:
            self._loaded, self.weights, self._state, self._failures = loaded, weights, "warm", 0
            self._settled.set()
            log.info("%s: %s is warm after %.1f s", self.detector.task, weights.identity, time.monotonic() - began)
        finally:
            self._again = False
        if not self._loaded:
            self._queue.refuse("its model could not be loaded")

    def _serve(self) -> None:
        self._settled.wait()
        while first := self._next():
            self._settled.wait()
            if self._loaded and self.weights:
                more = [] if first.question.is_dear else self._queue.more(self._loaded.batch - 1)
                self._run(self._loaded, self.weights.identity, [first, *more])
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
        self._canary.note(sings=(sings := self._sings(loaded, weights.identity)))
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
        self._settled.set()

    def _run(self, loaded: Loaded, identity: str, batch: list[Waiting]) -> None:
        now, batch = time.monotonic(), in_time(batch)
        if not batch:
            return
        try:
            with self._calls.running(batch):
                found = loaded.find([waiting.question for waiting in batch])
        except Exception:
            if len(batch) == 1:
                log.exception("%s: a question failed", self.detector.task)
            self._retry(loaded, identity, batch)
        else:
            self._failures = 0
            for waiting, one in zip(batch, found, strict=True):
                waiting.tell(Answer(one, identity))
        finally:
            self._seconds.add(time.monotonic() - now)
            self._sizes.add(len(batch))

    def _retry(self, loaded: Loaded, identity: str, batch: list[Waiting]) -> None:
        """One by one, so that a picture that fails, or a batch too large for the memory, costs the others nothing."""
        if len(batch) > 1:
            for waiting in batch:
                self._run(loaded, identity, [waiting])
            return
        self._failures += 1
        self._failed += 1
        if self._failures >= SICK_AFTER and self._sings(loaded, identity):
            self._failures = 0  # it is these pictures, of which anybody may have sent as many as it takes
        batch[0].refuse("the model failed on this picture")

    def _sings(self, loaded: Loaded, identity: str) -> bool:
        with self._calls.running():
            return self._canary.sings(loaded, identity, self.detector.sides)
