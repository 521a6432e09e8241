"""The drawing of an explanation: the source with what was found and chosen, and a panel of text below it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain
from typing import Any

import cv2
import numpy as np

from .drawing import Drawing, Opaque, canvas, colour_of
from .explain import LEAST_SHOWN, Polygon, Story, told, verdicts
from .image import Frame, PixelArray, Region, Size
from .modes import flatten
from .resample import enlarge, shrink

SIDE = 1280  # px, the longest side of the source in the drawing
SMALL_SIDE = 640  # px; smaller sources are enlarged, so that boxes can be told apart
LEAST_WIDTH = 720  # px, for the text
DIMMED = 0.35
MOST_LISTED = 12

WINDOW: Opaque = (70, 80, 255, 255)
HIDDEN: Opaque = (255, 255, 255, 255)
PASSED_OVER: Opaque = (150, 150, 150, 255)
GROUND = (26, 24, 22)
LIGHT: Opaque = (235, 235, 235, 255)
FAINT: Opaque = (160, 160, 160, 255)
LETTERS, LEADING, MARGIN, INDENT = 15, 22, 16, 96  # px

_WHY = {
    "smaller": "smaller than what was held on to", "outside": "outside of the part that is shown",
    "unsure": "too unsure to count", "hidden": "hidden", "chosen": "held on to", "shown": "shown",
}  # fmt: skip


def drawn(source: Frame, story: Story) -> PixelArray:
    """BGR: the drawing. `source` is upright, in any size, and hides what is to be hidden."""
    picture = _annotated(_fitted(flatten(source.pixels, (255, 255, 255))), story)
    width = max(LEAST_WIDTH, picture.shape[1])
    panel = _panel(list(_rows(told(story))), width)
    left = (width - picture.shape[1]) // 2
    top = cv2.copyMakeBorder(
        picture, 0, 0, left, width - picture.shape[1] - left, cv2.BORDER_CONSTANT, value=GROUND
    )  # fmt: skip
    return np.vstack([np.asarray(top, np.uint8), panel])


def _fitted(pixels: PixelArray) -> PixelArray:
    size = Size(pixels.shape[1], pixels.shape[0])
    if size.long_side > SIDE:
        return canvas(shrink(pixels, size.scaled(SIDE / size.long_side)))
    if size.long_side < SMALL_SIDE:
        return canvas(enlarge(pixels, size.scaled(SMALL_SIDE / size.long_side)))
    return canvas(pixels)


def _annotated(pixels: PixelArray, story: Story) -> PixelArray:
    size = Size(pixels.shape[1], pixels.shape[0])
    drawing = Drawing(_dimmed(pixels, story.shown), size)
    regions = sorted(verdicts(story), key=lambda pair: -pair[0].box.area)  # small ones on top
    for region, verdict in regions:
        drawing.outline(region, _colour(region, verdict))
    drawing.shape(story.shown, WINDOW)
    for region, verdict in regions:
        drawing.name(region, _colour(region, verdict) or colour_of(region))
    return drawing.pixels


def _colour(region: Region, verdict: str) -> Opaque | None:
    if verdict == "chosen":
        return WINDOW
    if verdict == "hidden":
        return HIDDEN
    return PASSED_OVER if verdict in ("smaller", "outside", "unsure") else None


def _dimmed(pixels: PixelArray, shown: Polygon) -> PixelArray:
    """Darker where the result shows nothing of it."""
    height, width = pixels.shape[:2]
    kept = np.zeros((height, width), np.uint8)
    points = np.array(shown, np.float64) * (width, height) * 16  # sixteenths of a pixel
    cv2.fillPoly(kept, [points.round().astype(np.int32)], 255, shift=4)
    dark = cv2.convertScaleAbs(pixels, alpha=DIMMED)
    return np.where(kept[:, :, np.newaxis] > 0, pixels, dark)


# The text: (name of the row, text); a row without a name goes on with the one before


def _rows(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    source, decode, shown = content["source"], content["decode"], content["shown"]
    yield "asked for", content["pipeline"] or "nothing: the picture as it is"
    frames = f", {source['frames']} frames" if source["frames"] > 1 else ""
    yield "source", f"{_size(source)} {source['format']}, {_bytes(source['bytes'])}{frames}"
    yield "decoded", f"{_size(decode)}" + (f", 1/{decode['reduced_by']} of it" if decode["reduced_by"] > 1 else "")
    for number, step in enumerate(content["steps"], 1):
        yield from _step(number, step)
    yield "shown", f"{_size(shown)} of the source, from {shown['x']},{shown['y']}"
    yield from _found(content["found"])
    models = ", ".join(f"{kind} by {model}" for kind, model in content["models"].items())
    yield from [("models", models)] if models else []
    yield from [("without", ", ".join(content["missing"]))] if content["missing"] else []
    result = content["result"]
    yield "result", f"{_size(result)} {result['media_type']}, {_bytes(result['bytes'])}"
    stages = content["milliseconds"]
    yield (
        "time",
        " · ".join(f"{stage} {spent:g}" for stage, spent in stages.items()) + f" · {sum(stages.values()):.1f} ms",
    )


def _step(number: int, step: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield (
        f"step {number}",
        f"{step['step']}   {_size(step['before'])} → {_size(step['after'])}, {step['milliseconds']} ms",
    )
    asked = ", ".join(step["asked"])
    looked = ", then ".join(f"{one['thing']}: {one['found'] or 'none'}" for one in step["looked_for"])
    parts = [
        f"asked {asked}" if asked else "",
        f"looked for {looked}" if looked else "",
        f"held on to {', '.join(step['held_on_to'])}" if step["held_on_to"] else "",
        "weighed everything for the best place" if step["weighed_all"] else "",
        f"no answer from {', '.join(step['missing'])}" if step["missing"] else "",
    ]
    if any(parts):
        yield "", "; ".join(part for part in parts if part)


def _found(found: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    name = "found"
    for one in found[:MOST_LISTED]:
        box = one["box"]
        part = one["in_result"]
        partly = f", {part:.0%} of it" if one["verdict"] in ("shown", "chosen") and LEAST_SHOWN <= part < 0.995 else ""
        place = f"{box['width']}×{box['height']} at {box['x']},{box['y']}"
        yield name, f"{one['label']} {one['confidence']:.2f} ({one['by']}), {place}: {_WHY[one['verdict']]}{partly}"
        name = ""
    if len(found) > MOST_LISTED:
        yield name, f"and {len(found) - MOST_LISTED} more"


def _size(of: dict[str, Any]) -> str:
    return f"{of['width']}×{of['height']}"


def _bytes(count: int) -> str:
    return f"{count} bytes" if count < 1000 else f"{count / 1000:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def _panel(rows: list[tuple[str, str]], width: int) -> PixelArray:
    font = cv2.FontFace("sans")
    lines = [(name if at == 0 else "", line) for name, text in rows
             for at, line in enumerate(_wrapped(text, width - INDENT - MARGIN, font))]  # fmt: skip
    panel = np.full((2 * MARGIN + LEADING * len(lines), width, 3), GROUND, np.uint8)
    for at, (name, line) in enumerate(lines):
        base = MARGIN + LEADING * at + LETTERS
        cv2.putText(panel, name, (MARGIN, base), FAINT, font, LETTERS)
        cv2.putText(panel, line, (INDENT, base), LIGHT, font, LETTERS)
    return panel


def _wrapped(text: str, width: int, font: cv2.FontFace) -> Iterator[str]:
    """Lines no wider than that: broken at spaces, or inside a word that is too long alone."""
    line = ""
    for word in chain.from_iterable(_pieces(word, width, font) for word in text.split(" ")):
        longer = f"{line} {word}" if line else word
        if _width(longer, font) > width and line:
            yield line
            longer = word
        line = longer
    yield line


def _pieces(word: str, width: int, font: cv2.FontFace) -> Iterator[str]:
    rest = word
    while _width(rest, font) > width:
        fits = bisect_right(range(1, len(rest)), width, key=lambda count: _width(rest[:count], font))
        yield rest[: max(1, fits)]
        rest = rest[max(1, fits) :]
    yield rest


def _width(text: str, font: cv2.FontFace) -> int:
    return int(cv2.getTextSize((0, 0), text, (0, 0), font, LETTERS)[2])
