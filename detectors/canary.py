"""Whether a model still gives the answer that it gave when it was warmed up: a fixed picture, asked now and then.

What can be drawn in code holds no face and no dog that a network would find, and "nothing found" is what a broken model
says too. So the numbers that a network puts out for the picture are remembered before any threshold, and compared.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .found import Found, PixelArray
from .registry import Loaded, Question

log = logging.getLogger("darkroom.detection")

Floats = NDArray[np.float32]

EVERY_S = 60.0

SAMPLES = 256
"""Numbers that are remembered of each output, evenly spread over it."""

TOLERANCE = 0.02
"""Of an output's spread. On a CPU the numbers come back equal; half precision on a GPU rounds at 0.001."""

SILENT_AFTER = 2
"""So many times in a row that a model did not sing, though it was loaded again after the first."""


CHANGED = (
    "its server has another network by now, which fits model.toml and answers from now on; raise `version` there, so"
    " that what was kept of the old one is not told any more"
)


class Changed(ValueError):
    """A model puts out other numbers than when it was loaded first."""


class NotFinite(ValueError):
    """A model puts out what is not a number: it would find nothing in any picture."""


@runtime_checkable
class Pulsed(Protocol):
    """A model that shows its numbers: what its network puts out for uint8 pixels (h, w, 3) BGR, before thresholds."""

    def pulse(self, pixels: PixelArray) -> Sequence[Floats]: ...


@cache
def picture() -> PixelArray:
    """480 × 640 of every colour, at every scale: ramps, discs and noise; the same on every machine."""
    rows, columns = np.mgrid[0:480, 0:640]
    ramps = np.stack((columns * 255 // 639, rows * 255 // 479, (rows + columns) * 255 // 1118), axis=2)
    rings = ((rows - 200) ** 2 + (columns - 250) ** 2) // 2500 % 2 == 0
    noise = np.random.default_rng(7).integers(0, 256, (30, 40, 3)).repeat(16, axis=0).repeat(16, axis=1)
    drawn: PixelArray = np.where(rings[:, :, np.newaxis], (ramps + noise) // 2, 255 - ramps).astype(np.uint8)
    drawn.flags.writeable = False
    return drawn


class Canary:
    """Remembers one model's numbers, and when they are to be looked at again. May be shared by threads."""

    def __init__(self) -> None:
        self._next = time.monotonic() + EVERY_S
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Floats, ...]] = {}
        self.silent = 0  # times in a row that it did not sing when that was due
        self.failed = 0  # such times in all

    @property
    def due_in(self) -> float:
        return max(0.0, self._next - time.monotonic())

    def take(self) -> bool:
        """Whether it is time, and the caller is the one to look."""
        with self._lock:
            due = time.monotonic() >= self._next
            if due:
                self._next = time.monotonic() + EVERY_S
            return due

    def learn(self, loaded: Loaded, identity: str, kinds: Iterable[str], *, anew: bool = False) -> None:
        """Warm a model up and remember its numbers under its identity.

        Raises NotFinite where they are none, Changed where they are not those that a model of this identity said
        before, and whatever the model raises. With `anew` other numbers take the place of those: what lies on another
        machine may be changed there, and fits if it could be asked.
        """
        for kind in kinds:
            loaded.find([Question(kind, picture())] * loaded.batch)
        numbers = _numbers(loaded, kinds)
        if not all(np.isfinite(part).all() for part in numbers):
            raise NotFinite("what it puts out are no numbers (NaN or infinity)")
        if not _same(self._known.setdefault(identity, numbers), numbers):
            if not anew:
                raise Changed("it does not say what it said before")
            log.warning("%s: %s", identity, CHANGED)
            self._known[identity], self.silent = numbers, 0

    def forget(self) -> None:
        """What was learnt, and how often it was not heard."""
        self._known, self.silent = {}, 0

    @property
    def is_silent(self) -> bool:
        return self.silent >= SILENT_AFTER

    def note(self, *, sings: bool) -> None:
        """Count what was heard when it was due."""
        self.silent = 0 if sings else self.silent + 1
        self.failed += not sings

    def sings(self, loaded: Loaded, identity: str, kinds: Iterable[str]) -> bool:
        """Whether the model says what it said; whatever it raises is silence."""
        known = self._known.get(identity)
        try:
            return known is None or _same(known, _numbers(loaded, kinds))
        except Exception as error:
            log.error("%s: the canary picture failed: %s", identity, summary(error))
            log.debug("%s: as it was raised", identity, exc_info=error)
            return False


def summary(error: Exception) -> str:
    """What was raised, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _numbers(loaded: Loaded, kinds: Iterable[str]) -> tuple[Floats, ...]:
    """What it puts out for the picture; of a model that does not show that, the scores that it answers."""
    if isinstance(loaded, Pulsed):
        return tuple(_sampled(np.asarray(output, np.float32).reshape(-1)) for output in loaded.pulse(picture()))
    return (_told(loaded.find([Question(next(iter(kinds)), picture())])[0]),)


def _sampled(flat: Floats) -> Floats:
    return flat[np.linspace(0, len(flat) - 1, min(SAMPLES, len(flat)), dtype=np.intp)]


def _told(found: Found) -> Floats:
    scores = [tag.score for tag in found.tags] + [region.score for region in found.regions]
    return np.sort(np.array(scores, np.float32))


def _same(before: Sequence[Floats], now: Sequence[Floats]) -> bool:
    return len(before) == len(now) and all(map(_alike, before, now))


def _alike(before: Floats, now: Floats) -> bool:
    """Equal within the tolerance; what is not a number is equal to nothing."""
    spread = float(np.ptp(before)) if len(before) > 1 else 1.0
    return before.shape == now.shape and bool(np.allclose(before, now, rtol=0, atol=TOLERANCE * max(spread, 1e-3)))
