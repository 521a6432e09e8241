"""The queue before the renderers: bounds, turns, refusals, and that nothing of it leaks."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Coroutine
from typing import Any

import pytest

from server.admission import HOT_PIXELS, LEAST_PIXELS, SAMPLES, Admission, weight
from server.clients import Clients
from server.sources.netguard import Network
from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline

M = 1_000_000
FOREVER = float("inf")


class FakeClock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Renders:
    """Renders that end when the test says so; `order` is who came in."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.order: list[str] = []
        self._inside: list[asyncio.Event] = []

    def ask(self, name: str, client: str = "", pixels: int = M, deadline: float = FOREVER) -> asyncio.Task[None]:
        return asyncio.create_task(self._render(name, client, pixels, deadline))

    async def _render(self, name: str, client: str, pixels: int, deadline: float) -> None:
        async with self.admission.admitted(client, pixels, deadline):
            self.order.append(name)
            done = asyncio.Event()
            self._inside.append(done)
            await done.wait()

    async def end_one(self) -> None:
        self._inside.pop(0).set()
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def code_of(task: asyncio.Task[None]) -> str | None:
    try:
        await asyncio.wait_for(task, 5)
    except Failure as failure:
        return failure.code
    return None


def is_empty(admission: Admission) -> bool:
    return (
        admission.inside, admission.waiting, admission.pixels_inside, admission.pixels_waiting, admission.age
    ) == (0, 0, 0, 0, 0)  # fmt: skip


def test_as_many_as_there_is_room_for_come_in_and_the_rest_in_their_order() -> None:
    async def work() -> None:
        clock = FakeClock()
        admission = Admission(2, 10, 5, clock=clock)
        renders = Renders(admission)
        tasks = [renders.ask(str(n)) for n in range(5)]
        await settle()
        clock.now += 3
        assert renders.order == ["0", "1"]
        assert (admission.inside, admission.waiting, admission.age) == (2, 3, 3.0)
        assert (admission.pixels_inside, admission.pixels_waiting) == (2 * M, 3 * M)
        for _ in tasks:
            await renders.end_one()
        assert renders.order == list("01234")
        await asyncio.gather(*tasks)
        assert is_empty(admission)

    run(work())


def test_the_old_way_to_ask_still_counts() -> None:
    async def work() -> None:
        admission = Admission(1, 0, 5)
        async with admission.admitted():
            assert admission.pixels_inside == LEAST_PIXELS
            with pytest.raises(Failure, match="too many") as caught:
                admission.refuse_if_full()
            assert (caught.value.code, caught.value.kind, caught.value.retry_after) == ("queue-full", Kind.BUSY, 1)
        admission.refuse_if_full()
        assert is_empty(admission)

    run(work())


@pytest.mark.parametrize(
    ("waiting", "pixels", "accepted"),
    [([], 500 * M, True), ([40 * M], 60 * M, True), ([40 * M], 61 * M, False), ([1] * 100, 1, False)],
    ids=["alone", "fits", "too many pixels", "icons weigh as well"],
)
def test_the_queue_is_bounded_by_pixels(waiting: list[int], pixels: int, accepted: bool) -> None:
    async def work() -> None:
        admission = Admission(1, 1000, 5, most_waiting=100 * M)
        renders = Renders(admission)
        tasks = [renders.ask("first")] + [renders.ask("w", pixels=each) for each in waiting]
        await settle()
        if accepted:
            admission.refuse_if_full("", pixels)
        else:
            with pytest.raises(Failure):
                admission.refuse_if_full("", pixels)
        last = renders.ask("last", pixels=pixels)
        await settle()
        assert last.done() is not accepted
        for task in (*tasks, last):
            task.cancel()
        await asyncio.gather(*tasks, last, return_exceptions=True)
        assert is_empty(admission)

    run(work())


@pytest.mark.parametrize(
    ("pipeline", "pixels", "counts"),
    [("explain:dog", M, HOT_PIXELS), ("explain:dog", 50 * M, 50 * M), ("auto-tag", M, M), ("resize:10x", M, M)],
)
def test_a_heat_map_counts_as_a_large_picture(pipeline: str, pixels: int, counts: int) -> None:
    assert weight(pixels, Pipeline.parse(pipeline).needs) == counts


def test_heat_maps_of_one_client_leave_room_for_others() -> None:
    async def work() -> None:
        admission = Admission(4, 100, 5, most_inside=40 * M)
        renders = Renders(admission)
        hot = weight(M, {"objects:heat:dog"})
        tasks = [renders.ask(f"hot {n}", "a", hot) for n in range(4)]
        await settle()
        assert renders.order == ["hot 0", "hot 1"]
        tasks.append(renders.ask("b", "b"))
        await renders.end_one()
        assert renders.order == ["hot 0", "hot 1", "hot 2", "b"]
        while len(renders.order) < len(tasks):
            await renders.end_one()
        while admission.inside:
            await renders.end_one()
        await asyncio.gather(*tasks)
        assert is_empty(admission)

    run(work())


def test_pixels_inside_are_bounded_too_but_a_giant_goes_in_alone() -> None:
    async def work() -> None:
        admission = Admission(4, 10, 5, most_inside=100 * M)
        renders = Renders(admission)
        tasks = [renders.ask(name, pixels=size * M) for name, size in (("a", 60), ("b", 50), ("c", 300), ("d", 1))]
        await settle()
        assert renders.order == ["a"]
        await renders.end_one()
        assert renders.order == ["a", "b"]  # the giant is next, and small ones do not overtake it for ever
        await renders.end_one()
        assert renders.order == ["a", "b", "c"]
        for _ in range(2):
            await renders.end_one()
        await asyncio.gather(*tasks)
        assert is_empty(admission)

    run(work())


def test_clients_take_turns() -> None:
    async def work() -> None:
        admission = Admission(1, 1000, 60, clock=FakeClock())
        renders = Renders(admission)
        tasks = [renders.ask(f"a{n}", "a") for n in range(500)]
        await settle()
        tasks += [renders.ask("b0", "b"), renders.ask("c0", "c"), renders.ask("b1", "b")]
        await settle()
        for _ in range(6):
            await renders.end_one()
        assert renders.order == ["a0", "a1", "b0", "c0", "a2", "b1", "a3"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert is_empty(admission)

    run(work())


def test_one_client_may_fill_the_queue_until_another_comes() -> None:
    async def work() -> None:
        admission = Admission(1, 8, 60)
        renders = Renders(admission)
        hog = [renders.ask(f"a{n}", "a") for n in range(10)]
        await settle()
        assert [task.done() for task in hog] == [False] * 9 + [True]
        admission.refuse_if_full("b")
        other = renders.ask("b0", "b")
        await settle()
        assert not other.done()
        assert [await code_of(task) for task in hog[8:]] == ["queue-full", "queue-full"]  # the latest gave way
        with pytest.raises(Failure):
            admission.refuse_if_full("a")
        for task in (*hog, other):
            task.cancel()
        await asyncio.gather(*hog, other, return_exceptions=True)
        assert is_empty(admission)

    run(work())


def test_those_with_equal_shares_do_not_push_each_other_out() -> None:
    async def work() -> None:
        admission = Admission(1, 4, 60)
        renders = Renders(admission)
        tasks = [renders.ask(f"{client}{n}", client) for n in range(2) for client in "ab"] + [renders.ask("a9", "a")]
        await settle()
        late = renders.ask("b9", "b")
        assert await code_of(late) == "queue-full"
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(work())


def test_a_waiter_that_goes_frees_its_place_at_once() -> None:
    async def work() -> None:
        admission = Admission(1, 2, 60)
        renders = Renders(admission)
        first, second, third = (renders.ask(str(n)) for n in range(3))
        await settle()
        with pytest.raises(Failure):
            admission.refuse_if_full()
        second.cancel()
        await settle()
        assert admission.waiting == 1
        admission.refuse_if_full()
        await renders.end_one()
        assert renders.order == ["0", "2"]
        await renders.end_one()
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert is_empty(admission)

    run(work())


def test_one_that_is_cancelled_as_its_turn_comes_passes_it_on() -> None:
    async def work() -> None:
        admission = Admission(1, 5, 60)
        renders = Renders(admission)
        tasks = [renders.ask(str(n)) for n in range(3)]
        await settle()
        renders._inside.pop(0).set()
        for _ in range(10):
            if admission.waiting == 2:
                await asyncio.sleep(0)
        assert renders.order == ["0"]
        tasks[1].cancel()  # it has been called, and has not run yet
        await settle()
        assert renders.order[-1] == "2"
        await renders.end_one()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert is_empty(admission)

    run(work())


@pytest.mark.parametrize(("deadline", "code"), [(FOREVER, "queue-timeout"), (1002.0, "deadline-exceeded")])
def test_who_comes_too_late_never_gets_in(deadline: float, code: str) -> None:
    async def work() -> None:
        clock = FakeClock()
        admission = Admission(1, 5, 3, clock=clock)
        renders = Renders(admission)
        tasks = [renders.ask("first"), renders.ask("late", deadline=deadline)]
        await settle()
        clock.now += 3
        tasks.append(renders.ask("fresh"))
        await settle()
        await renders.end_one()
        assert renders.order == ["first", "fresh"]
        assert await code_of(tasks[1]) == code
        await renders.end_one()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert is_empty(admission)

    run(work())


def test_a_passed_deadline_is_told_before_anything_else() -> None:
    async def work() -> None:
        admission = Admission(1, 5, 3, clock=FakeClock())
        assert await code_of(Renders(admission).ask("late", deadline=1000.0)) == "deadline-exceeded"
        assert is_empty(admission)

    run(work())


def test_a_wait_ends_by_itself() -> None:
    async def work() -> None:
        admission = Admission(1, 5, 0.02)
        renders = Renders(admission)
        first = renders.ask("first")
        await settle()
        assert await code_of(renders.ask("late")) == "queue-timeout"
        assert admission.waiting == 0
        await renders.end_one()
        await first
        assert is_empty(admission)

    run(work())


def test_who_would_wait_too_long_is_refused_at_the_door() -> None:
    """With a turn each 0.5 s six may wait in a line of 5 s: 3 s, which leaves room for turns that take longer."""

    async def work() -> None:
        clock = FakeClock()
        admission = Admission(1, 1000, 5, clock=clock)
        renders = Renders(admission)
        tasks = [renders.ask(f"a{n}", "a") for n in range(SAMPLES + 7)]
        await settle()
        for _ in range(SAMPLES):
            clock.now += 0.5
            await renders.end_one()
        assert admission.waiting == 6
        admission.refuse_if_full("a")
        tasks.append(renders.ask("a", "a"))
        await settle()
        assert admission.waiting == 7
        with pytest.raises(Failure) as caught:
            admission.refuse_if_full("a")
        assert caught.value.code == "queue-full"
        assert await code_of(renders.ask("a", "a")) == "queue-full"
        admission.refuse_if_full("b")  # whose turn comes after one of a's
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert is_empty(admission)

    run(work())


def test_the_32_connections_of_the_benchmark_are_served() -> None:
    """Its slowest pictures come at 18 a second; each connection asks again once it is answered."""

    async def work() -> None:
        clock = FakeClock()
        admission = Admission(4, 512, 5, most_waiting=800 * M, clock=clock)
        renders = Renders(admission)
        tasks = [renders.ask("", "bench", 12 * M) for _ in range(32)]
        for _ in range(300):
            await settle()
            clock.now += 1 / 18
            await renders.end_one()
            admission.refuse_if_full("bench")
            tasks.append(renders.ask("", "bench", 12 * M))
        assert not [task for task in tasks if task.done() and task.exception()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(work())


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_nothing_is_lost_and_no_bound_is_broken(seed: int) -> None:
    async def work() -> None:
        chance = random.Random(seed)  # noqa: S311 - the same each time
        clock = FakeClock()
        admission = Admission(3, 20, 5, most_inside=90 * M, most_waiting=200 * M, clock=clock)
        renders = Renders(admission)
        tasks: list[asyncio.Task[None]] = []
        for _ in range(600):
            match chance.randrange(5):
                case 0 | 1:
                    deadline = clock.now + chance.uniform(0, 9)
                    tasks.append(renders.ask("", chance.choice("abc"), chance.randrange(120 * M), deadline))
                case 2 if tasks:
                    chance.choice(tasks).cancel()
                case 3 if renders._inside:
                    renders._inside.pop(0).set()
                case _:
                    clock.now += chance.uniform(0, 0.5)
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            assert 0 <= admission.inside <= 3
            assert 0 <= admission.waiting <= 20
            assert admission.pixels_inside <= 90 * M or admission.inside == 1
            assert admission.pixels_waiting <= 200 * M or admission.waiting == 1
        clock.now += 100
        while not all(task.done() for task in tasks):
            await settle()
            for done in renders._inside:
                done.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} <= {type(None), Failure, asyncio.CancelledError}
        assert is_empty(admission)

    run(work())


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # whoever is no proxy may say what it likes
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::/64"),
        ("2001:db8:0:1:2:3:4:5", "", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("", "198.51.100.7", "198.51.100.7"),  # a proxy at a Unix socket
    ],
)
def test_who_the_client_is(peer: str, forwarded: str, client: str) -> None:
    networks: tuple[Network, ...] = (ipaddress.ip_network("10.0.0.0/8"),)
    assert Clients(networks).of(peer, forwarded) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert Clients().of("127.0.0.1", "198.51.100.7") == "127.0.0.1"
