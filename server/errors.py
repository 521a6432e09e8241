"""Failures as responses: one problem document (RFC 9457) for all, its status and how long a CDN may keep it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from transforms.failure import Failure, Kind

from .refusals import Private

STATUS: dict[Kind, int] = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHORISED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.TOO_LARGE: 413,
    Kind.URI_TOO_LONG: 414,
    Kind.UNSUPPORTED_MEDIA: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.BUSY: 429,
    Kind.INTERNAL: 500,
    Kind.NOT_IMPLEMENTED: 501,
    Kind.BAD_GATEWAY: 502,
    Kind.UNAVAILABLE: 503,
    Kind.GATEWAY_TIMEOUT: 504,
}

_KEPT = {401: 10, 403: 10, 404: 10}  # seconds; other 4xx 60, 429 and 5xx not at all


def status_of(failure: Failure) -> int:
    return STATUS[failure.kind]


def problem(failure: Failure, **more: Any) -> dict[str, Any]:
    """The problem document of a failure. `more` adds members such as the request id."""
    status = status_of(failure)
    document = {
        "type": f"urn:darkroom:{failure.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": failure.code,
        "detail": failure.message,
        "hint": failure.hint,
        **failure.details,
        **more,
    }
    return {name: value for name, value in document.items() if value is not None}


def cache_control(status: int) -> str:
    if status == 429 or status >= 500:
        return "no-store"
    return f"public, max-age={_KEPT.get(status, 60)}"


def respond(failure: Failure, *, vary: str | None = None, cloudinary: bool = False, **more: Any) -> Response:
    """The response to a failure; in Cloudinary's dialect X-Cld-Error says the reason too, as its clients expect."""
    status = status_of(failure)
    headers = {"Cache-Control": "private, no-store" if isinstance(failure, Private) else cache_control(status)}
    if failure.retry_after is not None:
        headers["Retry-After"] = str(failure.retry_after)
    if vary:
        headers["Vary"] = vary
    if failure.kind is Kind.METHOD_NOT_ALLOWED:
        headers["Allow"] = "GET, HEAD, OPTIONS"
    if cloudinary:
        headers["X-Cld-Error"] = _header_text(_reason(failure))
    body = json.dumps(problem(failure, **more), ensure_ascii=False).encode()
    return Response(body, status, headers, media_type="application/problem+json")


def _reason(failure: Failure) -> str:
    """The failure in one line, which begins as Cloudinary's do where a component is at fault."""
    component, key = failure.details.get("component"), failure.details.get("key")
    begin = f"Invalid {key} in transformation: {component} - " if component and key else ""
    return begin + failure.message + (f"; {failure.hint}" if failure.hint else "")


def _header_text(text: str) -> str:
    """ASCII without control characters, at most 400 of them: what may stand in a header."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)[:400]


def internal_error() -> Failure:
    """What a client learns of a fault of ours: nothing but that it happened."""
    return Failure(Kind.INTERNAL, "internal-error", "the server made a mistake; it is in its log")
