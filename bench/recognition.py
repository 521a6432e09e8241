"""How well the models know annotated photographs, at the thresholds that are shipped, beside what is wanted of them:

    python -m bench.recognition [--only faces redaction objects crops] [--models FOLDER] [--shared FOLDER]

Two sets: `photos`, those of the image manifest, and `coco`, pictures of COCO with people's boxes. The detectors run in
this process and are asked as a render asks. Exits 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from detectors.client import Client
from server.machine import model_folder
from transforms.attention import eyes_for
from transforms.image import Box, Region

from . import cropped
from .annotated import Photo, Seen, coco, detectors, look, photographs

SAME_FACE, TOUCHING = 0.35, 0.2
"""Intersection over union from which a box is an annotated face, and up to which it is none at all."""

COVERED = 0.95
"""The share of a face's box that must lie under redacted boxes."""


@dataclass(frozen=True)
class Row:
    """A line of the table; `target` is the least or the most that is wanted, None where it is for comparison."""

    what: str
    value: float
    target: float | None = None
    most: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "pass" if (self.value <= self.target if self.most else self.value >= self.target) else "FAIL"

    def __str__(self) -> str:
        wanted = "" if self.target is None else f"{'<=' if self.most else '>='} {_number(self.target)}"
        return f"{self.what:<46}{_number(self.value):>8}  {wanted:<9}{self.verdict:<6}{self.note}".rstrip()


def _number(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Sets:
    """The two sets of photographs."""

    photos: list[Photo]
    coco: list[Photo]


def faces(sets: Sets, client: Client) -> Iterator[Row]:
    """What `faces` finds of the faces that are not difficult, and what it takes for one."""
    wanted, missed, false = 0, list[str](), list[str]()
    for seen in look(sets.photos, client, ["faces"]):
        boxes = [region.box for region in seen.found.by("faces")]
        wanted += len(seen.photo.plain_faces)
        missed += [seen.photo.path.name for face in seen.photo.plain_faces if _nearest(face, boxes) <= SAME_FACE]
        known = [box for box, _ in seen.photo.faces]
        false += [seen.photo.path.name for box in boxes if _nearest(box, known) <= TOUCHING]
    yield Row(f"faces found, of {wanted}", wanted - len(missed), wanted - 1, note=" ".join(missed))
    yield Row("false faces", len(false), 2, most=True, note=" ".join(false))


def _nearest(box: Box, others: Sequence[Box]) -> float:
    return max((box.overlap(other) for other in others), default=0.0)


def redaction(sets: Sets, client: Client) -> Iterator[Row]:
    """How much of the annotated faces lies under what `all-faces` covers."""
    shares: list[tuple[float, bool, str]] = []
    for seen in look(sets.photos, client, ["all-faces"]):
        boxes = [region.box for region in seen.found.by("all-faces")]
        shares += [(covered(face, boxes), difficult, seen.photo.path.name) for face, difficult in seen.photo.faces]
    bare = [name for share, difficult, name in shares if share < COVERED and not difficult]
    plain = sum(not difficult for _, difficult, _ in shares)
    yield Row(f"faces covered, of {plain} not difficult", plain - len(bare), plain, note=" ".join(bare))
    every = sum(share >= COVERED for share, _, _ in shares) / len(shares)
    yield Row(f"share covered of all {len(shares)}", every, 0.85)


def covered(box: Box, by: Sequence[Box], steps: int = 100) -> float:
    """The share of a box that lies under boxes, on a grid of steps × steps points."""
    at = [(step + 0.5) / steps for step in range(steps)]
    spans = [(other.x, other.right, other.y, other.bottom) for other in by]
    points = [(box.x + x * box.width, box.y + y * box.height) for y in at for x in at]
    return sum(any(l <= x <= r and t <= y <= b for l, r, t, b in spans) for x, y in points) / len(points)  # noqa: E741


def objects(sets: Sets, client: Client) -> Iterator[Row]:
    """Object tags, each counted once a picture: sure ones, and all from two fixed scores."""
    for name, photos, least in (("photos", sets.photos, (None, 0.90)), ("coco", sets.coco, (0.88, 0.80))):
        every = list(look(photos, client, ["objects"]))
        yield from _tags(f"{name}: tags", every, lambda region: region.sure, least)
        for score in (0.25, 0.4):
            yield from _tags(f"{name}: whatever scores {score}", every, partial(_scores, score))


def _scores(least: float, region: Region) -> bool:
    return region.score >= least


def _tags(
    name: str,
    seen: Sequence[Seen],
    counts: Callable[[Region], bool],
    least: tuple[float | None, float | None] = (None, None),
) -> Iterator[Row]:
    right = extra = absent = 0
    for one in seen:
        told = {region.label for region in one.found.by("objects") if counts(region)}
        right, extra, absent = (
            right + len(told & one.photo.labels),
            extra + len(told - one.photo.labels),
            absent + len(one.photo.labels - told),
        )
    yield Row(f"{name}, precision", right / max(right + extra, 1), least[0])
    yield Row(f"{name}, recall", right / max(right + absent, 1))
    yield Row(f"{name}, F1", 2 * right / max(2 * right + extra + absent, 1), least[1])


def crops(sets: Sets, client: Client) -> Iterator[Row]:
    """smart-crop, a centre crop and libvips' attention, in three ratios.

    What is wanted of objects is wanted of all ratios together: in 9:16 no window holds 60 % of one in five.
    """
    ways: dict[str, cropped.Way] = {"smart-crop": cropped.smart, "centre": cropped.centre}
    if importlib.util.find_spec("pyvips"):
        ways["libvips attention"] = cropped.attention
    else:
        print("libvips attention is left out: pip install pyvips pyvips-binary")
    kinds = [eyes_for("auto")]
    seen = [look(photos, client, *kinds) for photos in (sets.photos, sets.coco)]
    faces, coco = (cropped.measure(one, ways) for one in seen)
    for way in ways:
        ours = way == "smart-crop"
        for ratio in (*cropped.RATIOS, "all"):
            kept = cropped.total(faces, way, ratio)
            yield _share(f"{way} {ratio}: faces kept, of {kept.could} that fit", kept.faces, kept.could, ours, 0.98)
        for ratio in (*cropped.RATIOS, "all"):
            kept, all_of_them = cropped.total(coco, way, ratio), ours and ratio == "all"
            note = f"{kept.possible} of {kept.objects} have such a window" if ours else ""
            yield _share(f"{way} {ratio}: object's centre inside", kept.centres, kept.objects, all_of_them, 0.92)
            yield _share(f"{way} {ratio}: 60 % of object inside", kept.shares, kept.objects, all_of_them, 0.85, note)


def _share(what: str, part: int, whole: int, ours: bool, least: float, note: str = "") -> Row:
    return Row(what, part / max(whole, 1), least if ours else None, note=note)


TABLES: dict[str, Callable[[Sets, Client], Iterator[Row]]] = {
    "faces": faces, "redaction": redaction, "objects": objects, "crops": crops,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("DARKROOM_MODELS") or model_folder()))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DARKROOM_SHARED", "../shared")))
    options = parser.parse_args()
    sets = Sets(photographs(options.shared), coco(options.shared))
    failed = False
    with detectors(options.models) as client:
        for name in options.only:
            print(f"\n{name}")
            for row in TABLES[name](sets, client):
                print(row, flush=True)
                failed |= row.verdict == "FAIL"
    sys.exit(failed)


if __name__ == "__main__":
    main()
