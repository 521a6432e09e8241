"""The URL language under fire: `python -m fuzz.urls --seconds 60`.

Paths are mutated from the samples until the time is over, by atheris where it is installed, else by hypothesis. Each
must give a request that keeps every promise (`tests.generated.checked`) or a coded Failure, within SLOW seconds. The
first that does not is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server import urls
from tests.generated import checked, mutations, seeds
from transforms.failure import Failure

SLOW = 1.0  # s: a parse of 8 KB takes 20 ms at most, so that this is no hiccup of the machine
BATCH = 2000

BYTES = st.binary(max_size=200).map(lambda data: data.decode("latin-1"))
PATHS = mutations() | mutations() | BYTES | BYTES.map(lambda data: "/demo/image/upload/" + data)


def fire(path: str) -> None:
    """One path; raises whatever is wrong with what becomes of it."""
    begin = time.perf_counter()
    try:
        urls.parse(path)
    except Failure:
        pass
    finally:
        taken = time.perf_counter() - begin
    if taken > SLOW:
        raise AssertionError(f"it took {taken:.1f} s")
    checked(path)


def tried(path: str) -> bool:
    """Whether a path is dealt with as promised; what is not is printed."""
    try:
        fire(path)
    except Exception:
        print(f"\n{path!r}", file=sys.stderr)
        traceback.print_exc()
        return False
    return True


def by_hypothesis(seconds: float) -> int:
    """The number of paths tried, up to the first that fails, which ends the program."""
    count = 0
    until = time.monotonic() + seconds

    @settings(
        max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(PATHS)
    def batch(path: str) -> None:
        nonlocal count
        if time.monotonic() < until:
            count += 1
            if not tried(path):
                sys.exit(1)

    for path in seeds():
        tried(path) or sys.exit(1)
    while time.monotonic() < until:
        batch()
    return count


def by_atheris(seconds: float) -> None:
    """Guided by coverage; libFuzzer ends the program."""
    import atheris

    def one(data: bytes) -> None:
        path = data.decode("latin-1")
        fire(path)
        fire("/demo/image/upload/" + path)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}"], one)
    atheris.Fuzz()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=60.0)
    seconds: float = arguments.parse_args().seconds
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(f"{by_hypothesis(seconds)} paths, nothing wrong")
    else:
        by_atheris(seconds)


if __name__ == "__main__":
    main()
