"""How long frames are shown, as far as the fields of a file can say it."""

from __future__ import annotations

from PIL import Image as Pillow

_MIN_GIF_MS, _MAX_GIF_MS = 20, 655_350  # browsers show what is shorter for 100 ms; 16 bits of 10 ms
_MAX_PNG_PART = 65535  # numerator of a duration


def gif_durations(durations: list[int]) -> list[int]:
    """Multiples of 10 ms; what one frame gains or loses by rounding, the next ones give back."""
    rounded: list[int] = []
    owed = 0
    for duration in durations:
        wanted = min(duration, _MAX_GIF_MS) + owed
        rounded.append(min(max((wanted + 5) // 10 * 10, _MIN_GIF_MS), _MAX_GIF_MS))
        owed = wanted - rounded[-1]
    return rounded


def within_runs(durations: list[int], pictures: list[Pillow.Image]) -> list[int]:
    """Durations of which those of frames that look the same last no longer together than one frame can.

    Pillow makes one frame of such frames, adds their durations, and fails where the sum does not fit.
    """
    if sum(durations) <= _MAX_GIF_MS:
        return durations
    kept, left, before = [], 0, b""
    for duration, picture in zip(durations, pictures, strict=True):
        shown = picture.convert("RGB").tobytes()
        left = left if shown == before else _MAX_GIF_MS
        kept.append(min(duration, left))
        left, before = left - kept[-1], shown
    return kept


def png_duration(duration: int) -> int:
    """Rounded to the finest of 1, 10, 100 and 1000 ms in which the number of them has 16 bits."""
    unit = next((unit for unit in (1, 10, 100) if (duration + unit // 2) // unit <= _MAX_PNG_PART), 1000)
    return min((duration + unit // 2) // unit, _MAX_PNG_PART) * unit
