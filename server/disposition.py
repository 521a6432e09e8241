"""Content-Disposition: a result that is saved as a file, and the name that it gets (RFC 6266)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from transforms.output import TRAITS

from .sources.source import SourceRef

_EXTENSIONS = {traits.media_type: traits.extension for traits in TRAITS.values()} | {
    "application/json": "json", "text/plain; charset=utf-8": "txt",
}  # fmt: skip
_SAME = {"jpg": ("jpg", "jpeg", "jpe"), "tif": ("tif", "tiff"), "jp2": ("jp2", "j2k")}
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f/\\\\]")
_LONGEST = 150
_UNNAMED = "picture"


def disposition(download: str | None, ref: SourceRef, media_type: str) -> str:
    """The header's value, or nothing where the result is shown; an empty name is that of the source."""
    if download is None:
        return ""
    name = _with_extension(download or _name_of(ref), _EXTENSIONS[media_type])
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    quoted = plain.replace("\\", "_").replace('"', "_").replace("%", "_")
    value = f'attachment; filename="{quoted}"'
    # Old browsers read the first; what ASCII lacks, and what they would decode, is in the second alone (RFC 8187).
    return value if quoted == name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"


def _name_of(ref: SourceRef) -> str:
    """The last part of the source's path, without its extension."""
    path = unquote(urlsplit(ref.location).path) if ref.scheme in ("http", "https") else ref.location
    name = _UNSAFE.sub("_", path.rpartition("/")[2])
    stem, dot, extension = name.rpartition(".")
    return ((stem if stem and dot and extension.isalnum() else name).strip(". ") or _UNNAMED)[:_LONGEST]


def _with_extension(name: str, extension: str) -> str:
    own = name.rpartition(".")[2].lower()
    return name if "." in name and own in _SAME.get(extension, (extension,)) else f"{name}.{extension}"
