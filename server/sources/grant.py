"""What an origin says about keeping its answer, read as a shared cache reads it (RFC 9111, RFC 5861)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug.datastructures import ResponseCacheControl
from werkzeug.http import parse_cache_control_header, parse_date

YEAR = 365 * 86400.0
_SAYING = ("Cache-Control", "Expires")


@dataclass(frozen=True, slots=True)
class Grant:
    """Seconds from now, None where nothing is said.

    `private`: a shared cache must not keep the answer (no-store, private). `ask`: each use asks the origin first
    (no-cache). `browser_for` is for caches of one user, where that is something else. `while_revalidate` and `if_error`
    are how long it may be used after `fresh_for`. `said` is False for an answer that says nothing, which changes
    nothing where it only confirms what is known.
    """

    fresh_for: float | None = None
    private: bool = False
    ask: bool = False
    while_revalidate: float | None = None
    if_error: float | None = None
    said: bool = False
    browser_for: float | None = None


UNSAID = Grant()


def granted(headers: Mapping[str, str]) -> Grant:
    """The grant of an answer: s-maxage before max-age before Expires, less the Age that it already has.

    `must-revalidate` and `proxy-revalidate` forbid any use after it; s-maxage alone does not, as with the CDNs.
    """
    # The parser knows directives in lower case only; they may be written in any.
    control = parse_cache_control_header(headers.get("Cache-Control", "").lower(), cls=ResponseCacheControl)
    private = "no-store" in control or "private" in control
    if private or "no-cache" in control:
        return Grant(0.0, private, ask=True, while_revalidate=0.0, if_error=0.0, said=True)
    strict = 0.0 if "must-revalidate" in control or "proxy-revalidate" in control else None
    fresh_for = _fresh_for(control, headers)
    return Grant(
        fresh_for,
        while_revalidate=_seconds(control, "stale-while-revalidate", 0.0 if fresh_for == 0 else None, strict),
        if_error=_seconds(control, "stale-if-error", None, strict),
        said=any(name in headers for name in _SAYING),
        browser_for=_browser_for(control, headers),
    )


def _fresh_for(control: ResponseCacheControl, headers: Mapping[str, str]) -> float | None:
    lifetime = next((age for age in (control.s_maxage, control.max_age) if age is not None), None)
    seconds = _expires_in(headers) if lifetime is None else float(lifetime)
    return None if seconds is None else _left(seconds, headers)


def _browser_for(control: ResponseCacheControl, headers: Mapping[str, str]) -> float | None:
    if control.s_maxage is None or control.max_age is None:
        return None
    return _left(float(control.max_age), headers)


def _left(seconds: float, headers: Mapping[str, str]) -> float:
    return min(max(seconds - _age(headers), 0.0), YEAR)


def _seconds(control: ResponseCacheControl, name: str, unsaid: float | None, strict: float | None) -> float | None:
    text = control.get(name) or ""
    said = min(float(text), YEAR) if text.isascii() and text.isdecimal() else unsaid
    return said if strict is None else strict


def _expires_in(headers: Mapping[str, str]) -> float | None:
    if "Expires" not in headers:
        return None
    expires = parse_date(headers["Expires"])
    if expires is None:
        return 0.0  # RFC 9111, 5.3: what is no date, "0" above all, has expired
    return (expires - (parse_date(headers.get("Date")) or datetime.now(UTC))).total_seconds()


def _age(headers: Mapping[str, str]) -> int:
    age = headers.get("Age", "")
    return int(age) if age.isascii() and age.isdecimal() and len(age) < 12 else 0


def validator(text: str | None) -> str | None:
    """An ETag or Last-Modified as it came, if it can be sent back and is worth keeping."""
    return text if text and len(text) <= 512 and text.isascii() and text.isprintable() else None
