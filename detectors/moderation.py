"""Moderation: nakedness, by the network inside the pip package nudenet; the kind `moderation`, never asked unasked.

Its regions are all that it tells (manifest.MODERATION), faces aside, by their own labels. Its tags are those of UNSAFE
alone, each with the best score of its regions, so that `if:moderation>0.5` asks for the highest of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from .found import Found, Region, Tag
from .manifest import MODERATION, Model
from .quiet import cores, silence
from .registry import Loaded, Question, Weights, detector

UNSAFE = (
    "female-breast-exposed", "female-genitalia-exposed", "male-genitalia-exposed", "buttocks-exposed", "anus-exposed",
)  # fmt: skip
"""Labels that count as unsafe. Bare feet, bellies, armpits and men's chests do not, nor does anything covered."""


class Moderation:
    """The network in memory; one thread asks it. 25 ms a picture on one core."""

    batch = 1  # on a CPU batching gains little: 21 ms a picture alone, 15 in fours

    def __init__(self, weights: Weights) -> None:
        from .nudity import Nudity

        self._model = weights.model
        self._network = Nudity(weights.path, threads=min(cores(), 2))

    def find(self, questions: Sequence[Question]) -> list[Found]:
        return [told(self._network.regions(question.pixels, question.kind), self._model) for question in questions]


def told(regions: Sequence[Region], model: Model) -> Found:
    """The answer that these regions amount to; tags only of what is sure."""
    shown = tuple(
        Region(at.label, at.score, at.box, by=at.by, sure=at.score >= model.least(at.label)) for at in regions
    )  # fmt: skip
    best: dict[str, Tag] = {}
    for region in shown:
        known = best.get(region.label)
        if region.label in UNSAFE and region.sure and (known is None or known.score < region.score):
            best[region.label] = Tag(region.label, region.score, region.by)
    return Found(shown, tuple(sorted(best.values(), key=lambda tag: -tag.score)))


@detector("moderation", sides={"moderation": 640}, models=MODERATION, lazy=True)
def load(weights: Weights, device: str) -> Loaded:
    """Through onnxruntime on the CPU, whatever the device; the package is not imported."""
    silence()
    return Moderation(weights)
