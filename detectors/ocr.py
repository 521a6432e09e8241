"""Writing: lines of text, by the networks inside the pip package rapidocr.

The kind `text` says where there is writing, which is all that gravity and redaction ask for; `text:words` says what is
written as well, in `Region.text`, at three times the cost.
"""

from __future__ import annotations

from collections.abc import Sequence

from transforms.image import WORDS

from .found import Found
from .manifest import WRITING
from .quiet import silence
from .registry import Loaded, Question, Weights, detector

SIDE = 640
"""Long side in pixels. Of 25 lines that can be read at some size in 35 photographs, all are found at 640, 960 and 1280,
23 at 480; 640 × 480 takes 44 ms with OpenVINO on two cores, 225 ms with ONNX Runtime."""


class Writing:
    """Both networks in memory; one thread asks them."""

    batch = 1  # pictures differ in shape

    def __init__(self, weights: Weights) -> None:
        from .lines import Lines

        self._lines = Lines(weights.path)

    def find(self, questions: Sequence[Question]) -> list[Found]:
        """Regions `text`, from the top down; raises ValueError for an argument other than `words`."""
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Found:
        if question.argument not in ("", WORDS):
            raise ValueError(f"there is no kind {question.kind!r}: text and text:{WORDS} are")
        return Found(self._lines.regions(question.pixels, question.kind, read=question.argument == WORDS))


@detector("text", sides={"text": SIDE}, models=WRITING, lazy=True)
def load(weights: Weights, device: str) -> Loaded:
    """On the CPU, whatever the device: through OpenVINO where that is installed, else through onnxruntime."""
    silence()
    return Writing(weights)
