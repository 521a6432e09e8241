"""The pool of render processes: one a core, a kill timer, a memory limit, recycled after a number of renders."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as RanTooLong
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from types import TracebackType
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from transforms.failure import Failure, Kind
from transforms.limits import Limits

from . import renderer
from .renderer import Job, Rendered

T = TypeVar("T")

RENDERS_PER_PROCESS = 10_000  # codecs leak a little; a fresh process costs 0.3 s
MEMORY_BYTES = 1024 * 1024**2  # what a render may take on top of an idle process

# s that a render goes on which nobody waits for any more: as long as a fresh process costs. Most end within it (a
# thumbnail takes 0.03 s), and what does not is ended at no more than twice the least possible cost.
GRACE = 0.2
NICENESS = 5  # renders give way to the front: who is refused, or asks how the server is, hears it at once
TRIES = 3  # pools that may break under one job


class Renderers:
    """Render processes. Use as an async context manager.

    They come from a fork server, never from a fork of a process with threads and a running loop.
    """

    def __init__(
        self,
        processes: int,
        seconds: float,
        detection: str | None,
        secret: str | None = None,
        *,
        limits: Limits,
        memory_bytes: int = MEMORY_BYTES,
        fonts: tuple[str, ...] = (),
        on_loss: Callable[[str], None] = lambda why: None,
    ) -> None:
        # A second net below our own limits: OpenCV reads it when it is loaded, in the fork server.
        os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(limits.source_pixels))
        self.processes = processes
        self.seconds = seconds
        self._on_loss = on_loss
        self._arguments = (detection, secret, memory_bytes, fonts)
        self._stopped = False
        self._memory_kills = _memory_kills()
        self._pool = self._fresh_pool()

    def _fresh_pool(self) -> ProcessPool:
        context = get_context("forkserver")
        context.set_forkserver_preload(["server.renderer"])
        return ProcessPool(
            max_workers=self.processes,
            max_tasks=RENDERS_PER_PROCESS,
            initializer=_start,
            initargs=self._arguments,
            context=context,
        )

    async def __aenter__(self) -> Renderers:
        """Starts every process, so that the first request does not wait for one."""
        await asyncio.gather(*(self._run(renderer.ready) for _ in range(self.processes)))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._stopped = True
        await asyncio.to_thread(_end, self._pool)

    async def render(self, job: Job) -> Rendered:
        """Render one job; raises Failure, and source-too-costly where the process died of it or was killed.

        When it is cancelled it ends once the process is free again, within GRACE: whoever counts places by it counts
        right.
        """
        try:
            return await self._run(renderer.render, job)
        except ProcessExpired as expired:
            if expired.exitcode != -signal.SIGKILL:
                raise self._lost("crashed") from None
            if self._was_out_of_memory():
                raise self._lost("memory") from None
        except RanTooLong:
            raise self._lost("timeout") from None
        # SIGKILL of an operator is not the picture's fault: try once more.
        self._on_loss("killed")
        try:
            return await self._run(renderer.render, job)
        except (ProcessExpired, RanTooLong):
            raise self._lost("crashed") from None

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        """Raises what `function` raises, ProcessExpired or RanTooLong."""
        for _ in range(TRIES - 1):
            try:
                return await self._scheduled(function, arguments)
            except BrokenProcessPool:
                # pebble gives a pool up where a process ends that has nothing to do.
                self._on_loss("idle")
        return await self._scheduled(function, arguments)

    async def _scheduled(self, function: Callable[..., T], arguments: tuple[object, ...]) -> T:
        pool = self._pool
        try:
            future = pool.schedule(function, args=arguments, timeout=self.seconds)
        except RuntimeError:  # what a broken pool says, and one that has been stopped
            if self._stopped:
                raise
            pool = await self._replace(pool)
            future = pool.schedule(function, args=arguments, timeout=self.seconds)
        ended: asyncio.Future[T] = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            if not ended.done():
                await self._abandon(pool, future, ended)
            raise
        finally:
            del future, ended  # a failure in them holds on to this frame, and all that its callers have at hand

    async def _abandon(self, pool: ProcessPool, future: Future[T], ended: asyncio.Future[T]) -> None:
        """Ends what nobody waits for. Not before it has begun: pebble would end the process that takes it up."""
        ended.add_done_callback(_forget)
        try:
            until = asyncio.get_running_loop().time() + self.seconds + 1
            while not future.running() and not ended.done():
                if asyncio.get_running_loop().time() > until and not self._stopped:
                    await self._replace(pool)  # no process takes anything up: one was killed with the lock in its hand
                    return
                await asyncio.wait((ended,), timeout=0.05)
            await asyncio.wait((ended,), timeout=GRACE)
        finally:
            if future.cancel():
                self._on_loss("abandoned")

    async def _replace(self, broken: ProcessPool) -> ProcessPool:
        """The pool in the place of one that is of no use any more, which somebody else may have replaced already."""
        if self._pool is broken:
            self._pool = self._fresh_pool()
            await asyncio.to_thread(_end, broken)
        return self._pool

    def _was_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process for want of memory since this was asked last."""
        before, self._memory_kills = self._memory_kills, _memory_kills()
        return self._memory_kills > before

    def _lost(self, why: str) -> Failure:
        self._on_loss(why)
        return too_costly()


def too_costly() -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "source-too-costly", "the picture could not be rendered within the limits of one render"
    )


def _start(detection: str | None, secret: str | None, memory_bytes: int, fonts: tuple[str, ...]) -> None:
    os.nice(NICENESS)
    renderer.start(detection, secret, memory_bytes, fonts)


def _memory_kills() -> int:
    """Processes that the kernel has killed because memory was short; it does not tell which."""
    try:
        with open("/proc/vmstat") as counters:
            return next((int(line.split()[1]) for line in counters if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0


def _forget(ended: asyncio.Future[T]) -> None:
    if not ended.cancelled():
        ended.exception()  # has now been looked at


def _end(pool: ProcessPool) -> None:
    """Ends a pool with all its processes, those of a broken one too. Blocks for up to 5 seconds."""
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join(5)
