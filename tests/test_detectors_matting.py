"""Mattes: the network is asked as the library that publishes it asks it, and what comes back is a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pillow

from detectors.manifest import MATTING
from detectors.matting import DEVIATIONS, MEANS, Matting
from detectors.registry import Question, Weights, detectors
from transforms.image import Mask, Size
from transforms.masks import plane

from .masked import oval, overlap
from .pictures import photo

ISNET, U2NETP = MATTING


def network(path: Path, side: int, gain: float) -> Path:
    """A network that says how red a pixel is: of what it is given, red times `gain`, and a second output unused."""
    shape = [1, 3, side, side]
    nodes = [
        helper.make_node("Slice", ["input", "begin", "end", "axes"], ["red"]),
        helper.make_node("Mul", ["red", "gain"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "least", "most"], ["d0"]),
        helper.make_node("Identity", ["red"], ["d1"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(values, kind), name)
        for name, values, kind in (
            ("begin", [0], np.int64), ("end", [1], np.int64), ("axes", [1], np.int64), ("gain", [gain], np.float32),
            ("least", 0.0, np.float32), ("most", 1.0, np.float32),
        )
    ]  # fmt: skip
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, side, side]) for name in ("d0", "d1")]
    graph = helper.make_graph(
        nodes, "red", [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)], outputs, constants
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def matting(path: Path, model: Any, gain: float = 2.0, side: int = 64) -> Matting:
    return Matting(Weights(model, network(path / model.file, side, gain), "0" * 64))


def red_oval(width: int = 320, height: int = 200) -> np.ndarray:
    shape = oval(width, height, 0.4, 0.5, 0.2, 0.3)
    return np.dstack([np.zeros_like(shape), 60 - shape // 5, shape])


def test_a_matte_is_a_mask_of_the_whole_picture(tmp_path: Path) -> None:
    [found] = matting(tmp_path, ISNET).find([Question("matte", red_oval())])
    [region] = found.regions
    assert (region.label, region.by, region.sure) == ("subject", "matte", True)
    assert (region.box.x, region.box.y, region.box.right, region.box.bottom) == pytest.approx(
        (0.2, 0.2, 0.6, 0.8), abs=0.03
    )
    assert region.score > 0.9
    assert isinstance(region.mask, Mask)
    assert (region.mask.width, region.mask.height) == (64, 64)
    assert overlap(plane(region.mask, Size(320, 200)), red_oval()[:, :, 2]) > 0.96


@pytest.mark.parametrize(
    "pixels", [np.zeros((50, 70, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)], ids=["black", "1x1"]
)
def test_where_nothing_stands_out_there_is_nothing(tmp_path: Path, pixels: np.ndarray) -> None:
    assert matting(tmp_path, ISNET, gain=0.2).find([Question("matte", pixels)])[0].regions == ()


def test_noise_is_not_stretched_to_a_subject(tmp_path: Path) -> None:
    assert matting(tmp_path, ISNET, gain=0.4).find([Question("matte", photo(90, 70))])[0].regions == ()


@pytest.mark.parametrize("model", MATTING, ids=lambda model: model.name)
def test_the_network_is_given_what_rembg_gives_it(tmp_path: Path, model: Any) -> None:
    """As sessions/base.py of rembg 2.0.86: Lanczos to the square, over the brightest value, then mean and deviation."""
    pixels = photo(300, 200)
    picture = Pillow.fromarray(np.ascontiguousarray(pixels[:, :, ::-1])).resize((64, 64), Pillow.Resampling.LANCZOS)
    levels = np.array(picture) / max(np.array(picture).max(), 1e-6)
    given = (levels[:, :, 0] - MEANS[model.arch][0]) / DEVIATIONS[model.arch][0]
    matte = matting(tmp_path, model, gain=0.5).matte(pixels)
    assert np.allclose(matte, (given * 0.5).clip(0, 1), atol=1e-6)


def test_the_published_ones_are_pulled_only_on_trust() -> None:
    assert detectors()["matte"].models == MATTING
    assert all(model.sha256 is None and model.url and model.licence for model in MATTING)
