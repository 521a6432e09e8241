"""Parts of data sets: which one `darkroom models eval` takes."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from detectors.dataset import read_dataset
from transforms.failure import Failure


def _laid_out(folder, layout):
    """The same two parts in each layout: a picture called after its part in each."""
    for part in ("train", "val"):
        images = folder / {"folders": f"{part}/wheat", "coco": f"{part}2017"}.get(layout, f"images/{part}")
        images.mkdir(parents=True)
        cv2.imwrite(str(images / f"{part}.png"), np.zeros((8, 8, 3), np.uint8))
        (folder / "labels").mkdir(exist_ok=True)
        if layout == "coco":
            content = {"images": [{"id": 1, "file_name": f"{part}.png"}], "annotations": [], "categories": []}
            (folder / f"instances_{part}2017.json").write_text(json.dumps(content))
    if layout == "yaml":
        (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [wheat]\n")
    if layout != "bare":
        (folder / "labels").rmdir()
    return folder


LAYOUTS = pytest.mark.parametrize("layout", ["yaml", "bare", "folders", "coco"])


@LAYOUTS
@pytest.mark.parametrize(("split", "expected"), [("", "val"), ("val", "val"), ("train", "train")])
def test_the_part_that_is_wanted_is_taken(layout, split, expected, tmp_path):
    [picture] = read_dataset(_laid_out(tmp_path, layout), split).pictures
    assert picture.path.stem == expected


@LAYOUTS
@pytest.mark.parametrize("split", ["test", "vla"])
def test_a_part_that_there_is_not_is_refused(layout, split, tmp_path):
    with pytest.raises(Failure) as caught:
        read_dataset(_laid_out(tmp_path, layout), split)
    assert caught.value.code == "dataset-split-unknown"
    assert "train" in caught.value.hint
    assert "val" in caught.value.hint


def test_a_data_set_of_one_part_has_no_others(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    with pytest.raises(Failure) as caught:
        read_dataset(tmp_path, "train")
    assert (caught.value.code, "leave --split out" in caught.value.hint) == ("dataset-split-unknown", True)
