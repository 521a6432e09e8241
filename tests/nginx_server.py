"""A real nginx for tests, by the recipe of examples/nginx: as an ordinary user, on free ports, in its own folder.

What lies in its cache can be looked at, and made older, so that no test waits for an answer to expire.
"""

from __future__ import annotations

import os
import pwd
import shutil
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from .servers import free_port
from .shared import ROOT

BINARY = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
MISSING = "nginx is not installed"
RECIPE = ROOT / "examples" / "nginx" / "darkroom.conf"
PURGE = ROOT / "examples" / "nginx" / "purge.sh"
TOKEN = "a-token-of-tests"

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_MAIN = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{ access_log off; {temporary} include {folder}/darkroom.conf; }}
"""
_HEADER = struct.Struct("<Qqqqqq")  # ngx_http_file_cache_header_t on 64 bits begins with these
_VERSION = 5  # of that format: nginx 1.11.10 and later


@dataclass(frozen=True)
class Kept:
    """A file of the cache: how long it is fresh, may be stale while it is refreshed, and when Darkroom is down (s)."""

    file: Path
    key: str
    fresh: int
    updating: int
    error: int

    @staticmethod
    def of(file: Path) -> Kept:
        data = file.read_bytes()
        version, valid, updating, error, _, date = _HEADER.unpack_from(data)
        assert version == _VERSION, "nginx writes its cache in another way: tests/nginx_server.py must learn it"
        key = data.partition(b"\nKEY: ")[2].partition(b"\n")[0].decode()
        return Kept(file, key, valid - date, updating, error)

    def age(self, seconds: int) -> None:
        """As if it had been put there earlier."""
        with self.file.open("r+b") as file:
            fields = list(_HEADER.unpack(file.read(_HEADER.size)))
            fields[1] -= seconds
            file.seek(0)
            file.write(_HEADER.pack(*fields))


class Nginx:
    """The recipe in front of 127.0.0.1:`upstream`, with the token of refreshes."""

    def __init__(self, upstream: int) -> None:
        assert BINARY is not None
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="nginx-"))
        self.cache = self.folder / "cache"
        self._configure(upstream)
        command = [BINARY, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        self._process = subprocess.Popen([*command, "-e", str(self.folder / "error.log")], **self._ordinary())
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    def _configure(self, upstream: int) -> None:
        recipe = RECIPE.read_text()
        for here, there in (
            ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
            ("127.0.0.1:8079", f"127.0.0.1:{free_port()}"),
            ("listen 80;", f"listen 127.0.0.1:{self.port};"),
            ("/var/cache/nginx-darkroom", str(self.cache)),
            ('# "<a long random token>" 1;', f'"{TOKEN}" 1;'),
        ):
            assert here in recipe
            recipe = recipe.replace(here, there)
        (self.folder / "darkroom.conf").write_text(recipe)
        temporary = " ".join(f"{name}_temp_path {self.folder}/{name};" for name in _TEMPORARY)
        (self.folder / "nginx.conf").write_text(_MAIN.format(folder=self.folder, temporary=temporary))

    def _ordinary(self) -> dict[str, Any]:
        """As whom it runs, and the folder is theirs: workers of root give up its rights, and with them the folder."""
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        return {"user": nobody.pw_uid, "group": nobody.pw_gid}

    def __enter__(self) -> Nginx:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            assert self._process.poll() is None, self.log()
            try:
                self.client.get("/metrics")
                return self
            except httpx2.HTTPError:
                time.sleep(0.02)
        raise AssertionError(f"nginx did not answer:\n{self.log()}")

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self.folder)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """`Accept` is nothing unless it is given."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={"Accept": "*/*", **named})

    def kept(self, path: str) -> list[Kept]:
        """What is in the cache for a path, one for each variant."""
        files = [file for file in self.cache.rglob("*") if file.is_file() and len(file.name) == 32]
        return [kept for kept in map(Kept.of, files) if kept.key == path]

    def log(self) -> str:
        file = self.folder / "error.log"
        return file.read_text(errors="replace") if file.exists() else "no log"
