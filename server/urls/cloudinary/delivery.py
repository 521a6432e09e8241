"""How the result leaves: `q_`, `f_` and the flags that change nothing else."""

from __future__ import annotations

from transforms.params import Int
from transforms.pipeline import Step

from . import vocabulary
from .component import Component, unknown, unsupported

# Fixed numbers until quality is measured per picture: `good` is Cloudinary's default for q_auto and ours for `auto`.
_LEVELS: dict[str, int | str] = {"auto": "auto", "auto:best": 90, "auto:good": "auto", "auto:eco": 70, "auto:low": 60}
_CHROMA = ("420", "422", "444")

_FORMATS = {
    "auto": "auto", "auto:image": "auto", "avif": "avif", "gif": "gif", "jpe": "jpeg", "jpeg": "jpeg", "jpg": "jpeg",
    "png": "png", "webp": "webp",
}  # fmt: skip
# What these ask for is done in any case: JPEGs are progressive, colours are sRGB, metadata stays behind.
_DONE = frozenset(("force_strip", "progressive", "progressive:semi", "progressive:steep", "strip_profile"))
_ELSEWHERE = frozenset(("ignore_aspect_ratio",))


def quality(component: Component) -> Step | None:
    value = component.read("q", _quality)
    return None if value is None else component.step("q", "quality", value=value)


def _quality(text: str) -> int | str:
    if text in _LEVELS:
        return _LEVELS[text]
    level, _, chroma = text.rpartition(":")
    if chroma in _CHROMA and (level in _LEVELS or Int(1, 100).parse(level)):
        raise unsupported("quality", "choosing the chroma subsampling is not supported yet")
    if text in vocabulary.QUALITIES or ":qmax_" in text:
        raise unsupported("quality", "this quality is not supported yet", choices=[*_LEVELS])
    if text.startswith("auto"):
        raise unknown("quality", "q", text, _LEVELS)
    return Int(1, 100).parse(text)


def format_(component: Component) -> Step | None:
    value = component.read("f", _format)
    return None if value is None else component.step("f", "format", type=value)


def _format(text: str) -> str:
    if text in _FORMATS:
        return _FORMATS[text]
    if text in vocabulary.FORMATS:
        raise unsupported("format", "this format cannot be written yet", choices=[*_FORMATS])
    raise unknown("format", "f", text, _FORMATS, vocabulary.FORMATS)


def check_flags(component: Component) -> None:
    """Refuses the flags of a component that would need something done."""
    for flag in component.flags:
        component.attempt("fl", flag, _check_flag)


def _check_flag(flag: str) -> None:
    if flag in _DONE | _ELSEWHERE:
        return
    name = flag.partition(":")[0]
    if flag in vocabulary.FLAGS or name in ("attachment", "streaming_attachment"):
        raise unsupported("flag", f"the flag {name} is not supported yet", flag=name)
    raise unknown("flag", "fl", flag, _DONE | _ELSEWHERE, vocabulary.FLAGS, "unknown-flag")
