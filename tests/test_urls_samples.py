"""Cloudinary's dialect against the samples of the language: what parses, and how large it comes out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from server import urls
from server.urls import cloudinary
from server.urls.request import Request
from transforms.failure import Failure
from transforms.image import Found, Probe, Size
from transforms.limits import Limits
from transforms.output import Client
from transforms.pipeline import Pending, Pipeline
from transforms.plan import plan
from transforms.resolve import resolve

from . import raw
from .servers import Server
from .shared import jsonl, needs
from .transformations import path

CONNECTIONS = 4


def delivered(row: dict[str, Any]) -> str:
    """The path of a row: its own URL, else one with its transformation."""
    url = row.get("url") or f"/demo/image/upload/{row['t']}/v1/sample.jpg"
    return str(url).replace("<cloud_name>", "demo").encode().decode("latin-1")


def parse(path_: str) -> Request:
    raw_path, _, query = path_.partition("?")
    return urls.parse(raw_path, query)


def parsed(rows: list[dict[str, Any]]) -> tuple[list[Request], list[str]]:
    """The requests of the rows, and what failed."""
    requests, failed = [], []
    for row in rows:
        try:
            requests.append(parse(delivered(row)))
        except Failure as failure:
            failed.append(f"{row['id']} {delivered(row)}: {failure.code}, {failure.message}")
    return requests, failed


@needs("spec", "corpus.jsonl")
def test_core_and_common_strings_parse() -> None:
    rows = [row for row in jsonl("corpus.jsonl") if row["class"] in ("core", "common")]
    requests, failed = parsed(rows)
    assert len(requests) >= 0.99 * len(rows), "\n".join(failed)


@needs("spec", "corpus.jsonl")
def test_what_parses_prints_in_both_dialects() -> None:
    requests, _ = parsed([row for row in jsonl("corpus.jsonl") if "/image/" in delivered(row)])
    unsaid = []
    for request in requests:
        assert urls.parse(urls.canonical(request)) == request
        try:
            assert urls.parse(cloudinary.print(request)) == request
        except Failure as failure:
            unsaid.append(f"{request.pipeline}: {failure.message}")
    assert len(unsaid) <= 0.03 * len(requests), "\n".join(unsaid)


def without_effects(pipeline: Pipeline) -> Pipeline:
    """The pipeline without the effects that are not rendered yet; none of them changes a size."""
    kept = [node for node in pipeline.nodes if not (isinstance(node, Pending) and node.text.startswith("e_"))]
    return Pipeline(tuple(kept))


def planned(row: dict[str, Any]) -> Size:
    source = Size(*row["src"])
    probe = Probe("jpeg", source, 1, animated=False, has_alpha=False, icc=None, orientation=1, bytes=100_000)
    pipeline = without_effects(urls.parse(path(row["t"])).pipeline)
    plain, _ = resolve(pipeline, probe, Client(), lambda kinds: Found())
    return plan(plain, probe, Limits(), Found(), side_for=lambda kinds: 1).result


def is_exact(row: dict[str, Any], size: tuple[int, int]) -> bool:
    return all(abs(is_ - want) <= row.get("tol", 0) for is_, want in zip(size, row["expect"], strict=True))


@needs("spec", "dims.jsonl")
@pytest.mark.parametrize(("confidence", "share"), [("high", 1.0), ("med", 0.95)])
def test_planned_sizes_are_exact(confidence: str, share: float) -> None:
    rows = [row for row in jsonl("dims.jsonl") if row["conf"] == confidence]
    wrong = []
    for row in rows:
        try:
            size = planned(row)
        except Failure as failure:
            wrong.append(f"{row['t']}: {failure.message}")
        else:
            if not is_exact(row, (size.width, size.height)):
                wrong.append(f"{row['t']}: {size} instead of {row['expect']}")
    assert len(wrong) <= (1 - share) * len(rows), "\n".join(wrong)


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Server]:
    """A server whose pictures cost nothing to decode or encode: `<width>x<height>.jpg` is of that size."""
    folder = tmp_path_factory.mktemp("flat")
    for width, height in {tuple(row["src"]) for row in jsonl("dims.jsonl")}:
        pixels = np.full((height, width, 3), (90, 120, 60), np.uint8)
        cv2.rectangle(pixels, (width // 3, height // 4), (width // 2, height // 2), (20, 30, 200), -1)
        cv2.imwrite(str(folder / f"{width}x{height}.jpg"), pixels)
    with Server(media=folder, detection=detection, models=models_folder) as running:
        yield running.wait()


def is_rendered(row: dict[str, Any]) -> bool:
    return not any(isinstance(node, Pending) for node in urls.parse(path(row["t"])).pipeline.nodes)


@needs("spec", "dims.jsonl")
def test_rendered_sizes_are_exact(flat: Server) -> None:
    rows = [row for row in jsonl("dims.jsonl") if is_rendered(row)]
    assert len(rows) > 300

    def problem(row: dict[str, Any]) -> str | None:
        width, height = row["src"]
        status, _, body = raw.get(flat.port, path(row["t"]).replace("sample.jpg", f"{width}x{height}.jpg"))
        if status != 200:
            return f"{row['t']}: {status} {body[:200]!r}"
        size = Image.open(io.BytesIO(body)).size
        return None if is_exact(row, size) else f"{row['conf']} {row['t']}: {size} instead of {row['expect']}"

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        problems = [found for found in pool.map(problem, rows) if found]
    assert len([text for text in problems if not text.startswith("med ")]) == 0, "\n".join(problems)
    assert len(problems) <= 0.05 * len([row for row in rows if row["conf"] == "med"]), "\n".join(problems)
