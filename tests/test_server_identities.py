"""The models in the keys are those that the detection service uses."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cache.memory import MemoryStore
from detectors.client import Unanswered
from detectors.models import ModelStore
from detectors.registry import adopt
from server.findings import Findings
from server.identities import Identities
from transforms import vocabulary
from transforms.image import Box, Found, Region
from transforms.vocabulary import NOTHING


class Service:
    """Stands in for the client of a detection service."""

    def __init__(self, **models: str) -> None:
        self.told: dict[str, str] | None = models

    def models(self) -> dict[str, Any]:
        if self.told is None:
            raise Unanswered(frozenset(), "gone")
        return {"models": self.told}


def identities(folder: Path, service: Service) -> Identities:
    return Identities(ModelStore(folder), service)  # type: ignore[arg-type]


def test_the_folder_suggests_and_the_service_decides(tmp_path: Path) -> None:
    service = Service(faces="gpu@1")
    known = identities(tmp_path, service)
    assert (known.of("faces") or "").startswith("centerface@")
    asyncio.run(known.refresh())
    assert (known.of("faces"), known.of("objects")) == ("gpu@1", None)
    service.told = None
    asyncio.run(known.refresh())
    assert known.of("faces") == "gpu@1"


def test_a_server_waits_for_the_words_of_another_machine(tmp_path: Path) -> None:
    service = Service()
    service.told = None
    asked = []

    def come() -> dict[str, Any]:
        asked.append(1)
        if len(asked) < 3:
            raise Unanswered(frozenset(), "gone")
        return {"models": {"crops": "crops@1"}, "own": [["crops", ["wheat"], True, 640]]}

    service.models = come  # type: ignore[method-assign]
    known = identities(tmp_path, service)
    try:
        asyncio.run(known.wait(20))
        assert (known.of("crops"), vocabulary.current().names) == ("crops@1", ("crops",))
        assert len(asked) == 3
    finally:
        adopt(NOTHING)


@pytest.mark.parametrize("hangs", [False, True])
def test_it_goes_on_without_it(tmp_path: Path, hangs: bool) -> None:
    go = threading.Event()
    service = Service()

    def gone() -> dict[str, Any]:
        if hangs:
            go.wait(20)
        raise Unanswered(frozenset(), "gone")

    service.models = gone  # type: ignore[method-assign]

    known = identities(tmp_path, service)

    async def waited() -> None:
        await known.wait(0.1)
        go.set()

    asyncio.run(waited())
    assert (known.of("faces") or "").startswith("centerface@")  # as the folder suggests


ROWS = [
    3, "crops", ["crops"], {"crops": 1}, [["crops"]], [["crops", ["wheat"], True, "wide"]], [[5, ["wheat"], True, 640]],
    [["crops", [1], True, 640]], [["crops", "wheat", True, 640]], [["crops", ["wheat"], True, float("inf")]],
    [["crops", ["wheat"], True, 0]], [["crops", ["wheat"], "yes", 640]], [["crops", ["\ud800"], True, 640]],
    [["", ["wheat"], True, 640]],
]  # fmt: skip


@pytest.mark.parametrize("rows", ROWS)
def test_words_that_cannot_be_read_change_nothing_and_are_told_once(tmp_path: Path, rows: object) -> None:
    service = Service()
    service.models = lambda: {"models": {"faces": "gpu@1"}, "own": rows}  # type: ignore[method-assign]
    known = identities(tmp_path, service)
    before = vocabulary.current()
    with capture_logs() as lines:
        asyncio.run(known.refresh())
        asyncio.run(known.refresh())
    assert (known.of("faces"), vocabulary.current()) == ("gpu@1", before)
    assert ["another version" in line["event"] for line in lines] == [True]


def test_words_of_other_versions_and_without_labels_are_learned(tmp_path: Path) -> None:
    service = Service()
    rows = [["old", ["wheat"], True, 64], ["bare", [], False, 320, ""], ["new", ["oats"], True, 64, "detect", "more"]]
    service.models = lambda: {"models": {}, "own": rows}  # type: ignore[method-assign]
    try:
        asyncio.run(identities(tmp_path, service).refresh())
        assert sorted(vocabulary.current().names) == ["bare", "new", "old"]
    finally:
        adopt(NOTHING)


DEEP: Any = []
for _ in range(200_000):
    DEEP = [DEEP]

STRANGE: list[Any] = [
    None, 3, "ready", [1, 2], [], DEEP,
    {"models": [1]}, {"models": "faces"}, {"models": {"faces": 3}}, {"models": {"faces": ["gpu@1"]}},
    {"models": {}, "problems": ["no"]}, {"models": {}, "problems": {"faces": 5}},
    {"models": {}, "tasks": "warm"}, {"models": {}, "tasks": {"faces": None}},
]  # fmt: skip


@pytest.mark.parametrize("answer", STRANGE, ids=lambda answer: repr(answer)[:40] if answer is not DEEP else "deep")
def test_an_answer_that_is_none_changes_nothing_and_is_told_once(tmp_path: Path, answer: Any) -> None:
    service = Service(faces="gpu@1")
    known = identities(tmp_path, service)
    asyncio.run(known.refresh())
    before = vocabulary.current()
    strange = Service()
    strange.models = lambda: answer  # type: ignore[method-assign]
    known._service = strange  # type: ignore[assignment]
    with capture_logs() as lines:
        asyncio.run(known.refresh())
        asyncio.run(known.refresh())
    assert (known.of("faces"), vocabulary.current()) == ("gpu@1", before)
    assert ["DARKROOM_DETECTION" in line["event"] for line in lines] == [True]
    known._service = service  # type: ignore[assignment]
    service.told = {"faces": "gpu@2"}
    with capture_logs() as lines:
        asyncio.run(known.refresh())
        assert (known.of("faces"), lines) == ("gpu@2", [])
        known._service = strange  # type: ignore[assignment]
        asyncio.run(known.refresh())
    assert len(lines) == 1  # which is news again


def test_whatever_the_client_raises_watching_goes_on(tmp_path: Path) -> None:
    service = Service()
    tries = []

    def models() -> dict[str, Any]:
        tries.append(1)
        if len(tries) == 1:
            raise AttributeError("no")
        return {"models": {"faces": "gpu@1"}}

    service.models = models  # type: ignore[method-assign]
    known = identities(tmp_path, service)

    async def watched() -> None:
        task = asyncio.create_task(known.watch())
        while known.of("faces") != "gpu@1":
            assert not task.done()
            await asyncio.sleep(0.02)
        task.cancel()

    asyncio.run(asyncio.wait_for(watched(), 10))


@pytest.mark.parametrize(("tasks", "pause"), [({"crops": "loading"}, 0.5), ({"crops": "warm"}, 5.0), ({}, 5.0)])
def test_a_model_on_its_way_is_asked_after_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: dict[str, str], pause: float
) -> None:
    service = Service()
    service.models = lambda: {"models": {"faces": "gpu@1"}, "tasks": tasks}  # type: ignore[method-assign]
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr("server.identities.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(identities(tmp_path, service).watch())
    assert slept == [pause]


def test_findings_of_another_model_are_not_kept(tmp_path: Path) -> None:
    known = identities(tmp_path, Service(faces="new@1", objects="same@1"))
    findings = Findings(MemoryStore(10**6), known)
    face, dog = Region("face", 0.9, Box(0, 0, 1, 1), by="faces"), Region("dog", 0.9, Box(0, 0, 1, 1))
    found = Found(regions=(face, dog), models=(("faces", "old@1"), ("objects", "same@1")))

    async def both_ways() -> Found:
        await known.refresh()
        await findings.remember("content", found)
        return await findings.known("content", frozenset({"faces", "objects"}))

    assert asyncio.run(both_ways()) == Found(regions=(dog,), models=(("objects", "same@1"),))
