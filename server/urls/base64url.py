"""Sources whose URL is written in Base64, so that nothing on the way changes it: `b64:<URL>[.<format>]`."""

from __future__ import annotations

import base64
import re

from transforms.failure import Failure
from transforms.output import OutputFormat

from ..sources.file import FORMATS, refuse_extension
from ..sources.source import SourceRef
from ..sources.url import canonical_url
from .request import bad_source

SCHEME = "b64"

_ALPHABET = re.compile(r"([A-Za-z0-9_-]+)={0,2}", re.ASCII)


def read(text: str) -> tuple[SourceRef, OutputFormat | None]:
    """The remote source of a URL-safe Base64 text, padded or not, and the output format that an extension names.

    Slashes may stand anywhere in the text, for folders of proxies that take no long names.
    Raises Failure: `bad-source`, `bad-argument` for an extension that is no output format.
    """
    code, dot, extension = text.replace("/", "").partition(".")
    url = canonical_url(_decoded(code))
    output = (FORMATS.get(extension.lower()) or refuse_extension(extension)) if dot else None
    return SourceRef(url.partition(":")[0], url), output


def _decoded(code: str) -> str:
    match = _ALPHABET.fullmatch(code)
    try:
        if match is None:
            raise ValueError(code)
        return base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode()
    except ValueError:  # also of the padding, and of what is no UTF-8
        raise _unreadable() from None


def _unreadable() -> Failure:
    return bad_source(f"what follows {SCHEME}: is not the URL-safe Base64 of a URL")
