"""Which models answer for which kinds of detection: part of the keys of renders and findings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from detectors.client import Client, Unanswered
from detectors.models import ModelStore
from detectors.registry import adopt, base_of

from .log import logger
from .settings import Settings
from .told import OTHER, Told
from .weights import models_of

FIRST_PAUSE = 0.5  # s, until the service has told something
FIRST_LOOK = 2.0  # s that a server waits at its start for a service on another machine; one that is there takes 10 ms
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
        self._arriving = False  # whether a model is on its way
        self._trouble = ""  # with what it tells

    def of(self, kind: str) -> str | None:
        """`name@sha256 prefix` of the model for a kind, None where nothing answers for it."""
        return self._store.identity(kind) if self._told is None else self._told.get(base_of(kind))

    def problem(self, kinds: Iterable[str]) -> str:
        """What the detection service says is wrong with the model of one of these kinds; empty where nothing is."""
        return next((self._problems[kind] for kind in kinds if kind in self._problems), "")

    async def wait(self, seconds: float = FIRST_LOOK) -> None:
        """Until the service has told its words, but no longer than that: whoever comes first may use them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._told is None:
                    await self.refresh()
                    await asyncio.sleep(FIRST_PAUSE / 5 if self._told is None else 0)

    async def watch(self) -> None:
        """Asks the service again and again, for as long as the server runs."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESHED_EVERY if self._told and not self._arriving else FIRST_PAUSE)

    async def refresh(self) -> None:
        """Ask once; a service that does not answer, or not as it should, changes nothing."""
        try:
            told = Told.read(await asyncio.to_thread(self._service.models))
        except Unanswered:
            pass
        except Exception as error:  # it may be anything that answers there, and say anything
            self._complain(OTHER, error=repr(error)[:200])
        else:
            self._learn(told)

    def _learn(self, told: Told) -> None:
        self._told, self._problems, self._arriving = told.models, told.problems, told.arriving
        try:
            adopt(told.vocabulary())
        except ValueError:  # those that are known stay
            self._complain("the words of the detection service cannot be read: is it of another version?")
        else:
            self._trouble = ""

    def _complain(self, why: str, **details: str) -> None:
        """Once, until it is well again."""
        if why != self._trouble:
            logger().warning(why, **details)
        self._trouble = why


def learn_words(settings: Settings) -> None:
    """The operator's models as words of URLs, for commands, which read them before anything is started: those of the
    models folder, or of the detection service that the settings name."""
    service = Client(settings.detection or "", settings.detection_secret_text)
    identities = Identities(models_of(settings), service)
    if settings.detection:
        asyncio.run(identities.refresh())
