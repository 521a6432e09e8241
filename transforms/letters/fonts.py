"""Which fonts there are, and which of them a text is drawn with: by family, by file, or by what a character needs.

Looked for in the operator's folders, those of the system, and in what pip installed: matplotlib, which ultralytics
wants, brings DejaVu and STIX, and packages of fontpkg (`fontpkg-arimo`) one family each. The index is made when the
first text is drawn: 60 ms for 360 files. What a font covers is read when it is asked for.
"""

from __future__ import annotations

import importlib.util
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path

from ..failure import Failure, Kind, nearest
from .aliases import NAMES, PACKAGES, STAND_INS
from .coverage import Coverage
from .faces import SUFFIXES, Face, coverage, embedded, faces_in, folded, unreadable

MOST_FILES = 5000
LIGHT_ENOUGH = 550  # a face of less weight is emboldened where 600 or more is wanted
_CHOICES = 40  # families that a message names

_SYSTEM = ("/usr/share/fonts", "/usr/local/share/fonts")
_OF_THE_USER = (".local/share/fonts", ".fonts")

_folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """A face, and what has to be done to its letters: emboldened or slanted where the family has no such face."""

    face: Face
    weight: int
    bold: bool = False
    oblique: bool = False


def install(folders: Iterable[Path]) -> None:
    """Say where this process finds the operator's own fonts, before those of the system; forgets what it knew.

    A file may be asked for by its path within a folder.
    """
    global _folders  # noqa: PLW0603 - one process draws with one set of fonts
    _folders = tuple(folders)
    for known in (_index, _styled, _covering, _ranked, _regulars, _anything, _system_folders):
        known.cache_clear()


def find(name: str, weight: int = 400, italic: bool = False) -> Style:
    """The face of a family, or of a file in the operator's folders, nearest to a weight (CSS Fonts 4, section 5.2).

    Raises Failure unknown-font with the nearest name, or the package that brings a family; unreadable-font.
    """
    if Path(name).suffix.lower() in SUFFIXES:
        return _best(_of_file(name), weight, italic)
    return _styled(name, weight, italic)


@lru_cache(maxsize=512)
def _styled(name: str, weight: int, italic: bool) -> Style:
    return _best(_of_family(name), weight, italic)


def families() -> tuple[str, ...]:
    """All that are installed, in their own spelling."""
    return tuple(sorted({face.family for faces in _index().values() for face in faces}))


def style_for(characters: str, like: Style, first: tuple[str, ...] = (), colour: bool = False) -> Style:
    """What draws these characters: `like` itself where it can, else the best other face; `like` where none can.

    `first` are families to look in before all others. `colour` prefers pictures, which emoji are.
    """
    if (not colour and _draws(like.face, characters)) or not any(map(_is_assigned, characters)):
        return like
    face = _covering(characters, like.face.serif, first, colour)
    if face is None or (colour and not face.strikes and _draws(like.face, characters)):
        return like
    return _best(_index()[folded(face.family)], like.weight, like.oblique or like.face.italic, characters)


def _is_assigned(character: str) -> bool:
    return unicodedata.category(character) not in ("Cn", "Co", "Cs")


def _draws(face: Face, characters: str) -> bool:
    known: Coverage = coverage(face)
    return all(character in known for character in characters)


@lru_cache(maxsize=4096)
def _covering(characters: str, serif: bool, first: tuple[str, ...], colour: bool) -> Face | None:
    """The regular face of the family that suits best."""
    from fontTools.ttLib.tables.O_S_2f_2 import intersectUnicodeRanges

    blocks = frozenset(intersectUnicodeRanges(map(ord, characters)))
    likely, others = _ranked(blocks, serif, first, colour)
    found = next((face for face in likely if _draws(face, characters)), None)
    if found or not all(character in _anything() for character in characters):
        return found
    return next((face for face in others if _draws(face, characters)), None)


@lru_cache(maxsize=256)
def _ranked(
    blocks: frozenset[int], serif: bool, first: tuple[str, ...], colour: bool
) -> tuple[tuple[Face, ...], tuple[Face, ...]]:
    """One face of each family, the best first: those that say to have something of these blocks, and the others."""
    ranked = sorted(_regulars(), key=lambda face: _rank(face, serif, first, colour))
    likely = tuple(face for face in ranked if not blocks or face.blocks & blocks or not face.blocks or face.strikes)
    return likely, tuple(face for face in ranked if face not in likely)


@lru_cache(maxsize=1)
def _regulars() -> tuple[Face, ...]:
    """One upright face of each family, of normal weight if there is one."""
    best = [min(faces, key=lambda face: (face.italic, _distance(face, 400))) for faces in _index().values()]
    return tuple(dict.fromkeys(best))


@lru_cache(maxsize=1)
def _anything() -> Coverage:
    """What any font can draw; 0.2 s for 240 families, once."""
    return Coverage.union(map(coverage, _regulars()))


_KINDS = ("Noto", "DejaVu", "")
_SPECIAL = frozenset(("UI", "Mono", "Display", "Looped", "Nastaliq", "Rashi", "Light"))


def _rank(face: Face, serif: bool, first: tuple[str, ...], colour: bool) -> tuple[int | str, ...]:
    """What is tried earlier comes first: Noto, since it is made for each script, sans or serif as the text is."""
    name = face.family
    kinds = (f"Noto {'Serif' if serif else 'Sans'}", "Noto Sans", "Noto Serif", *_KINDS)
    kind = next(at for at, prefix in enumerate(kinds) if name.startswith(prefix))
    place = first.index(name) if name in first else len(first)
    special = not _SPECIAL.isdisjoint(name.split())
    return int(bool(face.strikes) != colour), place, kind, int(special), len(name), name


# By name


def _of_family(name: str) -> list[Face]:
    index = _index()
    wanted = folded(name)
    for candidate in (wanted, *map(folded, STAND_INS.get(wanted, ()))):
        if candidate in index:
            return index[candidate]
    raise _unknown(name, wanted)


def _unknown(name: str, wanted: str) -> Failure:
    there = families()
    details = {"font": name, "choices": list(there[:_CHOICES])}
    stand_ins = STAND_INS.get(wanted, ())
    if stand_ins or wanted in PACKAGES:
        package = next((PACKAGES[folded(one)] for one in (*stand_ins, name) if PACKAGES.get(folded(one))), "")
        what = stand_ins[0] if stand_ins else name
        hint = f"Debian's {package} brings {what}" if package else f"put a font file of {what} into the fonts folder"
        return Failure(
            Kind.BAD_REQUEST, "unknown-font", f"no font for {name!r} is installed",
            hint=hint, details={**details, "package": package or None},
        )  # fmt: skip
    spelt = {candidate.lower(): candidate for candidate in (*NAMES, *there)}
    close = nearest(name, spelt)
    return Failure(
        Kind.BAD_REQUEST, "unknown-font", f"there is no font {name!r}",
        hint=f"did you mean {spelt[close]!r}?" if close else None,
        details={**details, "nearest": spelt[close] if close else None},
    )  # fmt: skip


def _of_file(name: str) -> list[Face]:
    for folder in _folders:
        path = folder / name
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            facts = path.stat()
            faces = _read(path, facts.st_size, facts.st_mtime_ns)
            if not faces:
                raise unreadable(name)
            return list(faces)
    files = [str(path.relative_to(folder)) for folder in _folders for path in _files(folder)]
    close = nearest(name, files)
    raise Failure(
        Kind.BAD_REQUEST, "unknown-font", f"there is no font file {name!r}",
        hint=f"did you mean {close!r}?" if close else "font files lie in the folder of fonts",
        details={"font": name, "nearest": close},
    )  # fmt: skip


@lru_cache(maxsize=64)
def _read(path: Path, size: int, modified: int) -> tuple[Face, ...]:
    """The faces of a file in the state that it has now."""
    return faces_in(path)


def _best(faces: Iterable[Face], weight: int, italic: bool, characters: str = "") -> Style:
    able = [face for face in faces if not characters or _draws(face, characters)]
    face = min(able, key=lambda face: (face.italic != italic, _distance(face, weight)))
    bold = weight >= 600 and face.weight_for(weight) < LIGHT_ENOUGH and not face.strikes
    return Style(face, weight, bold, italic and not face.italic and not face.strikes)


def _distance(face: Face, wanted: int) -> float:
    """How far a weight is from the wanted one; on the side that CSS looks at last it is further than any other."""
    apart = face.weight_for(wanted) - wanted
    if 400 <= wanted <= 500:
        wrong = 1000 if apart < 0 else 2000 if wanted + apart > 500 else 0
    else:
        wrong = 1000 if (apart > 0) == (wanted < 400) and apart else 0
    return abs(apart) + wrong


# What there is


@lru_cache(maxsize=1)
def _index() -> dict[str, list[Face]]:
    """Faces by the folded names of their families; those found first come first."""
    found: dict[str, list[Face]] = {}
    files: dict[Path, None] = {}
    for folder in (*_folders, *_system_folders()):
        files.update(dict.fromkeys(_files(folder)))
    for path in list(files)[:MOST_FILES]:
        for face in faces_in(path):
            _add(found, face)
    _add(found, embedded())
    return found


def _add(found: dict[str, list[Face]], face: Face) -> None:
    for name in face.families:
        listed = found.setdefault(name, [])
        if not any(one.weights == face.weights and one.italic == face.italic for one in listed):
            listed.append(face)


def _files(folder: Path) -> Iterator[Path]:
    for above, _, names in os.walk(folder):
        yield from (Path(above, name) for name in sorted(names) if Path(name).suffix.lower() in SUFFIXES)


@lru_cache(maxsize=1)
def _system_folders() -> tuple[Path, ...]:
    home = Path(os.environ.get("HOME", "/nonexistent"))
    folders = [*map(Path, _SYSTEM), *(home / part for part in _OF_THE_USER)]
    for point in entry_points(group="fontpkg.family"):
        folders += [place / "files" for place in _places(point.value)]
    folders += [place / "mpl-data/fonts/ttf" for place in _places("matplotlib")]
    return tuple(folders)


def _places(package: str) -> list[Path]:
    """The folders of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
