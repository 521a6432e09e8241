"""`darkroom serve | detect | render | tag | parse | sign | url | models | health`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from .environment import SettingsError
from .settings import Settings

if TYPE_CHECKING:
    from detectors.models import Listed, ModelStore
    from transforms.failure import Failure

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="A URL in, the right picture out.")
models = typer.Typer(no_args_is_help=True, help="The weights of the detectors.")
cli.add_typer(models, name="models")

Option = typer.Option
Optional = str | None
Dialect = Literal["native", "cloudinary"]


def fail(message: str, code: int = 2) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(code)


def settings_from(**options: object) -> Settings:
    """The settings with command-line options over the environment; ends the program where they are wrong.

    Options go into the environment, because the fronts and other processes that are started read it again.
    """
    for name, value in options.items():
        if value is not None:
            os.environ[f"DARKROOM_{name.upper()}"] = str(value)
    try:
        return Settings.load()
    except SettingsError as error:
        fail(str(error))


@cli.command()
def serve(
    host: Annotated[Optional, Option(help="Address to listen on; but for loopback, keys or --unsigned.")] = None,
    port: Annotated[int | None, Option(help="Port to listen on.")] = None,
    media: Annotated[Optional, Option(help="Folder of the originals.")] = None,
    config: Annotated[Optional, Option(help="Settings file (TOML): where originals live, and presets.")] = None,
    models: Annotated[Optional, Option(help="Folder of the models' weights.")] = None,
    cache: Annotated[Optional, Option(help="memory: or redis://…")] = None,
    device: Annotated[Optional, Option(help="auto, cpu or cuda.")] = None,
    workers: Annotated[int | None, Option(help="Front processes.")] = None,
    renderers: Annotated[int | None, Option(help="Render processes.")] = None,
    allowed_sources: Annotated[Optional, Option(help="scheme://host[:port][/path], comma-separated.")] = None,
    allowed_networks: Annotated[Optional, Option(help="Private networks that may be fetched from, as CIDR.")] = None,
    unsigned: Annotated[bool | None, Option(help="Serve unsigned URLs to others than this machine.")] = None,
) -> None:
    """Serve pictures over HTTP."""
    from .serve import run

    settings = settings_from(
        host=host, port=port, media=media, config=config, models=models, cache=cache, device=device, workers=workers,
        renderers=renderers, allowed_sources=allowed_sources, allowed_networks=allowed_networks, unsigned=unsigned,
    )  # fmt: skip
    run(settings)


@cli.command()
def detect(
    socket: Annotated[Optional, Option(help="Unix socket to listen on.")] = None,
    host: Annotated[Optional, Option(help="Address to listen on, with --port and DARKROOM_DETECTION_SECRET.")] = None,
    port: Annotated[int | None, Option(help="Port to listen on.")] = None,
    models: Annotated[Optional, Option(help="Folder of the models' weights.")] = None,
    device: Annotated[Optional, Option(help="auto, cpu or cuda.")] = None,
) -> None:
    """Serve detections alone, on a machine with a GPU for example."""
    from .detection import service_command

    settings = settings_from(models=models, device=device)
    if (socket is None) == (host is None or port is None):
        fail("say either --socket or --host and --port")
    where = ["--socket", socket] if socket else ["--host", str(host), "--port", str(port)]
    if settings.detection_secret_text:
        os.environ["DARKROOM_DETECTION_SECRET"] = settings.detection_secret_text
    elif not socket:
        fail("over TCP a shared secret is wanted: set DARKROOM_DETECTION_SECRET on both sides")
    command = service_command(settings, *where)
    os.execv(sys.executable, command)  # noqa: S606 - our own module, in this very process


@cli.command()
def render(
    path: Annotated[str, typer.Argument(help="A path as in a URL: /resize:400x300/bus.jpg")],
    output: Annotated[Path | None, Option("--output", "-o", help="File to write; standard output by default.")] = None,
    media: Annotated[Optional, Option(help="Folder of the originals.")] = None,
    models: Annotated[Optional, Option(help="Folder of the models' weights.")] = None,
) -> None:
    """Render one URL without a server."""
    from .offline import rendered

    settings = settings_from(media=media, models=models, pull="never")
    body = asyncio.run(_or_fail(rendered(settings, path)))
    if output is None:
        sys.stdout.buffer.write(body)
        return
    try:
        output.write_bytes(body)
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}", 1)


@cli.command()
def tag(
    files: Annotated[list[Path], typer.Argument(help="Pictures.", exists=True, dir_okay=False)],
    models: Annotated[Optional, Option(help="Folder of the models' weights.")] = None,
) -> None:
    """Say what is in pictures: one line of JSON each; exit status 1 where one could not be read."""
    from .offline import tagged

    settings = settings_from(models=models, media="/", pull="never")
    reports = asyncio.run(_or_fail(tagged(settings, [file.resolve() for file in files])))
    for file, report in zip(files, reports, strict=True):
        typer.echo(json.dumps({"file": str(file), **report}, ensure_ascii=False))
    if any("error" in report for report in reports):
        raise typer.Exit(1)


def _said(failure: Failure) -> str:
    return f"{failure.code}: {failure.message}" + (f"\n{failure.hint}" if failure.hint else "")


async def _or_fail(work: Any) -> Any:
    from transforms.failure import Failure

    try:
        return await work
    except Failure as failure:
        fail(_said(failure), 1)
    except SettingsError as error:
        fail(str(error))


@cli.command()
def parse(
    paths: Annotated[list[str], typer.Argument(help="Paths of URLs; - reads them from standard input, one a line.")],
) -> None:
    """Print each path's canonical form and steps, or what is wrong with it, as a line of JSON."""
    from .parse import parsed

    for path in paths:
        for line in sys.stdin if path == "-" else [path]:
            typer.echo(json.dumps(parsed(line.rstrip("\r\n")), ensure_ascii=False))


@cli.command()
def sign(
    path: Annotated[str, typer.Argument(help="A path as in a URL; one of Cloudinary's gets Cloudinary's signature.")],
    key: Annotated[Optional, Option(help="Id of the key in DARKROOM_KEYS; the first one by default.")] = None,
    expires: Annotated[Optional, Option(help="Seconds from now, or a date: 2030-12-31T18:00 (UTC).")] = None,
    dialect: Annotated[Dialect | None, Option(help="Told by the path where it is left out.")] = None,
    long: Annotated[bool, Option("--long", help="Cloudinary: 32 characters, SHA-256.")] = False,
    algorithm: Annotated[Literal["sha1", "sha256"], Option(help="Cloudinary: hash of a short signature.")] = "sha1",
) -> None:
    """Print a path with its signature, by the secrets in DARKROOM_KEYS or DARKROOM_CLOUDINARY_SECRET."""
    from . import links

    settings = settings_from()
    if (dialect or links.dialect_of(path)) == "native":
        name, secret = _key(settings.signing_keys, key)
        typer.echo(_done(lambda: links.sign_native(path, name, secret, links.moment(expires) if expires else None)))
        return
    if key or expires:
        fail("Cloudinary's signatures have no key id and do not expire")
    if not settings.cloudinary_secrets:
        fail("no secret to sign with: set DARKROOM_CLOUDINARY_SECRET")
    typer.echo(_done(lambda: links.sign_cloudinary(path, settings.cloudinary_secrets[0], algorithm, long=long)))


def _key(keys: dict[str, str], name: str | None) -> tuple[str, str]:
    """The id and secret to sign with."""
    if not keys:
        fail("no key to sign with: set DARKROOM_KEYS=<id>:<secret>")
    name = name or next(iter(keys))
    if name not in keys:
        fail(f"there is no key {name} in DARKROOM_KEYS: {', '.join(keys)}")
    return name, keys[name]


@cli.command()
def url(
    path: Annotated[str, typer.Argument(help="A path as in a URL, in either spelling.")],
    dialect: Annotated[Dialect, Option(help="The spelling to print it in.")],
) -> None:
    """Print a path in our spelling or in Cloudinary's, where that can say it; signatures are left out."""
    from . import links

    typer.echo(_done(lambda: links.translated(path, dialect)))


def _done(work: Callable[[], str]) -> str:
    from transforms.failure import Failure

    try:
        return work()
    except Failure as failure:
        fail(_said(failure), 1)


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
            typer.secho(_said(failure), fg=typer.colors.RED, err=True)
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


@cli.command()
def health() -> None:
    """Ask the server of these settings whether it is alive; exit status 1 where it is not (for container probes)."""
    import httpx2

    settings = settings_from()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    try:
        answer = httpx2.get(f"http://{host}:{settings.port}/health", timeout=2, trust_env=False)
    except httpx2.HTTPError as error:
        fail(f"not alive: {error}", 1)
    if answer.status_code != 200:
        fail(f"not alive: {answer.status_code}", 1)
    typer.echo("ok")
