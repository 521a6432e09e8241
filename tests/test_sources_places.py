"""How many may ask one origin at a time."""

from __future__ import annotations

import asyncio
import time

import pytest

from server.sources.places import Places
from transforms.failure import Failure, Kind


async def test_those_who_wait_come_in_their_order() -> None:
    done: list[int] = []
    line = Places(1, 10)

    async def ask(number: int) -> None:
        async with line.of("a", time.monotonic() + 5):
            await asyncio.sleep(0)
            done.append(number)

    await asyncio.gather(*map(ask, range(8)))
    assert (done, len(line)) == (list(range(8)), 0)


async def test_waiting_ends_with_the_deadline_and_origins_do_not_wait_for_each_other() -> None:
    line = Places(1, 10)
    async with line.of("a", time.monotonic() + 5):
        async with line.of("b", time.monotonic() + 5):
            with pytest.raises(Failure) as caught:
                async with line.of("a", time.monotonic() + 0.02):
                    raise AssertionError
        assert (caught.value.kind, caught.value.code) == (Kind.UNAVAILABLE, "source-busy")
        assert caught.value.retry_after
    assert len(line) == 0


@pytest.mark.parametrize("queued", [0, 1, 3])
async def test_a_full_line_is_refused_at_once(queued: int) -> None:
    line = Places(2, queued)

    async def ask() -> None:
        async with line.of("a", time.monotonic() + 5):
            await asyncio.sleep(0.01)

    got = await asyncio.gather(*(ask() for _ in range(10)), return_exceptions=True)
    assert [type(found) for found in got].count(Failure) == 10 - 2 - queued
    assert len(line) == 0


async def test_a_place_moves_with_a_redirect() -> None:
    line = Places(1, 0)
    async with line.of("a", time.monotonic() + 5) as place:
        await place.at("b")
        async with line.of("a", time.monotonic() + 5) as other:
            with pytest.raises(Failure):
                await other.at("b")
    assert len(line) == 0


async def test_who_leaves_the_line_leaves_no_trace() -> None:
    line = Places(1, 5)
    async with line.of("a", time.monotonic() + 5):

        async def ask() -> None:
            async with line.of("a", time.monotonic() + 5):
                raise AssertionError

        waiting = asyncio.create_task(ask())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert len(line) == 0
    async with line.of("a", time.monotonic() + 5):
        pass
