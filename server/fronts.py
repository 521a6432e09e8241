"""The processes that listen: one front, or several on one socket; how they end, and how they are told to read anew."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any

import uvicorn

from .log import logger

STARTUP_FAILURE = 3  # exit status of a front that could not begin: another try would end in the same way
POLL = 0.1  # s between looks at the fronts
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # s before a front that ended is replaced
STEADY = 60.0  # s after which it counts as having worked
KILL_AFTER = 5.0  # s beyond what stopping may take

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Front(uvicorn.Server):
    """uvicorn's server with another end: not ready at once, still serving for a while, then as uvicorn does.

    SIGINT, from a terminal, leaves the while out. A second signal ends at once. SIGHUP reads keys and presets anew.
    `app.state` has `drain()` and `reload()`.
    """

    def __init__(self, config: uvicorn.Config, lame_duck: float) -> None:
        super().__init__(config)
        self._lame_duck = lame_duck
        self._leave_at: float | None = None
        self._reload = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's raises the signals again at the end, so that the exit status would say that one killed us."""
        before = {sig: signal.signal(sig, self.handle_exit) for sig in _SIGNALS}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGHUP:
            self._reload = True
        elif self._leave_at is None:
            pause = 0.0 if sig == signal.SIGINT else self._lame_duck
            self._leave_at = time.monotonic() + pause
            self.should_exit = not pause
            self._state.drain()
        else:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._reload:
            self._reload = False
            await self._state.reload()
        leaving = self._leave_at is not None
        if leaving and (b"connection", b"close") not in self.config.encoded_headers:
            # Who keeps a connection is told to come back on another, which the balancer opens elsewhere.
            self.config.encoded_headers.append((b"connection", b"close"))
            self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        if leaving and time.monotonic() >= (self._leave_at or 0.0):
            self.should_exit = True
        return bool(await super().on_tick(counter))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:  # uvicorn leaves the application running then, with its processes
            for task in self.server_state.tasks:
                task.cancel()
            await self.lifespan.shutdown()

    @property
    def _state(self) -> Any:
        app: Any = self.config.app
        return app.state


def listen(host: str, port: int, backlog: int = 2048) -> socket.socket:
    """A listening socket; raises OSError. Fronts that are started get it handed over."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def serve(listener: socket.socket, app: Any, options: dict[str, Any], lame_duck: float) -> int:
    """Serve in this process until told to stop; the exit status."""
    front = Front(uvicorn.Config(app, **options), lame_duck)
    front.run(sockets=[listener])
    return 1 if front.force_exit else 0


class Fronts:
    """Several fronts on one socket, each replaced when it ends before its time."""

    def __init__(self, count: int, listener: socket.socket, patience: float) -> None:
        self._listener = listener
        self._patience = patience
        self._context = multiprocessing.get_context("spawn")
        self._fronts: list[_Kept] = [_Kept(None, 0.0, 0.0) for _ in range(count)]
        self._signals: list[int] = []
        self._ending: float | None = None
        self._forced = False
        self._failed = False

    def run(self) -> int:
        """Until told to stop and all of them have; the exit status."""
        for sig in _SIGNALS:
            signal.signal(sig, lambda number, frame: self._signals.append(number))
        while True:
            self._pass_on()
            alive = [front for front in self._fronts if front.alive]
            if self._ending is None:
                self._replace()
            elif not alive:
                return STARTUP_FAILURE if self._failed else int(self._forced)
            elif time.monotonic() > self._ending:
                logger().warning("fronts did not stop in time and are killed", fronts=len(alive))
                self._forced = True
                self._send(signal.SIGKILL)
            time.sleep(POLL)

    def _pass_on(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            self._send(number)
            if number == signal.SIGHUP:
                continue
            if self._ending is None:
                self._ending = time.monotonic() + self._patience + KILL_AFTER
                self._listener.close()  # the fronts have their own: what comes after the last one closed is refused
            else:
                self._forced = True
                self._ending = min(self._ending, time.monotonic() + KILL_AFTER)

    def _send(self, number: int) -> None:
        for front in self._fronts:
            if front.process is not None and front.process.pid and front.alive:
                os.kill(front.process.pid, number)

    def _replace(self) -> None:
        now = time.monotonic()
        for front in self._fronts:
            if front.alive:
                continue
            if front.process is not None and front.process.exitcode == STARTUP_FAILURE:
                logger().error("a front could not start")
                self._failed = True
                self._signals.append(signal.SIGINT)
                return
            if front.due(now):
                front.process = self._context.Process(target=_front, args=(self._listener, os.getpid()))
                front.process.start()
                front.started = now


class _Kept:
    """One of several fronts: its process, when it was started, and the pause after which it is replaced."""

    def __init__(self, process: SpawnProcess | None, started: float, pause: float) -> None:
        self.process = process
        self.started = started
        self._pause = pause
        self._since: float | None = None  # when it was seen to have ended

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def due(self, now: float) -> bool:
        if self.process is None:
            return True
        if self._since is None:
            self._since = now
            steady = now - self.started > STEADY
            self._pause = FIRST_PAUSE if steady else min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
            logger().warning("a front ended", code=self.process.exitcode, restart_in=self._pause)
        if now - self._since < self._pause:
            return False
        self._since = None
        return True


def _front(listener: socket.socket, parent: int) -> None:
    """One of several fronts, in its own process; ends the process with its exit status."""
    # In a group of its own: Ctrl-C reaches the parent alone, which passes it on once.
    os.setpgrp()
    for sig in _SIGNALS:  # until the server takes them: one that is told to stop while it starts has nothing to finish
        signal.signal(sig, signal.SIG_DFL if sig != signal.SIGHUP else signal.SIG_IGN)
    threading.Thread(target=_follow, args=(parent,), name="parent", daemon=True).start()
    from .serve import run_front

    raise SystemExit(run_front(listener))


def _follow(parent: int) -> None:
    """End this front soon after its parent has ended, so that none is left over with the port.

    Polled, because PR_SET_PDEATHSIG is about the parent's thread: it fires when a thread that spawned us ends.
    """
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
