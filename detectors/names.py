"""What an operator's model may be called: its name is a kind of detection and a word of URLs."""

from __future__ import annotations

import re
from collections.abc import Collection

from transforms.failure import Failure, Kind
from transforms.labels import ALIASES, GROUPS

from .manifest import PUBLISHED

NAME = re.compile("[a-z][a-z0-9-]{0,39}")

KINDS = frozenset([
    "faces", "all-faces", "largest-face", "objects", "masks", "matte", "text", "moderation", "colors", "saliency",
    "traits", "codes",
])  # fmt: skip
"""Kinds of detections that come with Darkroom, or may come with what is installed later."""

_PLACES = frozenset([
    "face", "body", "subject", "auto", "center", "none", "classic", "north", "south", "east", "west",
    "northwest", "northeast", "southwest", "southeast",
])  # fmt: skip

GRAVITY = _PLACES.union(word.replace("_", "-") for word in (*GROUPS, *ALIASES))
"""What a gravity can be: places, groups of labels, the labels of COCO and their other spellings."""


def check_name(name: str, words: Collection[str] = (), brought: Collection[str] = ()) -> None:
    """Raises Failure bad-model-name for what no model of an operator may be called.

    `words` are operations, `brought` what detectors, plug-ins among them, have brought (`registry.brought`).
    """
    why = _why_not(name, words, brought)
    if why:
        raise Failure(
            Kind.BAD_REQUEST, "bad-model-name", f"a model cannot be called {name!r}: {why}",
            hint="take another name, such as the name of what it finds in the plural", details={"model": name},
        )  # fmt: skip


def is_free(name: str) -> bool:
    """Whether the name means nothing yet: it can be a word of URLs for a kind of detection that somebody else adds."""
    return _why_not(name) is None


def _why_not(name: str, words: Collection[str] = (), brought: Collection[str] = ()) -> str | None:
    if not NAME.fullmatch(name):
        return "it must begin with a letter, and have only a to z, 0 to 9 and -, 40 at most"
    reasons = (
        (KINDS, "detections of that kind come with Darkroom"),
        (PUBLISHED, "a published model has that name"),
        (GRAVITY, "a gravity has that name"),
        (words, "an operation has that name"),
        (brought, "an installed detector has a kind or a model of that name"),
    )
    return next((why for taken, why in reasons if name in taken), None)
