"""What a render tells of its source beside the result, for the search index: all that was found, and a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detectors.found import pack
from transforms.failure import Failure
from transforms.fingerprint import fingerprint

from .finder import SourceFinder

SEEN_AT = 128  # long side in pixels of what a fingerprint is made of; it needs 32
LEFT_OUT = frozenset({"saliency"})


@dataclass(frozen=True)
class Notice:
    """A packed Found, in whose `models` local kinds stand as well, and the fingerprint: None of a plain picture."""

    found: bytes
    fingerprint: int | None
    fingerprinted: bool


def notice(finder: SourceFinder) -> Notice:
    """Of the picture that the file shows first. Costs 1 ms where it is decoded already."""
    found = finder.found
    for kind, said in finder.noticed.items():
        if kind not in LEFT_OUT:
            found = found.merged(replace(said, models=((kind, ""),), missing=()))
    if not finder.shows_first:
        return Notice(pack(found), None, False)
    try:
        return Notice(pack(found), fingerprint(finder.upright_view(SEEN_AT)), True)
    except Failure:  # damaged further down than the result needed it
        return Notice(pack(found), None, False)
