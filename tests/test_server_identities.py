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


@pytest.mark.parametrize("rows", [3, [["crops"]], [["crops", ["wheat"], True, "wide"]]])
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
