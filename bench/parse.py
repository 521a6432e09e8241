"""How long parsing a path takes: `python -m bench.parse [corpus.jsonl]`, one line for each dialect."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from server import urls
from transforms.failure import Failure

NATIVE = ["/resize:400x300/bus.jpg", "/face-crop:200x200,zoom=1.5/format:webp/quality:80/-/folder/zidane.jpg",
          "/resize:400x300,fit=cover,gravity=face/blur:3/round:max/https%3A%2F%2Fhost.example%2Fa.jpg"]  # fmt: skip
CLOUDINARY = [
    "c_fill,w_400,h_300,g_auto/f_auto/q_auto",
    "c_thumb,g_face,w_200,h_200,r_max/a_10,b_red/f_auto,q_auto:eco",
]


def microseconds(path: str, rounds: int = 5) -> float:
    """The best of a few parses of one path; a refusal counts like an answer."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        with contextlib.suppress(Failure):
            urls.parse(path)
        best = min(best, time.perf_counter() - begin)
    return best * 1e6


def report(name: str, paths: Iterable[str]) -> None:
    times = [microseconds(path) for path in paths]
    worst = max(times)
    print(f"{name}: {len(times)} paths, {statistics.median(times):.0f} µs median, {worst:.0f} µs worst")


def main() -> None:
    texts = CLOUDINARY
    if len(sys.argv) > 1:
        texts = [json.loads(line)["t"] for line in Path(sys.argv[1]).read_text().splitlines()]
    report("native", NATIVE)
    encoded = (text.encode().decode("latin-1") for text in texts)
    report("cloudinary", (f"/demo/image/upload/{text}/v1/sample.jpg" for text in encoded))


if __name__ == "__main__":
    main()
