"""Writing down what arrives, and the failures that all remote sources share."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

import blake3

from transforms.failure import Failure, Kind

from .source import too_many_bytes

if TYPE_CHECKING:
    from typing_extensions import Buffer


async def save(chunks: AsyncIterable[Buffer], descriptor: int, limit: int) -> tuple[int, str]:
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
        _write(descriptor, view)
    return size, content.hexdigest(16)


def _write(descriptor: int, view: memoryview) -> None:
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Failure(
            Kind.UNAVAILABLE, "spool-full", "there is no room left for another source", retry_after=2
        ) from error


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
