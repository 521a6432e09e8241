"""Object storage as a mount, against a real emulation of S3."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from cache.memory import MemoryStore
from server.configuration import Configuration
from server.environment import SettingsError
from server.metrics import Metrics
from server.origins import open_origins
from server.settings import Settings
from server.sources.grant import Grant
from server.sources.http import HttpLimits
from server.sources.mounts import Mounts, Scope
from server.sources.source import Fetched, NotModified, SourceRef, Validators
from server.sources.spool import Spool
from server.sources.storage import Bucket, StorageAccess, StorageSource
from transforms.failure import Failure, Kind

from .origins import Exchange, Origin, dripping, endless, silent
from .servers import Server
from .test_sources_mounts import jpeg, png, size

BODY = bytes(range(256)) * 400
LIMITS = HttpLimits(bytes=len(BODY))
QUICK = HttpLimits(connect=0.3, first_byte=0.3, total=0.8, bytes=len(BODY))
KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "secret"}


@dataclass(frozen=True)
class Storage:
    url: str
    client: Any

    def put(self, key: str, body: bytes, **more: Any) -> None:
        self.client.put_object(Bucket="photos", Key=key, Body=body, **more)

    @property
    def access(self) -> StorageAccess:
        return StorageAccess(self.url, "us-east-1", **KEYS)


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    """A bucket "photos" with pictures below and beside the prefix "shop"."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=KEYS["access_key"], aws_secret_access_key=KEYS["secret_key"],
    )  # fmt: skip
    client.create_bucket(Bucket="photos")
    running = Storage(url, client)
    running.put("shop/a.bin", BODY, CacheControl="max-age=60", Metadata={"cache-tag": "One, two"})
    running.put("shop/too-big.bin", BODY + b".")
    running.put("shop/gzip.bin", BODY, ContentEncoding="gzip")
    running.put("shop/ünï 🐈/x%2e.bin", b"odd")
    running.put("secret.bin", b"secret")
    running.put("shop-2/secret.bin", b"secret")
    running.put("shop/bus.jpg", jpeg(40, 20))
    running.put("shop/team/jane", png(30, 30))
    try:
        yield running
    finally:
        server.stop()


@asynccontextmanager
async def opened(
    folder: Path, access: StorageAccess, *, limits: HttpLimits = LIMITS, bucket: str = "s3://photos/shop"
) -> AsyncIterator[tuple[StorageSource, Bucket]]:
    mounted = Bucket.parse(bucket)
    source = StorageSource(Spool(folder), (mounted,), access=access, limits=limits)
    try:
        yield source, mounted
    finally:
        await source.close()


async def fetched(source: StorageSource, ref: SourceRef, known: Validators | None = None) -> Fetched:
    answer = await source.fetch(ref, known, time.monotonic() + 20)
    assert isinstance(answer, Fetched)
    return answer


async def failure_of(source: StorageSource, ref: SourceRef) -> Failure:
    with pytest.raises(Failure) as caught:
        await fetched(source, ref)
    told = str(vars(caught.value)) + str(caught.value.__cause__)
    assert not [word for word in ("photos", "shop", "127.0.0.1", "secret", "AKIA") if word in told]
    return caught.value


async def test_an_object_lands_in_the_spool(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage.access) as (source, bucket):
        got = await fetched(source, bucket.at("a.bin"))
        assert got.path.read_bytes() == BODY
        assert (got.size, got.owned, got.tags) == (len(BODY), True, ("one", "two"))
        assert got.grant == Grant(60.0, said=True)
        assert got.validators == Validators(got.etag, got.modified)
        same = await source.fetch(bucket.at("a.bin"), got.validators, time.monotonic() + 20)
        assert same == NotModified()
        old = Validators(modified=got.modified)
        assert await source.fetch(bucket.at("a.bin"), old, time.monotonic() + 20) == NotModified()
        assert (await fetched(source, bucket.at("a.bin"), Validators('"other"'))).version == got.version
        assert (await fetched(source, bucket.at("ünï 🐈/x%2e.bin"))).size == 3
        assert source.current(bucket.at("a.bin")) is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("key", "kind", "code"),
    [
        ("missing.bin", Kind.NOT_FOUND, "source-not-found"),
        ("shop/a.bin", Kind.NOT_FOUND, "source-not-found"),
        ("too-big.bin", Kind.TOO_LARGE, "too-many-bytes"),
        ("gzip.bin", Kind.BAD_GATEWAY, "source-failed"),
    ],
)
async def test_what_cannot_be_had(tmp_path: Path, storage: Storage, key: str, kind: Kind, code: str) -> None:
    async with opened(tmp_path, storage.access) as (source, bucket):
        failure = await failure_of(source, bucket.at(key))
        assert (failure.kind, failure.code) == (kind, code)
        assert list(source._spool.folder.iterdir()) == []


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "..", ".", "../secret.bin", "a/../../secret.bin", "./a.bin", "//secret.bin", "/secret.bin", "a//b",
        "..\\secret.bin", "%2e%2e/secret.bin", "%252e%252e/secret.bin", "..%2fsecret.bin", "..;/secret.bin",
        "a\0b", "a\nb", "\ud800", "../shop-2/secret.bin", "%2e%2e%2fshop-2/secret.bin",
    ],
)  # fmt: skip
def test_no_key_leads_out_of_the_prefix(key: str) -> None:
    with pytest.raises(Failure) as caught:
        Bucket.parse("s3://photos/shop").at(key)
    assert caught.value.code == "source-not-found"


async def test_a_key_that_is_made_up_stays_below_the_prefix(tmp_path: Path, storage: Storage) -> None:
    """Even where nobody had looked at it before."""
    async with opened(tmp_path, storage.access) as (source, bucket):
        for key in ("../secret.bin", "%2e%2e/secret.bin", "..%2fsecret.bin", "/secret.bin", "../shop-2/secret.bin"):
            assert (await failure_of(source, SourceRef("s3", key, bucket.url))).code == "source-not-found"


def s3_error(status: int, code: str) -> tuple[int, dict[str, str], bytes]:
    body = f"<Error><Code>{code}</Code><Message>photos shop secret</Message></Error>"
    return status, {"Content-Type": "application/xml"}, body.encode()


@pytest.mark.parametrize(
    ("route", "code"),
    [
        (s3_error(403, "AccessDenied"), "source-refused"),
        (s3_error(401, "InvalidToken"), "source-refused"),
        (s3_error(404, "NoSuchKey"), "source-not-found"),
        (s3_error(404, "NoSuchBucket"), "source-failed"),
        (s3_error(500, "InternalError"), "source-failed"),
        (s3_error(503, "SlowDown"), "source-failed"),
        ((301, {}, b""), "source-failed"),
        (silent(), "source-timeout"),
        (lambda exchange: exchange.send(b""), "source-failed"),
        (lambda exchange: exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n"), "source-failed"),
    ],
)
async def test_a_storage_that_fails(tmp_path: Path, route: Any, code: str) -> None:
    with Origin({"/photos/shop/a": route}) as origin:
        access = StorageAccess(origin.url, "us-east-1", **KEYS)
        async with opened(tmp_path, access, limits=QUICK) as (source, bucket):
            assert (await failure_of(source, bucket.at("a"))).code == code
            assert list(source._spool.folder.iterdir()) == []


HEAD = {"ETag": '"x"', "Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}


def answering(length: int, body: bytes, pause: float = 0.0) -> Any:
    def script(exchange: Exchange) -> None:
        exchange.head(200, {**HEAD, "Content-Length": str(length)})
        exchange.send(body)
        exchange.wait(pause)

    return script


@pytest.mark.parametrize(
    ("route", "code"),
    [
        (answering(len(BODY), BODY[:-1]), "source-failed"),
        (answering(len(BODY), BODY[:-1], 9), "source-timeout"),
        (answering(10**15, BODY), "too-many-bytes"),
        (endless(), "source-failed"),
        (dripping(BODY, 0.05), "source-timeout"),
    ],
)
async def test_a_storage_that_lies(tmp_path: Path, route: Any, code: str) -> None:
    with Origin({"/photos/shop/a": route}) as origin:
        access = StorageAccess(origin.url, "us-east-1", **KEYS)
        async with opened(tmp_path, access, limits=QUICK) as (source, bucket):
            assert (await failure_of(source, bucket.at("a"))).code == code
            assert list(source._spool.folder.iterdir()) == []


async def test_an_object_without_validators_is_always_fetched(tmp_path: Path) -> None:
    with Origin({"/photos/shop/a": (200, {}, BODY)}) as origin:
        async with opened(tmp_path, StorageAccess(origin.url, **KEYS)) as (source, bucket):
            assert (await fetched(source, bucket.at("a"))).validators is None


async def test_a_storage_that_is_not_there(tmp_path: Path) -> None:
    with Origin() as origin:
        access = StorageAccess(origin.url, "us-east-1", **KEYS)
    async with opened(tmp_path, access, limits=QUICK) as (source, bucket):
        assert (await failure_of(source, bucket.at("a"))).code == "source-failed"


@pytest.mark.parametrize(("access", "signed"), [(KEYS, True), ({"anonymous": True}, False)])
async def test_requests_are_signed_unless_told_otherwise(tmp_path: Path, access: Any, signed: bool) -> None:
    with Origin() as origin:
        async with opened(tmp_path, StorageAccess(origin.url, "eu-central-1", **access)) as (source, bucket):
            assert (await failure_of(source, bucket.at("a"))).code == "source-not-found"
    [seen] = origin.requests
    assert (seen.method, seen.path) == ("GET", "/photos/shop/a")
    assert ("/eu-central-1/s3/aws4_request" in seen.headers.get("authorization", "")) is signed
    assert seen.headers["user-agent"].startswith("Darkroom/")


async def test_credentials_come_from_the_environment_too(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROMENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    with Origin() as origin:
        async with opened(tmp_path, StorageAccess(origin.url)) as (source, bucket):
            await failure_of(source, bucket.at("a"))
    assert "Credential=FROMENV/" in origin.requests[0].headers["authorization"]


@pytest.mark.parametrize("bucket", ["gs://photos/shop", "az://photos/shop"])
def test_other_storage_is_opened(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    source = StorageSource(Spool(tmp_path), (Bucket.parse(bucket),), access=StorageAccess(anonymous=True))
    assert list(source._stores) == [bucket]


def test_places_of_public_ids() -> None:
    bucket = Bucket.parse("s3://photos/shop/")
    mounts = Mounts(None, [(Scope("demo"), bucket)])  # type: ignore[arg-type]
    written, bare = mounts.places(SourceRef("id", "team/jane.png"), "demo")
    assert (written.ref, written.format) == (SourceRef("s3", "team/jane.png", "s3://photos/shop"), None)
    assert (bare.ref.location, bare.format) == ("team/jane", "png")
    [exact] = mounts.places(SourceRef("file", "team/jane.png"), "demo")
    assert exact.ref == written.ref
    assert mounts.buckets == (bucket,)
    assert mounts.folder_of(Scope("demo")) is None


def test_without_the_library_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.configuration.is_installed", lambda: False)
    (tmp_path / "darkroom.toml").write_text('[mounts]\nshop = "s3://photos/shop"')
    with pytest.raises(SettingsError, match=r"pip install -e '\.\[s3\]'"):
        Configuration.load(tmp_path / "darkroom.toml")


def test_what_storage_cannot_use_is_a_mistake_in_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "darkroom.toml").write_text('[mounts]\nshop = "az://photos/shop"')
    settings = Settings(media=tmp_path, originals_dir=tmp_path / "kept")
    mounts = Configuration.load(tmp_path / "darkroom.toml").originals(settings)
    with pytest.raises(SettingsError, match="az://photos"):
        open_origins(settings, mounts, MemoryStore(1), Metrics())
    assert [path.name for path in (tmp_path / "kept").iterdir()] == []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, storage: Storage) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("s3")
    (folder / "darkroom.toml").write_text('[mounts]\n"shop" = "s3://photos/shop"')
    (folder / "secret").write_text(KEYS["secret_key"])
    settings = {"s3_endpoint": storage.url, "s3_access_key": KEYS["access_key"]}
    settings |= {"s3_secret_key_file": str(folder / "secret")}
    with Server(media=folder, models=folder, config=folder / "darkroom.toml", **settings) as running:
        yield running.wait("/health")


@pytest.mark.parametrize(
    ("path", "expected", "media_type"),
    [
        ("/shop/image/upload/w_16/bus.jpg", (16, 8), "image/jpeg"),
        ("/shop/image/upload/w_10/team/jane", (10, 10), "image/png"),
        ("/shop/image/upload/w_10/v1/team/jane.webp", (10, 10), "image/webp"),
    ],
)
def test_pictures_out_of_storage(
    server: Server, storage: Storage, path: str, expected: tuple[int, int], media_type: str
) -> None:
    first = server.get(path)
    assert (first.status_code, first.headers["content-type"], size(first.content)) == (200, media_type, expected)
    again = server.get(path)
    assert again.headers["cache-status"].startswith("Darkroom;hit")


def test_a_key_that_is_missing_is_a_404(server: Server) -> None:
    for path in ("/shop/image/upload/w_10/nothing.jpg", "/shop/image/upload/w_10/..%2fsecret.jpg"):
        answer = server.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 404
        assert not [word for word in ("photos", "s3:", "127.0.0.1") if word in answer.text]
