"""A real redis-server for tests: on loopback and a Unix socket, nothing on disk, and every fault that a signal makes.

A test module gets the fixtures by `pytest_plugins = ["tests.redis_server"]`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

BINARY = shutil.which("redis-server") or shutil.which("valkey-server")

MISSING = "redis-server is not installed"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """Keeps one port for its whole life, so that it comes back where it was. `options` are as on the command line."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")  # short: a socket's path has 107 characters
        self.socket = Path(self._folder.name) / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def patient_url(self) -> str:
        """For tests that are not about time, on machines that are busy with others."""
        return f"{self.url}?socket_timeout=10&socket_connect_timeout=10"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def address(self) -> str:
        """As a user with rights of its own writes it: `address.format("user:password@")`."""
        return f"redis://{{}}127.0.0.1:{self.port}/0?socket_timeout=10&socket_connect_timeout=10"

    def client(self) -> Redis:
        """An ordinary, synchronous client, to look at what the code under test left there."""
        return Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0), socket_timeout=5)

    def start(self) -> RedisServer:
        assert BINARY is not None
        assert self._process is None
        where = ("--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", str(self.socket))
        quiet = ("--save", "", "--appendonly", "no", "--dir", self._folder.name, "--loglevel", "warning")
        self._process = subprocess.Popen([BINARY, *where, *quiet, *self._options], stdout=subprocess.DEVNULL)
        self._wait()
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, "redis-server ended at once"
            try:
                with self.client() as client:
                    client.ping()
                return
            except RedisError:
                time.sleep(0.01)
        raise AssertionError("redis-server did not answer within 10 s")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash: no goodbye to its clients but what the kernel says."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """From now on it accepts connections and bytes, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        if number != signal.SIGKILL:
            self.resume()  # a paused process would never hear it
        self._process.wait(10)
        self._process = None
        self.socket.unlink(missing_ok=True)


class RedisClusterServers:
    """A cluster of some servers, none with a replica."""

    def __init__(self, count: int = 3) -> None:
        self._buses = [free_port() for _ in range(count)]
        self.nodes = [
            RedisServer("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "15000",
                        "--cluster-require-full-coverage", "no")
            for bus in self._buses
        ]  # fmt: skip

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"redis+cluster://{hosts}?socket_timeout=10&socket_connect_timeout=10"

    def start(self) -> RedisClusterServers:
        share = 16384 // len(self.nodes)
        for number, node in enumerate(self.nodes):
            last = 16383 if number == len(self.nodes) - 1 else (number + 1) * share - 1
            node.start()
            with node.client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", number * share, last)
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port, self._buses[0])
        self._wait()
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if all(self._knows_all(node) for node in self.nodes):
                return
            time.sleep(0.02)
        raise AssertionError("the cluster did not come together within 20 s")

    def _knows_all(self, node: RedisServer) -> bool:
        with node.client() as client:
            said = client.execute_command("CLUSTER INFO")
        return said["cluster_state"] == "ok" and said["cluster_slots_ok"] == "16384"

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@dataclass(frozen=True)
class Certificates:
    """Files of an authority and of a certificate for 127.0.0.1, for a server that speaks TLS on its port."""

    authority: Path
    options: tuple[str, ...]


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = {name: tmp_path / f"{name}.pem" for name in ("authority", "key", "certificate")}
    authority.cert_pem.write_to_path(files["authority"])
    certificate.private_key_pem.write_to_path(files["key"])
    certificate.cert_chain_pems[0].write_to_path(files["certificate"])
    options = (
        "--tls-auth-clients", "no", "--tls-ca-cert-file", str(files["authority"]),
        "--tls-cert-file", str(files["certificate"]), "--tls-key-file", str(files["key"]),
    )  # fmt: skip
    return Certificates(files["authority"], options)


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisClusterServers]:
    """Three nodes for all tests of the session that do not hurt them."""
    if BINARY is None:
        pytest.skip(MISSING)
    servers = RedisClusterServers()
    try:
        yield servers.start()
    finally:
        servers.close()


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One server for all tests of the session that do not hurt it; empty it before use."""
    if BINARY is None:
        pytest.skip(MISSING)
    server = RedisServer().start()
    yield server
    server.close()


@pytest.fixture
def make_redis() -> Iterator[Callable[..., RedisServer]]:
    """Makes servers (not yet started) that the test may stop, kill and fill; takes what RedisServer takes."""
    if BINARY is None:
        pytest.skip(MISSING)
    servers: list[RedisServer] = []

    def make(*options: str) -> RedisServer:
        servers.append(RedisServer(*options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
