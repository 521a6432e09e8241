"""Photographs with people's annotations, and what the real detectors find in them, asked as a render asks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from detectors.client import Client
from detectors.engine import Engine
from detectors.manifest import COCO
from detectors.models import ModelStore
from detectors.registry import serving
from server.clock import Clock
from server.finder import SourceFinder
from transforms.decode import Decode
from transforms.image import Box, Found, PixelArray, Size
from transforms.limits import Limits
from transforms.plan import reduction
from transforms.probe import open_source

VIEW = 1280
"""Long side in pixels of what is decoded; detectors take what they want of it."""

PATIENCE_S = 60.0

KINDS = ("faces", "objects")


@dataclass(frozen=True)
class Photo:
    """A photograph and what people see in it: faces, each with whether it is difficult, and labelled objects.

    `labels` are all that is there; `objects` are those with a box, none where nobody drew any.
    """

    path: Path
    faces: tuple[tuple[Box, bool], ...] = ()
    labels: frozenset[str] = frozenset()
    objects: tuple[tuple[str, Box], ...] = ()

    @property
    def plain_faces(self) -> list[Box]:
        """Those that a detector should find."""
        return [box for box, difficult in self.faces if not difficult]


def photographs(shared: Path) -> list[Photo]:
    """The photographs of the image manifest."""
    entries = json.loads((shared / "images" / "manifest.json").read_text())["files"]
    return [
        Photo(
            shared / "images" / entry["path"],
            tuple((_fractions(face["box"], entry), bool(face["difficult"])) for face in entry["face_boxes"] or ()),
            frozenset(entry["objects"]),
        )
        for entry in entries
        if entry["path"].startswith("photos/") and entry["objects"] is not None
    ]


def _fractions(box: list[float], entry: dict[str, int]) -> Box:
    x, y, width, height = box
    across, down = entry["width"], entry["height"]
    return Box(x / across, y / down, width / across, height / down)


def coco(shared: Path) -> list[Photo]:
    """The pictures of COCO; one without a file of labels shows nothing that COCO knows."""
    return [_coco(path, shared / "coco" / "labels") for path in sorted((shared / "coco" / "images").rglob("*.jpg"))]


def _coco(path: Path, labels: Path) -> Photo:
    file = labels / path.parent.name / f"{path.stem}.txt"
    objects = tuple(_object(line) for line in file.read_text().splitlines() if line) if file.exists() else ()
    return Photo(path, (), frozenset(label for label, _ in objects), objects)


def _object(line: str) -> tuple[str, Box]:
    label, *numbers = line.split()
    x, y, width, height = map(float, numbers)
    return COCO[int(label)], Box(x - width / 2, y - height / 2, width, height)


@dataclass(frozen=True)
class Seen:
    """A photograph with what was found in it: `view` are BGR pixels of `size`, at most VIEW a side, upright."""

    photo: Photo
    size: Size
    view: PixelArray
    found: Found


class _InProcess:
    """Answers as the client of a detection service does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, kinds: frozenset[str], pixels: PixelArray, *, deadline: float, key: str | None = None) -> Found:
        return self._engine.find(kinds, pixels, time.monotonic() + PATIENCE_S, key)


@contextmanager
def detectors(models: Path, kinds: Iterable[str] = KINDS) -> Iterator[Client]:
    """The models of a folder for these kinds on the CPU, in this process; waits until they are loaded."""
    engine = Engine(ModelStore(models), table=[serving(kind) for kind in kinds])
    engine.start()
    try:
        while not engine.ready:
            time.sleep(0.05)
        yield cast(Client, _InProcess(engine))
    finally:
        engine.close()


def look(photos: Iterable[Photo], client: Client, *questions: Iterable[str]) -> Iterator[Seen]:
    """Each photograph with the answers to questions, each a set of kinds that are asked at once.

    Raises SystemExit where a kind cannot be answered.
    """
    limits = Limits(source_bytes=1 << 30)
    for photo in photos:
        with open_source(photo.path, limits) as source:
            finder = SourceFinder(source, client, Found(), None, time.monotonic() + PATIENCE_S, Clock())
            image = finder.picture(Decode(reduction(source.probe, 0.0, VIEW), still=True))
            found = Found()
            for kinds in questions:
                found = found.merged(finder(frozenset(kinds), image, 0))
            if found.missing:
                raise SystemExit(f"{photo.path.name}: {found.missing[0].detector}: {found.missing[0].how}")
            yield Seen(photo, source.probe.size, finder.upright_view(VIEW)[:, :, :3], found)
