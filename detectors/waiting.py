"""Questions that wait for a model, and in which order it gets them."""

from __future__ import annotations

import queue
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from .found import Found
from .registry import Question


class Unable(Exception):
    """A question that got no answer this time: too late, too many, or the model failed on it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model found, and which model it was."""

    found: Found
    identity: str


@dataclass(eq=False)
class Waiting:
    """A question in a queue. Its deadline grows when somebody with more patience asks the same."""

    question: Question
    deadline: float
    answer: Future[Answer] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.answer.set_running_or_notify_cancel()  # others may wait for it too: nobody can cancel it


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
