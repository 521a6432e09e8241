"""What a picture is said to hold: words from what was found, and words that follow from them.

A tag is a region's label, or a word for the whole picture. Two kinds of words follow from it: parents (a car is a
vehicle) and synonyms (a couch is a sofa). Only what always follows stands here: COCO files potted plants under
furniture, and benches under outdoor, which say nothing of a picture.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from . import vocabulary
from .failure import Failure, Kind, nearest
from .image import Found, Region, Tag
from .labels import ALIASES, GROUPS, LABELS
from .vocabulary import Vocabulary

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

_LEFT_OUT = frozenset({"indoor", "outdoor"})  # COCO's supercategories; they sound as if they told of the scene
_CALLED = {"electronic": "electronics", "kitchen": "kitchenware", "sports": "sports equipment"}
_NO_MEMBERS = frozenset({"kite", "potted plant", "toilet", "sink"})  # of the supercategory that COCO gave them

_MORE_PARENTS = {
    "potted plant": "plant", "dining table": "table", "knife": "cutlery", "fork": "cutlery", "spoon": "cutlery",
    "suitcase": "luggage", "laptop": "computer", "sports ball": "ball", "teddy bear": "toy", "kite": "toy",
    "wine glass": "glass", "stop sign": "road sign", "micro-qr-code": "qr-code", "rmqr-code": "qr-code",
    **dict.fromkeys(BARCODES, "barcode"),
}  # fmt: skip

SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "airplane": ("aeroplane", "plane"),
        "backpack": ("rucksack",),
        "bicycle": ("bike",),
        "cell phone": ("mobile phone", "smartphone"),
        "couch": ("sofa",),
        "cow": ("cattle",),
        "donut": ("doughnut",),
        "hair drier": ("hair dryer",),
        "handbag": ("purse",),
        "mouse": ("computer mouse",),
        "motorcycle": ("motorbike",),
        "person": ("human",),
        "refrigerator": ("fridge",),
        "remote": ("remote control",),
        "tennis racket": ("tennis racquet",),
        "tie": ("necktie",),
        "traffic light": ("traffic signal",),
        "truck": ("lorry",),
        "tv": ("television",),
    }
)
"""Other words for the same thing, by label."""


def _parents() -> Iterator[tuple[str, str]]:
    for group in sorted(GROUPS.keys() - _LEFT_OUT):
        for label in sorted(GROUPS[group]):
            name = label.replace("_", " ")
            if name not in _NO_MEMBERS:
                yield name, _CALLED.get(group, group)
    yield from _MORE_PARENTS.items()


def _listed(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    listed: dict[str, tuple[str, ...]] = {}
    for name, parent in pairs:
        listed[name] = (*listed.get(name, ()), parent)
    return MappingProxyType(listed)


PARENTS = _listed(_parents())
"""What a thing of this label is as well."""

How = Literal["", "parent", "synonym"]


@dataclass(frozen=True, slots=True)
class Said:
    """A tag, how many there are (None of what is not counted), and how it follows from `tag.of`."""

    tag: Tag
    count: int | None = None
    how: How = ""


def tags_of(found: Found, confidence: float | None = None, *, related: bool = True) -> tuple[Said, ...]:
    """What is in the picture, the surest first, each word once; a colour may share the word of a thing (orange).

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
    regions = [region for region in found.regions if counts(region, confidence)]
    things = [(_name(region), region) for region in regions if region.by not in _NO_THINGS]
    faces = [region for region in regions if region.by == "faces"]
    direct: dict[str, Said] = {}
    _gather(direct, things)
    _gather(direct, [(PERSON, face) for face in faces])
    _gather(direct, [(FACE, face) for face in faces])
    for tag in sorted(found.tags, key=lambda one: (-one.score, one.by)):
        if confidence is None or tag.score >= confidence:
            direct.setdefault(tag.name, Said(tag))
    return direct


_NO_THINGS = frozenset({"faces", "all-faces", "largest-face", "moderation"})
"""Kinds whose labels are no tags; what is unsafe in moderation is a word for the whole picture."""


def _name(region: Region) -> str:
    return TEXT if region.by.partition(":")[0] == TEXT else region.label


def _gather(direct: dict[str, Said], named: Iterable[tuple[str, Region]]) -> None:
    """Add tags of regions: as many as the detector that sees most of them says."""
    numbers: dict[tuple[str, str], int] = {}
    best: dict[str, Region] = {}
    for name, region in named:
        numbers[name, region.by] = numbers.get((name, region.by), 0) + 1
        if name not in best or (-region.score, region.by) < (-best[name].score, best[name].by):
            best[name] = region
    for name, region in best.items():
        most = max(number for (word, _), number in numbers.items() if word == name)
        known = direct.get(name)
        tag = known.tag if known else Tag(name, region.score, region.by)
        direct[name] = Said(tag, max(most, (known and known.count) or 0))


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
    for parent in PARENTS.get(name.lower(), ()):
        yield parent, "parent"
    for synonym in SYNONYMS.get(name.lower(), ()):
        yield synonym, "synonym"


# Words of conditions.

_OBJECTS = frozenset(label.replace("_", " ") for label in LABELS)


def _all_sources() -> dict[str, frozenset[str]]:
    """The words that Darkroom knows itself, each with the labels that it is or follows from."""
    sources = {label: {label} for label in (*_OBJECTS, *BARCODES, *MATRICES)}
    for table in (PARENTS, SYNONYMS):
        for label, words in table.items():
            for word in words:
                sources.setdefault(word, set()).add(label)
    return {word: frozenset(labels) for word, labels in sources.items()}


_SOURCES = _all_sources()


def sources(word: str) -> frozenset[str]:
    """The labels that a word (in lower case, with spaces) is, or follows from; none of what Darkroom does not know."""
    return _SOURCES.get(word, frozenset())


def asked_for_all() -> frozenset[str]:
    """The kinds of detections that all tags together come from."""
    return frozenset({"faces", "objects", "colors", "traits", "codes"}) | vocabulary.current().tagging


def asked_for(words: Collection[str]) -> frozenset[str]:
    """The kinds of detections that may give one of these tags: `blurry` needs no model."""
    return frozenset[str]().union(*(_asked_for(word) for word in words))


def _asked_for(word: str) -> frozenset[str]:
    labels = _SOURCES.get(word, frozenset())
    kinds = set(_own_kinds(labels | {word}))
    kinds |= {"objects"} if labels & _OBJECTS else set()
    kinds |= {"codes"} if labels - _OBJECTS else set()
    kinds |= {"faces"} if word == FACE or PERSON in labels else set()
    kinds |= {kind for kind, known in (("traits", TRAITS), ("colors", COLOURS), (TEXT, (TEXT,))) if word in known}
    return frozenset(kinds) or asked_for_all()


def _own_kinds(labels: Iterable[str]) -> frozenset[str]:
    """The operator's models that know one of the labels: those that tag, or others if nobody else knows it."""
    words = vocabulary.current()
    kinds = frozenset[str]().union(*(words.kinds_of(label) for label in labels))
    return kinds & words.tagging or (kinds if not any(label in _SOURCES for label in labels) else frozenset())


def meant(word: str) -> str:
    """The tag that a word of a condition means, whatever stands for its spaces.

    Raises Failure unknown-tag with the nearest word, where no model and no rule could ever give such a tag.
    """
    known = _known(vocabulary.current())
    plain = word.strip().replace("_", " ").casefold()
    if plain in known:
        return known[plain]
    alias = ALIASES.get(plain.replace(" ", ""), "").replace("_", " ")
    if alias:
        return alias
    close = nearest(plain, known)
    raise Failure(
        Kind.BAD_REQUEST, "unknown-tag", f"nothing here can find {word!r}",
        hint=f"did you mean {known[close]!r}?" if close else "docs/tags.md says what there is to be found",
        details={"tag": word, "nearest": known[close] if close else None},
    )  # fmt: skip


@lru_cache(4)
def _known(own: Vocabulary) -> dict[str, str]:
    """Tags by how conditions may write them."""
    labels = [label for named in own.models for label in named.labels]
    written = {text.replace("_", " ").casefold(): label for text, label in own.words.items()}
    plain = (*labels, *_SOURCES, *TRAITS, *COLOURS, PERSON, FACE, TEXT)
    return {**_CALLED, **written, **{word.casefold(): word for word in plain}}
