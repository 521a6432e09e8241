"""`darkroom serve | detect | render`, and the commands of the other files."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .cli_common import Option, Optional, fail, or_fail, settings_from
from .cli_links import links
from .cli_models import models
from .cli_operate import operate
from .cli_tag import tagging
from .environment import SettingsError

cli = typer.Typer(
    rich_markup_mode=None,  # else [:port] in a text is taken for markup
    no_args_is_help=True, add_completion=False, help="A URL in, the right picture out.",
    pretty_exceptions_show_locals=False,  # they hold secrets
)  # fmt: skip


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"darkroom {version('darkroom')}")
        raise typer.Exit


@cli.callback()
def main(
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """A URL in, the right picture out."""


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
    try:
        settings.check_preferences()
    except SettingsError as error:
        fail(str(error))
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
    from .identities import learn_words
    from .offline import rendered

    settings = settings_from(media=media, models=models, pull="never")
    learn_words(settings)
    body = asyncio.run(or_fail(rendered(settings, path)))
    if output is None:
        sys.stdout.buffer.write(body)
        return
    try:
        output.write_bytes(body)
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}", 1)


cli.add_typer(links)
cli.add_typer(models, name="models")
cli.add_typer(operate)
cli.add_typer(tagging)
