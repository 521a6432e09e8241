"""Darkroom's own URLs: `/<step>/<step>/…/<source>`."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

from transforms.failure import Failure, Kind, bad_argument, nearest
from transforms.pipeline import CONTROL, End, Node, Pending, Pipeline, opens_block, parse_node
from transforms.registry import find, operations

from ..sources.source import SourceRef
from ..sources.url import canonical_url
from . import base64url
from .cloudinary import compiler
from .paths import Segment, decode, location, split, written
from .request import Request, Signature, bad_source, in_format, missing_source

END = "-"  # the segment that ends the steps

_SIGNED = re.compile(r"s--(?:([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})|.*)--", re.ASCII | re.DOTALL)
_EXPIRES = re.compile(r"expires:([0-9]{1,12})", re.ASCII)
_PLAIN_URL = re.compile(r"https?:/", re.IGNORECASE)
_PRINTED_PLAIN = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?")
_STEP_SAFE = "!$&'()*+,:;=@~"
_PATH_SAFE = "/" + _STEP_SAFE

# Names before a colon that nobody means as an operation or a file.
_SCHEMES = {
    "about", "blob", "data", "dict", "file", "ftp", "ftps", "gopher", "gs", "imap", "jar", "javascript", "ldap",
    "mailto", "netdoc", "php", "phar", "rtsp", "s3", "scp", "sftp", "smb", "ssh", "telnet", "tftp", "ws", "wss",
}  # fmt: skip


def parse(raw_path: str, raw_query: str = "") -> Request:
    """The request of a path and query as they were sent: percent-encoded, one character a byte.

    Leading segments whose name is a registered operation are steps; the first other one begins the source, and `-`
    ends the steps explicitly. The query belongs to a source that is a plainly written URL, else to nobody. Before all
    may stand `s--<key id>.<signature>--` and then `expires:<Unix seconds>`.
    Raises Failure: unknown-operation, the failures of Step.parse, missing-source, bad-source, source-not-found,
    bad-encoding, uri-too-long, too-many-steps.
    """
    segments = split(raw_path)
    signature = signature_of(segments, raw_query)
    if signature is None:
        return _unsigned(segments, raw_query)
    rest = segments[1:]
    timed = _EXPIRES.fullmatch(rest[0].text) if rest else None
    request = _unsigned(rest[1:] if timed else rest, raw_query)
    return replace(request, signature=signature, expires=int(timed[1]) if timed else None)


def signature_of(segments: list[Segment], raw_query: str) -> Signature | None:
    """The signature that a path begins with; nothing else of the path is read."""
    signed = _SIGNED.fullmatch(segments[0].text) if segments else None
    if signed is None:
        return None
    return Signature("native", signed[2] or "", (_signable(segments[1:], raw_query),), signed[1] or "")


def signable(raw_path: str, raw_query: str = "") -> str:
    """The text that a signature of this path is over: the raw path, and its query where that belongs to the source."""
    return _signable(split(raw_path), raw_query)


def _signable(segments: list[Segment], raw_query: str) -> str:
    path = "/" + (segments[0].rest if segments else "")
    takes_query = any(_PLAIN_URL.match(segment.rest) for segment in segments)
    return f"{path}?{raw_query}" if raw_query and takes_query else path


def _unsigned(segments: list[Segment], raw_query: str) -> Request:
    nodes, begin = _leading_steps(segments)
    _check_pending(nodes)
    rest = segments[begin:]
    if rest and rest[0].text.lower().startswith(f"{base64url.SCHEME}:"):
        source, output = base64url.read("/".join(segment.text for segment in rest).partition(":")[2])
    else:
        source, output = _source(rest, raw_query), None
    return Request(in_format(Pipeline.of(nodes), output), source, delivery="")


def _leading_steps(segments: list[Segment]) -> tuple[list[Node], int]:
    """The nodes, and the index of the segment that begins the source."""
    nodes: list[Node] = []
    open_blocks = 0
    for index, segment in enumerate(segments):
        text = segment.text
        if text == END:
            return nodes, index + 1
        name, colon, _ = text.partition(":")
        if name in operations() or (colon and name in CONTROL) or (open_blocks and text in ("else", "end")):
            nodes.append(parse_node(text))
            open_blocks += opens_block(nodes[-1]) - isinstance(nodes[-1], End)
        elif colon and not _is_scheme(text):
            raise _unknown_operation(name, text)
        else:
            return nodes, index
    return nodes, len(segments)


def _check_pending(nodes: list[Node]) -> None:
    """What is said in Cloudinary's words must be right in them, and nothing that our own words say."""
    pending = [node for node in nodes if isinstance(node, Pending)]
    if pending and list(compiler.pipeline([node.text for node in pending]).nodes) != pending:
        raise bad_argument(
            "after cloudinary: stands only what is not done here", hint="`darkroom parse` prints it",
            operation="cloudinary",
        )  # fmt: skip


def _is_scheme(text: str) -> bool:
    """Whether a segment with a colon begins a URL rather than being a misspelt step."""
    name, _, rest = text.partition(":")
    known = name.lower() in ("http", "https", "id", base64url.SCHEME) or name.lower() in _SCHEMES
    return known or (not rest and nearest(name, operations()) is None)


def _unknown_operation(name: str, text: str) -> Failure:
    try:
        find(name)
    except Failure as failure:
        return failure.with_details(step=text)
    raise AssertionError(name)


def _source(segments: list[Segment], raw_query: str) -> SourceRef:
    if not segments:
        raise missing_source()
    name, colon, rest = segments[0].text.partition(":")
    scheme = name.lower() if colon else ""
    if scheme in ("http", "https"):
        return _remote(segments[0].rest, raw_query)
    if scheme == "id":
        return SourceRef("id", location([rest, *(segment.text for segment in segments[1:])]))
    if scheme in _SCHEMES or (scheme and not rest):
        raise bad_source(f"{name}: is no scheme that pictures are fetched by", Kind.FORBIDDEN)
    return SourceRef("file", location(segment.text for segment in segments))


def _remote(raw: str, raw_query: str) -> SourceRef:
    """A URL: written plainly it is taken as it is, with the request's query as its own; encoded it is decoded once."""
    if _PLAIN_URL.match(raw):
        url = canonical_url(written(f"{raw}?{raw_query}" if raw_query else raw))
    else:
        url = canonical_url(decode(raw))
    return SourceRef(url.partition(":")[0], url)


def print(request: Request) -> str:  # noqa: A001 - the counterpart of parse
    """The canonical path of a request: the steps in canonical text, `/-/`, the source; parse reads it back."""
    nodes = [quote(text, safe=_STEP_SAFE) for text in request.pipeline.written]
    return "/" + "/".join([*nodes, END, _printed_source(request.source)])


def _printed_source(source: SourceRef) -> str:
    if source.scheme == "id":
        return "id:" + quote(source.location, safe=_PATH_SAFE)
    if source.scheme == "file":
        return quote(source.location, safe=_PATH_SAFE)
    plain = _PRINTED_PLAIN.fullmatch(source.location)
    return source.location if plain else quote(source.location, safe="")
