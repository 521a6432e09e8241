"""Pictures with people's annotations, as YOLO and COCO lay them out, or one folder per label."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from transforms.failure import Failure, Kind
from transforms.image import Box

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic"})
LARGEST = 1 << 30  # bytes of a JSON file; COCO's of 118 000 pictures has 0.45 billion

_SPLITS = ("val", "test", "train")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Truth:
    """Something that a person saw: its class by number, and where in fractions of the picture; None: anywhere."""

    number: int
    box: Box | None


@dataclass(frozen=True)
class Annotated:
    """A picture, and how to get its annotations: read when they are wanted, as they may be many."""

    path: Path
    truths: Callable[[], tuple[Truth, ...]]


@dataclass(frozen=True)
class Dataset:
    """`names` of classes by number; none where the data set does not say them, and they are those of the model."""

    names: dict[int, str]
    pictures: tuple[Annotated, ...]
    layout: str


def read_dataset(path: Path, split: str = "") -> Dataset:
    """A data.yaml, a folder with one or with images/ and labels/, COCO's JSON, or folders named after labels.

    `split` is the part to take; without, val, test or train, the first that is there. Raises Failure dataset-missing,
    dataset-layout-unknown, dataset-malformed, dataset-empty, dataset-split-unknown.
    """
    if not path.exists():
        raise _failed("missing", f"there is no {path}", "say the path of a folder, of a data.yaml or of a JSON file")
    dataset = _reader(path)(path, split)
    if not dataset.pictures:
        raise _failed("empty", f"{path.name} has no pictures", f"they end in {', '.join(sorted(SUFFIXES))}")
    return dataset


def _reader(path: Path) -> Callable[[Path, str], Dataset]:
    if path.is_file():
        readers = {".yaml": _yolo, ".yml": _yolo, ".json": lambda file, split: _coco(_part(split, _files([file])))}
        if path.suffix.lower() in readers:
            return readers[path.suffix.lower()]
    elif (path / "data.yaml").is_file():
        return lambda folder, split: _yolo(folder / "data.yaml", split)
    elif (path / "images").is_dir() and (path / "labels").is_dir():
        return _bare
    elif found := sorted([*path.glob("instances*.json"), *path.glob("annotations/instances*.json")]):
        return lambda _, split: _coco(_part(split, _files(found)))
    elif any(_pictures(child) for child in path.iterdir() if child.is_dir()):
        return _folders
    raise _failed(
        "layout-unknown", f"{path.name} is laid out in no way that is known",
        "there should be a data.yaml, or images/ and labels/, or annotations/instances_….json, or a folder per label",
    )  # fmt: skip


def _part(split: str, parts: Mapping[str, T]) -> T:
    """The part that is called so, or begins so (`val2017`); without a name the first of val, test and train, or of all.

    A part without a name is the only one.
    """
    for wanted in (split,) if split else _SPLITS:
        for name in sorted(parts):
            if name.startswith(wanted) and not name.removeprefix(wanted)[:1].isalpha():
                return parts[name]
    if split:
        known = ", ".join(sorted(filter(None, parts))) or "no parts: leave --split out"
        raise _failed("split-unknown", f"it has no part {split!r}", f"there are {known}")
    return parts[min(parts)]


def _parts(folder: Path, split: str) -> dict[str, Path]:
    """The folders of parts in a folder; itself, without a name, where there are none."""
    return {part: folder / part for part in (*_SPLITS, split) if part and (folder / part).is_dir()} or {"": folder}


def _files(files: Iterable[Path]) -> dict[str, Path]:
    """COCO's files by the part that each is of: val2017 of instances_val2017.json."""
    return {file.stem.removeprefix("instances_"): file for file in files}


def _pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())


def _yolo(file: Path, split: str) -> Dataset:
    said = _parsed(file, yaml.safe_load)
    if not isinstance(said, dict) or "names" not in said:
        raise _malformed(file, "it does not say the names of classes")
    names = said["names"]
    if not isinstance(names, list | dict):
        raise _malformed(file, "names is neither a list nor a table")
    try:
        by_number = {
            int(key): str(name) for key, name in (names if isinstance(names, dict) else dict(enumerate(names))).items()
        }
    except (TypeError, ValueError):
        raise _malformed(file, "names does not number classes") from None
    parts = {part: (part, said[part]) for part in {*_SPLITS, split} - {""} if said.get(part)}
    if not parts:
        raise _malformed(file, "it has no part val, test or train")
    part, where = _part(split, parts)
    places = [_place(file, said.get("path"), str(one)) for one in (where if isinstance(where, list) else [where])]
    pictures = [picture for place in places for picture in _listed(place)]
    return Dataset(by_number, tuple(_annotated(picture) for picture in pictures), f"YOLO, {part}")


def _place(file: Path, root: object, name: str) -> Path:
    """A part's folder or list of files: below `path`, which is often that of another machine, or beside data.yaml."""
    roots = [file.parent / str(root)] if root else []
    options = [base / name for base in (*roots, file.parent)]
    options += [file.parent / name.removeprefix("../")]  # as Roboflow writes it
    found = next((option for option in options if option.exists()), None)
    if found is None:
        raise _malformed(file, f"there is no {name!r}; nothing is downloaded")
    return found


def _listed(place: Path) -> list[Path]:
    if place.is_dir():
        return _pictures(place)
    lines = _parsed(place, str.splitlines)
    return [place.parent / line.strip() for line in lines if line.strip()]


def _bare(folder: Path, split: str) -> Dataset:
    """images/ and labels/ without a data.yaml; names in classes.txt, if anywhere."""
    classes = folder / "classes.txt"
    lines = _parsed(classes, str.splitlines) if classes.is_file() else []
    images = _part(split, _parts(folder / "images", split))
    names = {number: line.strip() for number, line in enumerate(lines) if line.strip()}
    return Dataset(names, tuple(_annotated(picture) for picture in _pictures(images)), "YOLO")


def _annotated(picture: Path) -> Annotated:
    parts = list(picture.parts)
    at = max((index for index, part in enumerate(parts) if part == "images"), default=None)
    if at is not None:
        parts[at] = "labels"
    labels = Path(*parts).with_suffix(".txt")
    return Annotated(picture, lambda: _rows(labels))


def _rows(labels: Path) -> tuple[Truth, ...]:
    """Lines of a file of labels; none where there is no file, which is how YOLO says that there is nothing."""
    if not labels.exists():
        return ()
    lines = enumerate(_parsed(labels, str.splitlines), 1)
    return tuple(_row(labels, number, line.split()) for number, line in lines if line.strip())


def _row(labels: Path, line: int, words: Sequence[str]) -> Truth:
    """`class x y width height`, or `class` and the corners of a polygon, in fractions of the picture."""
    try:
        number, values = int(float(words[0])), [float(word) for word in words[1:]]
    except ValueError:
        raise _malformed(labels, f"line {line} is not of numbers") from None
    if number < 0 or any(not -0.01 <= value <= 1.01 for value in values):
        raise _malformed(labels, f"line {line} is not in fractions of the picture, from 0 to 1")
    if len(values) == 4:
        x, y, width, height = values
        return Truth(number, Box(x - width / 2, y - height / 2, width, height))
    if len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[::2], values[1::2]
        return Truth(number, Box.between(min(xs), min(ys), max(xs), max(ys)))
    raise _malformed(labels, f"line {line} has {len(words)} numbers; a box has 5, a polygon an odd number from 7 on")


def _coco(file: Path) -> Dataset:
    if file.stat().st_size > LARGEST:
        raise _malformed(file, f"it is larger than {LARGEST} bytes")
    said = _parsed(file, json.loads)
    try:
        names = {int(row["id"]): str(row["name"]) for row in said["categories"]}
        images = {row["id"]: row for row in said["images"]}
        truths: dict[Any, list[dict[str, Any]]] = {}
        for row in said["annotations"]:
            if not row.get("iscrowd"):  # a crowd is no thing of its own; models are not asked to find it
                truths.setdefault(row["image_id"], []).append(row)
        place = _beside(file, str(next(iter(images.values()))["file_name"])) if images else file.parent
        pictures = tuple(_of_coco(file, place, row, truths.get(key, [])) for key, row in images.items())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _malformed(file, f"it is not of COCO's layout ({type(error).__name__}: {error})") from None
    return Dataset(names, pictures, "COCO")


def _of_coco(file: Path, place: Path, row: dict[str, Any], truths: list[dict[str, Any]]) -> Annotated:
    def read() -> tuple[Truth, ...]:
        try:
            return tuple(_scaled(truth, float(row["width"]), float(row["height"])) for truth in truths)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise _malformed(file, f"an annotation of {row['file_name']} is wrong ({error})") from None

    return Annotated(place / str(row["file_name"]), read)


def _scaled(truth: dict[str, Any], width: float, height: float) -> Truth:
    x, y, wide, high = (float(value) for value in truth["bbox"])
    return Truth(int(truth["category_id"]), Box(x / width, y / height, wide / width, high / height))


def _beside(file: Path, name: str) -> Path:
    """The folder of the pictures of a JSON file, found by where the first of them lies."""
    part = file.stem.removeprefix("instances_")
    bases = [base / sub for base in (file.parent, file.parent.parent) for sub in ("", "images", part, f"images/{part}")]
    found = next((base for base in bases if (base / name).is_file()), None)
    if found is None:
        raise _malformed(file, f"its picture {name} lies neither beside it nor in images/ or {part}/")
    return found


def _folders(folder: Path, split: str) -> Dataset:
    """A folder per label, as classifiers are trained on; or train, val and test of those."""
    base = _part(split, _parts(folder, split))
    labels = sorted(child for child in base.iterdir() if child.is_dir())
    pictures = tuple(_whole(picture, number) for number, label in enumerate(labels) for picture in _pictures(label))
    return Dataset({number: label.name for number, label in enumerate(labels)}, pictures, "folders")


def _whole(picture: Path, number: int) -> Annotated:
    return Annotated(picture, lambda: (Truth(number, None),))


def _parsed(file: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise _malformed(file, f"it cannot be read ({str(error).splitlines()[0]})") from None


def _malformed(file: Path, why: str) -> Failure:
    return _failed("malformed", f"{file}: {why}", "mend it, or leave it out")


def _failed(code: str, message: str, hint: str) -> Failure:
    return Failure(Kind.UNPROCESSABLE, f"dataset-{code}", message, hint=hint)


def spoken(name: str) -> str:
    """A label as it is compared: case, `_` and `-` do not matter."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def limited(pictures: Sequence[Annotated], most: int | None) -> Iterator[Annotated]:
    """At most so many, spread evenly over all."""
    step = max(1.0, len(pictures) / most) if most else 1.0
    yield from (pictures[int(index * step)] for index in range(min(len(pictures), most or len(pictures))))
