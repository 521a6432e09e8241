"""Components of a Cloudinary transformation: `key_value` pairs between commas, read with the same care for every key.

The terms and rules are those of Cloudinary's transformation reference. Each key that exists is known by name, so that
one that is not supported is told apart from a folder and from a spelling mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from transforms.failure import Failure, Kind, nearest
from transforms.pipeline import Step
from transforms.registry import find

from ..paths import decode
from .vocabulary import VIDEO_KEYS, words

T = TypeVar("T")

SUPPORTED = words("a ar b bo c co dpr e f fl g h o q r w x y z")
REPEATABLE = frozenset(("e", "fl"))

_UNSUPPORTED: Mapping[str, tuple[str, str]] = {
    "if": ("unsupported-condition", "conditions"),
    "$": ("unsupported-variable", "variables"),
    "l": ("unsupported-layer", "layers"),
    "u": ("unsupported-layer", "underlays"),
    "t": ("unsupported-named-transformation", "named transformations"),
    "bl": ("unsupported-named-transformation", "baseline transformations"),
    "fn": ("unsupported-function", "custom functions"),
    "cs": ("unsupported-key", "colour spaces"),
    "d": ("unsupported-key", "default images"),
    "dl": ("unsupported-key", "animation delays"),
    "dn": ("unsupported-key", "densities"),
    "p": ("unsupported-key", "prefixes"),
    "pg": ("unsupported-key", "pages"),
    **dict.fromkeys(VIDEO_KEYS, ("unsupported-key", "video parameters")),
}
_KEYS = SUPPORTED | _UNSUPPORTED.keys() - {"$"}

_VARIABLE = re.compile(r"\$[A-Za-z][A-Za-z0-9]*_", re.ASCII)
_EXPRESSION = re.compile(
    r"\$|_(?:add|sub|mul|div|mod|pow)(?:_|$)|^(?:[io]?[wh]|[it]?ar|fc|pc|cp|px|py|ils|idn)(?:_|$)", re.ASCII
)
_COMPUTED = words("a ar dpr h o q r w x y z")


@dataclass(frozen=True, slots=True)
class Component:
    """The parameters of one component in the order written. Values are decoded a second time, as Cloudinary does."""

    text: str
    parameters: tuple[tuple[str, str], ...]

    def values(self, key: str) -> list[str]:
        return [value for name, value in self.parameters if name == key]

    def has(self, *keys: str) -> bool:
        return any(name in keys for name, _ in self.parameters)

    @property
    def flags(self) -> list[str]:
        """The flags of all `fl_`; a list of them is joined by `.`."""
        return [flag for value in self.values("fl") for flag in value.split(".")]

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
        hint = f"{hint} {folder}" if hint else folder
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


def checked(operation: str, **values: Any) -> Step:
    """A step whose values went through their parameter types: in bounds, and in the one form that its text has."""
    types = {argument.name: argument.type for argument in find(operation).arguments}
    given = {name: value for name, value in values.items() if value is not None}
    return Step.of(operation, **{name: types[name].parse(types[name].print(value)) for name, value in given.items()})


def is_component(text: str) -> bool:
    """Whether a segment of the path is a component rather than a folder.

    Raises Failure unknown-key or empty-parameter where it is neither: with a comma and a known key, but also a part
    that is no parameter.
    """
    parts = text.split(",")
    strange = [part for part in parts if _key(part) is None]
    if not strange:
        return True
    if len(strange) == len(parts):
        return False
    if not strange[0]:
        raise _refusal(text, "", "", "there is nothing between two commas", "empty-parameter")
    raise _unknown_key(text, strange[0])


def _key(part: str) -> str | None:
    """The known key of a parameter, or None."""
    if _VARIABLE.match(part):
        return "$"
    key, underscore, _ = part.partition("_")
    return key if underscore and key in _KEYS else None


def _unknown_key(text: str, part: str) -> Failure:
    key, _, value = part.partition("_")
    close = nearest(key, _KEYS)
    hint = f"did you mean {close}_{value}?" if close else "a parameter is a short key, an underscore and a value"
    return _refusal(text, key, value, "there is no such parameter", "unknown-key", hint, {"nearest": close})


_GUARDED = ("private:", "authenticated:")  # delivery types of layers that only a signature opens


def lex(text: str) -> Component:
    """The parameters of a component. Raises Failure repeated-key, empty-value, bad-encoding or unsupported-…."""
    seen: set[str] = set()
    parameters = []
    for part in text.split(","):
        key, _, value = part.partition("_")
        _check(text, part, key, value)
        if key in seen and key not in REPEATABLE:
            raise _refusal(text, key, value, "the key is given twice", "repeated-key")
        seen.add(key)
        parameters.append((key, decode(quote(value, safe="%")) if "%" in value else value))
    return Component(text, tuple(parameters))


def _check(text: str, part: str, key: str, value: str) -> None:
    kind = _key(part) or ""
    if kind in ("l", "u") and value.startswith(_GUARDED):
        raise Failure(Kind.UNAUTHORISED, "unsigned-layer", "a private layer wants a signed URL", details={"key": kind})
    if kind in _UNSUPPORTED:
        code, what = _UNSUPPORTED[kind]
        raise _refusal(text, key, value, f"{what} are not supported yet", code)
    if not value:
        raise _refusal(text, key, value, "the value is missing", "empty-value")
    if "$" in value or (key in _COMPUTED and _EXPRESSION.search(value)):
        raise _refusal(text, key, value, "variables and arithmetic are not supported yet", "unsupported-expression")
