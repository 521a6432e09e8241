"""The detection process: `python -m detectors.service --socket PATH`, or `--host H --port P --secret S`.

Command line, socket, signals, and the end of it when its parent ends. Models are imported only after `quiet.silence`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import quiet

if TYPE_CHECKING:
    from .models import ModelStore
    from .registry import Detector

GRACE_S = 5.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the detection service until SIGTERM, SIGINT or the end of the parent."""
    options = _parse(arguments)
    quiet.silence()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    logging.getLogger().handlers[0].setFormatter(_formatter())
    for library in ("httpx2", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    if os.environ.get("DARKROOM_LOG_LEVEL", os.environ.get("LOG_LEVEL", "")).strip().lower() == "debug":
        logging.getLogger("darkroom").setLevel(logging.DEBUG)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = _listen_unix(options.socket) if options.socket else _listen_tcp(options.host, options.port)
    try:
        _serve(options, listener)
    finally:
        if options.socket:
            _remove(options.socket, listener)
        if arguments is None:
            # At once: a model that is still being loaded in a thread aborts an interpreter that shuts down.
            logging.shutdown()
            os._exit(0)


def _formatter() -> logging.Formatter:
    """Lines as the server that started us writes them."""
    if os.environ.get("DARKROOM_LOG_FORMAT", "").strip() == "json":
        return _JsonLines()
    return logging.Formatter("%(asctime)s %(name)s: %(message)s")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {
            "timestamp": moment, "level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()
        }  # fmt: skip
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m detectors.service", description=__doc__)
    parser.add_argument("--socket", type=Path, help="unix socket to listen on; only this user may connect")
    parser.add_argument("--host", help="address to listen on, instead of a socket")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--secret", default=os.environ.get("DARKROOM_DETECTION_SECRET"), help="wanted in a header")
    parser.add_argument("--models", type=Path, required=True, help="folder of weights")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--pull", choices=("never", "background"), default="never", help="download missing weights")
    parser.add_argument("--mirror", help="scheme, host and path prefix to download from, instead of the publishers'")
    parser.add_argument(
        "--prefer", default="", help="models that serve a kind first: objects=yolo11m,masks=yolo26n-seg"
    )
    parser.add_argument("--only", default="", help="kinds that will be asked: no models of others are loaded")
    parser.add_argument("--gpu-memory", type=int, default=0, help="bytes that models may take of the GPU; 0: all")
    parser.add_argument("--parent", type=int, help="process whose end ends this one; 0: none (default with --host)")
    options = parser.parse_args(arguments)
    if (options.socket is None) == (options.host is None):
        parser.error("give either --socket or --host")
    if options.host and not options.secret:
        parser.error("--host needs --secret: whoever reaches the port could use the models")
    if options.parent is None:
        options.parent = os.getppid() if options.socket else 0
    return options


def _serve(options: argparse.Namespace, listener: socket.socket) -> None:
    import uvicorn

    from .app import create_app
    from .engine import Engine, pick_device
    from .keeper import Keeper
    from .memory import limit
    from .models import ModelStore
    from .prefer import read_preferences

    try:
        device = pick_device(options.device)
    except RuntimeError as error:
        sys.exit(str(error))
    limit(options.gpu_memory)
    prefer = read_preferences(options.prefer)
    store = ModelStore(options.models, mirror=options.mirror, device=device, prefer=prefer)
    engine = Engine(store, device, _serving(store, options.only.split(",")) if options.only else None)
    keeper = Keeper(engine, pull=options.pull == "background")
    config = uvicorn.Config(
        create_app(engine, options.secret),
        log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=75,
        timeout_graceful_shutdown=int(GRACE_S),
    )  # fmt: skip
    server = uvicorn.Server(config)
    engine.start()
    keeper.start()
    if options.parent:
        threading.Thread(target=_follow, args=(options.parent, server), name="parent", daemon=True).start()
    try:
        server.run(sockets=[listener])
    finally:
        keeper.close()
        engine.close()


def _serving(store: ModelStore, kinds: Sequence[str]) -> list[Detector]:
    """The detectors of these kinds, the operator's models among them as the folder has them now."""
    from .registry import detectors, install

    install(store.own())
    return [known for known in detectors().values() if known.kinds.intersection(kinds)]


def _follow(parent: int, server: object) -> None:
    """End this process soon after its parent has ended, so that none is left over.

    Polled, because PR_SET_PDEATHSIG is about the parent's thread: it fires when a thread that spawned us ends.
    """
    while os.getppid() == parent:
        time.sleep(0.5)
    server.should_exit = True  # type: ignore[attr-defined]
    time.sleep(GRACE_S + 1)
    os._exit(1)


def _listen_tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=256)


def _listen_unix(path: Path) -> socket.socket:
    """A listening socket that only this user can connect to, in the place of one that a dead process left."""
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.stat().st_mode):
                path.unlink()
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(256)
    return listener


def _remove(path: Path, listener: socket.socket) -> None:
    """Remove our socket, unless a successor has put its own there."""
    listener.close()
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


if __name__ == "__main__":
    main()
