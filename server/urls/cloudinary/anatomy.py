"""The parts of a delivery path: `[/<cloud>]/image/<delivery type>/[<components>/][v<digits>/]<public id or URL>`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.failure import Failure, Kind

from ...sources.source import SourceRef
from ...sources.url import canonical_url
from ..paths import Segment, decode, location
from ..request import bad_source, missing_source
from .component import is_component
from .vocabulary import words

ASSETS = frozenset(("image", "raw", "video"))
_DELIVERIES = words(
    """
    authenticated dailymotion facebook fetch gravatar hulu list multi private public sprite text twitter twitter_name
    upload vimeo worldstarhiphop youtube
    """
)

_CLOUD = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]+", re.ASCII)
_VERSION = re.compile(r"v[0-9]+", re.ASCII)
_SIGNATURE = re.compile(r"s--.*--", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_LONGEST_ID = 255
_ANALYTICS = ("_a", "_i")


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The components as they stand in the path, decoded once, and the picture that they are for."""

    components: tuple[str, ...]
    source: SourceRef


def begins(segments: Sequence[Segment]) -> int | None:
    """Where the asset type stands: 0, or 1 after a cloud name; None where the path is none of Cloudinary's."""
    texts = [segment.text for segment in segments[:3]]
    if texts[:1] == ["image"] and _is_delivery(texts[1:2]):
        return 0
    if texts[1:2] and texts[1] in ASSETS and _is_delivery(texts[2:3]) and _CLOUD.fullmatch(texts[0]):
        return 1
    return None


def _is_delivery(texts: list[str]) -> bool:
    return bool(texts) and texts[0] in _DELIVERIES


def read(segments: Sequence[Segment], raw_query: str = "") -> Anatomy:
    """The parts of a path whose first segment is the asset type."""
    asset, delivery = segments[0].text, segments[1].text
    rest = segments[2:]
    _check_served(asset, delivery)
    if rest and _SIGNATURE.fullmatch(rest[0].text):
        raise Failure(Kind.UNAUTHORISED, "signature-not-supported", "signed delivery is not supported yet")
    fetched = delivery == "fetch"
    end = _components_end(rest, fetched)
    components = tuple(segment.text for segment in rest[:end])
    if end < len(rest) - 1 and _VERSION.fullmatch(rest[end].text):
        end += 1  # it busts caches and selects nothing
    return Anatomy(components, _remote(rest[end:], raw_query) if fetched else _public_id(rest[end:]))


def _check_served(asset: str, delivery: str) -> None:
    if asset != "image":
        raise Failure(
            Kind.NOT_FOUND, "unsupported-asset-type", f"{asset} assets are not served, only images",
            details={"asset_type": asset},
        )  # fmt: skip
    if delivery not in ("upload", "fetch"):
        raise Failure(
            Kind.UNAUTHORISED, "unsupported-delivery-type", f"delivery type {delivery} is not supported yet",
            hint="upload and fetch are", details={"delivery_type": delivery},
        )  # fmt: skip


def _components_end(segments: Sequence[Segment], fetched: bool) -> int:
    """How many leading segments are components: never the last one, none from a version or a scheme on."""
    for index, segment in enumerate(segments[:-1]):
        text = segment.text
        if _VERSION.fullmatch(text) or (fetched and _SCHEME.match(text)) or not is_component(text):
            return index
    return max(0, len(segments) - 1)


def _public_id(segments: Sequence[Segment]) -> SourceRef:
    public_id = location(segment.text for segment in segments)
    if len(public_id) > _LONGEST_ID:
        raise Failure(
            Kind.BAD_REQUEST, "id-too-long", f"a public id has at most {_LONGEST_ID} characters",
            details={"maximum": _LONGEST_ID},
        )  # fmt: skip
    return SourceRef("id", public_id)


def _remote(segments: Sequence[Segment], raw_query: str) -> SourceRef:
    """The URL to fetch, decoded once, as SDKs encode it; one without a query of its own takes the request's."""
    if not segments:
        raise missing_source()
    scheme = _SCHEME.match(segments[0].text)
    if scheme is None:
        raise bad_source("fetch needs an http:// or https:// URL")
    if scheme[0].lower() not in ("http:", "https:"):
        raise bad_source(f"{scheme[0]} is no scheme that pictures are fetched by", Kind.FORBIDDEN)
    text = decode(segments[0].rest)
    query = _without_analytics(raw_query)
    if query and "?" not in text and ":" in segments[0].rest[: len(scheme[0])]:
        text = f"{text}?{query}"
    url = canonical_url(text)
    return SourceRef(url.partition(":")[0], url)


def _without_analytics(raw_query: str) -> str:
    """The query without what Cloudinary's SDKs add about themselves."""
    return "&".join(pair for pair in raw_query.split("&") if pair.partition("=")[0] not in _ANALYTICS)
