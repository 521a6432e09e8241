"""Cases that node builds with @cloudinary/url-gen: one script each, which prints what a page would ask for."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .site import SECRET, Site

HOST, ORIGIN = "pictures.example.com", "http://shop.example.com"  # where no server is running yet
Case = dict[str, Any]


def built(script: str, host: str = HOST, origin: str = ORIGIN) -> list[Case]:
    """What node says. Skips where it, or the library, is missing: node looks for it in this folder and in NODE_PATH."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (see CONTRIBUTING.md)", allow_module_level=True)
    account = json.dumps({"host": host, "origin": origin, "secret": SECRET})
    command = [node, str(Path(__file__).with_name(script)), account]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Cannot find module '@cloudinary/url-gen" in result.stderr:
        pytest.skip("@cloudinary/url-gen is not installed (see CONTRIBUTING.md)", allow_module_level=True)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout))


def built_for(site: Site, script: str) -> dict[str, Case]:
    """The cases of a running server by name, whose addresses stand inside of layers as well."""
    return {case["name"]: case for case in built(script, site.host, site.origin.url)}


def named(case: Case) -> str:
    return str(case["name"])
