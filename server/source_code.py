"""The source code of the running server, as the AGPL promises to everyone who uses it over a network."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("transforms", "detectors", "cache", "server")
BESIDE = ("pyproject.toml", "LICENSE", "README.md", "Dockerfile")


async def source_code(request: Request) -> Response:
    """A tar archive of the program as it runs here, changes included."""
    disposition = {"Content-Disposition": 'attachment; filename="darkroom-source.tar.gz"'}
    return Response(_archive(), 200, disposition, media_type="application/gzip")


def _beside() -> Iterator[tuple[str, Path]]:
    """Licence and metadata: of the checkout, else those that were installed with the program."""
    yield from ((name, ROOT / name) for name in BESIDE if (ROOT / name).is_file())
    for file in distribution("darkroom").files or ():
        if file.name in ("LICENSE", "METADATA") and Path(str(file.locate())).is_file():
            yield f"dist-info/{file.name}", Path(str(file.locate()))


@cache
def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for package in PACKAGES:
            for file in sorted((ROOT / package).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    archive.add(file, f"darkroom/{file.relative_to(ROOT)}")
        for name, file in _beside():
            archive.add(file, f"darkroom/{name}")
    return buffer.getvalue()
