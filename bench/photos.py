"""How well a running server knows the annotated photographs: precision, recall and F1 of object tags, faces found and
false ones. `python -m bench.photos` (weights: DARKROOM_MODELS; photographs: DARKROOM_SHARED)."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from server.machine import model_folder
from tests.servers import Server
from tests.shared import SHARED, manifest

Box = tuple[float, float, float, float]  # x, y, width, height in pixels


def main() -> None:
    models = Path(os.environ.get("DARKROOM_MODELS") or model_folder())
    count: Counter[str] = Counter()
    with Server(models=models, media=SHARED / "images") as server:
        server.wait()
        for entry in manifest():
            if entry["path"].startswith("photos/"):
                report = server.get(f"/auto-tag/{quote(entry['path'])}").json()
                count += tags(report, entry) + faces(report, entry)
    right, extra, absent = count["right"], count["extra"], count["absent"]
    print(f"object tags: {right} right, {extra} extra, {absent} absent")
    print(f"precision {right / (right + extra):.3f}, recall {right / (right + absent):.3f}, ", end="")
    print(f"F1 {2 * right / (2 * right + extra + absent):.3f}")
    print(f"faces: {count['found']} of {count['faces']} found, {count['false']} false")


def tags(report: dict[str, Any], entry: dict[str, Any]) -> Counter[str]:
    if entry["objects"] is None:
        return Counter()
    got = {tag["tag"] for tag in report["tags"] if tag["by"] == "objects" and not tag.get("of")}
    wanted = set(entry["objects"])
    if got != wanted:
        print(f"{entry['path']}: extra {sorted(got - wanted)}, absent {sorted(wanted - got)}")
    return Counter(right=len(got & wanted), extra=len(got - wanted), absent=len(wanted - got))


def faces(report: dict[str, Any], entry: dict[str, Any]) -> Counter[str]:
    if entry["faces"] is None:
        return Counter()
    boxes = [in_pixels(face["box"], report["image"]) for face in report["faces"]]
    known = entry["face_boxes"] or []
    wanted = [tuple(face["box"]) for face in known if not face["difficult"]]
    found = sum(any(overlap(face, box) > 0.35 for box in boxes) for face in wanted)
    false = sum(not any(overlap(tuple(face["box"]), box) > 0.2 for face in known) for box in boxes)
    return Counter(faces=len(wanted), found=found, false=false)


def in_pixels(box: dict[str, float], image: dict[str, Any]) -> Box:
    width, height = image["width"], image["height"]
    return box["x"] * width, box["y"] * height, box["width"] * width, box["height"] * height


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


if __name__ == "__main__":
    main()
