"""`darkroom serve`: the detection process, then one front in this process or several as its children."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from .environment import SettingsError
from .settings import Settings
from .sources.spool import Spool, roomiest

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from .detection import Supervisor
    from .metrics import Metrics

# The parent of several fronts imports nothing that counts or draws: it stays small, and the client library of
# Prometheus looks at its variable when it is imported.


def run(settings: Settings) -> None:
    """Serve until stopped. Exits with 2 where the settings would open the server to strangers unsigned."""
    try:
        settings.check()
    except SettingsError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        raise typer.Exit(2) from None
    from .fronts import listen

    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        typer.secho(f"cannot listen on {where}: {error.strerror or error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    port = listener.getsockname()[1]
    os.environ["DARKROOM_PORT"] = str(port)  # what 0 came to; fronts read it again
    settings = settings.model_copy(update={"port": port})
    _greet(settings)
    raise typer.Exit(_run_one(settings, listener) if settings.workers == 1 else _run_several(settings, listener))


def _options(settings: Settings, metrics: Metrics) -> dict[str, Any]:
    """uvicorn's, for every front."""
    from .protocol import Doors

    return {
        "http": Doors.of(settings, metrics.refused).protocol,
        "log_config": None, "access_log": False, "server_header": False, "ws": "none", "proxy_headers": False,
        "timeout_keep_alive": settings.keep_alive_timeout,
        "timeout_graceful_shutdown": max(0.0, settings.graceful_stop_timeout - settings.lame_duck),
    }  # fmt: skip


def _run_one(settings: Settings, listener: socket.socket) -> int:
    from .app import create_app
    from .fronts import serve

    app = create_app(settings)
    measured(settings, app.state.metrics.scrape)
    return serve(listener, app, _options(settings, app.state.metrics), settings.lame_duck)


def run_front(listener: socket.socket) -> int:
    """One of several fronts, in its own process; the exit status."""
    from .app import create_app
    from .fronts import serve

    settings = Settings.load()
    app = create_app(settings)
    return serve(listener, app, _options(settings, app.state.metrics), settings.lame_duck)


def _run_several(settings: Settings, listener: socket.socket) -> int:
    """Several fronts on one socket, one detection process for all, metrics summed over files."""
    from .fronts import Fronts
    from .log import set_up

    set_up(settings.log_level, settings.log_format)
    with tempfile.TemporaryDirectory(prefix="darkroom-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        supervisor = _supervised(settings)
        try:
            with _sharing_originals(settings):
                return Fronts(settings.workers, listener, settings.graceful_stop_timeout).run()
        finally:
            if supervisor:
                supervisor.stop()


@contextmanager
def _sharing_originals(settings: Settings) -> Iterator[None]:
    """A folder for the downloads of all fronts, where none is named."""
    if settings.originals_dir is not None or not settings.originals_bytes:
        yield
        return
    spool = Spool(roomiest(settings.spooled_bytes))
    os.environ["DARKROOM_ORIGINALS_DIR"] = str(spool.folder)
    try:
        yield
    finally:
        spool.close()


def _supervised(settings: Settings) -> Supervisor | None:
    """The detection process of all fronts, unless it runs elsewhere; its address goes to the fronts."""
    from .detection import Supervisor
    from .metrics import Metrics

    metrics = Metrics(settings.metrics_namespace)
    supervisor = None if settings.detection else Supervisor(settings, metrics.detection_restarts.inc)
    if supervisor:
        supervisor.start()
        os.environ["DARKROOM_DETECTION"] = supervisor.address
    metrics.detection.address = settings.detection or (supervisor.address if supervisor else "")
    metrics.detection.secret = settings.detection_secret_text
    measured(settings, metrics.scrape)
    return supervisor


def measured(settings: Settings, registry: CollectorRegistry) -> None:
    """Serve the metrics on a port of their own, where one is set; exits with 1 where it is taken."""
    if settings.metrics_bind is None:
        return
    from prometheus_client import start_http_server

    host, _, port = settings.metrics_bind.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"), registry)
    except (OSError, OverflowError) as error:
        typer.secho(f"cannot listen on {settings.metrics_bind}: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None


def _greet(settings: Settings) -> None:
    from .pages.index import present

    base = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"
    typer.echo(f"Darkroom on {base}, pictures from {settings.media}")
    for path, what in present(settings.media):
        typer.echo(f"  {base}{path}\n      {what}")
