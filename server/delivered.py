"""What a request for a picture comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cache.entry import Entry

from .sources.grant import UNSAID, Grant
from .wanted import Wanted

Status = Literal["hit", "stale", "miss", "follower"]
"""How an answer came about: from the cache, from a stale entry, made for it, made for somebody who asked before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An entry to respond with; `fresh_for` in seconds."""

    etag: str
    entry: Entry | None  # None: the client has it already (304)
    status: Status
    fresh_for: float
    wanted: Wanted
    private: bool = False
    stored: bool = False
    purged: bool = False
    grant: Grant = UNSAID
