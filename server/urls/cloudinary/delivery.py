"""How the source is read and the result leaves: `q_ f_ cs_ pg_ dl_ dn_ d_` and the flags that go with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from transforms.params import Int
from transforms.pipeline import Node, Pending, Step

from . import layers, vocabulary
from .amounts import given, reader
from .component import Component, checked, unknown, unsupported

# `good` is Cloudinary's default for q_auto, and ours for `auto`.
_LEVELS = {
    "auto": "auto", "auto:best": "auto:best", "auto:good": "auto", "auto:eco": "auto:eco", "auto:low": "auto:low",
}  # fmt: skip
_CHROMA = ("420", "422", "444")
_LATER_QUALITIES = frozenset(("auto:sensitive", "jpegmini", "jpegmini:0", "jpegmini:1", "jpegmini:2"))
_FRACTION = re.compile(r"0?\.[0-9]{1,30}", re.ASCII)

_FORMATS = {
    "auto": "auto", "auto:animated": "auto", "auto:image": "auto", "avif": "avif", "bmp": "bmp", "gif": "gif",
    "ico": "ico", "jp2": "jp2", "jpe": "jpeg", "jpeg": "jpeg", "jpg": "jpeg", "png": "png", "tif": "tiff",
    "tiff": "tiff", "webp": "webp",
}  # fmt: skip
_SPACES = {
    "srgb": "srgb", "srgb:truecolor": "srgb", "tinysrgb": "tinysrgb", "no_cmyk": "no_cmyk", "cmyk": "cmyk",
    "keep_cmyk": "keep_cmyk", "copy": "copy",
}  # fmt: skip

_FLAGS: dict[str, tuple[str, dict[str, str]]] = {
    "progressive": ("progressive", {}),
    "progressive:semi": ("progressive", {}),
    "progressive:steep": ("progressive", {"how": "steep"}),
    "progressive:none": ("progressive", {"how": "none"}),
    "attachment": ("download", {}),
    "immutable_cache": ("immutable", {}),
    "lossy": ("lossy", {}),
    "png8": ("png", {"bits": "8"}),
    "png24": ("png", {"bits": "24"}),
    "png32": ("png", {"bits": "32"}),
    "keep_iptc": ("metadata", {"which": "keep"}),
    "keep_attribution": ("metadata", {"which": "attribution"}),
    "force_icc": ("profile", {}),
    "animated": ("animated", {}),
    "tiff8_lzw": ("compression", {"how": "lzw"}),
}
# Said of what is done in any case (metadata and profiles stay behind, transparency stays where a format has it, any
# format may be named, animated WebP and PNG are written where the source moves), of vectors (which are not read), or of
# layers and crops in the same component.
_NOTHING = layers.FLAGS - {"clip"} | {
    "any_format", "apng", "awebp", "force_strip", "getinfo", "ignore_aspect_ratio", "original",
    "preserve_transparency", "rasterize", "sanitize", "strip_profile",
}  # fmt: skip
_LATER_FLAGS = frozenset(("c2pa", "clip", "clip_evenodd"))
_VIDEO_FLAGS = frozenset((
    "alternate", "draco", "hlsv3", "keep_dar", "mono", "no_stream", "splice", "truncate_ts", "waveform",
))  # fmt: skip
_VIDEO_FORMATS = frozenset((
    "flv", "m3u8", "mkv", "mov", "mp3", "mp4", "mpd", "ogv", "ts", "wav", "webm", "wmv",
))  # fmt: skip


def steps(component: Component) -> list[Step]:
    """The steps of input and output level that a component asks for."""
    found = [
        component.read("pg", _pages),
        component.read("dl", lambda text: checked("delay", milliseconds=Int(10, 60_000).parse(text))),
        component.read("cs", _space),
        component.read("d", lambda text: checked("fallback", picture=text)),
        *(component.attempt("fl", flag, _flag) for flag in component.flags),
        component.read("q", _quality),
        component.read("f", lambda text: checked("format", type=_FORMATS[text]) if text in _FORMATS else None),
    ]
    component.read("dn", Int(1, 300).parse)  # for vectors, which are not read here
    return [step for step in found if step is not None]


def later(component: Component) -> Iterator[Pending]:
    """What is understood of them, but not done yet."""
    for key, is_later in _LATER.items():
        value = next(iter(component.values(key)), None)
        if value is not None and component.attempt(key, value, is_later):
            yield Pending(component.raw(key))
    for flag in component.flags:
        if flag in _LATER_FLAGS:
            yield Pending(f"fl_{flag}")


def _pages(text: str) -> Step | None:
    return None if _is_later_page(text) else checked("page", pages=text)


def _is_later_page(text: str) -> bool:
    return text.startswith(("embedded:", "name:"))


def _space(text: str) -> Step | None:
    if text in _SPACES:
        return checked("colorspace", space=_SPACES[text])
    if _is_profile(text):
        return None
    raise unknown("colour space", "cs", text, _SPACES)


def _is_profile(text: str) -> bool:
    return text.startswith("icc:") and len(text) > len("icc:")


def _quality(text: str) -> Step | None:
    if text in _LATER_QUALITIES:
        return None
    level, _, chroma = text.rpartition(":")
    if chroma in _CHROMA and level:
        return checked("quality", value=given(_level(level)), chroma=chroma)
    return checked("quality", value=given(_level(text)))


def _level(text: str) -> object:
    if text in _LEVELS:
        return _LEVELS[text]
    if text.startswith(("auto", "jpegmini")):
        raise unknown("quality", "q", text, _LEVELS)
    if ":qmax_" in text:
        raise unsupported("quality", "this quality is for video", choices=[*_LEVELS])
    if _FRACTION.fullmatch(text):  # SDKs let it through; taken as a share of the best
        return max(1, round(float(text) * 100))
    return reader(Int(1, 100).parse)(text)


def _is_later_format(text: str) -> bool:
    if text in _FORMATS:
        return False
    if text == "auto:video" or text in _VIDEO_FORMATS:
        raise unsupported("format", "this format is for video", choices=[*_FORMATS])
    if text in vocabulary.FORMATS:
        return True
    raise unknown("format", "f", text, _FORMATS, vocabulary.FORMATS)


def _flag(flag: str) -> Step | None:
    if flag in _FLAGS:
        operation, values = _FLAGS[flag]
        return checked(operation, **values)
    name, colon, value = flag.partition(":")
    if name == "attachment" and colon:
        return checked("download", name=value)
    if flag in _NOTHING | _LATER_FLAGS:
        return None
    if flag in _VIDEO_FLAGS or name == "streaming_attachment":
        raise unsupported("flag", f"the flag {name} is for video", flag=name)
    raise unknown("flag", "fl", flag, _FLAGS, _NOTHING, "unknown-flag")


def report(component: Component) -> list[Node]:
    """`fl_getinfo`: facts about the picture at this place, instead of the picture."""
    return [checked("getinfo")] if "getinfo" in component.flags else []


_LATER: dict[str, Callable[[str], bool]] = {
    "pg": _is_later_page,
    "cs": _is_profile,
    "q": lambda text: text in _LATER_QUALITIES,
    "f": _is_later_format,
}


def gathered(steps: list[Step]) -> list[Step]:
    """The last of each operation, in one order, so that every way to spell them shares one cache entry."""
    last = {step.operation.name: step for step in steps}
    return [last[name] for name in sorted(last, key=lambda name: (name == "format", name == "quality", name))]
