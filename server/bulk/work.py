"""What a run does with each picture, and whether a row of an earlier one says as much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transforms.pipeline import Pipeline

from .items import REMOTE


@dataclass(frozen=True)
class Work:
    """The question, and whether keywords are written, or only told (`dry`)."""

    pipeline: Pipeline
    keywords: bool = False
    dry: bool = False

    @property
    def asked(self) -> str:
        """The question in the spelling that rows keep."""
        return self.pipeline.text

    def is_of_another(self, row: dict[str, Any]) -> bool:
        """Whether something else was asked; rows of older versions do not say."""
        return bool(row.get("asked")) and row["asked"] != self.asked

    def is_said_by(self, row: dict[str, Any]) -> bool:
        """Whether a row says what is wanted of keywords; what they could not be written into is not tried again."""
        if not self.keywords or row["file"].lower().startswith(REMOTE):
            return True
        return bool(row.get("keywords")) and (self.dry or row["keywords"] != "would-write")
