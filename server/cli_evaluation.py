"""`darkroom models eval`: how good a model is on annotated pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_common import Option, Optional, done, fail, settings_from

if TYPE_CHECKING:
    from detectors.evaluation import Match, Report, Score
    from detectors.models import ModelStore

MOST_ROWS = 200
MOST_WORDS = 12  # names that a line holds

_COLUMNS = ("least", "there", "right", "wrong", "prec.", "recall", "F1", "AP50", "AP")


def evaluate(
    name: Annotated[str, typer.Argument(help="A model of yours, or one of `models list`.")],
    dataset: Annotated[Path, typer.Argument(help="data.yaml, COCO's JSON, or a folder with images/ and labels/.")],
    split: Annotated[str, Option(help="Part of the data set: val, test or train; without, the first there is.")] = "",
    most: Annotated[int | None, Option("--limit", help="Pictures at most, spread over all.", min=1)] = None,
    matrix: Annotated[Path | None, Option(help="File of the confusion matrix; without, beside where you are.")] = None,
    as_json: Annotated[bool, Option("--json", help="Everything as JSON.")] = False,
    models: Annotated[Optional, Option(help="Folder of the weights.")] = None,
    device: Annotated[Optional, Option(help="auto, cpu or cuda.")] = None,
) -> None:
    """Run a model over annotated pictures: precision, recall, F1, mAP, and a picture of what is taken for what."""
    from detectors.quiet import silence

    silence()
    from detectors.engine import pick_device
    from detectors.models import ModelStore

    settings = settings_from(models=models, device=device)
    try:
        chosen = pick_device(settings.device)
    except RuntimeError as error:
        fail(str(error))
    picture = matrix or Path(f"confusion-{name}.png")
    content, lines = done(lambda: _evaluated(ModelStore(settings.models), name, dataset, split, most, picture, chosen))
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2) if as_json else "\n".join(lines))


def _evaluated(
    store: ModelStore, name: str, dataset: Path, split: str, most: int | None, matrix: Path, device: str
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    """The report as plain data, and as lines of text; writes the picture."""
    from detectors.dataset import limited, read_dataset
    from detectors.evaluation import FLOOR, judged, matched, report_of
    from transforms.failure import Failure, Kind

    from .bar import Bar
    from .evaluating import Bench, unreadable

    data = read_dataset(dataset, split)
    pictures = list(limited(data.pictures, most))
    with Bench(store, name, device, FLOOR) as bench:
        match = matched(bench.model, data.names)
        if not match.numbers:
            raise Failure(
                Kind.UNPROCESSABLE, "dataset-has-other-classes", f"{name} knows no class of the data set",
                hint=f"it knows {_some(match.only_model)}; the data set has {_some(match.only_dataset)};"
                " `darkroom models set --rename` gives labels other names",
            )  # fmt: skip
        with Bar(bench.identity, len(pictures)) as advance:
            looked = bench.look(pictures, advance)
    bad = unreadable(looked)
    seen = [judged(one.found, one.truths, match) for one in looked if not one.failure]
    if not seen:
        raise Failure(Kind.UNPROCESSABLE, "dataset-unreadable", f"no picture could be looked at: {bad[0]}")
    report = report_of(seen, bench.model, match)
    _write(report, matrix)
    about = {"model": name, "identity": bench.identity, "dataset": str(dataset), "layout": data.layout}
    lines = [f"{bench.identity} on {dataset} ({data.layout})", *_told(report, match, bad), f"confusions: {matrix}"]
    if not data.names:
        lines.insert(1, "the data set does not name its classes: their numbers are taken for the model's")
    return {**about, **_plain(report, match, bad), "matrix_picture": str(matrix)}, lines


def _write(report: Report, matrix: Path) -> None:
    from detectors.evaluation import draw

    try:
        draw(report, matrix)
    except OSError as error:
        fail(f"{matrix} cannot be written: {error.strerror}", 1)


def _told(report: Report, match: Match, bad: list[str]) -> Iterator[str]:
    yield f"{report.pictures} pictures, {report.annotations} annotations" + (f", {len(bad)} unreadable" if bad else "")
    yield from (f"  {line}" for line in bad[:10])
    if match.only_dataset:
        yield f"only in the data set, left out: {_some(match.only_dataset)}"
    if match.only_model:
        yield f"only in the model, left out: {_some(match.only_model)}"
    yield ""
    yield f"{'at the shipped thresholds':28} precision  recall      F1"
    for what, score in (("things (IoU 0.5)", report.things), ("tags of pictures", report.tags)):
        if score is not None:
            yield f"{what:28} {score.precision:9.3f} {score.recall:7.3f} {score.f1:7.3f}"
    if report.map50 is not None and report.map is not None:
        yield f"mAP50 {report.map50:.3f}, mAP50-95 {report.map:.3f}"
    if report.best:
        yield f"one threshold for all would do best at {report.best[0]:.2f}: mean F1 {report.best[1]:.3f}"
    yield ""
    yield f"{'label':24} " + " ".join(f"{word:>6}" for word in _COLUMNS)
    for row in report.rows[:MOST_ROWS]:
        score, areas = row.score, [f"{area:6.3f}" if area is not None else f"{'-':>6}" for area in (row.ap50, row.ap)]
        there = score.right + score.missed
        yield (
            f"{row.label[:24]:24} {row.threshold:6.2f} {there:6} {score.right:6} {score.wrong:6}"
            f" {score.precision:6.3f} {score.recall:6.3f} {score.f1:6.3f} {' '.join(areas)}"
        )
    if len(report.rows) > MOST_ROWS:
        yield f"and {len(report.rows) - MOST_ROWS} more, in --json"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_WORDS} more" if len(names) > MOST_WORDS else ""
    return ", ".join(names[:MOST_WORDS]) + more


def _plain(report: Report, match: Match, bad: list[str]) -> dict[str, Any]:
    return {
        "pictures": report.pictures, "annotations": report.annotations, "unreadable": bad,
        "only_in_dataset": match.only_dataset, "only_in_model": match.only_model,
        "things": report.things and _scored(report.things), "tags": _scored(report.tags),
        "map50": _rounded(report.map50), "map50_95": _rounded(report.map),
        "best": report.best and {"threshold": _rounded(report.best[0]), "f1": _rounded(report.best[1])},
        "classes": [
            {"label": row.label, "threshold": row.threshold, **_scored(row.score), "ap50": _rounded(row.ap50),
             "ap50_95": _rounded(row.ap)}
            for row in report.rows
        ],
        "confusions": {"labels": [*report.labels, None], "matrix": report.matrix.astype(int).tolist()},
    }  # fmt: skip


def _scored(score: Score) -> dict[str, float]:
    ratios = {name: _rounded(getattr(score, name)) or 0.0 for name in ("precision", "recall", "f1")}
    return {**asdict(score), **ratios}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
