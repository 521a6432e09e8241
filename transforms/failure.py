"""Every error that a user can cause, in one type; the server turns it into a status and a problem document."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What went wrong, in words that know nothing of HTTP."""

    BAD_REQUEST = "bad-request"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOO_LARGE = "too-large"
    URI_TOO_LONG = "uri-too-long"
    UNSUPPORTED_MEDIA = "unsupported-media"
    UNPROCESSABLE = "unprocessable"
    BUSY = "busy"
    INTERNAL = "internal"
    NOT_IMPLEMENTED = "not-implemented"
    BAD_GATEWAY = "bad-gateway"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway-timeout"


class Failure(Exception):
    """A coded failure: `code` is stable and for programs, `message` and `hint` are for people.

    `details` holds what a client may want to act on (the step, the parameter, its bounds, the nearest name).
    Nothing in it may be internal: it is sent to the client as it is.
    """

    def __init__(
        self,
        kind: Kind,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        retry_after: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.hint = hint
        self.retry_after = retry_after
        self.details = dict(details or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # Failures travel from render processes to the front; Exception's own pickling drops keyword arguments.
        return _rebuild, (self.kind, self.code, self.message, self.hint, self.retry_after, self.details)

    def with_details(self, **more: Any) -> Failure:
        """The same failure with more details; those already there win."""
        return Failure(
            self.kind, self.code, self.message,
            hint=self.hint, retry_after=self.retry_after, details={**more, **self.details},
        )  # fmt: skip


def _rebuild(
    kind: Kind, code: str, message: str, hint: str | None, retry_after: int | None, details: dict[str, Any]
) -> Failure:
    return Failure(kind, code, message, hint=hint, retry_after=retry_after, details=details)


def bad_argument(message: str, *, hint: str | None = None, **details: Any) -> Failure:
    """A parameter whose text cannot be read or lies outside its bounds."""
    return Failure(Kind.BAD_REQUEST, "bad-argument", message, hint=hint, details=details)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or None where none comes near."""
    close = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=0.5)
    return close[0] if close else None
