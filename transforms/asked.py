"""Which detections expressions and conditions ask for."""

from __future__ import annotations

from .expressions import (
    TAGS,
    Arithmetic,
    Cast,
    Compared,
    Condition,
    Expression,
    Joined,
    Operand,
    Text,
    bad_expression,
    seeks_tags,
)
from .failure import Failure
from .meaning import asked_for, asked_for_any, looked_for


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
            return asked_for(operand.details) if operand.details else asked_for_any()
    return frozenset()


def check_words(tree: Expression | Condition) -> None:
    """Raises Failure unknown-tag for a word that is looked for among the tags and may be misspelt;
    bad-expression for tags of which nobody says which words matter."""
    waiting: list[Expression | Condition] = [tree]
    while waiting:
        match waiting.pop():
            case Compared(_, _, right) as part if seeks_tags(part):
                waiting.append(right)
                for word in right.words if isinstance(right, Text) else ():
                    looked_for(word)
            case Arithmetic(_, left, right) | Compared(_, left, right) | Joined(_, left, right):
                waiting += (right, left)
            case Cast(_, inner):
                waiting.append(inner)
            case part if part == TAGS:
                raise no_words()


def no_words() -> Failure:
    """Who tells tags depends on the words: a model that few need is not asked for a list that nobody named."""
    return bad_expression("tags are asked for by their words, as in tags~dog", operand="tags")
