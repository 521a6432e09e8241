"""`darkroom models list | pull | verify | add | set | eval | export`: the weights of the detectors."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_common import Option, Optional, fail, said, settings_from
from .cli_evaluation import evaluate
from .cli_export import export
from .cli_own import add, set_up

if TYPE_CHECKING:
    from detectors.models import Listed, ModelStore

models = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The weights of the detectors.")
models.command()(add)
ENDING = (signal.SIGTERM, signal.SIGHUP)
models.command("set")(set_up)
models.command("eval")(evaluate)
models.command()(export)


@models.callback()
def prepare() -> None:
    """The weights of the detectors."""

    def end(number: int, _: object) -> None:
        for ending in ENDING:
            signal.signal(ending, signal.SIG_IGN)  # what is under way is being put away
        raise SystemExit(128 + number)

    for ending in ENDING:
        if signal.getsignal(ending) is not signal.SIG_IGN:  # as under nohup
            signal.signal(ending, end)


@models.command("list")
def list_models(
    as_json: Annotated[bool, Option("--json", help="As /models tells it, with all labels.")] = False,
    every: Annotated[bool, Option("--all", help="Those too that are not here and not asked for by default.")] = False,
    models: Annotated[Optional, Option(help="Folder of the weights.")] = None,
) -> None:
    """The models: which are here, what they serve, under which licence."""
    from detectors.scratch import sweep

    from .health import described
    from .weights import models_of

    settings = settings_from(models=models)
    sweep(settings.models)
    store = models_of(settings)
    rows = store.listing()
    if as_json:
        typer.echo(json.dumps({"models": [described(row) for row in rows]}, ensure_ascii=False, indent=2))
        return
    typer.echo(f"models in {settings.models}")
    named = {name for names in store.prefer.values() for name in names}
    wanted = {*_wanted(store), *named, *(model.name for model in store.own())}
    shown = [row for row in rows if every or row.status != "absent" or row.model.name in wanted]
    for row in shown:
        _show(row)
    if len(shown) < len(rows):
        typer.echo(f"{len(rows) - len(shown)} more are known: `darkroom models list --all`")


@models.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Names from `models list`; without, the defaults.")] = None,
    trust: Annotated[
        bool, Option("--trust", help="Take what comes where no checksum is known, and pin its checksum.")
    ] = False,
    models: Annotated[Optional, Option(help="Folder of the weights.")] = None,
) -> None:
    """Download weights from their publishers and check their sha256."""
    from transforms.failure import Failure

    from .weights import models_of

    store = models_of(settings_from(models=models))
    failed = False
    for name in names or _wanted(store):
        try:
            with typer.progressbar(length=100, label=name) as bar:
                path = store.pull(name, lambda done, total: bar.update(_percent(done, total) - bar.pos), trust=trust)
            typer.echo(f"{name}: {path}")
        except Failure as failure:
            failed = True
            typer.secho(said(failure), fg=typer.colors.RED, err=True)
    if failed:
        raise typer.Exit(1)


def _percent(done: int, total: int | None) -> int:
    return min(100, done * 100 // total) if total else 0


def _wanted(store: ModelStore) -> list[str]:
    """The default models that are not here."""
    return [model.name for kind in ("faces", "objects") if (model := store.wanted(kind))]


@models.command()
def verify(models: Annotated[Optional, Option(help="Folder of the weights.")] = None) -> None:
    """Check the weights that are here against their sha256; exit status 1 where one is altered or refused."""
    from detectors.scratch import sweep

    from .weights import models_of

    settings = settings_from(models=models)
    sweep(settings.models)
    rows = [row for row in models_of(settings).verify() if row.present or row.status == "refused"]
    for row in rows:
        _show(row)
    if bad := [row.model.name for row in rows if row.status in ("altered", "refused")]:
        fail(f"not used: {', '.join(bad)}", 1)


def _show(row: Listed) -> None:
    from detectors.card import without_query

    model = row.model
    kinds, labels = ",".join(row.kinds), f"{len(model.labels)} labels"
    where = row.path or (model.file if row.status == "refused" else without_query(model.url or ""))
    typer.echo(f"{model.name:18} {row.status:9} {kinds:28} {model.form:9} {labels:11} {model.licence:12} {where}")
    if row.why:
        typer.echo(f"{'':18} {row.why}")
