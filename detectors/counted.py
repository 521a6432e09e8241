"""What the detection service counts of each model, as plain data for whoever measures it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class Tally:
    """A histogram: how many values are at most each bound, and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def add(self, value: float) -> None:
        slot = next((index for index, bound in enumerate(self._bounds) if value <= bound), len(self._bounds))
        with self._lock:
            self._counts[slot] += 1
            self._sum += value

    def described(self) -> dict[str, Any]:
        """`buckets` as pairs of bound ("+Inf" the last) and how many are at most that, and `sum`."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        rising = [sum(counts[: index + 1]) for index in range(len(counts))]
        bounds = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        return {"buckets": list(zip(bounds, rising, strict=True)), "sum": total}


def gpu_memory() -> int | None:
    """Bytes that torch holds of the GPU; None where torch is not loaded or uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.memory_reserved())
