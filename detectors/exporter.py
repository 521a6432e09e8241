"""`python -m detectors.exporter WEIGHTS FORMAT SIDE [DATA]`: ultralytics' own export, in a process of its own.

It imports torch, prints, and writes beside its file. The last line that is printed is the path of what it made.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from .quiet import silence


def main(arguments: Sequence[str]) -> None:
    weights, form, side, *data = arguments
    silence()
    from ultralytics import YOLO  # type: ignore[attr-defined]

    wanted: dict[str, Any] = {"format": form, "imgsz": int(side), "verbose": False}
    if data:
        wanted |= {"int8": True, "data": data[0]}
    if form == "engine":
        wanted |= {"half": True, "device": 0, "batch": 16, "dynamic": True}
    print(YOLO(weights).export(**wanted))  # what the parent reads


if __name__ == "__main__":
    main(sys.argv[1:])
