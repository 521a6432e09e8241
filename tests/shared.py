"""Where the shared test material lies: read in place, never copied; tests skip with a reason where it is missing."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("DARKROOM_SHARED", ROOT.parent / "shared"))
MODELS = Path(os.environ.get("DARKROOM_MODELS", SHARED / "models"))


def needs(*parts: str) -> pytest.MarkDecorator:
    """Skips a test where a file or folder of the shared material is missing."""
    path = SHARED.joinpath(*parts)
    return pytest.mark.skipif(not path.exists(), reason=f"shared test material is missing: {'/'.join(parts)}")


@cache
def manifest() -> list[dict[str, Any]]:
    """Entries of the image manifest, or none where it is missing."""
    path = SHARED / "images" / "manifest.json"
    return list(json.loads(path.read_text())["files"]) if path.exists() else []


def jsonl(name: str) -> list[dict[str, Any]]:
    """Rows of a file of the URL language's samples, or none where it is missing."""
    path = SHARED / "spec" / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
