"""What measured quality, the choice of formats and `max-bytes` come to: `python -m bench.quality` (about 8 minutes on
one core; photographs: DARKROOM_SHARED). Bytes and grades are of each level against the fixed qualities; with the
package ssimulacra2 installed, the grades are checked against the metric that they estimate. `--quick` takes a third."""

from __future__ import annotations

import importlib
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from tests.shared import SHARED
from transforms import encode as encoding
from transforms import quality, writers
from transforms.decode import Decode, decode
from transforms.failure import Failure
from transforms.image import Frame, Image, PixelArray
from transforms.likeness import Original
from transforms.limits import Limits
from transforms.modes import to_bgr, to_picture
from transforms.output import Client, Encoded, Level, Output, OutputFormat
from transforms.probe import open_source
from transforms.resample import shrink
from transforms.writers import DEFAULT_QUALITY

LEVELS: tuple[Level, ...] = ("best", "good", "eco", "low")
FORMATS: tuple[OutputFormat, ...] = ("jpeg", "webp", "avif")
NEW = Client(frozenset({"avif", "webp"}))
CLIENTS = {"avif,webp": NEW, "webp": Client(frozenset({"webp"})), "neither": Client()}
GRAPHICS = ("png-palette", "png-rgba", "png-1bit", "gif-nyan", "png-gray2", "gif-static-transparent", "gif-transparent")


def photographs(long_side: int) -> dict[str, Image]:
    paths = sorted((SHARED / "images/photos").iterdir())
    return {path.stem: shown(path, long_side) for path in paths[:: 3 if "--quick" in sys.argv else 1]}


def shown(path: Path, long_side: int) -> Image:
    frame = decode(open_source(path, Limits()), Decode(still=True)).image.frames[0]
    size = frame.size
    if size.long_side > long_side:
        frame = frame.with_pixels(shrink(frame.pixels, size.scaled(long_side / size.long_side)))
    return Image((frame,))


class Counted:
    """Counts encodes, by standing in for `write`."""

    def __init__(self) -> None:
        self.count = 0
        self.write = writers.write

    def __call__(self, *args: Any) -> bytes:
        self.count += 1
        return self.write(*args)


COUNTED = Counted()


def timed(image: Image, output: Output, client: Client = NEW) -> tuple[Encoded, int, float]:
    """The file, how many were written on the way, and milliseconds."""
    COUNTED.count, began = 0, time.perf_counter()
    result = encoding.encode(image, output, None, client)
    return result, COUNTED.count, (time.perf_counter() - began) * 1000


def grade(name: OutputFormat, value: int, original: Original, body: bytes) -> tuple[float, float]:
    """Grade and likeness of a whole file."""
    scale, like = quality.SCALES[name], original.likeness(quality.decoded(name, body))
    return scale.base - scale.like * math.log(max(1 - like, 1e-4)) + scale.each * value, like


def of_levels(pictures: dict[str, Image]) -> None:
    judge = Judge()
    for name in FORMATS:
        for label, output in outputs(name):
            rows = [row(image, name, output, judge) for image in pictures.values()]
            sizes, encodes, times, likes, points = (np.array(column) for column in zip(*rows, strict=True))
            print(
                f"{name:5} {label:9} {sizes.sum() / 1000:8.0f} kB"
                f"  encodes mean {encodes.mean():.2f} most {encodes.max()}"
                f"  {times.mean():6.1f} ms  likeness {likes.mean():.4f} least {likes.min():.4f}"
                f"  ssimulacra2 {points.mean():5.1f} ± {points.std():4.1f} least {points.min():5.1f}",
                flush=True,
            )  # fmt: skip


def outputs(name: OutputFormat) -> Iterator[tuple[str, Output]]:
    yield f"fixed {DEFAULT_QUALITY[name]}", Output(name)
    for level in LEVELS:
        yield level, Output(name, level=level)


def row(image: Image, name: OutputFormat, output: Output, judge: Judge) -> tuple[float, ...]:
    made, encodes, milliseconds = timed(image, output)
    pixels = image.frames[0].pixels
    after = quality.decoded(name, made.body)
    return len(made.body), encodes, milliseconds, Original(pixels).likeness(after), judge(pixels, after)


class Judge:
    """SSIMULACRA2, where it is installed."""

    def __init__(self) -> None:
        try:
            self.metric: Any = importlib.import_module("ssimulacra2")
        except ImportError:
            self.metric = None
        self.folder = Path(tempfile.mkdtemp())

    def __call__(self, before: PixelArray, after: PixelArray) -> float:
        if self.metric is None:
            return math.nan
        paths = [str(self.folder / name) for name in ("before.png", "after.png")]
        for path, pixels in zip(paths, (before, after), strict=True):
            to_picture(to_bgr(pixels)).save(path)
        return float(self.metric.compute_ssimulacra2(*paths))


def of_samples(pictures: dict[str, Image]) -> None:
    """How far the grade of the parts of a large picture is from that of all of it."""
    apart: dict[OutputFormat, list[float]] = {name: [] for name in FORMATS}
    for image in pictures.values():
        sample = quality.sampled(image.frames[0])
        if sample is image.frames[0]:
            continue
        for name in FORMATS:
            value = quality.SCALES[name].first["good"]
            grades = [
                grade(name, value, Original(one.frames[0].pixels), timed(one, Output(name, value))[0].body)[0]
                for one in (image, Image((sample,)))
            ]
            apart[name].append(grades[1] - grades[0])
    for name, values in apart.items():
        print(
            f"parts against all, {name}: {np.mean(values):+.2f} ± {np.std(values):.2f} points ({len(values)} pictures)"
        )


def of_formats(pictures: dict[str, Image], label: str) -> None:
    for who, client in CLIENTS.items():
        for level in (None, "good"):
            chosen: dict[str, int] = {}
            total = encodes = 0
            spent = 0.0
            for image in pictures.values():
                made, count, milliseconds = timed(image, Output("auto", level=level), client)
                chosen[made.format] = chosen.get(made.format, 0) + 1
                total, encodes, spent = total + len(made.body), max(encodes, count), spent + milliseconds
            print(f"{label}, {who}, quality {level or 'fixed'}: {total / 1000:.0f} kB {chosen},"
                  f" encodes {encodes} at most, {spent / len(pictures):.0f} ms", flush=True)  # fmt: skip


def of_bytes(pictures: dict[str, Image]) -> None:
    for name in (*FORMATS, "png"):
        used, filled = [], []
        for image in pictures.values():
            most = image.size.pixels // 10
            try:
                made, encodes, _ = timed(image, Output(name, max_bytes=most))
            except Failure as failure:
                print("  ", name, failure.message)
                continue
            used.append(encodes)
            filled.append(len(made.body) / most)
        print(f"max-bytes, 0.8 bit a pixel, {name}: encodes mean {np.mean(used):.2f} most {max(used)},"
              f" filled {np.mean(filled):.2f}", flush=True)  # fmt: skip


def graphics() -> dict[str, Image]:
    """Drawings of the collection, and drawn ones: an interface, a chart, text."""
    folder = SHARED / "images/formats"
    drawn = {path.stem: shown(path, 800) for path in sorted(folder.iterdir()) if path.stem.startswith(GRAPHICS)}
    for seed in range(3):
        pixels = np.full((480, 640, 3), 250, np.uint8)
        random = np.random.default_rng(seed)
        for _ in range(40):
            colour = tuple(int(value) for value in random.integers(0, 256, 3))
            x, y, w, h = (int(value) for value in random.integers(0, 400, 4))
            cv2.rectangle(pixels, (x, y), (x + w // 3, y + h // 3), colour, -1)
            cv2.putText(pixels, "Darkroom", (y, x), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, 1, cv2.LINE_AA)
        drawn[f"drawn-{seed}"] = Image((Frame(pixels),))
    return drawn


def main() -> None:
    cv2.setNumThreads(1)
    vars(encoding)["write"] = COUNTED
    at_800 = photographs(800)
    print(f"{len(at_800)} photographs of at most 800 px")
    of_levels(at_800)
    of_formats(at_800, "photographs")
    drawn = graphics()
    of_formats(drawn, f"{len(drawn)} drawings")
    of_bytes(at_800)
    large = {name: image for name, image in photographs(8000).items() if image.size.pixels > 1_500_000}
    of_samples(large)
    for name, image in large.items():
        for format_ in FORMATS:
            if format_ == "avif" and image.size.pixels > encoding.MAX_AVIF_PIXELS:
                continue
            _, encodes, measured = timed(image, Output(format_, level="good"))
            fixed = timed(image, Output(format_))[2]
            print(
                f"{name} {image.size} {format_}: {encodes} encodes {measured:.0f} ms; fixed {fixed:.0f} ms", flush=True
            )


if __name__ == "__main__":
    Pillow.init()
    main()
