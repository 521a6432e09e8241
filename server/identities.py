"""Which models answer for which kinds of detection: part of the keys of renders and findings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from detectors.client import Client, Unanswered
from detectors.models import ModelStore
from detectors.registry import adopt, base_of
from transforms.vocabulary import Vocabulary

from .settings import Settings
from .weights import models_of

FIRST_PAUSE = 0.5  # s, until the service has told something
REFRESHED_EVERY = 5.0  # s; weights may come while the server runs


class Identities:
    """As the detection service tells; until it has, as the models folder suggests.

    The service decides, because what it takes from the folder depends on its device, and it may run elsewhere.
    """

    def __init__(self, store: ModelStore, service: Client) -> None:
        self._store = store
        self._service = service
        self._told: dict[str, str] | None = None
        self._problems: dict[str, str] = {}

    def of(self, kind: str) -> str | None:
        """`name@sha256 prefix` of the model for a kind, None where nothing answers for it."""
        return self._store.identity(kind) if self._told is None else self._told.get(base_of(kind))

    def problem(self, kinds: Iterable[str]) -> str:
        """What the detection service says is wrong with the model of one of these kinds; empty where nothing is."""
        return next((self._problems[kind] for kind in kinds if kind in self._problems), "")

    async def watch(self) -> None:
        """Asks the service again and again, for as long as the server runs."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESHED_EVERY if self._told else FIRST_PAUSE)

    async def refresh(self) -> None:
        """Ask once; a service that does not answer changes nothing."""
        try:
            answer: dict[str, Any] = await asyncio.to_thread(self._service.models)
        except Unanswered:
            return
        self._told = {str(kind): str(identity) for kind, identity in answer.get("models", {}).items()}
        self._problems = {str(task): str(why) for task, why in answer.get("problems", {}).items()}
        adopt(Vocabulary.read(answer.get("own", ())))


def learn_words(settings: Settings) -> None:
    """The operator's models as words of URLs, for commands, which read them before anything is started: those of the
    models folder, or of the detection service that the settings name."""
    service = Client(settings.detection or "", settings.detection_secret_text)
    identities = Identities(models_of(settings), service)
    if settings.detection:
        asyncio.run(identities.refresh())
