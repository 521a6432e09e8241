"""Whether what `explain` shows points at the thing: on annotated pictures, beside EigenCAM and the middle.

    python -m bench.heat [--shared FOLDER] [--models FOLDER] [--every N]

For every label of a picture that the model found and people annotated, unless its boxes cover most of the picture:
`points`, whether the hottest place lies in a box of the label; `inside`, the share of all heat that does; and the
milliseconds. EigenCAM (Muhammad and Yeasin, 2020), the first principal component of a layer's activations, is taken
from the last layers before the head of OpenVINO weights.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors import heat as heats
from detectors import quiet
from detectors.found import Box, PixelArray
from detectors.letterbox import letterbox
from detectors.models import ModelStore
from detectors.registry import Loaded, Question, serving
from transforms.image import HEAT

from .annotated import coco

Heat = NDArray[np.float32]
Method = Callable[[PixelArray, str], Heat | None]

LARGEST = 0.6  # share of the picture that the boxes of a label may cover: else everything points at it
LAYERS = ("9", "10", "16", "19", "22")  # of YOLO11: pooling, attention, and what the head reads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DARKROOM_SHARED", "../shared")))
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("DARKROOM_MODELS", "models")))
    parser.add_argument("--every", type=int, default=1, help="take every Nth picture")
    options = parser.parse_args()
    quiet.silence()
    heats.LONGEST_S = 600.0  # so that the figures do not hang on how busy the machine is
    weights = ModelStore(options.models).weights("objects")
    if weights is None:
        parser.error(f"no weights for objects in {options.models}")
    model = heats.Explaining(serving("objects").load(weights, "cpu"))
    methods: dict[str, Method] = {"explain": lambda pixels, label: _explained(model, pixels, label)}
    methods |= _eigencams(weights.path)
    methods["middle"] = lambda pixels, label: _middle(pixels)
    seen: dict[str, list[tuple[bool, float, float]]] = {name: [] for name in methods}
    for pixels, label, boxes in _cases(options.shared, model, options.every):
        for name, method in methods.items():
            began = time.perf_counter()
            heat = method(pixels, label)
            spent = (time.perf_counter() - began) * 1000
            if heat is not None:
                seen[name].append((*_judged(heat, boxes), spent))
    print(f"{'':14}{'cases':>7}{'points':>9}{'inside':>9}{'ms':>8}")
    for name, rows in seen.items():
        points, inside, spent = np.array(rows, float).T
        print(f"{name:14}{len(rows):7}{points.mean():9.3f}{inside.mean():9.3f}{np.median(spent):8.0f}")


def _cases(shared: Path, model: Loaded, every: int) -> Iterator[tuple[PixelArray, str, list[Box]]]:
    """Pictures with a label that is on them, by people and by the model, and the boxes that people drew."""
    for photo in coco(shared)[::every]:
        pixels = np.asarray(cv2.imread(str(photo.path)), np.uint8)
        found = model.find([Question("objects", pixels)])[0]
        sure = {region.label for region in found.regions if region.sure}
        for label in sorted(sure & photo.labels):
            boxes = [box for name, box in photo.objects if name == label]
            if sum(box.area for box in boxes) <= LARGEST:
                yield pixels, label, boxes


def _explained(model: Loaded, pixels: PixelArray, label: str) -> Heat | None:
    regions = model.find([Question(f"objects:{HEAT}{label}", pixels)])[0].regions
    if not regions or regions[0].mask is None:
        return None
    mask = regions[0].mask
    return np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.width).astype(np.float32)


def _judged(heat: Heat, boxes: list[Box]) -> tuple[bool, float]:
    """Whether the hottest place lies in one of the boxes, and the share of the heat that does."""
    height, width = heat.shape
    ys, xs = (np.mgrid[0:height, 0:width] + 0.5) / np.array([height, width]).reshape(2, 1, 1)
    inside = np.zeros(heat.shape, bool)
    for box in boxes:
        inside |= (xs >= box.x) & (xs <= box.right) & (ys >= box.y) & (ys <= box.bottom)
    hottest = np.unravel_index(heat.argmax(), heat.shape)
    return bool(inside[hottest]), float(heat[inside].sum() / max(float(heat.sum()), 1e-9))


def _middle(pixels: PixelArray) -> Heat:
    heat = np.zeros((81, 81), np.float32)
    heat[40, 40] = 1
    return heat


def _eigencams(weights: Path) -> dict[str, Method]:
    """EigenCAM of each layer; none for weights that are not OpenVINO's."""
    if not weights.name.endswith("_openvino_model"):
        return {}
    import openvino

    core = openvino.Core()
    network = core.read_model(next(weights.glob("*.xml")))
    ends = {name: f"__module.model.{name}.cv2.conv/aten::_convolution/Add" for name in LAYERS}
    named = {step.get_friendly_name(): step for step in network.get_ordered_ops()}
    layers = {name: named[end].output(0) for name, end in ends.items() if end in named}
    network.add_outputs(list(layers.values()))
    request = core.compile_model(network, "CPU").create_infer_request()

    def eigencam(number: int) -> Method:
        def heat(pixels: PixelArray, label: str) -> Heat:
            laid, fit = letterbox(pixels, 640, 640)
            blob = laid[np.newaxis, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255
            activation = list(request.infer([np.ascontiguousarray(blob)]).values())[1 + number][0]
            whole = cv2.resize(_principal(activation), (640, 640), interpolation=cv2.INTER_LINEAR)
            across, down = fit.inner
            return np.asarray(whole[fit.top : fit.top + down, fit.left : fit.left + across], np.float32)

        return heat

    return {f"eigencam {name}": eigencam(number) for number, name in enumerate(layers)}


def _principal(activation: Heat) -> Heat:
    """The first principal component (h, w) of activations (c, h, w), what is above 0 of it."""
    channels, height, width = activation.shape
    values = activation.reshape(channels, -1).T
    values = values - values.mean(axis=0)
    component = values @ np.linalg.svd(values, full_matrices=False)[2][0]
    if np.corrcoef(component, activation.sum(axis=0).ravel())[0, 1] < 0:
        component = -component
    return np.maximum(component, 0).reshape(height, width).astype(np.float32)


if __name__ == "__main__":
    main()
