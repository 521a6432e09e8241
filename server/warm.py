"""`darkroom warm`: asks for pictures before anybody waits for them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from .bar import Bar

TRIES = 5
LONGEST_PAUSE = 30.0  # s, whatever Retry-After says
PATIENCE = 60.0  # s for an answer
BUSY = (429, 503)


@dataclass
class Summary:
    """How the requests ended. `failures` are pairs of what was asked for and why it could not be had."""

    seconds: float = 0.0
    bytes: int = 0
    retries: int = 0
    results: Counter[str] = field(default_factory=Counter)  # of Cache-Status: hit, stale, miss, collapsed
    failures: list[tuple[str, str]] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        return {
            "requests": sum(self.results.values()) + len(self.failures), **dict(sorted(self.results.items())),
            "failed": len(self.failures), "retries": self.retries, "bytes": self.bytes,
            "seconds": round(self.seconds, 2), "failures": [{"url": url, "why": why} for url, why in self.failures],
        }  # fmt: skip

    def printed(self) -> str:
        counts = ", ".join(f"{count} {result}" for result, count in sorted(self.results.items()))
        requests = sum(self.results.values()) + len(self.failures)
        lines = [f"{requests} requests in {self.seconds:.1f} s: {counts or 'none'}, {len(self.failures)} failed"]
        return "\n".join([*lines, *(f"  {url}: {why}" for url, why in self.failures)])


def listed(given: Sequence[str], standard_input: Iterable[str], base: str) -> list[str]:
    """The whole URLs that were given, each once: as they are, in files, or on standard input. Paths are of `base`.

    Raises OSError for a file that cannot be read, ValueError for what is neither a URL nor a path nor a file.
    """
    return list(dict.fromkeys(_whole(text, base) for text in _lines(given, standard_input)))


def _lines(given: Sequence[str], standard_input: Iterable[str]) -> Iterator[str]:
    for text in given:
        if text == "-":
            lines = standard_input
        elif "://" not in text and Path(text).is_file():
            lines = Path(text).read_text(encoding="utf-8").splitlines()
        else:
            lines = [text]
        yield from (line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _whole(text: str, base: str) -> str:
    if text.startswith(("http://", "https://")):
        return text
    if text.startswith("/"):
        return base.rstrip("/") + text
    raise ValueError(f"{text!r} is neither a URL nor a path that begins with /, nor a file")


async def warmed(urls: Sequence[str], accept: Sequence[str], concurrency: int) -> Summary:
    """Ask for each URL with each Accept header, `concurrency` at a time, with a progress bar on standard error."""
    summary = Summary()
    began = time.monotonic()
    left = iter([(url, header) for url in urls for header in accept])
    limits = httpx2.Limits(max_connections=concurrency)
    with Bar("warming", len(urls) * len(accept)) as advance:
        async with httpx2.AsyncClient(timeout=PATIENCE, limits=limits, trust_env=False) as client:

            async def work() -> None:
                for url, header in left:
                    await _warm(client, url, header, summary)
                    advance()

            await asyncio.gather(*(work() for _ in range(concurrency)))
    summary.seconds = time.monotonic() - began
    return summary


async def _warm(client: httpx2.AsyncClient, url: str, accept: str, summary: Summary) -> None:
    why = "no answer"
    for attempt in range(TRIES):
        if attempt:
            summary.retries += 1
        try:
            answer = await client.get(url, headers={"Accept": accept})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = str(error) or type(error).__name__
            if isinstance(error, httpx2.ConnectError) and not summary.results:
                break  # nobody has answered yet: nobody is there
            await asyncio.sleep(_pause(attempt, ""))
            continue
        if answer.status_code < 400:
            summary.results[_result(answer.headers.get("cache-status", ""))] += 1
            summary.bytes += len(answer.content)
            return
        why = _why(answer)
        if answer.status_code not in BUSY:
            break
        await asyncio.sleep(_pause(attempt, answer.headers.get("retry-after", "")))
    summary.failures.append((url, why))


def _pause(attempt: int, retry_after: str) -> float:
    """Seconds before the next try: what the server asks for, else doubling from half a second; and a little chance,
    so that those who were refused together do not come back together."""
    asked = float(retry_after) if retry_after.isdecimal() else 0.5 * 2**attempt
    return min(asked, LONGEST_PAUSE) * random.uniform(1.0, 1.2)  # noqa: S311 (not a secret)


def _result(status: str) -> str:
    """hit, stale, collapsed or miss, out of Cache-Status (RFC 9211); of several caches the last, which is nearest."""
    said = {part.strip() for part in status.rpartition(",")[2].split(";")}
    if "collapsed" in said:
        return "collapsed"
    if "hit" in said:
        return "stale" if any("stale" in part for part in said) else "hit"
    return "miss"


def _why(answer: httpx2.Response) -> str:
    try:
        return f"{answer.status_code} {answer.json()['code']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
