"""Objects, and masks of them: COCO's 80 nouns by published YOLO networks, and whatever an operator's YOLO finds."""

from __future__ import annotations

from .manifest import MASKS, OBJECTS, SIDE
from .registry import Loaded, Weights, detector


@detector("objects", sides={"objects": SIDE}, models=OBJECTS)
@detector("masks", sides={"masks": SIDE}, models=MASKS)
def load(weights: Weights, device: str) -> Loaded:
    """Takes 0.9 s for OpenVINO and ONNX, 2 to 4 s for .pt files, nearly all of it the import of torch."""
    from .network import Yolo
    from .runners import open_runner

    return Yolo(open_runner(weights, device), weights.model)
