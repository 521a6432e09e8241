"""One request followed through all thirteen steps of the design, over a source on the web."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from server import urls
from server.machine import sample_pictures

from .origins import Exchange, Origin, Reply
from .servers import Server
from .timing import stages

PHOTO = (sample_pictures() / "zidane.jpg").read_bytes()


class Photo:
    """A route that serves a photo with validators; `version` changes it, `max_age` says how long it is fresh."""

    def __init__(self) -> None:
        self.version = 1
        self.max_age = 3600
        self.body = PHOTO
        self.control = ""
        self.slow = 0.0

    def __call__(self, exchange: Exchange) -> Reply:
        etag = f'"v{self.version}"'
        headers = {
            "ETag": etag,
            "Cache-Control": self.control or f"max-age={self.max_age}",
            "Content-Type": "image/jpeg",
        }
        if exchange.request.headers.get("if-none-match") == etag:
            return 304, headers, b""
        exchange.wait(self.slow)
        return 200, headers, self.body


@pytest.fixture(scope="module")
def photo() -> Photo:
    return Photo()


@pytest.fixture(scope="module")
def origin(photo: Photo) -> Iterator[Origin]:
    with Origin({f"/{name}.jpg": photo for name in ("a", "b", "c", "d", "e")}) as running:
        yield running


@pytest.fixture(scope="module")
def web(origin: Origin, media: Path, detection: str, models_folder: Path) -> Iterator[Server]:
    """A server that may fetch from the origin."""
    settings = {"allowed_sources": origin.url, "allowed_networks": "127.0.0.0/8", "renderers": 1}
    with Server(media=media, detection=detection, models=models_folder, **settings) as running:
        yield running.wait()


def test_a_request_from_url_to_response(web: Server, origin: Origin) -> None:
    source = f"{origin.url}/a.jpg"
    native = f"/face-crop:120x120,fallback=center/format:auto/{source}"
    cloudinary = f"/demo/image/fetch/c_thumb,g_face,w_120,h_120/f_auto/{source}"
    # 1. Both spellings give the same pipeline.
    assert urls.parse(native) == urls.parse(cloudinary)
    # 2. to 8. The first answer is made: negotiated, not in the cache, fetched, probed, planned.
    first = web.get(native, headers={"Accept": "image/webp"})
    assert (first.status_code, first.headers["content-type"]) == (200, "image/webp")
    assert first.headers["vary"] == "Accept"
    assert first.headers["cache-status"] == "Darkroom;fwd=miss;stored"
    # 9. to 12. Each stage took its time; the face was asked for once.
    assert list(stages(first)) == ["fetch", "queue", "probe", "plan", "decode", "find", "run", "encode", "total"]
    assert Image.open(io.BytesIO(first.content)).size == (120, 120)
    # 13. The response says how long it is good for, and what it is.
    said = first.headers["cache-control"].replace("max-age=3599", "max-age=3600")  # a slow machine
    assert said == "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=86400"
    for name in ("etag", "cache-tag", "server-timing", "content-security-policy", "x-content-type-options"):
        assert first.headers[name]
    # 3. Again, in the other spelling: from the cache, without asking the origin; with the tag: 304 and no body.
    again = web.get(cloudinary, headers={"Accept": "image/webp,image/*"})
    assert (again.headers["cache-status"], again.content) == ("Darkroom;hit", first.content)
    known = web.get(native, headers={"Accept": "image/webp", "If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert origin.paths().count("/a.jpg") == 1
    # Another client has another entry; the face is known already, and the scale with it.
    other = web.get(native, headers={"Accept": "*/*"})
    assert other.headers["content-type"] == "image/jpeg"
    assert "find" not in stages(other)


def test_4_many_ask_one_renders(web: Server, origin: Origin) -> None:
    path = f"/resize:700x,enlarge/blur:3/{origin.url}/b.jpg"
    before = web.metric("darkroom_flight_followers_total")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: web.get(path), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert origin.paths().count("/b.jpg") == 1
    made = [answer for answer in answers if answer.headers["cache-status"].startswith("Darkroom;fwd=miss;stored")]
    assert len(made) == 1
    assert web.metric("darkroom_flight_followers_total") > before


def test_6_four_sizes_one_download(web: Server, origin: Origin, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo, "slow", 0.5)  # so that all of them ask while it is on its way
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: web.get(f"/resize:{100 + n}x/{origin.url}/c.jpg"), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert origin.paths().count("/c.jpg") == 1


def test_3_stale_is_answered_and_refreshed_behind_the_scenes(
    origin: Origin, photo: Photo, media: Path, detection: str, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In process, with a clock of our own."""
    import anyio

    anyio.run(_stale, origin, photo, media, detection, models_folder, monkeypatch)


async def _stale(
    origin: Origin, photo: Photo, media: Path, detection: str, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio
    import time

    from server.assemble import assembled
    from server.metrics import Metrics
    from server.settings import Settings

    now = time.time
    ahead = [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + ahead[0])
    settings = Settings.load(
        media=media, detection=detection, models=models, renderers=1,
        allowed_sources=origin.url, allowed_networks="127.0.0.0/8",
    )  # fmt: skip
    async with assembled(settings, Metrics()) as parts:
        asked = parts.delivery.ask(f"/resize:50x/{origin.url}/d.jpg", "")
        client = asked.negotiation.client({})
        first = await parts.delivery.deliver(asked, client, frozenset())
        assert first.status == "miss"
        ahead[0] = 3601
        stale = await parts.delivery.deliver(asked, client, frozenset())
        assert (stale.status, stale.entry) == ("stale", first.entry)
        await asyncio.gather(*parts.delivery.background)
        fresh = await parts.delivery.deliver(asked, client, frozenset())
        assert fresh.status == "hit"
        assert [seen.headers.get("if-none-match") for seen in origin.requests if seen.path == "/d.jpg"] == [
            None,
            '"v1"',
        ]
        photo.version, photo.body = 2, (sample_pictures() / "bus.jpg").read_bytes()
        ahead[0] = 7300
        assert (await parts.delivery.deliver(asked, client, frozenset())).status == "stale"
        await asyncio.gather(*parts.delivery.background)
        changed = await parts.delivery.deliver(asked, client, frozenset())
        assert changed.status == "hit"
        assert changed.entry is not None
        assert changed.entry.body != first.entry.body  # type: ignore[union-attr]
        assert changed.etag != first.etag


def test_what_the_origin_forbids_to_keep_is_not_kept(web: Server, origin: Origin, photo: Photo) -> None:
    photo.control = "no-store"
    try:
        answers = [web.get(f"/resize:60x/{origin.url}/e.jpg") for _ in range(2)]
    finally:
        photo.control = ""
    assert [answer.headers["cache-control"] for answer in answers] == ["private, no-store"] * 2
    assert [answer.headers["cache-status"] for answer in answers] == ["Darkroom;fwd=miss"] * 2
    assert origin.paths().count("/e.jpg") == 2


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/resize:10x/{url}/missing.jpg", 404, "source-not-found"),
        ("/resize:10x/http://127.0.0.1:1/a.jpg", 403, "source-not-allowed"),
        ("/resize:10x/https%3A%2F%2Fexample.com%2Fa.jpg", 403, "source-not-allowed"),
        ("/resize:10x/file:///etc/passwd", 403, "bad-source"),
    ],
)
def test_sources_that_are_refused(web: Server, origin: Origin, path: str, status: int, code: str) -> None:
    answer = web.get(path.format(url=origin.url))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_no_spool_file_is_left(web: Server, origin: Origin) -> None:
    assert web.get(f"/resize:61x/{origin.url}/a.jpg").status_code == 200
    spool = min(web.spools())  # in it lie the originals that are kept
    assert [path for path in spool.iterdir() if path.is_file()] == []
