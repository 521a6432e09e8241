"""The table of operations. A signature is a grammar: `@operation` reads everything from the function it decorates."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType, NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

from . import params
from .failure import Failure, Kind, nearest
from .image import Found, Frame, Image, Probe, Scale, Size
from .input import Input
from .layers import Layer
from .output import Encoding, Output, Past, Report

Level = Literal["frame", "image", "input", "output", "report"]
"""What an operation works on: each frame alone, the whole picture, the way the source is read, the way the result
leaves; a report ends the run."""

Scaling = Literal["fixed", "commutes", "absorbs"]
"""How a step stands to a source that was decoded smaller than it is: it needs the nominal pixels; it gives the same
picture, only smaller; or it resamples to a size of its own, so that any scale that still holds the detail will do."""

Function = TypeVar("Function", bound=Callable[..., Any])

_INJECTED = (Found, Probe, Scale, Encoding, Past, Layer)


@dataclass(frozen=True)
class Argument:
    """One parameter of an operation."""

    name: str
    type: params.Parameter
    default: Any  # inspect.Parameter.empty where it must be given

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty

    def describe(self) -> dict[str, Any]:
        schema = {"name": self.name, "required": self.required, **self.type.schema()}
        schema["description"] = self.type.describe()
        if not self.required and self.default is not None:
            schema["default"] = self.type.print(self.default)
        return schema


@dataclass(frozen=True)
class Operation:
    """A registered operation; `apply` is the decorated function."""

    name: str
    arguments: tuple[Argument, ...]
    apply: Callable[..., Any]
    level: Level
    injected: tuple[tuple[str, type], ...]  # parameter name and which of _INJECTED it wants
    needs: Callable[..., frozenset[str]]  # (**arguments) -> kinds of detectors
    then: Callable[..., frozenset[str]]  # (found, **arguments) -> kinds to ask for once the first answer is known
    size: Callable[..., Size]  # (before, **arguments) -> Size after, or its upper bound where not exact
    exact: bool | Callable[..., bool]  # or (**arguments) -> bool
    scaling: Scaling | Callable[..., Scaling]  # or (**arguments) -> Scaling
    detail: Callable[..., float | None]  # (before, found, **arguments) -> pixels wanted per nominal pixel
    closed: bool | Callable[..., bool]  # or (**arguments) -> bool; see `hides`
    doc: str
    example: str

    def __reduce__(self) -> tuple[Any, ...]:
        return find, (self.name,)

    def is_exact(self, **arguments: Any) -> bool:
        """Whether the size after a step is known before it runs, and not only bounded."""
        return self.exact(**arguments) if callable(self.exact) else self.exact

    def hides(self, **arguments: Any) -> bool:
        """Whether the step fails, rather than does without, where a detector did not answer."""
        return self.closed(**arguments) if callable(self.closed) else self.closed

    def scales(self, **arguments: Any) -> Scaling:
        return self.scaling(**arguments) if callable(self.scaling) else self.scaling

    @property
    def encodes(self) -> bool:
        """Whether it is a report about the encoded picture, which needs all its pixels and frames."""
        return any(kind is Encoding for _, kind in self.injected)

    @property
    def opens(self) -> bool:
        """Whether steps follow that belong to a layer, up to an `end`."""
        return any(kind is Layer for _, kind in self.injected)

    @property
    def usage(self) -> str:
        """The example, with the end of its block."""
        return f"{self.example}/end" if self.opens else self.example

    @property
    def summary(self) -> str:
        return self.doc.partition("\n")[0]

    def describe(self) -> dict[str, Any]:
        """JSON schema of the arguments, with the words of the reference."""
        return {
            "name": self.name,
            "summary": self.summary,
            "description": self.doc,
            "example": self.usage,
            "arguments": [argument.describe() for argument in self.arguments],
        }


_registered: dict[str, Operation] = {}


def unchanged(before: Size, **_: Any) -> Size:
    """The size projection of an operation that keeps the size."""
    return before


def nothing_more(found: Found, **_: Any) -> Collection[str]:
    return ()


def operation(
    name: str,
    *,
    example: str,
    needs: Collection[str] | Callable[..., Collection[str]] = (),
    then: Callable[..., Collection[str]] = nothing_more,
    size: Callable[..., Size] = unchanged,
    exact: bool | Callable[..., bool] = True,
    scaling: Scaling | Callable[..., Scaling] = "fixed",
    detail: Callable[..., float | None] | None = None,
    closed: bool | Callable[..., bool] = False,
) -> Callable[[Function], Function]:
    """Register a function as the operation `name`.

    The first parameter says what it works on (Frame, Image, Input or Output) and a Report as result makes it a report.
    Every other parameter is an argument of the URL, in this order, except those annotated Found, Probe, Scale,
    Encoding, Past or Layer, which the run fills in; one that is given a Layer opens a block of steps for it. `needs`
    are the kinds of detections that it uses, `then` more of them that depend on the first answer.
    `size` projects the size without pixels; with `exact=False` it is only an upper bound.
    `detail` says how many pixels an absorbing step wants per nominal pixel of its input; None where that depends on
    what is found and nothing is known yet.
    """

    def register(function: Function) -> Function:
        if name in _registered:
            raise ValueError(f"operation {name!r} is registered twice")
        _registered[name] = _read(
            name, function, example=example, needs=_needing(needs), then=_needing(then), size=size, exact=exact,
            scaling=scaling, detail=detail or _ratio_of(size), closed=closed,
        )  # fmt: skip
        return function

    return register


def _needing(needs: Collection[str] | Callable[..., Collection[str]]) -> Callable[..., frozenset[str]]:
    if callable(needs):
        return lambda *found, **arguments: frozenset(needs(*found, **arguments))
    always = frozenset(needs)
    return lambda **_: always


def _ratio_of(size: Callable[..., Size]) -> Callable[..., float | None]:
    def ratio(before: Size, found: Found | None, **arguments: Any) -> float | None:
        after = size(before, **arguments)
        return max(after.width / before.width, after.height / before.height)

    return ratio


def _read(name: str, function: Callable[..., Any], **more: Any) -> Operation:
    hints = typing.get_type_hints(function, include_extras=True)
    returned = hints.pop("return")
    (_, subject), *rest = ((parameter, hints[parameter]) for parameter in inspect.signature(function).parameters)
    defaults = inspect.signature(function).parameters
    return Operation(
        name=name,
        arguments=tuple(
            Argument(parameter, _type_of(hint), defaults[parameter].default)
            for parameter, hint in rest
            if hint not in _INJECTED
        ),
        apply=function,
        level=_level(name, subject, returned),
        injected=tuple((parameter, hint) for parameter, hint in rest if hint in _INJECTED),
        doc=inspect.cleandoc(function.__doc__ or ""),
        **more,
    )


def _level(name: str, subject: Any, returned: Any) -> Level:
    levels: dict[tuple[Any, Any], Level] = {
        (Frame, Frame): "frame", (Image, Image): "image", (Input, Input): "input", (Output, Output): "output",
        (Image, Report): "report",
    }  # fmt: skip
    if (subject, returned) not in levels:
        raise TypeError(f"operation {name!r}: {subject} -> {returned} is none of {list(levels)}")
    return levels[subject, returned]


def _type_of(hint: Any) -> params.Parameter:
    """The parameter type that an annotation names: Annotated[…, type], Literal[…] or bool, `| None` or not."""
    if hint is bool:
        return params.Flag()
    if get_origin(hint) is Literal:
        return params.Choice(get_args(hint))
    inner = [option for option in get_args(hint) if option is not NoneType]
    if hasattr(hint, "__metadata__"):
        found: params.Parameter = hint.__metadata__[0]
        return found
    if len(inner) == 1:
        return _type_of(inner[0])
    raise TypeError(f"no parameter type in annotation {hint!r}")


@cache
def operations() -> Mapping[str, Operation]:
    """All operations by name: those of transforms.operations and of installed plug-ins; loaded once, then frozen."""
    package = importlib.import_module("transforms.operations")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"transforms.operations.{module.name}")
    for plugin in entry_points(group="darkroom.operations"):
        plugin.load()
    return MappingProxyType(dict(sorted(_registered.items())))


def find(name: str) -> Operation:
    """The operation of that name; raises Failure unknown-operation with the nearest one."""
    try:
        return operations()[name]
    except KeyError:
        close = nearest(name, operations())
        raise Failure(
            Kind.BAD_REQUEST,
            "unknown-operation",
            f"there is no operation {name!r}",
            hint=f"did you mean {close!r}?" if close else "see /reference for all operations",
            details={"operation": name, "nearest": close},
        ) from None


def describe() -> list[dict[str, Any]]:
    """Every operation with the JSON schema of its arguments."""
    return [operation.describe() for operation in operations().values()]
