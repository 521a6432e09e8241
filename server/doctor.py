"""`darkroom doctor`: tests what the server needs, one thing after the other, and says how to mend what fails."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from .configuration import Configuration
from .environment import SettingsError
from .redact import redacted
from .settings import Settings
from .sources.file import FileSource
from .sources.spool import roomiest

Status = Literal["ok", "warn", "fail"]

FILES = 4096  # descriptors: clients, sources, sockets; a front alone has 31
ROOM = 64 * 2**20  # bytes of shared memory that may be free at least
MEMORY_SHARE = 1.5  # of the machine's memory that all renders may ask for together before it is said


@dataclass(frozen=True)
class Finding:
    """What one test came to; `mend` says what to do, "" where there is nothing to do."""

    name: str
    status: Status
    says: str
    mend: str = ""

    def described(self) -> dict[str, Any]:
        return asdict(self)


def examined(settings: Settings) -> list[Finding]:
    """The findings of every test. A test that cannot even be run is a finding too."""
    return [finding for name, test in _tests() for finding in _run(name, test, settings)]


Test = Callable[[Settings], Iterator[Finding]]


def _tests() -> list[tuple[str, Test]]:
    from .doctor_cache import cache
    from .doctor_codecs import codecs, fonts
    from .doctor_models import models
    from .doctor_watermark import watermark

    return [
        ("settings", _settings), ("media", _media), ("watermark", watermark), ("cache", cache), ("models", models),
        ("device", _device), ("codecs", codecs), ("fonts", fonts), ("room", _room), ("memory", _memory),
        ("clock", _clock), ("files", _files),
    ]  # fmt: skip


def _run(name: str, test: Test, settings: Settings) -> Iterator[Finding]:
    try:
        yield from test(settings)
    except Exception as error:  # whatever a broken installation raises
        yield Finding(name, "fail", redacted(f"{type(error).__name__}: {error}"), "see the message; reinstall darkroom")


def _settings(settings: Settings) -> Iterator[Finding]:
    try:
        settings.check()
        yield Finding("settings", "ok", f"a server on {settings.host}:{settings.port} would start")
    except SettingsError as error:
        yield Finding("settings", "fail", " ".join(str(error).splitlines()), "see `darkroom check`")


def _media(settings: Settings) -> Iterator[Finding]:
    try:
        said = Configuration.load(settings.config)
    except SettingsError:  # a finding of the settings
        return
    folders = [target for target in said.mounts.values() if isinstance(target, Path)] or [settings.media]
    if said.mounts and not any(isinstance(target, Path) for target in said.mounts.values()):
        yield Finding("media", "ok", "all originals are mounted from elsewhere")
        return
    for folder in dict.fromkeys(folders):
        if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
            yield Finding("media", "fail", f"{folder} cannot be read", "create it, or let this user read it")
        elif samples := FileSource(folder, int(settings.max_src_file_size)).samples(1):
            yield Finding("media", "ok", f"{folder} can be read ({samples[0]}, …)")
        else:
            yield Finding("media", "ok", f"{folder} can be read; no picture lies directly in it")


def _device(settings: Settings) -> Iterator[Finding]:
    if settings.detection:
        from .measured import asked

        found = asked(settings.detection, settings.detection_secret_text)
        if found:
            yield Finding("device", "ok", "the detection service answers")
        else:
            yield Finding(
                "device", "fail", f"the detection service at {redacted(settings.detection)} does not answer",
                "start `darkroom detect` there; DARKROOM_DETECTION_SECRET must be the same on both sides",
            )  # fmt: skip
        return
    from detectors.engine import pick_device

    try:
        yield Finding("device", "ok", f"models run on {pick_device(settings.device)}")
    except RuntimeError as error:
        yield Finding("device", "fail", str(error), "install NVIDIA's driver, or set DARKROOM_DEVICE=cpu")


def _room(settings: Settings) -> Iterator[Finding]:
    shared = Path("/dev/shm")  # noqa: S108 - looked at
    if shared.is_dir():
        free = shutil.disk_usage(shared).free
        enough = free >= ROOM
        yield Finding(
            "room", "ok" if enough else "warn", f"{free >> 20} MiB of shared memory are free",
            "" if enough else "give the container more: --shm-size=256m",
        )  # fmt: skip
    folder = tempfile.gettempdir()
    needed = 2 * settings.renderers * int(settings.max_src_file_size)
    free = shutil.disk_usage(folder).free
    with tempfile.TemporaryFile() as probe:
        probe.write(b"x")
    enough = free >= needed
    yield Finding(
        "room", "ok" if enough else "warn", f"{free >> 20} MiB are free for downloads in {folder}",
        "" if enough else f"make room for {needed >> 20} MiB, or set TMPDIR to a larger disk",
    )  # fmt: skip
    yield from _room_for_originals(settings)


def _room_for_originals(settings: Settings) -> Iterator[Finding]:
    """What is kept already counts as room for them."""
    wanted = int(settings.originals_bytes)
    if not wanted:
        return
    folder = settings.originals_dir or roomiest(settings.spooled_bytes)
    kept = sum(path.stat().st_size for path in folder.glob("original-*") if path.is_file())
    there = next(above for above in (folder.absolute(), *folder.absolute().parents) if above.exists())
    room = shutil.disk_usage(there).free + kept
    enough = room >= wanted
    yield Finding(
        "room", "ok" if enough else "warn", f"{room >> 20} MiB for originals that are kept in {folder}",
        "" if enough else f"make room for {wanted >> 20} MiB, or lower DARKROOM_ORIGINALS_BYTES",
    )  # fmt: skip


def _memory(settings: Settings) -> Iterator[Finding]:
    there = _memory_bytes()
    wanted = settings.renderers * int(settings.render_memory)
    fits = wanted <= MEMORY_SHARE * there
    yield Finding(
        "memory", "ok" if fits else "warn",
        f"{there >> 20} MiB; renders may take up to {wanted >> 20} MiB together",
        "" if fits else "lower DARKROOM_RENDERERS or DARKROOM_RENDER_MEMORY, or give the machine more",
    )  # fmt: skip


def _memory_bytes() -> int:
    """Of the machine, or of the container where that may have less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no cgroup v2, or "max"
        return machine


def _clock(settings: Settings) -> Iterator[Finding]:
    # Signatures expire by it, and purges compare the moments of replicas.
    installed = Path(__file__).stat().st_mtime
    right = time.time() >= installed - 86_400
    yield Finding(
        "clock", "ok" if right else "fail", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "" if right else "that is before this program was installed: set the clock, run an NTP client",
    )  # fmt: skip


def _files(settings: Settings) -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft == resource.RLIM_INFINITY or soft >= FILES
    yield Finding(
        "files", "ok" if enough else "warn", f"{soft} files may be open",
        "" if enough else f"ulimit -n {min(FILES, hard)}, LimitNOFILE= of systemd, or --ulimit nofile= of Docker",
    )  # fmt: skip
