"""What a picture is said to hold: words from what was found, and words that follow from them.

A tag is a region's label, or a word for the whole picture. Two kinds of words follow from it: parents (a car is a
vehicle) and synonyms (a couch is a sofa). Only what always follows stands here: COCO files potted plants under
furniture, and benches under outdoor, which say nothing of a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from . import vocabulary
from .image import Found, Region, Tag
from .labels import GROUPS, LABELS, SYNONYMS
from .vocabulary import folded

PERSON, FACE, TEXT = "person", "face", "text"

RELATED = "related"
"""What a tag is by that no detector said."""

TRAITS = (
    "landscape", "portrait", "square", "grayscale", "transparent", "blurry", "dark", "overexposed", "graphic",
)  # fmt: skip
"""What the local detector `traits` may say of a picture."""

COLOURS = (
    "black", "white", "gray", "dark gray", "light gray", "red", "dark red", "brown", "beige", "orange", "yellow",
    "olive", "green", "dark green", "light green", "turquoise", "light turquoise", "blue", "dark blue", "light blue",
    "purple", "pink",
)  # fmt: skip
"""Names of main colours, as the local detector `colors` gives them."""

DOMINANT = 0.1
"""Share of the picture from which a main colour is a tag."""

BARCODES = ("ean-13", "ean-8", "upc-e", "code-128", "code-93", "code-39", "itf-14", "databar")
MATRICES = ("qr-code", "micro-qr-code", "rmqr-code", "data-matrix", "aztec", "pdf417")
"""Labels of the local detector `codes`: of lines, and of squares."""

UNSAFE = (
    "female-breast-exposed", "female-genitalia-exposed", "male-genitalia-exposed", "buttocks-exposed", "anus-exposed",
)  # fmt: skip
"""Labels of the detector `moderation` that are tags: what is not fit to be shown to everybody."""

UNTOLD = frozenset([
    "female-breast-covered", "female-genitalia-covered", "male-breast-exposed", "buttocks-covered", "anus-covered",
    "feet-exposed", "feet-covered", "belly-exposed", "belly-covered", "armpits-exposed", "armpits-covered",
])  # fmt: skip
"""Its other labels: it says where they are, and they are no tags."""

_LEFT_OUT = frozenset({"indoor", "outdoor"})  # COCO's supercategories; they sound as if they told of the scene
CALLED = {"electronic": "electronics", "kitchen": "kitchenware", "sports": "sports equipment"}
_NO_MEMBERS = frozenset({"kite", "potted plant", "toilet", "sink"})  # of the supercategory that COCO gave them

_MORE_PARENTS = {
    "potted plant": "plant", "dining table": "table", "knife": "cutlery", "fork": "cutlery", "spoon": "cutlery",
    "suitcase": "luggage", "laptop": "computer", "sports ball": "ball", "teddy bear": "toy", "kite": "toy",
    "wine glass": "glass", "stop sign": "road sign", "micro-qr-code": "qr-code", "rmqr-code": "qr-code",
    **dict.fromkeys(BARCODES, "barcode"),
}  # fmt: skip


def _parents() -> Iterator[tuple[str, str]]:
    for group in sorted(GROUPS.keys() - _LEFT_OUT):
        for label in sorted(GROUPS[group]):
            name = label.replace("_", " ")
            if name not in _NO_MEMBERS:
                yield name, CALLED.get(group, group)
    yield from _MORE_PARENTS.items()


def _listed(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    listed: dict[str, tuple[str, ...]] = {}
    for name, parent in pairs:
        listed[name] = (*listed.get(name, ()), parent)
    return MappingProxyType(listed)


PARENTS = _listed(_parents())
"""What a thing of this label is as well."""

THINGS = frozenset(label.replace("_", " ") for label in LABELS)
"""The labels of COCO, as detectors write them."""


def _all_sources() -> dict[str, frozenset[str]]:
    sources = {label: {label} for label in (*THINGS, *BARCODES, *MATRICES)}
    for table in (PARENTS, SYNONYMS):
        for label, words in table.items():
            for word in words:
                sources.setdefault(word, set()).add(label)
    return {word: frozenset(labels) for word, labels in sources.items()}


SOURCES: Mapping[str, frozenset[str]] = MappingProxyType(_all_sources())
"""Words for things and codes that Darkroom knows itself, each with the labels that it is or follows from."""

WORDS = frozenset([*SOURCES, *TRAITS, *COLOURS, *UNSAFE, PERSON, FACE, TEXT])
"""All tags that Darkroom knows itself."""


def spelled(name: str) -> str:
    """A word as all answers spell it: as Darkroom does, else as the first of the operator's models that knows it."""
    plain = folded(name)
    return plain if plain in WORDS else vocabulary.current().spellings.get(plain, name)


How = Literal["", "parent", "synonym"]


@dataclass(frozen=True, slots=True)
class Said:
    """A tag, how many there are (None of what is not counted), and how it follows from `tag.of`."""

    tag: Tag
    count: int | None = None
    how: How = ""


def tags_of(found: Found, confidence: float | None = None, *, related: bool = True) -> tuple[Said, ...]:
    """What is in the picture, the surest first, each word once; a colour may share the word of a thing (orange).

    Words are the same where they differ in case, spaces and underscores alone; `spelled` says how they are told.

    What counts is what its detector is sure of, or, with `confidence`, all that reaches it. A tag has the best score
    of what says it: labels of regions before faces, which make a person, and these before words for the whole picture.
    Persons are as many as faces where there are more of those. `related` adds parents and synonyms; a parent counts all
    that it follows from, and is `of` the surest of them.
    """
    direct = _direct(found, confidence)
    said = [*direct.values(), *_colours(found, confidence)]
    if related:
        said += _related(direct)
    return tuple(sorted(said, key=lambda one: (-one.tag.score, one.tag.name, one.tag.by)))


def counts(region: Region, confidence: float | None) -> bool:
    """Whether a region is in the picture."""
    return region.sure if confidence is None else region.score >= confidence


def _direct(found: Found, confidence: float | None) -> dict[str, Said]:
    """By folded name."""
    regions = [region for region in found.regions if counts(region, confidence)]
    things = [(_name(region), region) for region in regions if region.by not in _NO_THINGS]
    faces = [region for region in regions if region.by == "faces"]
    direct: dict[str, Said] = {}
    _gather(direct, things)
    _gather(direct, [(PERSON, face) for face in faces])
    _gather(direct, [(FACE, face) for face in faces])
    for tag in sorted(found.tags, key=lambda one: (-one.score, one.by)):
        if confidence is None or tag.score >= confidence:
            placed = sum(region.by == tag.by and region.label == tag.name for region in regions)
            said = Said(replace(tag, name=spelled(tag.name), by=base(tag.by)), placed or None)
            direct.setdefault(folded(tag.name), said)
    return direct


_NO_THINGS = frozenset({"faces", "all-faces", "largest-face", "matte", "moderation"})
"""Kinds whose labels are no tags; what is unsafe in moderation is a word for the whole picture."""


def _name(region: Region) -> str:
    return TEXT if base(region.by) == TEXT else region.label


def base(kind: str) -> str:
    """The name by which a kind is asked for: `text:words` says more than `text`, and is the same detector."""
    return kind.partition(":")[0]


def _gather(direct: dict[str, Said], named: Iterable[tuple[str, Region]]) -> None:
    """Add tags of regions: as many as the detector that sees most of them says."""
    numbers: dict[tuple[str, str], int] = {}
    best: dict[str, Region] = {}
    for name, region in named:
        plain = folded(name)
        numbers[plain, region.by] = numbers.get((plain, region.by), 0) + 1
        if plain not in best or (-region.score, region.by) < (-best[plain].score, best[plain].by):
            best[plain] = replace(region, label=name)
    for plain, region in best.items():
        most = max(number for (word, _), number in numbers.items() if word == plain)
        known = direct.get(plain)
        tag = known.tag if known else Tag(spelled(region.label), region.score, base(region.by))
        direct[plain] = Said(tag, max(most, (known and known.count) or 0))


def _colours(found: Found, confidence: float | None) -> Iterator[Said]:
    shares: dict[str, float] = {}
    for swatch in found.colors:
        shares[swatch.name] = shares.get(swatch.name, 0.0) + swatch.share
    least = DOMINANT if confidence is None else confidence
    return (Said(Tag(name, min(share, 1.0), "colors")) for name, share in shares.items() if share >= least)


def _related(direct: Mapping[str, Said]) -> list[Said]:
    derived: dict[str, Said] = {}
    for name in sorted(direct, key=lambda one: (-direct[one].tag.score, one)):
        said = direct[name]
        for word, how in _following(name):
            if word in direct:
                continue
            first = derived.get(word)
            count = (said.count or 0) + ((first and first.count) or 0)
            tag = first.tag if first else Tag(word, said.tag.score, RELATED, said.tag.name)
            derived[word] = Said(tag, count or None, first.how if first else how)
    return list(derived.values())


def _following(name: str) -> Iterator[tuple[str, How]]:
    for parent in PARENTS.get(name, ()):
        yield parent, "parent"
    for synonym in SYNONYMS.get(name, ()):
        yield synonym, "synonym"
