from __future__ import annotations

import pytest

from cache.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(limit=3, pause=1.0, clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.fail()


@pytest.mark.parametrize(("failures", "open_"), [(0, False), (2, False), (3, True), (9, True)])
def test_it_opens_after_failures_in_a_row(breaker: Breaker, failures: int, open_: bool) -> None:
    fail(breaker, failures)
    assert breaker.open is open_
    assert breaker.admit() is not open_


def test_a_success_in_between_counts_from_zero(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeed()
    fail(breaker, 2)
    assert not breaker.open


def test_one_probe_a_pause(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 0.99
    assert not breaker.admit()
    clock.now += 0.01
    assert [breaker.admit() for _ in range(3)] == [True, False, False]
    clock.now += 1.0  # the probe never reported back
    assert [breaker.admit() for _ in range(3)] == [True, False, False]


def test_a_failed_probe_waits_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1.5
    assert breaker.admit()
    breaker.fail()
    clock.now += 0.99
    assert not breaker.admit()
    clock.now += 0.01
    assert breaker.admit()


def test_a_successful_probe_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1.0
    assert breaker.admit()
    breaker.succeed()
    assert not breaker.open
    assert all(breaker.admit() for _ in range(5))
