"""`darkroom parse | sign | url`: paths without a server."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Literal

import typer

from .cli_common import Option, Optional, done, fail, settings_from

links = typer.Typer(rich_markup_mode=None)

Dialect = Literal["native", "cloudinary"]


@links.command()
def parse(
    paths: Annotated[list[str], typer.Argument(help="Paths of URLs; - reads them from standard input, one a line.")],
) -> None:
    """Print each path's canonical form and steps, or what is wrong with it, as a line of JSON."""
    from .identities import learn_words
    from .parse import parsed

    learn_words(settings_from())
    for path in paths:
        for line in sys.stdin if path == "-" else [path]:
            typer.echo(json.dumps(parsed(line.rstrip("\r\n")), ensure_ascii=False))


@links.command()
def sign(
    path: Annotated[str, typer.Argument(help="A path as in a URL; one of Cloudinary's gets Cloudinary's signature.")],
    key: Annotated[Optional, Option(help="Id of the key in DARKROOM_KEYS; the first one by default.")] = None,
    expires: Annotated[Optional, Option(help="Seconds from now, or a date: 2030-12-31T18:00 (UTC).")] = None,
    dialect: Annotated[Dialect | None, Option(help="Told by the path where it is left out.")] = None,
    long: Annotated[bool, Option("--long", help="Cloudinary: 32 characters, SHA-256.")] = False,
    algorithm: Annotated[Literal["sha1", "sha256"], Option(help="Cloudinary: hash of a short signature.")] = "sha1",
) -> None:
    """Print a path with its signature, by the secrets in DARKROOM_KEYS or DARKROOM_CLOUDINARY_SECRET."""
    from . import links as paths

    settings = settings_from()
    if (dialect or paths.dialect_of(path)) == "native":
        name, secret = _key(settings.signing_keys, key)
        typer.echo(done(lambda: paths.sign_native(path, name, secret, paths.moment(expires) if expires else None)))
        return
    if key or expires:
        fail("Cloudinary's signatures have no key id and do not expire")
    if not settings.cloudinary_secrets:
        fail("no secret to sign with: set DARKROOM_CLOUDINARY_SECRET")
    typer.echo(done(lambda: paths.sign_cloudinary(path, settings.cloudinary_secrets[0], algorithm, long=long)))


def _key(keys: dict[str, str], name: str | None) -> tuple[str, str]:
    """The id and secret to sign with."""
    if not keys:
        fail("no key to sign with: set DARKROOM_KEYS=<id>:<secret>")
    name = name or next(iter(keys))
    if name not in keys:
        fail(f"there is no key {name} in DARKROOM_KEYS: {', '.join(keys)}")
    return name, keys[name]


@links.command()
def url(
    path: Annotated[str, typer.Argument(help="A path as in a URL, in either spelling.")],
    dialect: Annotated[Dialect, Option(help="The spelling to print it in.")],
) -> None:
    """Print a path in our spelling or in Cloudinary's, where that can say it; signatures are left out."""
    from . import links as paths
    from .identities import learn_words

    learn_words(settings_from())
    typer.echo(done(lambda: paths.translated(path, dialect)))
