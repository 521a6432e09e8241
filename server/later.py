"""Effects that are understood, but not done here: what is wrong with them is still said first."""

from __future__ import annotations

from transforms.failure import Failure
from transforms.pipeline import Pending, Pipeline

from .layered import sure_nodes


def pending(pipeline: Pipeline) -> Failure | None:
    """The 501 of the first one that no condition guards, in layers too; what a condition guards is said where it is
    met."""
    return next((node.failure() for node in sure_nodes(pipeline) if isinstance(node, Pending)), None)
