"""How much of the GPU's memory the models may take, all of them together in each library."""

from __future__ import annotations

_most = 0


def limit(most: int) -> None:
    """From now on at most so many bytes; 0: whatever is free. To be said before models are loaded."""
    global _most  # noqa: PLW0603 - one device, one ceiling
    _most = most


def ceiling() -> int | None:
    """Bytes that models may take of the GPU, or None where all is theirs."""
    return _most or None


def limit_torch() -> None:
    """Keep torch below the ceiling: what goes beyond it fails one question, not everything that shares the GPU."""
    import torch

    if (most := ceiling()) and torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, most / total), 0)
