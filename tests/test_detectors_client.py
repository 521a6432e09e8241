"""The client against services made here: silent, sick, restarted, talking nonsense."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from contextlib import suppress
from itertools import takewhile

import numpy as np
import pytest

from detectors import client as module
from detectors.client import Client, Unanswered
from detectors.found import Box, Found, Region, pack, unpack_query

PIXELS = np.arange(3 * 640 * 480, dtype=np.uint8).reshape(480, 640, 3)
FACES = frozenset({"faces"})
FOUND = Found((Region("face", 0.5, Box(0, 0, 1, 1), by="faces"),))


def answer(body, status="200 OK", more=""):
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


class Service:
    """Reads requests from a socket and answers each as the next of `replies` says; the last one for ever.

    A reply is bytes, None for a connection that is closed, or a pair of bytes with half a second in between.
    """

    def __init__(self, path, replies):
        self.replies, self.queries, self.headers, self.connections = list(replies), [], [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while head := b"".join(takewhile(lambda line: line not in (b"", b"\r\n"), iter(stream.readline, None))):
                headers = dict(line.lower().split(": ", 1) for line in head.decode().splitlines()[1:])
                self.queries.append(stream.read(int(headers["content-length"])))
                self.headers.append(headers)
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if reply is None:
                    return
                first, *rest = reply if isinstance(reply, tuple) else (reply,)
                connection.sendall(first)
                for part in rest:
                    time.sleep(0.5)
                    connection.sendall(part)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def service(tmp_path):
    """Makes services at one address, one after the other."""
    made = []

    def make(*replies):
        path = tmp_path / "detection.sock"
        if made:
            made[-1].close()
            path.unlink()
        made.append(Service(path, replies))
        return made[-1]

    make.client = Client(str(tmp_path / "detection.sock"), "s3cret")
    yield make
    make.client.close()
    if made:
        made[-1].close()


def ask(client, seconds=2.0, **more):
    return client.find(FACES, PIXELS, deadline=time.monotonic() + seconds, **more)


GOOD = answer(pack(FOUND))


def test_a_question_arrives_whole_and_the_answer_comes_back(service):
    made = service(GOOD)
    assert ask(service.client, key="k") == FOUND
    query = unpack_query(made.queries[0])
    assert np.array_equal(query.pixels, PIXELS)
    assert (query.kinds, query.key) == (FACES, "k")
    assert 1500 < query.patience_ms < 2000
    assert made.headers[0]["x-darkroom-secret"] == "s3cret"


def test_a_connection_is_kept(service):
    made = service(GOOD)
    for _ in range(5):
        ask(service.client)
    assert len(made.connections) == 1


def test_each_thread_has_its_own_connection(service):
    made = service(GOOD)
    threads = [threading.Thread(target=ask, args=(service.client,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made.queries) == 4
    assert len(made.connections) == 4


@pytest.mark.parametrize(
    "reply",
    [
        None,
        answer(b"{}", "503 Service Unavailable"),
        answer(b"{}", "500 Internal Server Error"),
        answer(b"junk"),
        b"what?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
    ],
    ids=["closed", "busy", "broken", "junk", "not HTTP", "cut"],
)
def test_what_is_no_answer_is_unanswered(service, reply):
    service(reply, reply, GOOD)
    with pytest.raises(Unanswered) as caught:
        ask(service.client, 0.4)
    assert caught.value.kinds == FACES
    service(GOOD)
    assert ask(service.client) == FOUND


def test_no_service_is_unanswered(service):
    with pytest.raises(Unanswered, match="No such file"):
        ask(service.client)


@pytest.mark.parametrize("sent", [0, 10, 45, len(GOOD) - 1])
def test_an_answer_after_the_deadline_is_none(service, sent):
    service((GOOD[:sent], GOOD[sent:]))
    assert ask(service.client) == FOUND
    with pytest.raises(Unanswered):
        ask(service.client, 0.15)


def test_without_time_nothing_is_sent(service):
    made = service(GOOD)
    with pytest.raises(Unanswered, match="no time"):
        ask(service.client, 0.0)
    assert made.connections == []


def test_a_restart_between_questions_is_not_noticed(service):
    service(GOOD)
    ask(service.client)
    made = service(GOOD)
    assert ask(service.client) == FOUND
    assert len(made.queries) == 1


def test_after_an_answer_that_came_too_late_the_next_one_is_not_mixed_up(service):
    service((b"", GOOD), answer(pack(Found())), GOOD)
    with pytest.raises(Unanswered):
        ask(service.client, 0.1)
    assert ask(service.client) == Found()
    assert ask(service.client) == FOUND


def test_the_breaker_opens_after_failures_in_a_row_and_closes(service, monkeypatch):
    monkeypatch.setattr(module, "OPEN_S", 0.1)
    sick = answer(b"{}", "503 Service Unavailable")
    made = service(sick)
    for _ in range(module.FAILURES + 3):
        with pytest.raises(Unanswered):
            ask(service.client)
    assert len(made.queries) == module.FAILURES
    made.replies = [GOOD]
    time.sleep(0.12)
    assert ask(service.client) == FOUND
    assert ask(service.client) == FOUND


def test_a_model_that_has_too_much_to_do_does_not_take_the_others_away(service):
    heat = [frozenset({f"objects:heat:{label}"}) for label in ("dog", "cat", "bus")] * 2
    made = service(*[answer(b"{}", "503 Service Unavailable")] * module.FAILURES, GOOD)
    for kinds in heat:
        with pytest.raises(Unanswered):
            service.client.find(kinds, PIXELS, deadline=time.monotonic() + 2)
    assert len(made.queries) == module.FAILURES
    assert ask(service.client) == FOUND


def test_a_service_that_is_gone_is_asked_by_nobody(service):
    made = service(None)
    for kinds in [frozenset({f"kind-{number}"}) for number in range(module.FAILURES + 2)]:
        with pytest.raises(Unanswered):
            service.client.find(kinds, PIXELS, deadline=time.monotonic() + 2)
    assert len(made.queries) <= 2 * module.FAILURES
    with pytest.raises(Unanswered, match="several times"):
        ask(service.client)


def test_failures_that_are_not_in_a_row_open_nothing(service):
    sick = answer(b"{}", "503 Service Unavailable")
    made = service(*[sick, sick, GOOD] * 3)
    for good in [False, False, True] * 3:
        if good:
            assert ask(service.client) == FOUND
        else:
            with pytest.raises(Unanswered, match="503"):
                ask(service.client)
    assert len(made.queries) == 9


def test_unanswered_travels_between_processes():
    error = pickle.loads(pickle.dumps(Unanswered(FACES, "it is gone")))  # noqa: S301
    assert (error.kinds, error.why, str(error)) == (FACES, "it is gone", "faces: it is gone")
