"""Failures as they are kept in the cache, for a while: what a source made fail would fail again."""

from __future__ import annotations

from typing import Any

from transforms.failure import Failure, Kind

LASTING = frozenset({
    Kind.BAD_REQUEST, Kind.NOT_FOUND, Kind.TOO_LARGE, Kind.UNSUPPORTED_MEDIA, Kind.UNPROCESSABLE, Kind.NOT_IMPLEMENTED,
})  # fmt: skip
"""Kinds of failures that the picture or the steps cause, not the moment."""


class Private(Failure):
    """A failure of what nobody but the one who asked may keep anything of."""

    @classmethod
    def of(cls, failure: Failure) -> Private:
        return cls(
            failure.kind, failure.code, failure.message, hint=failure.hint, retry_after=failure.retry_after,
            details=failure.details,
        )  # fmt: skip


def written(failure: Failure) -> list[Any]:
    """A failure as a part of an entry's meta."""
    return [failure.kind.value, failure.code, failure.message, failure.hint, failure.retry_after, failure.details]


def read(written: object) -> Failure | None:
    """The failure that was written, None for everything else."""
    match written:
        case [str(kind), str(code), str(message), hint, retry_after, dict(details)] if kind in set(Kind):
            return Failure(
                Kind(kind), code, message, details=details,
                hint=hint if isinstance(hint, str) else None,
                retry_after=retry_after if isinstance(retry_after, int) else None,
            )  # fmt: skip
    return None
