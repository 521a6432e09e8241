"""The models in the keys are those that the detection service uses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from cache.memory import MemoryStore
from detectors.client import Unanswered
from detectors.models import ModelStore
from server.findings import Findings
from server.identities import Identities
from transforms.image import Box, Found, Region


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
