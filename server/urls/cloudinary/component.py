"""Components of a Cloudinary transformation: `key_value` pairs between commas, read with the same care for every key.

The terms and rules are those of Cloudinary's transformation reference. Each key that exists is known by name, so that
one that is not supported is told apart from a folder and from a spelling mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

from transforms.computed import Computed
from transforms.failure import Failure, Kind, nearest
from transforms.params import Parameter
from transforms.pipeline import Step
from transforms.registry import find

from ..paths import decode
from .vocabulary import VIDEO_KEYS, words

T = TypeVar("T")

KEYS = words("a ar b bl bo c co cs d dl dn dpr e f fl g h if l o pg q r t u w x y z")
REPEATABLE = frozenset(("e", "fl"))

_REFUSED: Mapping[str, tuple[str, str]] = {
    "fn": ("unsupported-function", "custom functions are not run here"),
    "p": ("unsupported-key", "prefixes of style sheets are not supported: there are no sprites here"),
    **dict.fromkeys(VIDEO_KEYS, ("unsupported-key", "video parameters are not supported")),
}
_KEYS = KEYS | _REFUSED.keys()

_VARIABLE = re.compile(r"\$[A-Za-z][A-Za-z0-9]*_", re.ASCII)


@dataclass(frozen=True)
class Component:
    """The parameters of one component in the order written. Values are decoded a second time, as Cloudinary does.

    A variable has its `$name` for a key.
    """

    text: str
    parameters: tuple[tuple[str, str], ...]

    @cached_property
    def _by_key(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, value in self.parameters:
            found.setdefault(key, []).append(value)
        return found

    def values(self, key: str) -> list[str]:
        return self._by_key.get(key, [])

    def has(self, *keys: str) -> bool:
        return not self._by_key.keys().isdisjoint(keys)

    def without(self, *keys: str) -> Component:
        """The same component as if some of its keys were not there."""
        return Component(self.text, tuple(pair for pair in self.parameters if pair[0] not in keys))

    def only(self, *keys: str) -> Component:
        """The same component as if none but some of its keys were there."""
        return Component(self.text, tuple(pair for pair in self.parameters if pair[0] in keys))

    @property
    def variables(self) -> list[tuple[str, str]]:
        """Names and values of the variables that it assigns."""
        return [(name[1:], value) for name, value in self.parameters if name.startswith("$")]

    @property
    def flags(self) -> list[str]:
        """The flags of all `fl_`; a list of them is joined by `.`, and `%2E` is a dot inside one."""
        return [_decoded(flag) for value in self.values("fl") for flag in value.split(".")]

    def raw(self, *keys: str) -> str:
        """The parameters of these keys as they are written."""
        return ",".join(part for part in self.text.split(",") if part.partition("_")[0] in keys)

    def read(self, key: str, reader: Callable[[str], T]) -> T | None:
        """The value of a key as `reader` understands it, None where the key is not given."""
        values = self.values(key)
        return self.attempt(key, values[0], reader) if values else None

    def step(self, key: str, operation: str, **values: Any) -> Step:
        """A step with checked values; None leaves an argument out. `key` is named where one is out of bounds."""
        return self.attempt(key, "".join(self.values(key)[:1]), lambda _: checked(operation, **values))

    def attempt(self, key: str, value: str, reader: Callable[[str], T]) -> T:
        """What `reader` makes of a value; its failures come to name the component, the key and the value."""
        try:
            return reader(value)
        except Failure as failure:
            raise self.refusal(
                key, value, failure.message, failure.code, hint=failure.hint, **failure.details
            ) from None  # fmt: skip

    def refusal(
        self, key: str, value: str, message: str, code: str = "bad-argument", *, hint: str | None = None, **details: Any
    ) -> Failure:
        """A 400 that names the component, the key and the value."""
        return _refusal(self.text, key, value, message, code, hint, details)


def _refusal(
    text: str, key: str, value: str, message: str, code: str, hint: str | None = None, details: Mapping[str, Any] = {}
) -> Failure:
    if "," not in text and not value[:1].isdigit():
        folder = f"a folder of this name needs a version before it: v1/{quote(text)}/…"
        hint = f"{hint}{' ' if hint.endswith('?') else '; '}{folder}" if hint else folder
    where = {"component": text, "key": key, "value": value}
    return Failure(Kind.BAD_REQUEST, code, f"{key}_{value}: {message}", hint=hint, details={**where, **details})


def unsupported(what: str, message: str, **details: Any) -> Failure:
    """Something that Cloudinary has and this server has not; `what` ends the code."""
    return Failure(Kind.BAD_REQUEST, f"unsupported-{what}", message, details=details)


def unknown(
    what: str, key: str, name: str, choices: Iterable[str], others: Iterable[str] = (), code: str = "bad-argument"
) -> Failure:
    """A word that Cloudinary has not, with the nearest one that it has: of our `choices` or the `others`."""
    choices = sorted(choices)
    close = nearest(name, [*choices, *others])
    return Failure(
        Kind.BAD_REQUEST, code, f"there is no {what} {name!r}", hint=f"did you mean {key}_{close}?" if close else None,
        details={"nearest": close, "choices": choices},
    )  # fmt: skip


def checked(operation: str, /, **values: Any) -> Step:
    """A step whose values went through their parameter types: in bounds, and in the one form that its text has.

    A value may be its text, or Computed: then it is checked once it is worked out.
    """
    types = {argument.name: argument.type for argument in find(operation).arguments}
    given = {name: value for name, value in values.items() if value is not None}
    return Step.of(operation, **{name: _checked(types[name], value) for name, value in given.items()})


def _checked(kind: Parameter, value: Any) -> Any:
    if isinstance(value, Computed):
        return value
    return kind.parse(value if isinstance(value, str) else kind.print(value))


def is_component(text: str) -> bool:
    """Whether a segment of the path is a component rather than a folder.

    Raises Failure unknown-key or empty-parameter where it is neither: with a comma and a known key, but also a part
    that is no parameter.
    """
    parts = text.split(",")
    strange = [part for part in parts if not _is_parameter(part)]
    if not strange:
        return True
    if len(strange) == len(parts):
        return False
    if not strange[0]:
        raise _refusal(text, "", "", "there is nothing between two commas", "empty-parameter")
    raise _unknown_key(text, strange[0])


def _is_parameter(part: str) -> bool:
    """Whether it assigns a variable or begins with a known key."""
    key, underscore, _ = part.partition("_")
    return bool(underscore) and (key in _KEYS or _VARIABLE.match(part) is not None)


def _unknown_key(text: str, part: str) -> Failure:
    key, _, value = part.partition("_")
    close = nearest(key, _KEYS)
    hint = f"did you mean {close}_{value}?" if close else "a parameter is a short key, an underscore and a value"
    return _refusal(text, key, value, "there is no such parameter", "unknown-key", hint, {"nearest": close})


def lex(text: str) -> Component:
    """The parameters of a component. Raises Failure repeated-key, empty-value, bad-encoding or unsupported-…."""
    seen: set[str] = set()
    parameters = []
    for part in text.split(","):
        key, _, value = part.partition("_")
        _check(text, key, value)
        if key in seen and key not in REPEATABLE and not key.startswith("$"):
            raise _refusal(text, key, value, "the key is given twice", "repeated-key")
        seen.add(key)
        parameters.append((key, value if key == "fl" else _decoded(value)))
    return Component(text, tuple(parameters))


def _decoded(value: str) -> str:
    return decode(quote(value, safe="%")) if "%" in value else value


def _check(text: str, key: str, value: str) -> None:
    if key in _REFUSED:
        code, why = _REFUSED[key]
        raise _refusal(text, key, value, why, code)
    if not value:
        raise _refusal(text, key, value, "the value is missing", "empty-value")
