"""`darkroom tag`: what is in pictures, of one or of a hundred thousand."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from .cli_common import Option, Optional, fail, or_fail, said, settings_from

if TYPE_CHECKING:
    from transforms.pipeline import Pipeline

    from .bulk.resumed import Done
    from .bulk.rows import Format
    from .bulk.work import Work
    from .settings import Settings

KEPT = 16 << 20  # bytes of results: a picture that is there twice is looked into once, if the other is not far

tagging = typer.Typer(rich_markup_mode=None)

FORMATS = {
    "json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}


@tagging.command()
def tag(
    files: Annotated[list[str], typer.Argument(help="Files, folders, globs, http(s) addresses; - reads lines.")],
    models: Annotated[Optional, Option(help="Folder of the models' weights.")] = None,
    ask: Annotated[Optional, Option(help="What is asked, as auto-tag takes it: objects:faces:crops.")] = None,
    confidence: Annotated[float | None, Option(min=0, max=1, help="Least score that counts.")] = None,
    form: Annotated[Optional, Option("--format", help="json, jsonl, csv or parquet; else as OUTPUT ends.")] = None,
    output: Annotated[Path | None, Option("--output", "-o", help="File to write; standard output by default.")] = None,
    resume: Annotated[bool, Option("--resume", help="Go on with OUTPUT: leave out what it has rows of.")] = False,
    write_keywords: Annotated[bool, Option("--write-keywords", help="Add tags to the files, as XMP and IPTC.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what keywords would be written; change nothing.")] = False,
    index: Annotated[bool, Option("--index", help="Feed the server's search index, as its settings say.")] = False,
    media: Annotated[Optional, Option(help="Folder of the server's originals, with --index.")] = None,
    renderers: Annotated[int | None, Option(help="Render processes.")] = None,
) -> None:
    """Say what is in pictures, a row each; exit status 1 where one of them could not be read, or written to."""
    from .bulk.items import listed
    from .bulk.work import Work
    from .identities import learn_words
    from .search.open import index_file

    settings = settings_from(models=models, media=media, renderers=renderers, pull="never")
    kind = _format(form, output)
    if index and index_file(settings) is None and settings.cache_text == "memory:":
        fail(
            "--index needs one to feed: say DARKROOM_SEARCH_INDEX, DARKROOM_CACHE_DISK or DARKROOM_CACHE as the server"
        )
    _check(kind, output, resume=resume, keywords=write_keywords, dry=dry_run, index=index)
    learn_words(settings)
    names = listed(files, map(os.fsdecode, sys.stdin.buffer))  # names of files are bytes
    work = Work(_question(ask, confidence), write_keywords, dry_run)
    with _begun(output, kind, work, resume=resume) as ready:
        tally: Any = asyncio.run(or_fail(_run(settings, names, work, kind, output, ready, index=index)))
    if output is not None:
        typer.echo(f"{tally.done} pictures, {tally.failed} failed, {tally.skipped} were done before", err=True)
    if tally.failed:
        raise typer.Exit(1)


@contextmanager
def _begun(output: Path | None, kind: Format, work: Work, *, resume: bool) -> Iterator[Done]:
    """Holds the output, and says what it has rows of; ends the program where it cannot be written or gone on with."""
    from transforms.failure import Failure

    from .bulk.claims import claimed
    from .bulk.resumed import done_in

    with ExitStack() as held:
        try:
            if output is not None:
                held.enter_context(claimed(output, kind, resume=resume))
            ready = done_in(output, kind, work) if output is not None and resume else {}
        except Failure as failure:
            fail(said(failure))
        yield ready


async def _run(
    settings: Settings, names: list[str], work: Work, kind: Format, output: Path | None, ready: Done, *, index: bool,
) -> Any:  # fmt: skip
    from .bulk.items import items
    from .bulk.run import tag
    from .bulk.writers import Columns, opened
    from .offline import warm

    total = sum(1 for _ in items(names)) if sys.stderr.isatty() else None
    kinds = _models_for(work, names, ready)
    only = () if index else kinds  # what is indexed is kept as by the server, which has all models
    async with warm(_alone(settings, names, index=index), needs=bool(kinds), only=only) as parts:
        feed = parts.looking.feed if parts.looking else None
        if feed is not None:
            _serve(feed, settings)
        writer = opened(output, kind)
        try:
            tally = await tag(parts, settings, items(names), work, writer, ready, total)
        finally:
            writer.close()
        if feed is not None:
            await feed.flush()
    if isinstance(writer, Columns):
        writer.finish()
    return tally


def _models_for(work: Work, names: list[str], ready: Done) -> frozenset[str]:
    """The kinds that models will be asked: none where no picture is left to be looked at."""
    from detectors.registry import base_of, modelled

    from .bulk.items import items
    from .bulk.run import is_done

    kinds = frozenset(map(base_of, modelled(work.pipeline.needs)))
    left = any(item.may_be_there and not is_done(item, ready) for item in items(names)) if kinds else False
    return kinds if left else frozenset()


def _alone(settings: Settings, names: list[str], *, index: bool) -> Settings:
    """The settings of a run of its own, in which every file is a source, and the addresses that were named."""
    from pydantic import ByteSize, SecretStr

    from .bulk.items import hosts
    from .search.open import index_file
    from .sources.url import AllowedSource

    named = map(AllowedSource.parse, hosts(names))
    own: dict[str, Any] = {
        "media": Path("/"), "config": None, "allowed_sources": (*settings.allowed_sources, *named),
        "search": "open" if index else "off", "search_index": index_file(settings) if index else None,
    }  # fmt: skip
    if not index:
        own |= {"cache": SecretStr("memory:"), "cache_bytes": ByteSize(KEPT), "cache_disk": None}
    return settings.model_copy(update=own)


def _serve(feed: Any, settings: Settings) -> None:
    """Sources are named as the server does whose index it is."""
    from .configuration import Configuration
    from .sources.source import SourceRef

    mounts = Configuration.load(settings.config).originals(settings)
    roots = mounts.roots

    def served(ref: SourceRef) -> SourceRef | None:
        if ref.scheme != "file":
            return SourceRef(ref.scheme, ref.location)
        path = Path("/") / ref.location
        root = next((root for root in roots if path.is_relative_to(root)), None)
        return None if root is None else SourceRef("file", str(path.relative_to(root)), root)

    feed.mounts, feed.served = lambda: mounts, served


def _format(form: str | None, output: Path | None) -> Format:
    kind = form or FORMATS.get(output.suffix.lower() if output else "json")
    if kind not in ("json", "jsonl", "csv", "parquet"):
        fail("--format is one of json, jsonl, csv, parquet" + ("" if form else ", where --output does not end so"))
    return cast("Format", kind)


def _check(kind: Format, output: Path | None, *, resume: bool, keywords: bool, dry: bool, index: bool) -> None:
    """Ends the program for what cannot be done, before anything is begun."""
    from .bulk import keywords as words
    from .bulk.rows import NEEDED

    if kind == "parquet" and importlib.util.find_spec("pyarrow") is None:
        fail(f"missing-extra: {NEEDED}")
    if keywords and importlib.util.find_spec("pyexiv2") is None:
        fail(f"missing-extra: {words.NEEDED}")
    if (resume or kind == "parquet") and output is None:
        fail(f"--{'resume' if resume else 'format parquet'} needs --output")
    if resume and kind == "json":
        fail("--resume needs --format jsonl, csv or parquet: lines of json do not say which file they were made of")
    if dry and not keywords:
        fail("--dry-run is about --write-keywords")
    if index and keywords:
        fail("--index and --write-keywords are two runs: a file that was written to is another one")
    if output is not None and not os.access(output.resolve().parent, os.W_OK):
        fail(f"{output} cannot be written", 1)


def _question(ask: str | None, confidence: float | None) -> Pipeline:
    """What is asked, in one spelling whatever the order; ends the program where it cannot be."""
    from transforms.failure import Failure
    from transforms.pipeline import Pipeline

    arguments = [*([ask] if ask else []), *([f"confidence={confidence:g}"] if confidence is not None else [])]
    try:
        asked = Pipeline.parse("auto-tag" + (":" + ",".join(arguments) if arguments else ""))
    except Failure as failure:
        fail(said(failure))
    if len(asked.nodes) != 1:
        fail("--ask names what is asked, with : between the names, and no other steps")
    names, comma, rest = asked.text.partition(",")
    step, *kinds = names.split(":")
    return Pipeline.parse(":".join([step, *sorted(kinds)]) + comma + rest)
