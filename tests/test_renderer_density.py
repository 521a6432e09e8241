"""What a response says of the density that it was made for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from server import renderer
from server.renderer import Job
from tests import pictures
from transforms.limits import Limits
from transforms.output import Client


@pytest.mark.parametrize(
    ("pipeline", "density", "expected"),
    [
        ("resize:(100*dpr)x", 2.0, {"Content-DPR": "2"}),
        ("resize:(100*dpr)x", 1.0, {}),
        ("resize:(200*dpr)x", 2.0, {"Content-DPR": "1.5"}),  # the source has no more
        ("resize:(100*dpr)x/crop:50x50", 2.0, {}),
        ("blur:(2*dpr)", 3.0, {}),
        ("resize:(100*dpr)x/info", 2.0, {}),
    ],
)
def test_content_dpr(pipeline: str, density: float, expected: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(pictures.file(pictures.photo(300, 200), "PNG"))
    rendered = renderer.render(Job(str(path), pipeline, Client(dpr=density), Limits(), time.monotonic() + 20))
    assert dict(rendered.headers) == expected
