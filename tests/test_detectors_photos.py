"""What the models find on annotated photographs, asked as a renderer asks: through the client, of the service."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pi_heif
import pytest
from PIL import Image, ImageOps

from detectors.found import Box
from detectors.manifest import COCO
from detectors.registry import side_for

from .shared import MODELS, SHARED, manifest, needs
from .test_detectors_service import eventually, find, running

pytestmark = [needs("images", "photos"), needs("models", "yolo11n_int8_openvino_model")]

PHOTOS = [entry for entry in manifest() if entry["path"].startswith("photos/")]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Of a service with the shared models, asked as soon as faces can be."""
    pytest.importorskip("openvino")
    with running(str(tmp_path_factory.mktemp("run") / "detection.sock"), MODELS) as process:
        eventually(lambda: process.client.models()["tasks"]["faces"] == "warm")
        yield process.client


@cache
def photo(path, side):
    """BGR pixels of a photograph, upright, its longest side at most `side`."""
    return pixels_of(SHARED / "images" / path, side)


def pixels_of(path, side):
    pi_heif.register_heif_opener()
    with Image.open(path) as image:
        image.draft("RGB", (2 * side, 2 * side))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((side, side), Image.Resampling.BOX)
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])


def regions(client, kind, entry):
    found = find(client, frozenset({kind}), photo(entry["path"], side_for({kind})), seconds=20)
    assert found.models, found.missing
    return found.by(kind)


def faces_of(entry, *, difficult):
    size = entry["width"], entry["height"], entry["width"], entry["height"]
    marked = [mark for mark in entry["face_boxes"] or [] if difficult or not mark["difficult"]]
    return [Box(*(length / side for length, side in zip(mark["box"], size, strict=True))) for mark in marked]


def covered(box, by):
    """The share of a box that lies under boxes."""
    ys, xs = (np.mgrid[0:100, 0:100] + 0.5) / 100
    xs, ys = box.x + xs * box.width, box.y + ys * box.height
    under = np.zeros(xs.shape, bool)
    for other in by:
        under |= (xs >= other.x) & (xs <= other.right) & (ys >= other.y) & (ys <= other.bottom)
    return float(under.mean())


def test_faces_on_photographs(client):
    missed, false = [], []
    for entry in PHOTOS:
        found = [region.box for region in regions(client, "faces", entry)]
        missed += [
            entry["path"]
            for face in faces_of(entry, difficult=False)
            if max((face.overlap(box) for box in found), default=0) <= 0.35
        ]
        known = faces_of(entry, difficult=True)
        false += [entry["path"] for box in found if max((face.overlap(box) for face in known), default=0) <= 0.2]
    total = sum(len(faces_of(entry, difficult=False)) for entry in PHOTOS)
    print(f"\nfaces: {total - len(missed)} of {total} found; missed {missed}; false {false}")
    assert total == 37
    assert len(missed) <= 1
    assert len(false) <= 2


def test_redaction_covers_every_face(client):
    bare = [
        (entry["path"], round(share, 2))
        for entry in PHOTOS
        if (faces := faces_of(entry, difficult=False))
        for boxes in [[region.box for region in regions(client, "all-faces", entry)]]
        for face in faces
        if (share := covered(face, boxes)) < 0.95
    ]
    assert bare == []


def test_object_tags_on_photographs(client):
    counted = sum((counted_tags(client, photo(entry["path"], 640), entry["objects"]) for entry in PHOTOS), Counter())
    precision, f1 = rates("photographs", counted)
    assert f1 >= 0.90
    assert precision >= 0.85


@needs("coco", "images")
def test_object_tags_on_pictures_of_coco(client):
    paths = sorted((SHARED / "coco" / "images").rglob("*.jpg"))
    counted = sum((counted_tags(client, pixels_of(path, 640), labels_of(path)) for path in paths), Counter())
    precision, f1 = rates("coco", counted)
    assert len(paths) == 48
    assert f1 >= 0.80
    assert precision >= 0.88


def counted_tags(client, pixels, true):
    """How many of the sure labels of a picture are right, how many are extra, and how many are absent."""
    found = find(client, frozenset({"objects"}), pixels, seconds=20)
    assert found.models, found.missing
    told, true = {region.label for region in found.by("objects") if region.sure}, set(true)
    return Counter(right=len(told & true), extra=len(told - true), absent=len(true - told))


def labels_of(path):
    """What people see in a picture of COCO; nothing where they wrote no labels."""
    file = SHARED / "coco" / "labels" / path.parent.name / f"{path.stem}.txt"
    return [COCO[int(line.split()[0])] for line in file.read_text().splitlines()] if file.exists() else []


def rates(name, counted):
    right, extra, absent = counted["right"], counted["extra"], counted["absent"]
    precision, f1 = right / (right + extra), 2 * right / (2 * right + extra + absent)
    print(f"\n{name}: {right} right, {extra} extra, {absent} absent: precision {precision:.3f}, F1 {f1:.3f}")
    return precision, f1
