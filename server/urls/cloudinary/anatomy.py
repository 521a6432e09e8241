"""The parts of a delivery path: `[/<cloud>]/image/<type>/[s--<signature>--/][<components>/][v<digits>/]<public id>`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from transforms.failure import Failure, Kind

from ...sources.source import SourceRef
from ...sources.url import canonical_url
from ..paths import Segment, decode, location, without_trailing_slashes
from ..request import Signature, bad_source, missing_source
from .component import is_component
from .vocabulary import words

ASSETS = frozenset(("image", "raw", "video"))
SHORT: Mapping[str, tuple[str, bool]] = {
    "iu": ("upload", False),
    "images": ("upload", True),
    "private_images": ("private", True),
    "authenticated_images": ("authenticated", True),
}
"""First words that say asset and delivery type at once, and whether the path ends with a suffix for search engines."""

_SERVED = ("upload", "fetch", "private", "authenticated")
_DELIVERIES = words(
    """
    authenticated dailymotion facebook fetch gravatar hulu list multi private public sprite text twitter twitter_name
    upload vimeo worldstarhiphop youtube
    """
)

_ALIASES = {"public": "upload"}  # as old SDKs write what a token of Cloudinary's own opens, which is not looked at

_CLOUD = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]+", re.ASCII)
_VERSION = re.compile(r"v[0-9]+", re.ASCII)
_SIGNED = re.compile(r"s--(.*)--", re.DOTALL)
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{8}(?:[A-Za-z0-9_-]{24})?", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)
_SUFFIX = re.compile(r"[^.]+(?:\.([^.]+))?", re.DOTALL)
_LONGEST_ID = 255
_NOT_THE_SOURCES = ("_a", "_i", "__cld_token__")  # parameters that SDKs add for Cloudinary itself

_LITERAL = re.compile("%24%28|%2[Ee]")
_END = re.compile("/|%2[Ff]")
_DOUBLED = re.compile(r"([^:/])/+")
_URL = re.compile(r"\A(https?:)/+", re.IGNORECASE)
_ESCAPE = re.compile(r"%(?!25)([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Form:
    """How a delivery path begins: `begin` segments say it. A `suffixed` one ends with words for search engines."""

    cloud: str
    asset: str
    delivery: str
    begin: int
    suffixed: bool = False


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What stands where in a path.

    The components are decoded once. `signable` is the text that Cloudinary's SDKs would sign; `rest` is the raw path
    from where a signature stands, or would stand.
    """

    form: Form
    components: tuple[str, ...]
    source: SourceRef
    signature: Signature | None
    signable: str
    rest: str


def form(segments: Sequence[Segment]) -> Form | None:
    """How a path begins, None where it is none of Cloudinary's. The cloud may be left out."""
    texts = [segment.text for segment in segments[:3]]
    found = _form(texts, len(segments), "")
    if found is None and texts and _CLOUD.fullmatch(texts[0]):
        found = _form(texts[1:], len(segments), texts[0])
        if found is not None and texts[1] == "images" and not _says_more(segments[found.begin].text):
            return None  # /assets/images/hero/large.jpg is a file in folders of ours
    return found


def _says_more(text: str) -> bool:
    """Whether no folder would be called so: a signature, a version or a component."""
    if _SIGNED.fullmatch(text) or _VERSION.fullmatch(text):
        return True
    try:
        return is_component(text)
    except Failure:
        return True


def _form(texts: list[str], count: int, cloud: str) -> Form | None:
    """The form that the first words after the cloud, if there is one, say; `count` segments are in the whole path."""
    begin = 2 if cloud else 1
    asset, delivery = (*texts[:2], "", "")[:2]
    if asset in SHORT:
        delivery, suffixed = SHORT[asset]
        # With one segment alone after it this is no id and suffix, but a file in a folder of that name.
        return Form(cloud, "image", delivery, begin, suffixed) if not suffixed or count >= begin + 2 else None
    if (asset == "image" or (cloud and asset in ASSETS)) and delivery in _DELIVERIES:
        return Form(cloud, asset, _ALIASES.get(delivery, delivery), begin + 1)
    return None


def read(segments: Sequence[Segment], raw_query: str = "") -> Anatomy:
    """The parts of a path. Raises Failure not-found where it is none of Cloudinary's."""
    found = form(segments)
    if found is None:
        raise Failure(Kind.NOT_FOUND, "not-found", "this is no delivery path", hint="/<cloud>/image/upload/<public id>")
    _check_served(found)
    given, rest = _given_signature(segments[found.begin :])
    body, suffix = (rest[:-1], rest[-1]) if found.suffixed else (rest, None)
    end = _components_end(body, found.delivery == "fetch")
    begin = end + (end < len(body) - 1 and bool(_VERSION.fullmatch(body[end].text)))
    if found.delivery == "fetch":
        source, written = _remote(body[begin:], raw_query)
    else:
        source, written = _public_id(body[begin:], suffix)
    # With and without the version: it is not signed, unless it is the first folder of the id.
    starts = dict.fromkeys((_raw(rest, 0, end), _raw(rest, 0, begin)))
    texts = (text for start in starts for text in _texts(start, written))
    signable = next(texts)
    signature = None if given is None else Signature("cloudinary", given, tuple(dict.fromkeys((signable, *texts))))
    components = tuple(map(_component, body[:end]))
    return Anatomy(found, components, source, signature, signable, rest[0].rest)


def _check_served(found: Form) -> None:
    if found.asset != "image":
        raise Failure(
            Kind.NOT_FOUND, "unsupported-asset-type", f"{found.asset} assets are not served, only images",
            details={"asset_type": found.asset},
        )  # fmt: skip
    if found.delivery not in _SERVED:
        raise Failure(
            Kind.UNAUTHORISED, "unsupported-delivery-type", f"delivery type {found.delivery} is not supported yet",
            hint=f"{', '.join(_SERVED)} are", details={"delivery_type": found.delivery},
        )  # fmt: skip


def _given_signature(segments: Sequence[Segment]) -> tuple[str | None, Sequence[Segment]]:
    """What stands between `s--` and `--`, empty where it cannot be a signature, and the segments after it.

    The alphabet of signatures has `-` in it: they are told by their length, 8 or 32, and never by the first `--`.
    """
    match = _SIGNED.fullmatch(segments[0].text) if segments else None
    if match is None:
        return None, segments
    return match[1] if _SIGNATURE.fullmatch(match[1]) else "", segments[1:]


def _components_end(segments: Sequence[Segment], fetched: bool) -> int:
    """How many leading segments are components: never the last one, none from a version or a scheme on."""
    for index, segment in enumerate(segments[:-1]):
        text = segment.text
        if _VERSION.fullmatch(text) or (fetched and _SCHEME.match(text)) or not is_component(text):
            return index
    return max(0, len(segments) - 1)


def _component(segment: Segment) -> str:
    """The text of a component.

    `%24%28name%29` stands for these very characters and not for a variable in a text, and `%2E` for a dot that does
    not end a flag: they are not decoded before these are read.
    """
    if not _LITERAL.search(segment.rest):
        return segment.text
    return decode(_LITERAL.sub(lambda match: match[0].replace("%", "%25"), _END.split(segment.rest, maxsplit=1)[0]))


def _public_id(segments: Sequence[Segment], suffix: Segment | None) -> tuple[SourceRef, str]:
    """The id, with the extension that its suffix has, and how it is written."""
    public_id = location(segment.text for segment in segments)
    written = _raw(segments, 0, len(segments), suffix)
    if suffix is not None:
        match = _SUFFIX.fullmatch(suffix.text)
        if match is None:
            raise Failure(Kind.BAD_REQUEST, "bad-suffix", f"the suffix {suffix.text!r} has dots in it")
        if match[1]:
            public_id += "." + match[1]
            written += "." + without_trailing_slashes(suffix.rest).partition(".")[2]
    if len(public_id) > _LONGEST_ID:
        raise Failure(
            Kind.BAD_REQUEST, "id-too-long", f"a public id has at most {_LONGEST_ID} characters",
            details={"maximum": _LONGEST_ID},
        )  # fmt: skip
    return SourceRef("id", public_id), written


def _remote(segments: Sequence[Segment], raw_query: str) -> tuple[SourceRef, str]:
    """The URL to fetch, decoded once, as SDKs encode it, and how it is written.

    One without a query of its own takes the request's, which then is signed as SDKs encode it.
    """
    if not segments:
        raise missing_source()
    scheme = _SCHEME.match(segments[0].text)
    if scheme is None:
        raise bad_source("fetch needs an http:// or https:// URL")
    if scheme[0].lower() not in ("http:", "https:"):
        raise bad_source(f"{scheme[0]} is no scheme that pictures are fetched by", Kind.FORBIDDEN)
    text, written = decode(segments[0].rest), segments[0].rest
    query = _sources_query(raw_query)
    if query and "?" not in text and ":" in segments[0].rest[: len(scheme[0])]:
        text = f"{text}?{query}"
        written += quote(f"?{query}", safe="/:")
    url = canonical_url(text)
    return SourceRef(url.partition(":")[0], url), written


def _sources_query(raw_query: str) -> str:
    """The query without what Cloudinary's SDKs add about themselves."""
    return "&".join(pair for pair in raw_query.split("&") if pair.partition("=")[0] not in _NOT_THE_SOURCES)


def _raw(segments: Sequence[Segment], begin: int, end: int, after: Segment | None = None) -> str:
    """The raw path from one segment to before another, without the slashes after it; `after` follows the last one."""
    if begin == end:
        return ""
    following = segments[end] if end < len(segments) else after
    text = segments[begin].rest
    return without_trailing_slashes(text if following is None else text[: -len(following.rest)])


def _texts(transformation: str, source: str) -> Iterator[str]:
    """The texts that a signature may be over, beginning with the one that SDKs sign.

    They collapse slashes and then sign, before something on the way escapes spaces or commas, and a proxy may collapse
    those of a URL afterwards. Every spelling means the same request, so that a signature opens nothing else.
    """
    escaped = "%" in transformation or "%" in source
    spellings = (_as_sent, _spaced, _comma_separated, _both, _unescaped) if escaped else (_as_sent,)
    pairs = ((spell(transformation), written) for spell in spellings for written in (source, spell(source)))
    for parts in dict.fromkeys(pairs):
        yield "/".join(_tidy(part) for part in parts if part)
        yield "/".join(part for part in parts if part)


def _tidy(text: str) -> str:
    """With single slashes, but after a URL's scheme; a URL's others are left alone: they may mean another picture."""
    if _URL.match(text):
        return _URL.sub(r"\1//", text)
    return _DOUBLED.sub(r"\1/", text)


def _as_sent(raw: str) -> str:
    return raw


def _spaced(raw: str) -> str:
    return raw.replace("%20", " ")


def _comma_separated(raw: str) -> str:
    return raw.replace("%2C", ",").replace("%2c", ",")


def _both(raw: str) -> str:
    return _comma_separated(_spaced(raw))


def _unescaped(raw: str) -> str:
    """Without any escape but that of the percent sign, whose value would be decoded once more."""
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), raw)
    same = unquote_to_bytes(text.encode("latin-1")) == unquote_to_bytes(raw.encode("latin-1"))
    return text if same else raw  # after a lone percent sign they may differ
