"""`if_`: which components a condition guards, in both of Cloudinary's forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from transforms.expressions import Text
from transforms.failure import Failure, Kind
from transforms.pipeline import Else, End, If, Node

from . import expression
from .component import Component


@dataclass(slots=True)
class Guards:
    """The nodes so far, and the conditions that are open.

    `if_c/…/if_else/…/if_end` is a block. `if_c,…` guards its own component alone; an `if_else,…` that follows at once
    is its alternative, and an `if_end` after them, which some write, ends nothing more. An `if_else` with nothing
    beside it is of the block around, unless there are `if_end`s to spare for a block of its own.
    """

    spare: int = 0
    nodes: list[Node] = field(default_factory=list)
    open_blocks: list[Component] = field(default_factory=list)
    single: bool = False  # whether the component before was one that a condition guards alone
    ended: bool = False  # whether an if_end may still follow such a component

    def add(self, component: Component, nodes: list[Node]) -> None:
        """The next component: its condition, if any, and the nodes of all else in it."""
        conditions = component.values("if")
        single, self.single = self.single, False
        ended, self.ended = self.ended, False
        if not conditions:
            self.nodes += nodes
        elif conditions[0] == "end":
            self._end(component, nodes, ended)
        elif conditions[0] == "else":
            self._else(component, nodes, single)
        else:
            self._if(component, conditions[0], nodes)

    def _if(self, component: Component, text: str, nodes: list[Node]) -> None:
        self.nodes.append(If(component.attempt("if", text, expression.condition)))
        if _alone(component):
            self.open_blocks.append(component)
            return
        self.nodes += [*nodes, End()]
        self.single = self.ended = True

    def _else(self, component: Component, nodes: list[Node], single: bool) -> None:
        around = bool(self.open_blocks) and self.open_blocks[-1].values("if") != ["else"]
        if not single and not around:
            raise _stray(component, "else")
        if single and _alone(component):
            single = not around or self.spare > 0
            self.spare -= single
        if single:
            self.nodes.pop()  # the end of the component before
        else:
            self.open_blocks[-1] = component
        self.nodes += [Else(), *nodes]
        if single and not _alone(component):
            self.nodes.append(End())
            self.ended = True
        elif single:
            self.open_blocks.append(component)

    def _end(self, component: Component, nodes: list[Node], ended: bool) -> None:
        if nodes or not _alone(component):
            raise component.refusal("if", "end", "nothing else can stand beside if_end")
        if self.open_blocks:
            self.open_blocks.pop()
            self.nodes.append(End())
        elif not ended:
            raise _stray(component, "end")
        else:
            self.spare -= 1

    def closed(self) -> list[Node]:
        """All nodes. Raises Failure unclosed-condition."""
        if self.open_blocks:
            component = self.open_blocks[-1]
            raise component.refusal(
                "if", component.values("if")[0], "the condition is not closed", "unclosed-condition",
                hint="end it with /if_end, or write what it guards beside it: if_w_gt_200,c_scale,w_200",
            )  # fmt: skip
        return self.nodes


def spare(components: Sequence[Component]) -> int:
    """How many `if_end`s there are more than conditions that begin a block."""
    words = [component.values("if")[0] for component in components if component.has("if") and _alone(component)]
    return words.count("end") - sum(word not in ("else", "end") for word in words)


def _alone(component: Component) -> bool:
    """Whether there is nothing beside the condition."""
    return len(component.parameters) == 1


def _stray(component: Component, word: str) -> Failure:
    return Failure(
        Kind.BAD_REQUEST, "stray-condition", f"if_{word} belongs to no condition",
        details={"component": component.text, "key": "if", "value": word},
    )  # fmt: skip


def texts_before(components: Sequence[Component]) -> dict[str, str | None]:
    """The plain texts that variables hold after these components; None for those that hang on something."""
    held: dict[str, str | None] = {}
    depth = 0
    for component in components:
        word = "".join(component.values("if"))
        depth += bool(word) and _alone(component) and word != "else"
        depth -= 2 * (word == "end")
        for name, value in component.variables:
            tree = component.attempt(f"${name}", value, expression.assigned)
            plain = isinstance(tree, Text) and depth <= 0 and not word
            held[name] = tree.text if plain and isinstance(tree, Text) else None
    return held
