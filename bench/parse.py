"""How long parsing and printing a path takes: `python -m bench.parse [corpus.jsonl]`.

For each dialect the median and the 99th percentile over the paths of the best of a few parses, each as if the chain of
components had never been seen (a server remembers the last few hundred); then the slowest paths;
at last what an 8 KB path of each kind of nonsense costs, which nobody may make slow.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from server import urls
from server.urls.cloudinary import compiler
from server.urls.request import Request
from transforms.failure import Failure

NATIVE = ["/resize:400x300/bus.jpg", "/face-crop:200x200,zoom=1.5/format:webp/quality:80/-/folder/zidane.jpg",
          "/resize:400x300,fit=cover,gravity=face/blur:3/round:max/https%3A%2F%2Fhost.example%2Fa.jpg"]  # fmt: skip
CLOUDINARY = [
    "c_fill,w_400,h_300,g_auto/f_auto/q_auto",
    "c_thumb,g_face,w_200,h_200,r_max/a_10,b_red/f_auto,q_auto:eco",
    "$v_w_mul_2/if_fc_gt_1_and_w_lt_500,c_scale,w_$v/if_else,w_100/l_text:Arial_20:Hi,g_south/f_auto",
]
SHOWN = 5
TARGET = 300.0  # µs
NONSENSE = [
    "%2F",
    "(",
    "-",
    "w_",
    "$a_",
    "!a",
    "_mul_w",
    "a:",
    "9",
    "if_w_gt_1,",
    "%25",
    "w,",
    "/",
    "a.",
    ";",
    "tags~a:",
]
AROUND = ["/demo/image/upload/{}/v1/a.jpg", "/demo/image/upload/w_{}/v1/a.jpg", "/demo/image/upload/if_{},w_9/v1/a.jpg",
          "/demo/image/upload/l_text:Arial_20:{}/v1/a.jpg", "/demo/image/upload/g_{},c_fill,w_9/v1/a.jpg",
          "/let:a={}/a.jpg", "/if:{}/end/a.jpg", "/resize:({})x/a.jpg", "/{}/a.jpg",
          "/a.jpg{}", "/demo/image/upload/a.jpg{}"]  # fmt: skip


def microseconds(work: Callable[[], object], rounds: int = 5) -> float:
    """The best of a few rounds; a refusal counts like an answer."""
    best = float("inf")
    for _ in range(rounds):
        compiler.forget()
        begin = time.perf_counter()
        with contextlib.suppress(Failure):
            work()
        best = min(best, time.perf_counter() - begin)
    return best * 1e6


def report(name: str, paths: Iterable[str], shown: int = SHOWN, rounds: int = 5) -> None:
    """One line for all, and the slowest."""
    times = sorted(((microseconds(lambda: urls.parse(path), rounds), path) for path in paths), reverse=True)  # noqa: B023
    taken = [microseconds for microseconds, _ in times]
    over = sum(one > TARGET for one in taken)
    print(
        f"{name}: {len(times)} paths, {statistics.median(taken):.0f} µs median, {taken[len(taken) // 100]:.0f} µs p99,"
        f" {taken[0]:.0f} µs worst, {over} over {TARGET:.0f} µs"
    )
    for microseconds_, path in times[:shown]:
        print(f"  {microseconds_:6.0f} µs  {path[:140]}")


def request(path: str) -> Request | None:
    with contextlib.suppress(Failure):
        return urls.parse(path)
    return None


def main() -> None:
    texts = CLOUDINARY
    if len(sys.argv) > 1:
        texts = [json.loads(line)["t"] for line in Path(sys.argv[1]).read_text().splitlines()]
    paths = [f"/demo/image/upload/{text.encode().decode('latin-1')}/v1/sample.jpg" for text in texts]
    for path in (*NATIVE, *paths):  # whatever is made once
        request(path)
    requests = [found for found in map(request, paths) if found]
    report("cloudinary", paths)
    report("native", [*NATIVE, *map(urls.canonical, requests)])
    report(
        "nonsense of 8 KB", [place.format((piece * 8000)[:8000]) for piece in NONSENSE for place in AROUND], rounds=1
    )
    for name, print_ in (("canonical", urls.canonical), ("cloudinary", urls.cloudinary.print)):
        taken = [microseconds(lambda: print_(one), 3) for one in requests]  # noqa: B023
        print(f"printing {name}: {statistics.median(taken):.0f} µs median, {max(taken):.0f} µs worst")


if __name__ == "__main__":
    main()
