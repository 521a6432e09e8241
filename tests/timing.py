"""Server-Timing as a dictionary."""

from __future__ import annotations

import httpx2


def stages(answer: httpx2.Response) -> dict[str, float]:
    """Milliseconds by stage, in the order of the header."""
    parts = (part.strip().partition(";dur=") for part in answer.headers["server-timing"].split(","))
    return {stage: float(milliseconds) for stage, _, milliseconds in parts}
