"""Asks the detection service, from render processes: synchronous, without any model code."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from .found import Found, PixelArray, Query, pack_query, unpack

SECRET_HEADER = "x-darkroom-secret"  # noqa: S105 - a name

FAILURES = 3
OPEN_S = 1.0
"""After so many failures in a row nobody asks for so long: a sick service must not hold every renderer."""

MOST_BREAKERS = 100

MARGIN_S, MARGIN = 0.02, 0.05
"""What is kept back of the caller's time, in seconds and as a share of it, so that the service's own answer to a
deadline arrives before it, also from a busy machine."""


class Unanswered(Exception):
    """The detection service gave no answer in time; `why` is for logs."""

    def __init__(self, kinds: frozenset[str], why: str) -> None:
        super().__init__(kinds, why)  # both, so that it survives pickling
        self.kinds = kinds
        self.why = why

    def __str__(self) -> str:
        return f"{', '.join(sorted(self.kinds))}: {self.why}"


class Breaker:
    """Counts failures in a row, over all threads of a process."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def open(self) -> bool:
        return time.monotonic() < self._until

    def note(self, *, well: bool) -> None:
        self._failures = 0 if well else self._failures + 1
        if self._failures >= FAILURES:
            self._until = time.monotonic() + OPEN_S


class Refused(http.client.HTTPException):
    """The service is there, and says that it cannot answer this."""


class _UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


class Client:
    """A detection service at `address`: the path of a unix socket, or `http://host:port`.

    May be shared by threads: each keeps a connection of its own. Not to be taken across a fork.
    """

    def __init__(self, address: str, secret: str | None = None) -> None:
        self.address = address
        self._headers = {SECRET_HEADER: secret} if secret else {}
        self._breaker = Breaker()
        self._breakers: dict[frozenset[str], Breaker] = {}  # by what is asked
        self._local = threading.local()

    def find(self, kinds: frozenset[str], pixels: PixelArray, *, deadline: float, key: str | None = None) -> Found:
        """What the service finds in uint8 pixels (h, w, 1|3|4), by `deadline` of time.monotonic().

        `key` names the content: questions with the same key share one inference. Kinds that the service cannot answer
        are listed in the result's `missing`; those that it answered in its `models`. Raises Unanswered.
        """
        # A model that has too much to do must not take the others away: only who does not answer at all does.
        mine = self._breaker_of(kinds)
        if self._breaker.open or mine.open:
            raise Unanswered(kinds, "the detection service has just failed several times")
        patience = (deadline - time.monotonic()) * (1 - MARGIN) - MARGIN_S
        if patience <= 0:
            raise Unanswered(kinds, "no time was left to ask")
        body = pack_query(Query(kinds, pixels, max(1, int(patience * 1000)), key))
        try:
            found = unpack(self._send("POST", "/find", body, deadline))
        except (OSError, http.client.HTTPException, ValueError) as error:
            (mine if isinstance(error, Refused) else self._breaker).note(well=False)
            raise Unanswered(kinds, str(error) or type(error).__name__) from error
        self._breaker.note(well=True)
        mine.note(well=True)
        return found

    def _breaker_of(self, kinds: frozenset[str]) -> Breaker:
        if len(self._breakers) > MOST_BREAKERS:
            self._breakers.clear()
        return self._breakers.setdefault(_families(kinds), Breaker())

    def models(self, timeout: float = 2.0) -> dict[str, Any]:
        """What `GET /models` says: `{"models": {kind: identity}, "missing": …, "device": …, "tasks": …}`.

        Raises Unanswered.
        """
        try:
            answer: dict[str, Any] = json.loads(self._send("GET", "/models", [], time.monotonic() + timeout))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unanswered(frozenset(), str(error) or type(error).__name__) from error
        return answer

    def close(self) -> None:
        """Close this thread's connection."""
        connection = self._kept()
        if connection:
            connection.close()

    def _send(self, method: str, path: str, body: list[bytes | memoryview], deadline: float) -> bytes:
        """The body of a 200; a connection that was kept and turns out to be closed is made anew, once."""
        kept = self._kept()
        try:
            return self._exchange(kept or self._connect(deadline), method, path, body, deadline)
        except (ConnectionError, http.client.BadStatusLine):
            if kept is None:
                raise
            return self._exchange(self._connect(deadline), method, path, body, deadline)

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: list[bytes | memoryview],
        deadline: float,
    ) -> bytes:  # fmt: skip
        try:
            _limit(connection, deadline)
            headers = {**self._headers, "content-length": str(sum(map(len, body)))}
            connection.request(method, path, body=iter(body), headers=headers)
            _limit(connection, deadline)
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        if response.status != http.client.OK:
            raise Refused(f"it answered {response.status}: {answer[:200].decode(errors='replace')}")
        return answer

    def _kept(self) -> http.client.HTTPConnection | None:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        return connection if connection and connection.sock else None

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        timeout = max(0.001, deadline - time.monotonic())
        connection: http.client.HTTPConnection
        if self.address.startswith("http://"):
            url = urlsplit(self.address)
            connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=timeout)
        else:
            connection = _UnixConnection(self.address, timeout=timeout)
        connection.connect()
        self._local.connection = connection
        return connection


def _families(kinds: frozenset[str]) -> frozenset[str]:
    """Kinds without the words that they are asked about: `objects:heat` of `objects:heat:dog`."""
    return frozenset(":".join(kind.split(":")[:2]) for kind in kinds)


def _limit(connection: http.client.HTTPConnection, deadline: float) -> None:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("it did not answer in time")
    connection.sock.settimeout(remaining)
