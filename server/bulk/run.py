"""Many pictures through the parts of the server, several at a time, in the order that they were named."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from transforms.failure import Failure

from ..assemble import Parts
from ..bar import Bar
from ..settings import Settings
from ..urls.request import Request
from .exiv2 import Exiv2
from .items import Item, told
from .resumed import Done
from .rows import Row, row_of
from .work import Work
from .writers import Writer

EACH = 2  # pictures in flight for each render process, so that one is ready when another is done
AHEAD = 8  # times that, which may be done before one that takes long


@dataclass
class Tally:
    """How it went."""

    done: int = 0
    failed: int = 0
    skipped: int = 0


async def tag(
    parts: Parts, settings: Settings, items: Iterable[Item], work: Work, writer: Writer, done: Done, total: int | None
) -> Tally:
    """Looks at each item that is not done yet, and writes its row. Holds no more than some dozens of rows."""
    tally, at_once = Tally(), EACH * settings.renderers
    gate = asyncio.Semaphore(at_once)

    async def one(item: Item) -> Row:
        async with gate:
            return await _row(parts, item, work, exiv2)

    with Exiv2() as exiv2, Bar("tagging", total) as advance:
        left = _undone(items, done, tally, advance)
        async for row in _in_order((one(item) for item in left), at_once * AHEAD):
            writer.write(row)
            tally.done += 1
            tally.failed += "error" in row or isinstance(row.get("keywords"), dict)
            advance()
    return tally


async def _in_order(work: Iterator[Any], ahead: int) -> AsyncIterator[Row]:
    """The results in their order, at most `ahead` of them begun or waiting to be taken."""
    begun: deque[asyncio.Task[Row]] = deque()
    try:
        for coroutine in work:
            begun.append(asyncio.ensure_future(coroutine))
            if len(begun) >= ahead:
                yield await begun.popleft()
        while begun:
            yield await begun.popleft()
    finally:
        for task in begun:
            task.cancel()


async def _row(parts: Parts, item: Item, work: Work, exiv2: Exiv2) -> Row:
    state = item.state()
    try:
        report = await _report(parts, Request(work.pipeline, item.ref()))
    except Failure as failure:
        return row_of(item, state, {"error": {"code": failure.code, "message": failure.message}}, work.asked)
    if work.keywords and not item.is_remote:
        report["keywords"] = await _keywords(exiv2, item, report, dry=work.dry)
        state = item.state()
    return row_of(item, state, report, work.asked)


async def _report(parts: Parts, request: Request) -> Row:
    asked = parts.delivery.asked(request)
    answer = await parts.delivery.deliver(asked, asked.negotiation.client({}), frozenset())
    assert answer.entry is not None  # noqa: S101 - no etag was given that could match
    report: Row = json.loads(answer.entry.body)
    return report


async def _keywords(exiv2: Exiv2, item: Item, report: Row, *, dry: bool) -> Any:
    told = (tag for tag in report.get("tags", ()) if tag.get("by") != "colors" and tag.get("kind") != "synonym")
    words = [str(tag["tag"]) for tag in told]
    try:
        return await exiv2.write(item.path, words, dry=dry)
    except Failure as failure:
        return {"error": {"code": failure.code, "message": failure.message}}


def is_done(item: Item, done: Done) -> bool:
    return (name := told(item.name)) in done and done[name] == item.state()


def _undone(items: Iterable[Item], done: Done, tally: Tally, advance: Callable[[], None]) -> Iterator[Item]:
    for item in items:
        if is_done(item, done):
            tally.skipped += 1
            advance()
        else:
            yield item
