"""The pool of render processes: one a core, a kill timer, a memory limit, recycled after a number of renders."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
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
        on_loss: Callable[[str], None] = lambda why: None,
    ) -> None:
        # A second net below our own limits: OpenCV reads it when it is loaded, in the fork server.
        os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(limits.source_pixels))
        self.processes = processes
        self.seconds = seconds
        self._on_loss = on_loss
        self._arguments = (detection, secret, memory_bytes)
        self._stopped = False
        self._pool = self._fresh_pool()

    def _fresh_pool(self) -> ProcessPool:
        context = get_context("forkserver")
        context.set_forkserver_preload(["server.renderer"])
        return ProcessPool(
            max_workers=self.processes,
            max_tasks=RENDERS_PER_PROCESS,
            initializer=renderer.start,
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
        """Render one job; raises Failure, and source-too-costly where the process died of it or was killed."""
        try:
            return await self._run(renderer.render, job)
        except ProcessExpired as expired:
            if expired.exitcode != -signal.SIGKILL:
                raise self._lost("crashed") from None
        except RanTooLong:
            raise self._lost("timeout") from None
        # SIGKILL comes from outside (an operator, the kernel short of memory), not from the picture: try once more.
        self._on_loss("killed")
        try:
            return await self._run(renderer.render, job)
        except (ProcessExpired, RanTooLong):
            raise self._lost("crashed") from None

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        """Raises what `function` raises, ProcessExpired or RanTooLong. Cancelling it ends the process that is at it."""
        try:
            return await self._scheduled(function, arguments)
        except BrokenProcessPool:
            # pebble gives a pool up where a process ends that has nothing to do.
            self._on_loss("idle")
            return await self._scheduled(function, arguments)

    async def _scheduled(self, function: Callable[..., T], arguments: tuple[object, ...]) -> T:
        try:
            future = self._pool.schedule(function, args=arguments, timeout=self.seconds)
        except RuntimeError:  # what a broken pool says, and one that has been stopped
            if self._stopped:
                raise
            broken, self._pool = self._pool, self._fresh_pool()
            await asyncio.to_thread(_end, broken)
            future = self._pool.schedule(function, args=arguments, timeout=self.seconds)
        result: T = await asyncio.wrap_future(future)
        return result

    def _lost(self, why: str) -> Failure:
        self._on_loss(why)
        return Failure(
            Kind.UNPROCESSABLE, "source-too-costly", "the picture could not be rendered within the limits of one render"
        )


def _end(pool: ProcessPool) -> None:
    """Ends a pool with all its processes, those of a broken one too. Blocks for up to 5 seconds."""
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join(5)
