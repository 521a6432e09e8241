"""`darkroom models list | pull | verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .cli_common import Option, Optional, fail, said, settings_from

if TYPE_CHECKING:
    from detectors.models import Listed, ModelStore

models = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The weights of the detectors.")


@models.command("list")
def list_models(models: Annotated[Optional, Option(help="Folder of the weights.")] = None) -> None:
    """The models of the manifest: which are here, which are used, under which licence."""
    from detectors.models import ModelStore

    settings = settings_from(models=models)
    typer.echo(f"models in {settings.models}")
    for row in ModelStore(settings.models).listing():
        _show(row)


@models.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Names from `models list`; without, the defaults.")] = None,
    models: Annotated[Optional, Option(help="Folder of the weights.")] = None,
) -> None:
    """Download weights from their publishers and check their sha256."""
    from detectors.models import ModelStore
    from transforms.failure import Failure

    settings = settings_from(models=models)
    store = ModelStore(settings.models, mirror=settings.models_mirror)
    failed = False
    for name in names or _wanted(store):
        try:
            with typer.progressbar(length=100, label=name) as bar:
                path = store.pull(name, lambda done, total: bar.update(_percent(done, total) - bar.pos))
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
    """Check the weights that are here against their published sha256; exit status 1 where one is altered."""
    from detectors.models import ModelStore

    rows = [row for row in ModelStore(settings_from(models=models).models).verify() if row.present]
    for row in rows:
        _show(row)
    if any(row.status == "altered" for row in rows):
        fail("altered weights: remove them and run `darkroom models pull`", 1)


def _show(row: Listed) -> None:
    used = "used" if row.used else ""
    typer.echo(f"{row.model.name:16} {row.status:9} {used:5} {row.model.licence:12} {row.path or row.model.url or ''}")
