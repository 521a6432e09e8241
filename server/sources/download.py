"""Writing down what arrives, and the failures that all remote sources share."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

import blake3

from transforms.failure import Failure, Kind

from .source import too_many_bytes
from .spool import Draft

if TYPE_CHECKING:
    from typing_extensions import Buffer


async def save(chunks: AsyncIterable[Buffer], draft: Draft, limit: int) -> tuple[int, str]:
    """Write a body as it comes; its size and a hash of it (0.2 ms per MB), which no origin can get wrong.

    Raises Failure `too-many-bytes`, `spool-full`.
    """
    size, content = 0, blake3.blake3()
    async for chunk in chunks:
        view = memoryview(chunk)
        size += view.nbytes
        if size > limit:
            raise too_many_bytes(limit)
        content.update(view)
        await draft.write(view)
    return size, content.hexdigest(16)


def failed(message: str) -> Failure:
    return Failure(Kind.BAD_GATEWAY, "source-failed", message)


def refused(message: str) -> Failure:
    return Failure(Kind.FORBIDDEN, "source-refused", message)


def timed_out() -> Failure:
    return Failure(
        Kind.GATEWAY_TIMEOUT,
        "source-timeout",
        "the source's server took too long",
        hint="DARKROOM_CONNECT_TIMEOUT, DARKROOM_FIRST_BYTE_TIMEOUT and DARKROOM_DOWNLOAD_TIMEOUT set the limits",
    )
