"""How near masks come to the outlines that people drew, on the pictures of COCO:

    python -m bench.subjects [--models FOLDER] [--shared FOLDER]

`things`: of what people outlined and covers 1 % of its picture, how much gets a mask of its label that fits by half,
and how well those fit (intersection over union). `subject`: on pictures that are about one thing, how well what
`background-removal` leaves fits it, by each kind of model; the whole picture stands beside it. Kinds without weights in
the models folder are left out.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.manifest import COCO
from detectors.models import ModelStore
from server.machine import model_folder
from transforms import subjects
from transforms.image import PixelArray, Region
from transforms.masks import shape
from transforms.subjects import MASKS, MATTE, masks_of

from .annotated import Photo, Seen, coco, detectors, look

Plane = NDArray[np.bool_]

SEEN = 0.01
"""Share of the picture from which on a thing should be found."""

ALONE, ASIDE = 0.05, 1 / 3
"""Share of the picture from which on it is about a thing, and the share of that which no other thing reaches."""

FITS = 0.5

LABELS = dict(zip((n for n in range(1, 91) if n not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)), COCO, strict=True))
"""By COCO's own numbers of categories, which the files of outlines have; ten of them it never used."""


@dataclass(frozen=True)
class Outlined:
    """A thing that people drew a line around: `inside` are the pixels (h, w) of it."""

    label: str
    inside: Plane


def outlines(seen: Seen) -> list[Outlined]:
    """What people outlined on a photograph, the largest first."""
    file = seen.photo.path.parents[2] / "segments" / seen.photo.path.parent.name / f"{seen.photo.path.stem}.txt"
    things = [_outlined(line, seen.view) for line in file.read_text().splitlines() if line] if file.exists() else []
    return sorted(things, key=lambda thing: -int(thing.inside.sum()))


def _outlined(line: str, pixels: PixelArray) -> Outlined:
    label, *numbers = line.split()
    height, width = pixels.shape[:2]
    corners = np.rint(np.array(numbers, float).reshape(-1, 2) * (width, height)).astype(np.int32)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [corners], [1])
    return Outlined(LABELS[int(label)], inside.astype(bool))


def overlap(one: Plane, other: Plane) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def laid(regions: Iterable[Region], pixels: PixelArray) -> Plane:
    """Where the masks are on a picture, as `background-removal` lays them."""
    chosen = list(regions)
    fine = all(region.by == MATTE for region in chosen)
    return np.asarray(shape(masks_of(chosen), pixels, fine=fine) > 127)


def alone(things: list[Outlined]) -> Outlined | None:
    """What the picture is about, if that is one thing."""
    shares = [float(thing.inside.mean()) for thing in things[:2]]
    is_one = shares and shares[0] >= ALONE and (len(shares) == 1 or shares[1] < ASIDE * shares[0])
    return things[0] if is_one else None


def compare(kind: str, seen: Iterable[Seen]) -> Iterator[str]:
    """The lines of the table for a kind of mask."""
    fits, of_subject, of_all, asked = list[float](), list[float](), list[float](), list[float]()
    began = time.perf_counter()
    for one in seen:
        asked.append(time.perf_counter() - began)
        things = outlines(one)
        if kind == MASKS:
            masks = [(region.label, laid([region], one.view)) for region in one.found.by(MASKS) if region.sure]
            for thing in (thing for thing in things if thing.inside.mean() >= SEEN):
                fits.append(max((overlap(thing.inside, at) for label, at in masks if label == thing.label), default=0))
        if main_thing := alone(things):
            chosen = subjects.main(one.found) if kind == MASKS else one.found.by(MATTE)
            of_subject.append(overlap(main_thing.inside, laid(chosen, one.view)))
            of_all.append(float(main_thing.inside.mean()))
        began = time.perf_counter()
    good = [fit for fit in fits if fit >= FITS]
    if good:
        yield f"things    {len(good)} of {len(fits)} masked, these fit by {_middle(good)}"
    yield f"subject   fits by {_middle(of_subject)} on {len(of_subject)} pictures"
    yield f"          the whole picture by {np.mean(of_all):.3f}"
    yield f"          {np.median(asked) * 1000:.0f} ms a picture"


def _middle(values: list[float]) -> str:
    return f"{np.mean(values):.3f} (median {np.median(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("DARKROOM_MODELS") or model_folder()))
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DARKROOM_SHARED", "../shared")))
    options = parser.parse_args()
    store = ModelStore(options.models)
    models = {kind: weights for kind in (MASKS, MATTE) if (weights := store.weights(kind))}
    if not models:
        parser.error(f"no weights for masks or mattes in {options.models}")
    photos: list[Photo] = coco(options.shared)
    for kind, weights in models.items():
        asked = [kind, "faces"] if kind == MASKS else [kind]
        with detectors(options.models, asked) as client:
            print(f"\n{kind}: {weights.identity}")
            for line in compare(kind, look(photos, client, asked)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
