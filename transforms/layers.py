"""What an operation that lays something over a picture is given: the means to make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .failure import Failure, Kind
from .image import Image, Size
from .limits import Limits

if TYPE_CHECKING:
    from .steps import Step

MAX_LAYERS = 20
MAX_LAYER_DEPTH = 8


class Layers(Protocol):
    """Makes the pictures of layers."""

    def __call__(self, step: Step, below: Size, region: Size) -> Image:
        """The picture of a step that opens a block: what it names, after the steps of the block.

        `below` is the picture that it will be laid over, `region` the part of that which it belongs to.
        """


@dataclass(frozen=True)
class Layer:
    """Of one step: `picture(region)` is what is to be laid over a region of that size; `limits` are the result's."""

    picture: Callable[[Size], Image]
    limits: Limits


def no_layers(step: Step, below: Size, region: Size) -> Image:
    """Where no layer can be made."""
    raise Failure(Kind.NOT_IMPLEMENTED, "not-implemented", f"{step.operation.name} cannot be done here")
