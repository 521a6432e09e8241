"""One model: a bounded queue of questions, the threads that ask it, and the state that it is in."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, Literal

from .canary import Canary
from .counted import SECONDS, SIZES, Tally
from .found import Missing
from .models import ModelStore
from .registry import Detector, Loaded, Weights
from .waiting import Answer, Questions, Unable, Waiting

log = logging.getLogger("darkroom.detection")

State = Literal["absent", "idle", "loading", "warm", "failed"]
"""idle: weights are there, and are loaded at the first question."""

QUEUE = 64
"""Questions that may wait for one model; at 20 ms each the last would wait 1.3 s."""

GATHER_S = 0.003
"""How long a batch on a GPU waits for more questions."""

STUCK_S = 30.0
SICK_AFTER = 10
"""A model call that takes longer, or so many failures in a row, and the process should be restarted."""

LOADED_S = 90.0
"""A model that takes longer to load holds readiness, and who asks it, back no more; the slowest takes 10 s on a CPU."""

SILENT_AFTER = 2
"""So many canaries in a row that did not sing, though the model was loaded again after the first."""


class Lane:
    """Owns the model of one detector. Questions that come while it loads wait for it."""

    def __init__(self, detector: Detector, store: ModelStore, device: str) -> None:
        self.detector = detector
        self.state: State = "absent"
        self.weights: Weights | None = None  # of the model that answers
        self._tried: Weights | None = None  # of the model that was loaded last, or could not be
        self._since = 0.0  # when loading began
        self._store = store
        self._device = device
        self._loaded: Loaded | None = None
        self._wanted = not detector.lazy
        self._turn = threading.Lock()  # to begin to load
        self._settled = threading.Event()
        self._queue = Questions(QUEUE)
        self._running: dict[int, float] = {}  # thread -> when its model call began
        self._failures = 0
        self._failed = 0
        self._canary = Canary()
        self._silent = 0  # canaries in a row
        self._canaries = 0  # that failed
        self._reloads = 0
        self._seconds, self._sizes = Tally(SECONDS), Tally(SIZES)
        self._closed = False

    @property
    def settled(self) -> bool:
        """Whether nothing is being loaded for the first time: readiness waits for no more, and not for ever."""
        return self.state != "loading" or self.weights is not None or self._hangs

    @property
    def _hangs(self) -> bool:
        """Whether it has been loaded for so long that nobody should wait for it any more."""
        return self.state == "loading" and time.monotonic() - self._since > LOADED_S

    @property
    def sick(self) -> bool:
        """Whether the model hangs, fails on everything, or says something else than when it was loaded."""
        began = min(list(self._running.values()), default=time.monotonic())
        silent = self._silent >= SILENT_AFTER
        return silent or self._failures >= SICK_AFTER or time.monotonic() - began > STUCK_S

    @property
    def identity(self) -> str:
        """That of the model that answers, or will at the first question; empty where none does."""
        weights = self.weights or (self._store.weights(self._kind) if self.state == "idle" else None)
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
        if self._tried is None or self.state == "loading" or (self._tried == self.weights and self.state == "warm"):
            return ""
        older = f"; {self.weights.identity} answers instead" if self.weights and self.state == "warm" else ""
        return f"{self._tried.identity} could not be loaded: run `darkroom models verify`{older}"

    def counted(self) -> dict[str, Any]:
        """What was asked of the model so far, as plain data."""
        return {
            "model": self.model, "task": self.detector.task, "waiting": self._queue.qsize(), "failures": self._failed,
            "canaries": self._canaries, "reloads": self._reloads,
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
                self.state = "idle" if weights else "absent"
                return
            if self.state == "loading" or weights is None or weights == self._tried:
                return  # weights that went away stay in memory: an answer is better than none
            self.state, self._tried, self._since = "loading", weights, time.monotonic()
        threading.Thread(target=self._load, args=(weights,), name=f"load-{self.detector.task}", daemon=True).start()

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
            how = (
                f"its file could not be loaded: run `darkroom models verify`, or delete it and pull {self.model} again"
            )
            return Missing(kind, self.model, how)
        return self._store.missing(kind) or Missing(
            kind, self.model, "it has just arrived and will be loaded; try again"
        )

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        self._closed = True
        self._refuse("the detection service is stopping")
        for _ in range(self.detector.threads):
            self._queue.put(None)
        self._settled.set()

    def _load(self, weights: Weights) -> None:
        began = time.monotonic()
        try:
            loaded = self.detector.load(weights, self._device)
            self._canary.learn(loaded, weights.identity, self.detector.sides)
        except Exception:
            log.exception("%s: %s could not be loaded", self.detector.task, weights.identity)
            self.state = "warm" if self._loaded else "failed"
        else:
            self._loaded, self.weights, self.state, self._failures = loaded, weights, "warm", 0
            self._settled.set()
            log.info("%s: %s is warm after %.1f s", self.detector.task, weights.identity, time.monotonic() - began)
        if not self._loaded:
            self._refuse("its model could not be loaded")

    def _refuse(self, why: str) -> None:
        while not self._queue.empty():
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return
            if waiting:
                waiting.answer.set_exception(Unable(why))

    def _serve(self) -> None:
        self._settled.wait()
        while first := self._next():
            self._settled.wait()
            if self._loaded and self.weights:
                more = [] if first.question.is_dear else self._more(self._loaded.batch - 1)
                self._run(self._loaded, self.weights.identity, [first, *more])
            else:
                first.answer.set_exception(Unable("its model could not be loaded again"))

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
        self._running[threading.get_ident()] = time.monotonic()
        try:
            sings = self._canary.sings(loaded, weights.identity, self.detector.sides)
        except Exception:
            log.exception("%s: the canary picture failed", self.detector.task)
            sings = False
        finally:
            self._running.pop(threading.get_ident(), None)
        self._silent = 0 if sings else self._silent + 1
        if not sings:
            self._canaries += 1
            log.error("%s: %s no longer says what it said when it was loaded", self.detector.task, weights.identity)
            self._load_again(weights)

    def _load_again(self, weights: Weights) -> None:
        """In the thread that asks; questions wait, because the answers of a broken model are worth nothing."""
        if self.state == "loading":
            return
        self._settled.clear()
        self.state, self._loaded, self._since = "loading", None, time.monotonic()
        self._reloads += 1
        self._load(weights)
        if self._loaded is None:
            self._silent = SILENT_AFTER
        self._settled.set()

    def _more(self, most: int) -> list[Waiting]:
        """Questions that share the batch: only on a GPU, where a batch costs little more than one picture."""
        batch: list[Waiting] = []
        until = time.monotonic() + GATHER_S
        while len(batch) < most:
            try:
                waiting = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if waiting is None:  # the end: it is for the loop to see
                self._queue.put(None)
                break
            batch.append(waiting)
        return batch

    def _run(self, loaded: Loaded, identity: str, batch: list[Waiting]) -> None:
        now = time.monotonic()
        for waiting in (late for late in batch if late.deadline < now):
            waiting.answer.set_exception(Unable("it waited too long"))
        batch = [waiting for waiting in batch if waiting.deadline >= now]
        if not batch:
            return
        self._running[threading.get_ident()] = now
        try:
            found = loaded.find([waiting.question for waiting in batch])
        except Exception:
            if len(batch) == 1:
                log.exception("%s: a question failed", self.detector.task)
            self._retry(loaded, identity, batch)
        else:
            self._failures = 0
            for waiting, one in zip(batch, found, strict=True):
                waiting.answer.set_result(Answer(one, identity))
        finally:
            self._running.pop(threading.get_ident(), None)
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
        if self._failures >= SICK_AFTER and self._is_well(loaded, identity):
            self._failures = 0  # it is these pictures, of which anybody may have sent as many as it takes
        batch[0].answer.set_exception(Unable("the model failed on this picture"))

    def _is_well(self, loaded: Loaded, identity: str) -> bool:
        try:
            return self._canary.sings(loaded, identity, self.detector.sides)
        except Exception:
            log.exception("%s: the canary picture failed", self.detector.task)
            return False
