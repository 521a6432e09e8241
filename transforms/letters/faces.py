"""What a font file holds, read from its tables: families, weight, slant, and the characters that it can draw.

Files may come from anybody. They are read by fontTools, and drawn by FreeType through Pillow, in a render process.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import ImageFont

from ..failure import Failure, Kind
from .coverage import Coverage, coverage_of

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

SUFFIXES = frozenset((".ttf", ".otf", ".ttc", ".otc", ".woff2"))
LARGEST = 64 * 1024 * 1024  # bytes of a file; Noto Sans CJK has 19 MB
LARGE = 2 * 1024 * 1024  # bytes of which few are kept open
MOST_FACES = 64  # of a collection
NORMAL = 400
EMBEDDED = -1  # the number of the face that Pillow brings in itself

_MAGIC = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf", b"wOF2")
_NAMES = (1, 16, 4)  # name table: family of four styles, family of all styles, full name
_NORMAL_WIDTH = 5
_SERIFS = range(2, 11)  # PANOSE bSerifStyle of Latin text


@dataclass(frozen=True, slots=True)
class Face:
    """One style of a family. `families` are the names that it goes by, as `folded` writes them; `weights` is the range
    of a variable font, else both ends are its weight."""

    path: Path
    number: int
    family: str
    families: frozenset[str]
    weights: tuple[float, float]
    italic: bool
    serif: bool = False
    strikes: tuple[int, ...] = ()  # pixels per em of a font that is made of coloured pictures
    blocks: frozenset[int] = field(default_factory=frozenset)  # OS/2 ulUnicodeRange bits; none: it does not say
    stamp: tuple[int, int] = (0, 0)  # size and time of the file

    @property
    def variable(self) -> bool:
        return self.weights[0] != self.weights[1]

    def weight_for(self, wanted: int) -> float:
        """The weight nearest to the wanted one that it has."""
        return min(max(wanted, self.weights[0]), self.weights[1])


@dataclass(frozen=True, slots=True)
class Rules:
    """Lines that belong to letters, in ems upwards from the base line: the middle of each, and how thick it is."""

    underline: tuple[float, float] = (-0.1, 0.05)
    strikethrough: tuple[float, float] = (0.26, 0.05)


def folded(name: str) -> str:
    """A family's name without what people write differently: case, spaces, hyphens and underscores."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().translate(_SEPARATORS).split())


_SEPARATORS = str.maketrans("", "", "-_")


def faces_in(path: Path) -> tuple[Face, ...]:
    """The faces of a file; none where it is no font, or too large, or damaged."""
    from fontTools.ttLib import TTFont  # 40 ms: only once a text is to be drawn

    try:
        facts = path.stat()
        if path.suffix.lower() not in SUFFIXES or facts.st_size > LARGEST or not _begins_like_a_font(path):
            return ()
        stamp = (facts.st_size, facts.st_mtime_ns)
        found = []
        for number in range(_count(path)):
            with TTFont(path, lazy=True, fontNumber=number) as font:
                found.append(_face(font, path, number, stamp))
        return tuple(found)
    except Exception:  # fontTools raises whatever damaged tables make it trip over
        return ()


def _begins_like_a_font(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def _count(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(12)
    return min(int.from_bytes(head[8:12], "big"), MOST_FACES) if head[:4] == b"ttcf" else 1


def _face(font: TTFont, path: Path, number: int, stamp: tuple[int, int]) -> Face:
    names: Any = font["name"]
    os2: Any = font.get("OS/2")
    said = {number: names.getDebugName(number) for number in _NAMES}
    family = said[16] or said[1] or path.stem
    narrow = os2 is not None and os2.usWidthClass != _NORMAL_WIDTH
    # A condensed style is not what is meant by the name of its family; it has names of its own.
    families = [said[1], said[4]] if narrow and said[1] != family else [family, said[1], said[4]]
    weight = float(min(max(os2.usWeightClass, 1), 1000)) if os2 is not None else NORMAL
    return Face(
        path, number, family, frozenset(folded(name) for name in families if name), _weights(font, weight),
        _is_italic(font, os2), _has_serifs(os2), _strikes(font), _blocks(os2), stamp,
    )  # fmt: skip


def _weights(font: TTFont, weight: float) -> tuple[float, float]:
    axes: Any = font["fvar"].axes if "fvar" in font else ()
    return next(((axis.minValue, axis.maxValue) for axis in axes if axis.axisTag == "wght"), (weight, weight))


def _is_italic(font: TTFont, os2: Any) -> bool:
    # Bit 0 of fsSelection is italic, bit 9 oblique.
    return bool(os2.fsSelection & 0x201) if os2 is not None else bool(font["head"].macStyle & 2)


def _has_serifs(os2: Any) -> bool:
    panose = os2.panose if os2 is not None else None
    return panose is not None and panose.bFamilyType == 2 and panose.bSerifStyle in _SERIFS


def _strikes(font: TTFont) -> tuple[int, ...]:
    if "CBLC" not in font:
        return ()
    table: Any = font["CBLC"]
    return tuple(sorted({strike.bitmapSizeTable.ppemY for strike in table.strikes}))


def _blocks(os2: Any) -> frozenset[int]:
    return frozenset(os2.getUnicodeRanges()) if os2 is not None else frozenset()


def embedded() -> Face:
    """The Latin font within Pillow, for where there is no other."""
    return Face(Path("Aileron-Regular"), EMBEDDED, "Aileron", frozenset(("aileron",)), (NORMAL, NORMAL), False)


def _file(face: Face) -> Any:
    return BytesIO(_embedded_file()) if face.number == EMBEDDED else face.path


@lru_cache(maxsize=2048)
def coverage(face: Face) -> Coverage:
    """What a face can draw."""
    from fontTools.ttLib import TTFont

    try:
        with TTFont(_file(face), lazy=True, fontNumber=max(0, face.number)) as font:
            return coverage_of(font.reader["cmap"])
    except Exception:  # as above
        return Coverage()


@lru_cache(maxsize=256)
def rules(face: Face) -> Rules:
    """Where the font wants its text to be underlined and struck through."""
    from fontTools.ttLib import TTFont

    try:
        with TTFont(_file(face), lazy=True, fontNumber=max(0, face.number)) as font:
            em: int = font["head"].unitsPerEm
            post: Any = font["post"]
            os2: Any = font["OS/2"]
            thick = min(max(post.underlineThickness / em, 0.02), 0.2)
            under = (min(max(post.underlinePosition / em, -0.4), 0.0), thick)
            through = min(max(os2.yStrikeoutPosition / em, 0.05), 0.6)
            through_thick = min(max(os2.yStrikeoutSize / em, 0.02), 0.2)
            # The tables give the upper edge of the strike, and the middle of the underline.
            return Rules(under, (through - through_thick / 2, through_thick))
    except Exception:  # as above
        return Rules()


def opened(face: Face, size: float, weight: int) -> ImageFont.FreeTypeFont:
    """The face at a size in pixels, ready to draw; a variable one at the weight. Raises Failure unreadable-font."""
    return (_few if face.stamp[0] > LARGE else _many)(face, size, weight)


def _open(face: Face, size: float, weight: int) -> ImageFont.FreeTypeFont:
    try:
        if face.number == EMBEDDED:
            return _embedded(size)
        font = ImageFont.truetype(str(face.path), size, index=face.number)
        if face.variable:
            font.set_variation_by_axes(_axes(font, face.weight_for(weight)))
    except (OSError, ValueError):
        raise unreadable(face.path.name) from None
    return font


_many = lru_cache(maxsize=64)(_open)
_few = lru_cache(maxsize=4)(_open)  # FreeType maps a file once for each size: 19 MB each time for Chinese


def _embedded(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(BytesIO(_embedded_file()), size)  # of itself it is opened without Raqm


def _embedded_file() -> bytes:
    font = ImageFont.load_default(10)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 - it is no other where a size is given
    assert isinstance(font.path, BytesIO)  # noqa: S101
    return font.path.getvalue()


def _axes(font: ImageFont.FreeTypeFont, weight: float) -> list[float]:
    """Every axis at its default, but that of the weight."""
    return [
        weight if (axis["name"] or b"").lower() in (b"weight", b"wght") else float(axis["default"] or 0)
        for axis in font.get_variation_axes()
    ]  # fmt: skip


def unreadable(name: str) -> Failure:
    """What is said of a file that is no font that can be drawn."""
    return Failure(
        Kind.BAD_REQUEST, "unreadable-font", f"{name!r} is no font that can be read",
        hint=f"files may be {', '.join(sorted(SUFFIXES))}, up to {LARGEST // 1024 // 1024} MiB",
        details={"font": name, "maximum": LARGEST},
    )  # fmt: skip
