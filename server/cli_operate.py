"""`darkroom check | doctor | health | purge | warm`: for whoever keeps a server running."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

import typer

from .cli_common import Option, Optional, fail, given, settings_from, take
from .environment import SettingsError
from .settings import Settings

operate = typer.Typer(rich_markup_mode=None)

AsJson = Annotated[bool, Option("--json", help="Print JSON.")]


@operate.command()
def check(
    host: Annotated[Optional, Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, Option(help="Port to listen on.")] = None,
    media: Annotated[Optional, Option(help="Folder of the originals.")] = None,
    config: Annotated[Optional, Option(help="Settings file (TOML).")] = None,
    unsigned: Annotated[bool | None, Option(help="As of serve.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every setting, its value and who said it; exit status 2 where a server would not start with them."""
    from .check import printed, rows

    take(host=host, port=port, media=media, config=config, unsigned=unsigned)
    problems: list[str] = []
    shown = []
    try:
        settings = Settings.load()
        shown = rows(settings, given)
        settings.check()
    except SettingsError as error:
        problems = str(error).splitlines()
    if as_json:
        typer.echo(json.dumps({"settings": [row.described() for row in shown], "problems": problems}, indent=2))
    else:
        typer.echo(printed(shown, problems), nl=False)
    if problems:
        fail("\n".join(problems))


@operate.command()
def doctor(
    config: Annotated[Optional, Option(help="Settings file (TOML).")] = None,
    media: Annotated[Optional, Option(help="Folder of the originals.")] = None,
    models: Annotated[Optional, Option(help="Folder of the models' weights.")] = None,
    as_json: AsJson = False,
) -> None:
    """Test what the server needs, and say how to mend what does not work; exit status 1 where something fails."""
    from .doctor import examined

    settings = settings_from(config=config, media=media, models=models)
    findings = examined(settings)
    if as_json:
        typer.echo(json.dumps([finding.described() for finding in findings], indent=2))
    else:
        colours = {"ok": typer.colors.GREEN, "warn": typer.colors.YELLOW, "fail": typer.colors.RED}
        for finding in findings:
            typer.secho(f"{finding.status:5}", fg=colours[finding.status], nl=False)
            typer.echo(
                f"{finding.name:12} {finding.says}" + (f"\n     {'':12} → {finding.mend}" if finding.mend else "")
            )
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


@operate.command()
def purge(
    source: Annotated[list[str] | None, Option(help="A public id, path, remote address or path of a URL.")] = None,
    prefix: Annotated[list[str] | None, Option(help="A folder of them.")] = None,
    tag: Annotated[list[str] | None, Option(help="A tag: detected, of a preset, or as in Cache-Tag.")] = None,
    url: Annotated[Optional, Option(help="Address of the server; by default the one of these settings.")] = None,
    cloud: Annotated[Optional, Option(help="The cloud that sources and prefixes are of.")] = None,
    delivery: Annotated[Optional, Option(help="upload, private or authenticated.")] = None,
) -> None:
    """Make a server and its replicas forget results; prints the tags to purge at a CDN. Wants DARKROOM_ADMIN_TOKEN."""
    from .offsite import address_of, purged

    settings = settings_from()
    token = settings.admin_token_text
    if not token:
        fail("a token is wanted: set DARKROOM_ADMIN_TOKEN to that of the server")
    asked = {"source": source or [], "prefix": prefix or [], "tag": tag or []}
    if not any(asked.values()):
        fail("say what to purge: --source, --prefix or --tag")
    more = {name: value for name, value in (("cloud", cloud), ("delivery", delivery)) if value}
    ok, text = purged(url or address_of(settings), token, {**asked, **more})
    if not ok:
        fail(text, 1)
    typer.echo(text)


@operate.command()
def warm(
    urls: Annotated[list[str], typer.Argument(help="URLs or paths; a file of them, one a line; - is standard input.")],
    url: Annotated[Optional, Option(help="Address that paths are asked of; by default that of these settings.")] = None,
    concurrency: Annotated[int, Option(min=1, max=64, help="Requests at a time.")] = 4,
    accept: Annotated[list[str] | None, Option(help="Accept header; several warm each negotiated variant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for pictures so that they are in the cache; exit status 1 where some could not be made."""
    from .offsite import address_of
    from .warm import listed, warmed

    settings = settings_from()
    try:
        wanted = listed(urls, sys.stdin, url or address_of(settings))
    except (OSError, ValueError) as error:
        fail(str(error))
    summary = asyncio.run(warmed(wanted, accept or ["*/*"], concurrency))
    typer.echo(json.dumps(summary.described(), indent=2) if as_json else summary.printed())
    if summary.failures:
        raise typer.Exit(1)


@operate.command()
def health() -> None:
    """Ask the server of these settings whether it is alive; exit status 1 where it is not (for container probes)."""
    import httpx2

    from .offsite import address_of

    settings = settings_from()
    try:
        answer = httpx2.get(f"{address_of(settings)}/health", timeout=2, trust_env=False)
    except httpx2.HTTPError as error:
        fail(f"not alive: {error}", 1)
    if answer.status_code != 200:
        fail(f"not alive: {answer.status_code}", 1)
    typer.echo("ok")
