"""Owns the device: a lane per model, one inference for all who ask the same, and the recent answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import cachetools
import cv2

from .found import Found, Missing, PixelArray
from .lane import Lane
from .loading import Loading
from .models import ModelStore
from .own import Refused
from .registry import Detector, Question, base_of, detectors, install
from .waiting import Answer, Unable, Waiting, size_of

log = logging.getLogger("darkroom.detection")

RECENT = 64 << 20
"""Bytes of answers that are kept: one is a kilobyte, a matte a megabyte, a hundred masks 2.5."""

OTHERS_S = 20.0
"""How long after the start models of others, such as the operator's, may hold readiness back."""


def pick_device(wanted: str) -> str:
    """ "cpu" or "cuda" for "auto", "cpu" or "cuda"; raises RuntimeError for a "cuda" that torch does not see.

    Where no driver is loaded, torch (1.5 s) is not imported to find that out.
    """
    if wanted == "cpu":
        return "cpu"
    sees = any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg")) and _torch_sees_cuda()
    if wanted == "cuda" and not sees:
        raise RuntimeError("device cuda was asked for, but torch sees none")
    return "cuda" if sees else "cpu"


def _torch_sees_cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())


@dataclass(frozen=True)
class Asked:
    """Questions about one picture on their way: the kinds that are being answered, and those that cannot be."""

    answers: dict[str, Future[Answer]]
    missing: tuple[Missing, ...]
    lanes: dict[str, Lane]

    def found(self) -> Found:
        """What has been answered by now; kinds that were not are `missing`.

        Raises Unable where no kind was answered and a later try may do better.
        """
        done = {kind: answer.result() for kind, answer in self.answers.items() if _succeeded(answer)}
        late = {kind: _why(answer) for kind, answer in self.answers.items() if kind not in done}
        if late and not done:
            raise Unable("; ".join(f"{kind}: {why}" for kind, why in late.items()))
        found = reduce(Found.merged, (answer.found for answer in done.values()), Found())
        return replace(
            found,
            models=tuple((kind, answer.identity) for kind, answer in done.items()),
            missing=(
                *self.missing,
                *(Missing(kind, self.lanes[kind].model, f"try again: {why}") for kind, why in late.items()),
            ),
        )


def _succeeded(answer: Future[Answer]) -> bool:
    return answer.done() and not answer.exception()


def _why(answer: Future[Answer]) -> str:
    return str(answer.exception()) if answer.done() else "it did not answer in time"


class Engine:
    """Answers questions about pictures with the models in a store, on one device; `table` is all detectors if None."""

    def __init__(self, store: ModelStore, device: str = "cpu", table: Collection[Detector] | None = None) -> None:
        self.store = store
        self.device = device
        self._table = table
        self._lanes: dict[str, Lane] = {}  # by task; replaced as a whole, so that readers need no lock
        self._loading = Loading()
        self._began = time.monotonic()
        self._opened = False
        self._refused: frozenset[Refused] = frozenset()
        self._arrange()
        self._lock = threading.Lock()
        self._flights: dict[tuple[str, str], Waiting] = {}
        self._recent: cachetools.LRUCache[tuple[str, str, str], Answer] = cachetools.LRUCache(RECENT, size_of)

    @property
    def lanes(self) -> list[Lane]:
        return list(self._lanes.values())

    @property
    def kinds(self) -> frozenset[str]:
        """The bases of all kinds that can be asked."""
        return frozenset(kind for lane in self.lanes for kind in lane.detector.sides)

    @property
    def settled(self) -> bool:
        """Whether every model that is present has been loaded, or has failed to."""
        return all(lane.settled for lane in self.lanes)

    @property
    def ready(self) -> bool:
        """Whether every model that came with Darkroom and is present has been loaded, or has failed to.

        Absent ones hold nothing back; models of others do at the start only, for OTHERS_S.
        """
        return self.opened and all(lane.settled for lane in self.lanes if lane.is_ours)

    @property
    def opened(self) -> bool:
        """Whether the start is over: what arrives from then on takes nothing from those who do not ask for it."""
        self._opened = self._opened or self.settled or time.monotonic() - self._began > OTHERS_S
        return self._opened

    @property
    def sick(self) -> bool:
        """Whether only a restart helps; models of somebody else fail by themselves, and leave the others alone."""
        return any(lane.sick for lane in self.lanes)

    def start(self) -> None:
        self._began = time.monotonic()
        for error in self._refresh_lanes():  # the keeper looks again
            log.error("a model could not be looked at", exc_info=error)

    def close(self) -> None:
        for lane in self.lanes:
            lane.close()

    def refresh(self) -> None:
        """Load what has arrived or changed in the models folder, and let go of the operator's models that went.

        Raises what went wrong first, after all that can be done.
        """
        self._arrange()
        errors = self._refresh_lanes()
        self._loading.go_on()
        for error in errors:
            raise error

    def _refresh_lanes(self) -> list[Exception]:
        """What went wrong, which costs the other lanes nothing."""
        return [error for lane in self.lanes if (error := _error(lane.refresh))]

    def refused(self) -> Sequence[Refused]:
        """Folders of the operator that hold no model as they are."""
        return self.store.refused() if self._table is None else ()

    def _arrange(self) -> None:
        """A lane for each detector: those that came with Darkroom, and the operator's models as the folder has them."""
        if self._table is None:
            install(self.store.own())
        self._log_refused()
        table = {detector.task: detector for detector in self._table or detectors().values()}
        kept = {task: lane for task, lane in self._lanes.items() if task in table and not lane.spent}
        lanes = {
            task: kept.get(task) or Lane(detector, self.store, self.device, self._loading)
            for task, detector in table.items()
        }
        gone = [lane for task, lane in self._lanes.items() if task not in kept]
        for task, lane in lanes.items():
            lane.detector = table[task]
        self._lanes = lanes
        for lane in gone:
            lane.close()

    def _log_refused(self) -> None:
        """Once for as long as a folder stays as it is."""
        refused = frozenset(self.refused())
        for one in sorted(refused - self._refused, key=lambda one: one.name):
            log.warning("%s in the models folder is refused (%s): %s; %s", one.name, one.code, one.why, one.how)
        self._refused = refused

    def ask(self, kinds: Iterable[str], pixels: PixelArray, deadline: float, key: str | None = None) -> Asked:
        """Put the questions into the queues and return at once; `kinds` must be among `self.kinds`.

        `pixels` are uint8 (h, w, 1|3|4); alpha is ignored, because what it hides is still in the file.
        `deadline` is of time.monotonic().
        """
        by_base = {base: lane for lane in self.lanes for base in lane.detector.sides}
        lanes = {kind: by_base[base_of(kind)] for kind in sorted(kinds) if base_of(kind) in by_base}
        missing = {kind: why for kind, lane in lanes.items() if (why := lane.missing(kind))}
        missing |= {kind: Missing(kind, kind, "its model has just gone") for kind in kinds if kind not in lanes}
        bgr = in_colour(pixels)
        answers = {
            kind: self._answer(lane, Question(kind, bgr), deadline, key)
            for kind, lane in lanes.items()
            if kind not in missing
        }
        return Asked(answers, tuple(missing.values()), lanes)

    def find(self, kinds: Iterable[str], pixels: PixelArray, deadline: float, key: str | None = None) -> Found:
        """Ask and wait until the deadline; raises Unable as `Asked.found` does."""
        asked = self.ask(kinds, pixels, deadline, key)
        wait(asked.answers.values(), timeout=max(0.0, deadline - time.monotonic()))
        return asked.found()

    def _answer(self, lane: Lane, question: Question, deadline: float, key: str | None) -> Future[Answer]:
        """The answer to a question: kept from before, on its way for somebody else, or asked for now."""
        waiting = Waiting(question, deadline)
        if key is None:
            return _enqueue(lane, waiting)
        with self._lock:
            identity = lane.identity
            if known := self._recent.get((key, question.kind, identity)):
                waiting.answer.set_result(known)
                return waiting.answer
            if flight := self._flights.get((key, question.kind)):
                flight.deadline = max(flight.deadline, deadline)
                return flight.answer
            self._flights[key, question.kind] = waiting
        waiting.answer.add_done_callback(lambda answer: self._land(key, question.kind, answer))
        return _enqueue(lane, waiting)

    def _land(self, key: str, kind: str, answer: Future[Answer]) -> None:
        with self._lock:
            self._flights.pop((key, kind), None)
            if not answer.exception():
                with suppress(ValueError):  # larger than all that is kept
                    self._recent[key, kind, answer.result().identity] = answer.result()


def _error(do: Callable[[], None]) -> Exception | None:
    try:
        do()
    except Exception as error:
        return error
    return None


def _enqueue(lane: Lane, waiting: Waiting) -> Future[Answer]:
    try:
        lane.ask(waiting)
    except Unable as error:
        waiting.answer.set_exception(error)
    return waiting.answer


def in_colour(pixels: PixelArray) -> PixelArray:
    """uint8 pixels (h, w, 1|3|4) as (h, w, 3) BGR; alpha is ignored, because what it hides is still in the file."""
    if pixels.shape[2] == 1:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]
    return pixels[:, :, :3]
