"""Which detections expressions and conditions ask for."""

from __future__ import annotations

from .expressions import Arithmetic, Cast, Compared, Condition, Expression, Joined, Operand, Text, seeks_tags
from .tagging import asked_for, asked_for_all


def kinds(tree: Expression | Condition) -> frozenset[str]:
    """The kinds of detections that it may ask for: of tags as few as the words beside them allow."""
    found = frozenset[str]()
    waiting: list[Expression | Condition] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Compared) and seeks_tags(part) and isinstance(part.right, Text):
            found |= asked_for(part.right.words)
        elif isinstance(part, Arithmetic | Compared | Joined):
            waiting += (part.right, part.left)
        elif isinstance(part, Cast):
            waiting.append(part.inner)
        elif isinstance(part, Operand):
            found |= kinds_of(part)
    return found


def kinds_of(operand: Operand) -> frozenset[str]:
    """What has to be detected for an operand."""
    match operand.name:
        case "faces" | "moderation":
            return frozenset({operand.name})
        case "tags" | "count":
            return asked_for(operand.details) if operand.details else asked_for_all()
    return frozenset()
