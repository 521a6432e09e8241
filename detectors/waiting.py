"""Questions that wait for a model, in which order it gets them, and those that it is at."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from .found import Found
from .registry import Question

GATHER_S = 0.003
"""How long a batch on a GPU waits for more questions."""


OBJECT, POINT = 192, 144
"""Bytes of what has a few numbers and texts, and of a named point."""


class Unable(Exception):
    """A question that got no answer this time: too late, too many, or the model failed on it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model found, and which model it was."""

    found: Found
    identity: str


def size_of(answer: Answer) -> int:
    """Bytes of memory that an answer takes, about; it takes 0.5 µs for a face, 10 for a hundred things."""
    found = answer.found
    size = OBJECT * (1 + 2 * len(found.regions) + len(found.tags) + len(found.colors))
    for region in found.regions:
        size += POINT * len(region.points) + 2 * len(region.text) + (len(region.mask.data) if region.mask else 0)
    return size + (found.saliency.map.nbytes if found.saliency else 0)


@dataclass(eq=False)
class Waiting:
    """A question in a queue. Its deadline grows when somebody with more patience asks the same."""

    question: Question
    deadline: float
    answer: Future[Answer] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.answer.set_running_or_notify_cancel()  # others may wait for it too: nobody can cancel it

    def tell(self, answer: Answer) -> None:
        """Once; whoever was refused in the meantime stays so."""
        with suppress(InvalidStateError):
            self.answer.set_result(answer)

    def refuse(self, why: str) -> None:
        with suppress(InvalidStateError):
            self.answer.set_exception(Unable(why))


class Questions(queue.Queue["Waiting | None"]):
    """First come, first served, but what is dear waits for all others."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._dear: deque[Waiting] = deque()

    def _qsize(self) -> int:
        return len(self.queue) + len(self._dear)

    def _put(self, item: Waiting | None) -> None:
        if item is not None and item.question.is_dear:
            self._dear.append(item)
        else:
            self.queue.append(item)

    def _get(self) -> Waiting | None:
        return self.queue.popleft() if self.queue else self._dear.popleft()

    def refuse(self, why: str) -> None:
        """Answer all that wait, so that nobody waits for what will not come."""
        while True:
            try:
                waiting = self.get_nowait()
            except queue.Empty:
                return
            if waiting:
                waiting.refuse(why)

    def more(self, most: int) -> list[Waiting]:
        """Questions that share a batch, where that costs little more than one picture: so many at most of those that
        are here, or come within GATHER_S. None is dear: the others would wait for it."""
        batch: list[Waiting] = []
        until = time.monotonic() + GATHER_S
        with self.not_empty:
            while len(batch) < most:
                if self.queue and self.queue[0] is None:  # the end: it is for the loop to see
                    break
                if self.queue:
                    batch.append(self.queue.popleft())
                elif not self.not_empty.wait(max(0.0, until - time.monotonic())):
                    break
            self.not_full.notify(len(batch))
            if self._qsize():  # it was for another thread that this one was woken
                self.not_empty.notify()
        return batch


def in_time(batch: Sequence[Waiting]) -> list[Waiting]:
    """Those that still wait; the others are refused."""
    now = time.monotonic()
    for late in batch:
        if late.deadline < now:
            late.refuse("it waited too long")
    return [waiting for waiting in batch if waiting.deadline >= now]


class Calls:
    """The calls of a model that are under way, each in a thread of its own."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[float, Sequence[Waiting]]] = {}

    @contextmanager
    def running(self, batch: Sequence[Waiting] = ()) -> Iterator[None]:
        """A call about these questions."""
        self._running[threading.get_ident()] = time.monotonic(), batch
        try:
            yield
        finally:
            self._running.pop(threading.get_ident(), None)

    @property
    def longest(self) -> float:
        """Seconds that the oldest call has taken so far; 0 where there is none."""
        now = time.monotonic()
        return max((now - began for began, _ in list(self._running.values())), default=0.0)

    def refuse(self, why: str) -> None:
        """Answer what they are about, since they may never end."""
        for _, batch in list(self._running.values()):
            for waiting in batch:
                waiting.refuse(why)
