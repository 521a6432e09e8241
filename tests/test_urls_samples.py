"""Cloudinary's dialect against the samples of the language: what parses, and how large it comes out."""

from __future__ import annotations

import io
import json
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


# Pieces of conditions, commas that are not escaped, texts and a style that nothing gives, a layer's address that is no
# address.
UNREADABLE = {
    "if_end", "if_else", "if_w_lt_200", "$foo_!some%2C%2C%2C amazing%2Ftext%21%21!",
    "l_sample/l_text:arial_50:he%2C%2Fllo/fl_layer_apply/fl_layer_apply", "l_text:hello", "l_text:test 𩸽 🍺",
    "l_text:$style:hello-world", "w_500/u_fetch:aW1hZ2UudXJs",
}  # fmt: skip


@needs("spec", "corpus.jsonl")
def test_core_and_common_strings_parse() -> None:
    rows = [row for row in jsonl("corpus.jsonl") if row["class"] in ("core", "common")]
    _, failed = parsed([row for row in rows if row["t"] not in UNREADABLE])
    assert failed == []
    assert parsed([row for row in rows if row["t"] in UNREADABLE])[0] == []


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


def planned(row: dict[str, Any]) -> Size:
    source = Size(*row["src"])
    probe = Probe("jpeg", source, 1, animated=False, has_alpha=False, icc=None, orientation=1, bytes=100_000)
    pipeline = urls.parse(path(row["t"])).pipeline
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


@needs("spec", "dims.jsonl")
def test_rendered_sizes_are_exact(flat: Server) -> None:
    rows = jsonl("dims.jsonl")

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


# What a string of the samples may want that is not here: presets, variables and data that come with it, private layers
# without a signature, fonts, formats and vectors that are not read or written.
ABSENT = {
    "unknown-preset", "undefined-variable", "unsupported-operand", "unsigned-layer", "unknown-font", "not-implemented",
}  # fmt: skip
# What comes to a size, quality or opacity out of bounds, or makes a number of a word.
ASTRAY = {
    "$foo_bar_to_i", "$a_!bbb!_to_i", "$a_!bbb!_to_f", "$myexp_ref:!my_file!_to_i", "$myexp_ref:!my_file!_to_f",
    "w_iw_pow_2", "o_w_mul_2", "q_w_mul_2", "c_scale,o_w_mul_2",
    "$small_150,$big_2_div_$small/c_fill,w_$big,h_$small_add_20/l_my_named_div_layer", "f_ico",
    "$aheight_300,$mywidth_100/c_scale,h_3_mul_ih_add_$aheight,w_3_add_$mywidth_mul_3_add_4_div_2_mul_iw_mul_$mywidth",
    "e_sepia/c_scale,w_100.1", "c_scale,w_200.1", "c_scale,w_399.1",
}  # fmt: skip


def source_of(text: str) -> str:
    """A picture that has what the string is about: pages, or room for a crop far from its corner."""
    return "pages.gif" if "pg_" in text else "large.jpg" if "c_crop" in text else "sample.jpg"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, detection: str, models_folder: Path) -> Iterator[Server]:
    """A server with a small picture, and a smaller one for every layer that the samples name."""
    folder = tmp_path_factory.mktemp("stocked")
    noise = np.random.default_rng(1).integers(0, 256, (12, 16, 4), np.uint8)
    cv2.imwrite(str(folder / "sample.jpg"), cv2.resize(noise[:, :, :3], (320, 240)))
    cv2.imwrite(str(folder / "large.jpg"), cv2.resize(noise[:, :, :3], (2048, 1536)))
    pages = [Image.new("L", (320, 240), 20 * page) for page in range(10)]
    pages[0].save(folder / "pages.gif", save_all=True, append_images=pages[1:])
    requests, _ = parsed([row for row in jsonl("corpus.jsonl") if row["class"] in ("core", "common")])
    for picture in {picture for request in requests for picture in request.pipeline.pictures}:
        if picture.scheme == "id":
            file = folder / picture.location
            file = file if file.suffix in (".png", ".jpg") else file.with_name(f"{file.name}.png")
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), cv2.resize(noise, (64, 48)))
    with Server(media=folder, detection=detection, models=models_folder) as running:
        yield running.wait()


@needs("spec", "corpus.jsonl")
def test_core_and_common_strings_are_rendered(stocked: Server) -> None:
    rows = [row for row in jsonl("corpus.jsonl") if row["class"] in ("core", "common") and row["t"] not in UNREADABLE]
    rows = [row for row in rows if "_fetch:" not in row["t"]]  # their hosts are elsewhere

    def problem(row: dict[str, Any]) -> str | None:
        status, _, body = raw.get(stocked.port, path(row["t"]).replace("sample.jpg", source_of(row["t"])))
        wanting = status != 200 and (row["t"] in ASTRAY or json.loads(body)["code"] in ABSENT)
        return None if wanting or (status == 200 and body) else f"{row['id']} {row['t']}: {status} {body[:300]!r}"

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        problems = [found for found in pool.map(problem, rows) if found]
    assert problems == [], "\n".join(problems)
