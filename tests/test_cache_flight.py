from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cache.flight import Flight, Interrupted


class Work:
    """Work that waits until it is let go, and notes how it went."""

    def __init__(self, result: str | Exception = "done") -> None:
        self.result = result
        self.started = 0
        self.cancelled = 0
        self.go = asyncio.Event()

    async def __call__(self) -> str:
        self.started += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def complaints() -> AsyncIterator[list[str]]:
    """What the event loop complains about: results never retrieved, tasks destroyed while pending."""
    heard: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context["message"]))
    yield heard
    loop.set_exception_handler(None)


@asynccontextmanager
async def callers(flight: Flight[str], work: Work, count: int) -> AsyncIterator[list[asyncio.Task[tuple[str, bool]]]]:
    """Callers of one key, all of them waiting."""
    tasks = [asyncio.create_task(flight.run("key", work)) for _ in range(count)]
    await settle()
    assert work.started == 1
    assert len(flight) == 1
    yield tasks
    await asyncio.gather(*tasks, return_exceptions=True)
    await settle()
    assert len(flight) == 0


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def outcomes(tasks: list[asyncio.Task[tuple[str, bool]]]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_many_callers_one_call() -> None:
    flight, work = Flight[str](), Work()
    async with callers(flight, work, 200) as tasks:
        work.go.set()
        assert await outcomes(tasks) == [("done", True)] + [("done", False)] * 199
    assert work.started == 1


async def test_keys_fly_apart_and_one_after_the_other() -> None:
    flight, one, other = Flight[str](), Work("one"), Work("other")
    one.go.set()
    other.go.set()
    found = await asyncio.gather(*(flight.run(str(work.result), work) for work in (one, other)))
    assert found == [("one", True), ("other", True)]
    assert await flight.run("one", one) == ("one", True)
    assert one.started == 2


async def test_a_failure_is_everybodys_and_not_remembered(complaints: list[str]) -> None:
    failure = ValueError("broken")
    flight, work = Flight[str](), Work(failure)
    async with callers(flight, work, 50) as tasks:
        work.go.set()
        assert await outcomes(tasks) == [failure] * 50
    work.result = "done"
    assert await flight.run("key", work) == ("done", True)
    del tasks
    gc.collect()
    assert complaints == []


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_a_caller_that_leaves_disturbs_nobody(leaver: int) -> None:
    flight, work = Flight[str](), Work()
    async with callers(flight, work, 3) as tasks:
        tasks[leaver].cancel()
        await settle()
        assert tasks[leaver].cancelled()
        work.go.set()
        found = await outcomes(tasks)
    assert [isinstance(result, asyncio.CancelledError) for result in found] == [number == leaver for number in range(3)]
    assert [result[0] for number, result in enumerate(found) if number != leaver] == ["done"] * 2
    assert (work.started, work.cancelled) == (1, 0)


async def test_newcomers_join_what_the_leader_left() -> None:
    flight, work = Flight[str](), Work()
    async with callers(flight, work, 2) as tasks:
        tasks[0].cancel()
        await settle()
        newcomer = asyncio.create_task(flight.run("key", work))
        await settle()
        work.go.set()
        assert await newcomer == ("done", False)


async def test_when_the_last_has_gone_the_work_is_cancelled(complaints: list[str]) -> None:
    flight, work = Flight[str](), Work()
    async with callers(flight, work, 3) as tasks:
        for task in tasks:
            task.cancel()
            await settle()
            assert work.cancelled == (task is tasks[-1])
    del task, tasks
    gc.collect()
    assert complaints == []


async def test_nobody_joins_what_is_being_cancelled() -> None:
    flight, first, second = Flight[str](), Work(), Work("second")
    unwinding = asyncio.Event()

    async def slow_to_end() -> str:
        try:
            return await first()
        finally:
            await unwinding.wait()

    caller = asyncio.create_task(flight.run("key", slow_to_end))
    await settle()
    caller.cancel()
    await settle()
    newcomer = asyncio.create_task(flight.run("key", second))
    await settle()
    unwinding.set()
    await settle()
    follower = asyncio.create_task(flight.run("key", second))
    await settle()
    second.go.set()
    assert [await newcomer, await follower] == [("second", True), ("second", False)]
    assert (first.cancelled, second.started) == (1, 1)


async def test_work_that_fails_after_everybody_left_is_no_news(complaints: list[str]) -> None:
    async def spiteful() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("not even now") from None
        return "never"

    flight = Flight[str]()
    caller = asyncio.create_task(flight.run("key", spiteful))
    await settle()
    caller.cancel()
    await settle()
    assert caller.cancelled()
    del caller
    gc.collect()
    assert (complaints, len(flight)) == ([], 0)


async def test_work_that_was_cancelled_by_others_does_not_look_like_a_callers_own_end() -> None:
    async def ended() -> str:
        raise asyncio.CancelledError

    flight = Flight[str]()
    tasks = [asyncio.create_task(flight.run("key", ended)) for _ in range(3)]
    assert [type(result) for result in await outcomes(tasks)] == [Interrupted] * 3
    assert len(flight) == 0


def test_the_end_of_the_loop_ends_everything(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        flight, work = Flight[str](), Work()
        tasks = [asyncio.create_task(flight.run("key", work)) for _ in range(3)]
        await settle()
        assert not any(task.done() for task in tasks)

    asyncio.run(main())
    assert caplog.records == []


async def test_what_may_not_be_shared_is_made_by_each() -> None:
    flight, work = Flight[str](), Work("large")
    work.go.set()
    found = await asyncio.gather(*(flight.run("key", work, lambda result: result != "large") for _ in range(4)))
    assert found == [("large", True)] * 4
    assert work.started == 4


async def test_work_that_does_not_start_is_a_failure_like_any_other() -> None:
    def make() -> Any:
        raise ValueError("no coroutine at all")

    flight = Flight[str]()
    found = await asyncio.gather(*(flight.run("key", make) for _ in range(2)), return_exceptions=True)
    assert [str(result) for result in found] == ["no coroutine at all"] * 2
    assert len(flight) == 0
