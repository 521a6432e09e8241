"""The pool of render processes: what crashes, hangs or grows costs one renderer and one answer."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pebble.common import CONSTS
from PIL import Image

from server import renderer
from server.renderer import Job, Rendered
from server.renderers import Renderers
from transforms.failure import Failure
from transforms.limits import Limits
from transforms.output import Client

from . import crashes, pictures
from .servers import Server


def job(path: Path, pipeline: str = "resize:20x") -> Job:
    return Job(str(path), pipeline, Client(), Limits(), time.monotonic() + 10)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.file(pictures.photo(320, 240), "JPEG"))
    return path


def with_pool(work: Callable[[Renderers], Any], seconds: float = 20, **options: Any) -> Any:
    async def run() -> Any:
        async with Renderers(1, seconds, None, limits=Limits(), **options) as pool:
            return await work(pool)

    return asyncio.run(run())


def test_a_render(photo: Path) -> None:
    rendered: Rendered = with_pool(lambda pool: pool.render(job(photo)))
    assert Image.open(io.BytesIO(rendered.body)).size == (20, 15)
    assert (rendered.media_type, rendered.degraded, rendered.found) == ("image/jpeg", (), None)


@pytest.mark.parametrize(
    ("accident", "why"), [(crashes.segfault, "crashed"), (crashes.hang, "timeout")], ids=["segfault", "hang"]
)
def test_an_accident_is_the_sources_fault_and_the_pool_lives_on(
    photo: Path, monkeypatch: pytest.MonkeyPatch, accident: Callable[[Job], None], why: str
) -> None:
    lost: list[str] = []

    async def work(pool: Renderers) -> Rendered:
        with monkeypatch.context() as patch:
            patch.setattr(renderer, "render", accident)
            with pytest.raises(Failure) as caught:
                await pool.render(job(photo))
        assert (caught.value.code, caught.value.kind) == ("source-too-costly", "unprocessable")
        return await pool.render(job(photo))

    assert with_pool(work, seconds=1.0 if why == "timeout" else 20, on_loss=lost.append).body
    assert lost == [why]


def test_a_kill_from_outside_is_not_the_sources_fault(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []
    monkeypatch.setattr(renderer, "render", crashes.killed_once)
    assert with_pool(lambda pool: pool.render(job(photo)), on_loss=lost.append).body
    assert lost == ["killed"]


async def give_up(pool: Renderers, work: Job) -> None:
    task = asyncio.create_task(pool.render(work))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_short_render_that_nobody_waits_for_costs_no_process(photo: Path) -> None:
    lost: list[str] = []

    async def work(pool: Renderers) -> set[int]:
        before = {process.pid for process in psutil.Process().children(recursive=True)}
        for n in range(5):
            task = asyncio.create_task(pool.render(job(photo, f"resize:{20 + n}x")))
            await asyncio.sleep(0.001 * n)
            task.cancel()
        assert (await pool.render(job(photo))).body
        return before ^ {process.pid for process in psutil.Process().children(recursive=True)}

    assert with_pool(work, on_loss=lost.append) == set()
    assert lost == []


def test_a_long_render_that_nobody_waits_for_is_ended(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []

    async def work(pool: Renderers) -> Rendered:
        with monkeypatch.context() as patch:
            patch.setattr(renderer, "render", crashes.hang)
            await give_up(pool, job(photo))
        async with asyncio.timeout(10):
            return await pool.render(job(photo))

    assert with_pool(work, seconds=60, on_loss=lost.append).body
    assert lost == ["abandoned"]


def test_what_comes_too_late_is_not_decoded(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("was opened")

    monkeypatch.setattr(renderer, "open_source", never)
    with pytest.raises(Failure) as caught:
        renderer.render(dataclasses.replace(job(photo), deadline=time.monotonic() - 1))
    assert caught.value.code == "deadline-exceeded"


def test_what_the_kernel_ends_for_want_of_memory_is_not_tried_again(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter(range(10))
    lost: list[str] = []
    monkeypatch.setattr("server.renderers._memory_kills", lambda: next(kills))
    monkeypatch.setattr(renderer, "render", crashes.killed_once)

    async def work(pool: Renderers) -> None:
        with pytest.raises(Failure) as caught:
            await pool.render(job(photo))
        assert caught.value.code == "source-too-costly"

    with_pool(work, on_loss=lost.append)
    assert lost == ["memory"]


def test_processes_that_are_killed_again_and_again_are_replaced(photo: Path) -> None:
    async def work(pool: Renderers) -> list[Rendered]:
        made = []
        for n in range(4):
            for process in psutil.Process().children(recursive=True):
                if process.ppid() != os.getpid():  # renderers are children of the fork server
                    process.kill()
            made += await asyncio.gather(*(pool.render(job(photo, f"resize:{20 + n}x")) for _ in range(4)))
        return made

    assert all(rendered.body for rendered in with_pool(work))


def test_memory_is_limited(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(pictures.file(pictures.checks(6000, 6000), "PNG"))

    async def work(pool: Renderers) -> None:
        with pytest.raises(Failure) as caught:
            await pool.render(job(large, "rotate:7"))
        assert caught.value.code == "source-too-costly"
        assert (await pool.render(job(large, "crop:9x9"))).body  # the process lives

    with_pool(work, memory_bytes=160 * 2**20)


def test_no_process_outlives_the_pool(photo: Path) -> None:
    async def work(pool: Renderers) -> None:
        await pool.render(job(photo))

    before = set(multiprocessing.active_children())
    with_pool(work)
    assert set(multiprocessing.active_children()) <= before


def test_what_was_too_costly_is_refused_at_once_for_a_while(media: Path, detection: str) -> None:
    with Server(media=media, detection=detection, renderers=1, render_timeout=1) as server:
        server.wait("/health")

        def answer(path: str) -> tuple[int, str]:
            response = server.get(path)
            return response.status_code, response.json()["code"] if response.status_code != 200 else "ok"

        refused = (422, "source-too-costly")
        slow = "/resize:{}x,enlarge/oil-paint:100/cartoonify/oil-paint:90/cartoonify:90/photo.jpg"
        assert answer(slow.format(4000)) == refused
        lost = server.metric("darkroom_lost_renderers_total")
        assert answer(slow.format(4000)) == refused
        assert server.metric("darkroom_lost_renderers_total") == lost
        assert answer("/resize:11x/photo.jpg") == (200, "ok")  # the source is innocent so far
        assert [answer(slow.format(4000 + n)) for n in (1, 2, 3)] == [refused] * 3
        assert answer("/resize:12x/photo.jpg") == (200, "ok")  # it is the steps that cost so much


def test_a_source_that_is_too_costly_whatever_is_done_is_refused(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).integers(0, 256, (1, 7000, 3), np.uint8)
    Image.fromarray(np.tile(rows, (7000, 1, 1))).save(tmp_path / "large.png", compress_level=9)
    Image.fromarray(rows).save(tmp_path / "small.png")
    with Server(media=tmp_path, detection="/nonexistent", renderers=1, render_timeout=0.5) as server:
        server.wait("/health")
        assert [server.get(f"/resize:{side}x/large.png").status_code for side in (11, 12, 13)] == [422] * 3
        lost = server.metric("darkroom_lost_renderers_total")
        assert server.get("/resize:14x/large.png").json()["code"] == "source-too-costly"
        assert server.metric("darkroom_lost_renderers_total") == lost
        assert server.get("/resize:14x/small.png").status_code == 200


def test_an_idle_process_that_ends_is_replaced(server: Server) -> None:
    assert server.get("/resize:71x/photo.jpg").status_code == 200
    [forkserver] = [child for child in server.children("forkserver") if child.ppid() == server.process.pid]
    renderers = forkserver.children()
    os.kill(renderers[0].pid, signal.SIGKILL)
    time.sleep(0.3)  # pebble looks ten times a second
    assert [server.get(f"/resize:{72 + n}x/photo.jpg").status_code for n in range(6)] == [200] * 6
    assert len(forkserver.children()) == len(renderers)  # and none of the old ones is left over


def test_a_long_call_into_a_codec_is_ended_as_well(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the polite signal already: a handler in Python would run only when the call returns."""
    monkeypatch.setattr(CONSTS, "term_timeout", 120)  # s until pebble would use SIGKILL

    async def work(pool: Renderers) -> None:
        monkeypatch.setattr(renderer, "render", crashes.hang_in_c)
        async with asyncio.timeout(15):  # the call itself takes longer
            with pytest.raises(Failure, match="limits of one render"):
                await pool.render(job(photo))

    with_pool(work, seconds=0.5)


def test_a_full_queue_is_told_so(media: Path, detection: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Server(media=media, detection=detection, renderers=1, queue_size=1) as server:
        server.wait("/health")

        def ask(n: int) -> int:
            answer = server.get(f"/resize:{2000 + n}x,enlarge/format:avif/photo.jpg")
            if answer.status_code == 429:
                assert (answer.json()["code"], answer.headers["retry-after"]) == ("queue-full", "1")
                assert answer.headers["cache-control"] == "no-store"
            return answer.status_code

        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(ask, range(8)))
            assert server.get("/health").status_code == 200
        shed = server.metric('darkroom_shed_total{reason="queue-full"}')
    assert set(statuses) == {200, 429}
    assert shed == statuses.count(429)
