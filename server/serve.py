"""`darkroom serve`: the detection process, then one front in this process or several as its children."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import typer
import uvicorn

from .app import create_app
from .assemble import supervise
from .environment import SettingsError
from .pages.index import present
from .settings import Settings

GRACE = 20  # seconds that open requests get to finish on shutdown


def run(settings: Settings) -> None:
    """Serve until stopped. Raises SettingsError where the settings would open the server to strangers unsigned."""
    try:
        settings.check()
    except SettingsError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        raise typer.Exit(2) from None
    _greet(settings)
    options: dict[str, Any] = {
        "host": settings.host, "port": settings.port, "log_config": None, "access_log": False,
        "server_header": False, "ws": "none", "timeout_keep_alive": settings.keep_alive_timeout,
        "timeout_graceful_shutdown": GRACE,
    }  # fmt: skip
    if settings.workers == 1:
        uvicorn.run(create_app(settings), workers=1, **options)
    else:
        _run_several(settings, options)


def _run_several(settings: Settings, options: dict[str, Any]) -> None:
    """Several fronts on one socket, one detection process for all, metrics summed over files."""
    supervisor = None if settings.detection else supervise(settings)
    if supervisor:
        os.environ["DARKROOM_DETECTION"] = supervisor.address
    with tempfile.TemporaryDirectory(prefix="darkroom-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            uvicorn.run("server.app:create_app", factory=True, workers=settings.workers, **options)
        finally:
            if supervisor:
                supervisor.stop()


def _greet(settings: Settings) -> None:
    base = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"
    typer.echo(f"Darkroom on {base}, pictures from {settings.media}")
    for path, what in present(settings.media):
        typer.echo(f"  {base}{path}\n      {what}")
