"""What an export by ultralytics says of itself: its classes, its form, the size of its input."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

from ..heads import Head
from ..manifest import Form, Model, Unlike

FORMS: Mapping[str, Form] = {form: form for form in get_args(Form)}


@dataclass(frozen=True, slots=True)
class Said:
    """`size` is across and down in pixels, None where nothing is said; `batch` likewise."""

    head: Head
    names: tuple[str, ...]
    size: tuple[int, int] | None
    batch: int | None


def said(metadata: Mapping[str, Any], model: Model) -> Said:
    """What `metadata.yaml`, or the same inside a file, says; the model's own description where it says nothing.

    Values are Python literals, or text of them. Raises Unlike for a form that no head here reads.
    """
    values = {key: _literal(value) for key, value in metadata.items()}
    names = _names(values.get("names"))
    task = values.get("task") or model.form
    if task not in FORMS:
        raise Unlike(f"a network of the form {task!r} is not one that can be read here")
    joints = values.get("kpt_shape") or (17, 3)
    size = values.get("imgsz")
    head = Head(FORMS[task], len(names) or len(model.labels), (int(joints[0]), int(joints[1])))
    batch = values.get("batch")
    return Said(head, names, (int(size[1]), int(size[0])) if size else None, int(batch) if batch else None)


def _names(names: object) -> tuple[str, ...]:
    if isinstance(names, Mapping):
        return tuple(str(names[number]) for number in sorted(names, key=int))
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()


def _literal(value: object) -> Any:
    if isinstance(value, str):
        with suppress(ValueError, SyntaxError):
            return ast.literal_eval(value)
    return value
