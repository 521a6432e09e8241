"""How much of the GPU's memory the models may take."""

from __future__ import annotations

import os

SETTING = "DARKROOM_GPU_MEMORY"
"""MiB; unset or 0: whatever is free. Read from the environment, which the detection process inherits."""


def ceiling() -> int | None:
    """Bytes that all models together may take of the GPU, or None; raises ValueError for what is no number."""
    text = os.environ.get(SETTING, "").strip()
    mebibytes = int(text) if text else 0
    if mebibytes < 0:
        raise ValueError(f"{SETTING} is {text}: it must be MiB, or 0 for all there is")
    return mebibytes << 20 or None


def limit_torch() -> None:
    """Keep torch below the ceiling: what goes beyond is an error of that question, not of the whole machine."""
    import torch

    most = ceiling()
    if most and torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, most / total), 0)
