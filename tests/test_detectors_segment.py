"""Masks from segmentation networks: the same as ultralytics makes of the same numbers, and where they lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detectors.found import pack, unpack
from detectors.heads import Head, Things, read
from detectors.letterbox import Fit, fitted, letterbox
from detectors.segment import masks
from transforms.image import Found, Mask, Region, Size
from transforms.masks import plane

from .masked import oval, overlap
from .pictures import photo

EIGHT = 8.0  # a logit of which the sigmoid is 255 of 255


def things(boxes: list[tuple[float, float, float, float]], planes: np.ndarray, coefficients: Any = None) -> Things:
    """Of prototypes (c, h, w); by default thing n is the n-th of them alone."""
    count = len(boxes)
    rows = (
        np.eye(count, len(planes), dtype=np.float32) if coefficients is None else np.asarray(coefficients, np.float32)
    )
    return Things(
        np.array(boxes, np.float32).reshape(-1, 4), np.full(count, 0.9, np.float32), np.zeros(count, np.intp),
        np.empty((count, 0, 2), np.float32), np.empty((count, 0), np.float32), rows, planes.astype(np.float32),
    )  # fmt: skip


def drawn(values: np.ndarray) -> np.ndarray:
    """Logits of a shape in 0 to 255."""
    return (values.astype(np.float32) / 255 * 2 - 1) * EIGHT


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (640, 640), (1280, 333), (100, 70)])
def test_a_mask_lies_on_the_picture_where_the_network_saw_it(width: int, height: int) -> None:
    """Whatever the letterbox: an oval of the picture is drawn into the input, and comes back."""
    truth = oval(width, height, 0.4, 0.55, 0.2, 0.3)
    laid, fit = letterbox(np.repeat(truth[:, :, np.newaxis], 3, axis=2), 640, 640)
    seen = laid[:, :, 0].astype(np.float32)
    seen[seen == 114] = 0
    small = seen.reshape(160, 4, 160, 4).mean(axis=(1, 3))
    wide, high = fit.inner
    box = (fit.left + 0.2 * wide, fit.top + 0.25 * high, fit.left + 0.6 * wide, fit.top + 0.85 * high)
    [mask] = masks(things([box], drawn(small)[np.newaxis]), fit)
    assert mask
    assert mask.width * mask.height < 0.5 * 160 * 160
    assert overlap(plane(mask, Size(width, height)), truth) > (0.97 if height > 100 else 0.9)


def test_outside_of_its_box_a_thing_is_not() -> None:
    fit = fitted(640, 640, 640, 640)
    [mask] = masks(things([(160, 160, 320, 400)], np.full((1, 160, 160), EIGHT)), fit)
    assert mask
    laid = plane(mask, Size(640, 640))
    assert (laid[160:400, 160:320] == 255).all()
    assert laid.sum() == 255 * 160 * 240


def test_a_thing_at_the_edge_of_the_picture_reaches_it_and_leaves_out_the_gray_beside_it() -> None:
    fit = fitted(640, 400, 640, 640)
    [mask] = masks(things([(-20, 100, 300, 540)], np.full((1, 160, 160), EIGHT)), fit)
    assert mask
    assert (mask.width, mask.height) == (75, 100)
    laid = plane(mask, Size(640, 400))
    assert (laid[:, :299] == 255).all()
    assert not laid[:, 301:].any()


@pytest.mark.parametrize(
    ("box", "level"),
    [((100, 100, 200, 200), -EIGHT), ((10, 0, 200, 60), EIGHT), ((300, 300, 300, 300), EIGHT),
     ((700, 0, 900, 90), EIGHT)],
)  # fmt: skip
def test_nothing_to_see_is_no_mask(box: tuple[float, float, float, float], level: float) -> None:
    fit = fitted(640, 400, 640, 640)  # 120 rows of gray above and below
    assert masks(things([box], np.full((1, 160, 160), level)), fit) == [None]


def test_each_thing_has_its_own() -> None:
    fit = fitted(640, 640, 640, 640)
    planes = np.stack([drawn(oval(160, 160, 0.3, 0.5, 0.1, 0.1)), drawn(oval(160, 160, 0.7, 0.5, 0.1, 0.2))])
    first, second = masks(things([(120, 250, 260, 390), (380, 180, 520, 460)], planes), fit)
    assert first
    assert second
    assert plane(first, Size(100, 100))[50, 30] == plane(second, Size(100, 100))[50, 70] == 255
    assert masks(things([], planes, np.empty((0, 2))), fit) == []


def test_other_networks_have_none() -> None:
    bare = replace(things([(0, 0, 9, 9)], np.zeros((1, 4, 4))), prototypes=None)
    with pytest.raises(ValueError, match="prototypes"):
        masks(bare, fitted(640, 640, 640, 640))


def test_it_travels_in_few_bytes() -> None:
    fit = fitted(640, 640, 640, 640)
    [mask] = masks(things([(60, 60, 580, 580)], drawn(oval(160, 160, across=0.4, down=0.4))[np.newaxis]), fit)
    region = Region("dog", 0.9, _whole(), by="masks", mask=mask)
    packed = pack(Found((region,)))
    assert unpack(packed).regions == (region,)
    assert len(packed) < 3000


def _whole() -> Any:
    from transforms.image import Box

    return Box(0.1, 0.1, 0.8, 0.8)


def _network(seed: int) -> Any:
    """YOLO11n-seg with weights at random, which finds something."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("ultralytics")
    from ultralytics import YOLO  # type: ignore[attr-defined]

    torch.manual_seed(seed)
    network: Any = YOLO("yolo11n-seg.yaml", task="segment").model
    # Numbers would die away from layer to layer: each is brought to the variance that training would give it.
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.from_numpy(photo(320, 320, seed)).permute(2, 0, 1)[None].float() / 255)
    head = network.eval().model[-1]
    for branch in (*head.cv3, *head.cv4):
        branch[-1].weight.data.normal_(0, 0.3)
        branch[-1].bias.data.fill_(0)
    return network


@pytest.mark.parametrize(("width", "height"), [(640, 480), (300, 500)])
def test_the_same_masks_as_ultralytics(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_CONFIG_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    network = _network(width)
    import torch
    from ultralytics.utils.ops import process_mask

    laid, fit = letterbox(photo(width, height), 640, 640)
    with torch.no_grad():
        rows, prototypes = network(torch.from_numpy(laid[:, :, ::-1].copy()).permute(2, 0, 1)[None].float() / 255)[0]
    [seen] = read([rows.numpy(), prototypes.numpy()], Head("segment", 80), 0.5, 50)
    assert len(seen) > 5
    assert seen.prototypes is not None
    # Boxes at whole pixels of the prototypes, which are then not sampled between.
    whole = replace(seen, boxes=np.concatenate((seen.boxes[:, :2] // 4, -(-seen.boxes[:, 2:] // 4)), axis=1) * 4)
    small = process_mask(*_told(whole), (640, 640)).numpy()
    for mask, box, theirs in zip(masks(whole, fit), whole.boxes, small, strict=True):
        inside = _inside(box, fit)
        assert np.array_equal(_on_input(mask, fit, 160)[inside] > 127, theirs[inside] > 0)
    # As large as the input, on masks as smooth as trained ones are, cut to the boxes.
    smooth = replace(seen, prototypes=np.stack([_smooth(plane) for plane in seen.prototypes]))
    large = process_mask(*_told(smooth), (640, 640), upsample=True).numpy() * np.uint8(255)
    part = _picture(fit)
    pairs = [
        (_on_input(mask, fit, 640)[part], theirs[part]) for mask, theirs in zip(masks(smooth, fit), large, strict=True)
    ]
    agreed = [overlap(ours, theirs) for ours, theirs in pairs if np.count_nonzero(theirs) > 5000]
    assert agreed
    assert min(agreed) > 0.97
    assert np.mean(agreed) > 0.99


def _told(seen: Things) -> tuple[Any, Any, Any]:
    import torch

    assert seen.prototypes is not None
    return torch.from_numpy(seen.prototypes), torch.from_numpy(seen.coefficients), torch.from_numpy(seen.boxes)


def _smooth(plane: np.ndarray) -> np.ndarray:
    soft = cv2.GaussianBlur(plane, (0, 0), 6)
    return np.asarray((soft - soft.mean()) / (soft.std() + 1e-6), np.float32)


def _on_input(mask: Mask | None, fit: Fit, side: int) -> np.ndarray:
    """A mask of the picture, on the network's input."""
    if mask is None:
        return np.zeros((side, side), np.uint8)
    (a, _, c, _, e, f), (across, _, x, _, down, y) = mask.at, fit.at
    there = (a / across, 0.0, (c - x) / across, 0.0, e / down, (f - y) / down)
    return plane(replace(mask, at=there), Size(side, side))


def _inside(box: Any, fit: Fit) -> tuple[slice, slice]:
    """The pixels of 160 × 160 that both agree to be inside of a box, and of the picture."""
    left, top, right, bottom = box / 4
    rows, columns = (slice(part.start // 4 + 1, part.stop // 4 - 1) for part in _picture(fit))
    return (
        slice(max(int(np.ceil(top)), rows.start), max(0, min(int(bottom), rows.stop))),
        slice(max(int(np.ceil(left)), columns.start), max(0, min(int(right), columns.stop))),
    )


def _picture(fit: Fit) -> tuple[slice, slice]:
    wide, high = fit.inner
    return slice(fit.top, fit.top + high), slice(fit.left, fit.left + wide)
