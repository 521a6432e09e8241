"""Lines of writing by rapidocr (PP-OCRv6 small): where they are, and what they say.

Only files that came with the package are used: a path is given for each network, so that none is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr import EngineType, RapidOCR
from rapidocr.utils.process_img import get_rotate_crop_image

from .found import Box, PixelArray, Region
from .quiet import cores
from .sizes import shrink

READER = "PP-OCRv6_rec_small.onnx"
READER_SHA256 = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"

SIDES = (320, 640)
"""What the sides of an input are filled up to: OpenVINO keeps memory for every shape that it has seen, and grew from
370 to 807 MB over 60 of them."""

THINNEST = 8
"""Pixels of the shorter side below which a picture holds no writing that could be read."""

TALL = 0.25
"""Of the picture's height. Stripes, leaves and eyes are taken for single letters: of 11 lines in 83 photographs
that were taller than this, 8 were none. Such a one counts for sure only if it can be read."""

READ, LETTERS = 0.9, 2
"""The score and the number of letters from which a tall line counts as read."""

LEGIBLE = 0.5
"""The score below which a reading is none, as rapidocr has it."""

SQUAREST = 7
"""Width to height of the shortest line that the reader looks at, about; it fills up what is shorter."""

AFFORDED = 80 * SQUAREST
"""Widths to heights of all lines of a picture that are read. A page of 580 short words took 20 s, which nobody waits
for: a render gives detectors 4 s."""

Corners = NDArray[np.float32]


class Lines:
    """Both networks; for one thread at a time. Through OpenVINO the first takes 44 ms at 640 × 480, else 225."""

    def __init__(self, finder: Path) -> None:
        reader = finder.with_name(READER)
        if hashlib.sha256(reader.read_bytes()).hexdigest() != READER_SHA256:
            raise ValueError(f"{READER} is not the one that this version was made for")
        self._ocr = RapidOCR(params=_settings(finder, reader))

    def regions(self, pixels: PixelArray, kind: str, *, read: bool) -> tuple[Region, ...]:
        """Lines in uint8 pixels (h, w, 3) BGR from the top down, by `kind`; if they are to be `read`, with what they
        say, but for those that cannot be read. The score is that of the finder, or of the reader."""
        small = shrink(pixels, SIDES[-1])
        if min(small.shape[:2]) < THINNEST:
            return ()
        laid = filled(small)
        answer = self._ocr(laid, use_det=True, use_cls=False, use_rec=False)
        if answer.boxes is None:
            return ()
        size = small.shape[1], small.shape[0]
        found = [
            (np.asarray(corners, np.float32), float(score))
            for corners, score in zip(answer.boxes, answer.scores, strict=True)
            if (np.mean(corners, axis=0) < size).all()  # the rest is what was drawn out
        ]
        chosen = affordable([corners for corners, _ in found]) if read else frozenset()
        regions = (
            self._words(corners, laid, size, kind)
            if number in chosen
            else self._region(corners, score, "", laid, size, kind)
            for number, (corners, score) in enumerate(found)
        )
        return tuple(region for region in regions if region is not None)

    def _words(self, corners: Corners, laid: PixelArray, size: tuple[int, int], kind: str) -> Region | None:
        """A line with what it says, None where it cannot be read."""
        (text,), (score,) = self._read(laid, corners)
        if not text.strip() or score < LEGIBLE:
            return None
        return self._region(corners, float(score), text, laid, size, kind)

    def _region(
        self, corners: Corners, score: float, text: str, laid: PixelArray, size: tuple[int, int], kind: str
    ) -> Region:
        region = region_of(corners, score, text, size, kind)
        if region.sure or text:
            return region
        (read,), (how_well,) = self._read(laid, corners)
        return region_of(corners, score, "", size, kind, sure=is_read(read, how_well))

    def _read(self, pixels: PixelArray, corners: Corners) -> tuple[tuple[str, ...], tuple[float, ...]]:
        answer = self._ocr(get_rotate_crop_image(pixels, corners), use_det=False, use_cls=False, use_rec=True)
        return (answer.txts, answer.scores) if answer.txts else (("",), (0.0,))


def filled(pixels: PixelArray) -> PixelArray:
    """The picture with its last column and row drawn out, up to the next of SIDES each way.

    At edges to black or gray more is taken for letters: 12 and 11 tall ones in 42 photographs, 2 this way.
    """
    height, width = pixels.shape[:2]
    down, across = (next(side for side in SIDES if side >= length) for length in (height, width))
    return np.asarray(cv2.copyMakeBorder(pixels, 0, down - height, 0, across - width, cv2.BORDER_REPLICATE), np.uint8)


def region_of(
    corners: Corners, score: float, text: str, size: tuple[int, int], kind: str, *, sure: bool | None = None
) -> Region:
    """The region of a line with these corners, (4, 2) in pixels of a picture of `size` (width, height), clockwise from
    its top left one. Where it is not said whether it is sure, a tall line is if it is read."""
    points = (corners / np.array(size, np.float32)).clip(0, 1)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    if sure is None:
        sure = bottom - top <= TALL or is_read(text, score)
    named = tuple((f"corner_{number}", x, y) for number, (x, y) in enumerate(points.tolist(), 1))
    return Region("text", score, Box.between(left, top, right, bottom), named, kind, sure, text)


def affordable(lines: Sequence[Corners]) -> frozenset[int]:
    """The numbers of those lines that are read, the highest first; all of them, where they are not too many."""
    sizes = [(float(np.linalg.norm(line[3] - line[0])), float(np.linalg.norm(line[1] - line[0]))) for line in lines]
    left, chosen = float(AFFORDED), set[int]()
    for number in sorted(range(len(lines)), key=lambda number: (-sizes[number][0], number)):
        height, width = sizes[number]
        left -= max(SQUAREST, width / max(height, 1.0))
        if left < 0:
            break
        chosen.add(number)
    return frozenset(chosen)


def is_read(text: str, score: float) -> bool:
    """Whether a reading shows that there is writing at all."""
    return score >= READ and len(text.strip()) >= LETTERS


def _settings(finder: Path, reader: Path) -> dict[str, Any]:
    cv2.setNumThreads(1)
    fast = find_spec("openvino") is not None
    return {
        "Global.log_level": "error",
        "Global.use_cls": False,
        "Det.model_path": str(finder),
        "Det.engine_type": EngineType.OPENVINO if fast else EngineType.ONNXRUNTIME,
        "Det.limit_type": "max",
        "Det.limit_side_len": SIDES[-1],
        "Rec.model_path": str(reader),
        "EngineConfig.onnxruntime.intra_op_num_threads": cores(),
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "EngineConfig.openvino.inference_num_threads": cores(),
        "EngineConfig.openvino.performance_hint": "LATENCY",
    }
