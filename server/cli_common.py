"""What all commands share: options that become settings, and failures in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from .environment import SettingsError
from .settings import Settings

if TYPE_CHECKING:
    from transforms.failure import Failure

T = TypeVar("T")
Option = typer.Option
Optional = str | None

given: set[str] = set()
"""The settings that were said by options of this command."""


def fail(message: str, code: int = 2) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(code)


def settings_from(**options: object) -> Settings:
    """The settings with command-line options over the environment; ends the program where they are wrong.

    Options go into the environment, because the fronts and other processes that are started read it again.
    """
    take(**options)
    try:
        return Settings.load()
    except SettingsError as error:
        fail(str(error))


def take(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            os.environ[f"DARKROOM_{name.upper()}"] = str(value)
            given.add(name)


def said(failure: Failure) -> str:
    return f"{failure.code}: {failure.message}" + (f"\n{failure.hint}" if failure.hint else "")


async def or_fail(work: Any) -> Any:
    """What work comes to; ends the program with its failure in words."""
    from transforms.failure import Failure

    try:
        return await work
    except Failure as failure:
        fail(said(failure), 1)
    except SettingsError as error:
        fail(str(error))


def done(work: Callable[[], T]) -> T:
    """What work comes to; ends the program with its failure in words."""
    from transforms.failure import Failure

    try:
        return work()
    except Failure as failure:
        fail(said(failure), 1)
