"""Searching by what was found: what requests put into the index, who may ask, and what is told."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest

from server.configuration import Configuration
from server.search.noticed import kinds_of, label_of, named_of, told
from server.search.paths import path_of, refs_at
from server.settings import Settings
from server.sources.source import SourceRef
from transforms import vocabulary
from transforms.image import Box, Found, Region, Tag
from transforms.vocabulary import Named, Vocabulary

from . import pictures
from .redis_server import RedisServer
from .servers import Server
from .signed import native

pytest_plugins = ["tests.redis_server"]

TOKEN = "open-sesame-2026"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BOX = Box(0.1, 0.1, 0.5, 0.5)


def eventually(look: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What `look` gives once it is something: the index is written behind the scenes."""
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def paths(running: Server, tag: str, **query: Any) -> list[str]:
    answer = running.get(f"/tags/{tag}", params=query, headers=BEARER)
    return [row["path"] for row in answer.json()["sources"]] if answer.status_code == 200 else []


@pytest.fixture
def originals(media: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "originals"
    (folder / "team").mkdir(parents=True)
    shutil.copy(media / "zidane.jpg", folder / "zidane.jpg")
    shutil.copy(media / "bus.jpg", folder / "team" / "the bus.jpg")
    zidane = cv2.imread(str(folder / "zidane.jpg"))
    cv2.imwrite(str(folder / "small.webp"), cv2.resize(zidane, (320, 180), interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(folder / "other.jpg"), pictures.photo(640, 480))
    cv2.imwrite(str(folder / "plain.png"), np.full((60, 80, 3), 200, np.uint8))
    return folder


@pytest.fixture(params=["memory", "file", "redis"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("shared_redis")
        with server.client() as client:
            client.flushall()
        return {"cache": server.patient_url}
    return {"search_index": tmp_path / "index.sqlite"} if request.param == "file" else {}


@pytest.fixture
def serve(originals: Path, detection: str, models_folder: Path) -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(**settings: Any) -> Server:
        given = {"media": originals, "detection": detection, "models": models_folder, "admin_token": TOKEN, **settings}
        running.append(Server(**given).wait())
        return running[-1]

    yield start
    for one in running:
        one.stop()


def test_what_a_request_finds_is_listed_until_it_is_purged(
    serve: Callable[..., Server], backend: dict[str, Any], originals: Path
) -> None:
    running = serve(**backend)
    assert running.get("/tags").json() == {"tags": [], "next": None}
    assert running.get("/face-crop:40x40/zidane.jpg").status_code == 200
    assert eventually(lambda: paths(running, "face")) == ["/-/zidane.jpg"]
    assert running.get("/auto-tag/team/the%20bus.jpg").status_code == 200
    assert eventually(lambda: len(paths(running, "person")) == 2)
    [newest, *_] = running.get("/tags/person").json()["sources"]
    assert newest["path"] == "/-/team/the%20bus.jpg"
    assert {"tag", "confidence", "by"} <= set(newest["tags"][0])
    assert "person" in {row["tag"] for row in running.get("/tags?prefix=pers").json()["tags"]}
    assert running.get(f"/resize:10x{newest['path']}").status_code == 200  # the path makes URLs

    purged = running.client.delete("/cache", params={"prefix": "team/"}, headers=BEARER)
    assert purged.json()["unlisted"] == 1
    assert paths(running, "person") == ["/-/zidane.jpg"]
    assert running.client.delete("/cache", params={"tag": "face"}, headers=BEARER).json()["unlisted"] == 1
    assert running.get("/tags").json()["tags"] == []
    assert running.get("/face-crop:40x40/zidane.jpg").status_code == 200  # made anew, and so listed again
    assert eventually(lambda: paths(running, "face")) == ["/-/zidane.jpg"]


def test_findings_that_were_cached_put_their_source_into_a_new_index(
    serve: Callable[..., Server], originals: Path, tmp_path: Path
) -> None:
    first = serve(cache_disk=tmp_path / "cache", search="off")
    first.get("/face-crop:40x40/zidane.jpg")
    first.stop()
    second = serve(cache_disk=tmp_path / "cache")
    second.get("/face-crop:50x50/zidane.jpg")
    assert second.metric('darkroom_cache_requests_total{kind="found",result="hit"}') == 1
    assert eventually(lambda: paths(second, "face")) == ["/-/zidane.jpg"]
    assert (tmp_path / "cache" / "search" / "index.sqlite").exists()


def test_a_restart_keeps_what_is_on_disk(serve: Callable[..., Server], tmp_path: Path) -> None:
    first = serve(search_index=tmp_path / "index")
    first.get("/face-crop:40x40/zidane.jpg")
    assert eventually(lambda: paths(first, "face"))
    first.stop()
    assert paths(serve(search_index=tmp_path / "index"), "face") == ["/-/zidane.jpg"]


def test_what_is_gone_or_changed_is_dropped(serve: Callable[..., Server], originals: Path) -> None:
    running = serve()
    for name in ("zidane.jpg", "small.webp"):
        running.get(f"/face-crop:40x40/{name}")
    assert eventually(lambda: len(paths(running, "face")) == 2)
    (originals / "zidane.jpg").unlink()
    assert paths(running, "face") == ["/-/small.webp"]
    cv2.imwrite(str(originals / "small.webp"), pictures.photo(64, 64))
    assert paths(running, "face") == []
    assert running.get("/tags/face").status_code == 404
    assert running.get("/face-crop:40x40/small.webp").status_code == 200
    assert running.get("/tags/face").status_code == 404


def test_pages_follow_each_other(serve: Callable[..., Server], originals: Path) -> None:
    for number in range(5):
        shutil.copy(originals / "zidane.jpg", originals / f"copy-{number}.jpg")
    running = serve()
    for number in range(5):
        running.get(f"/face-crop:40x40/copy-{number}.jpg")
    assert eventually(lambda: len(paths(running, "face")) == 5)
    found, path = [], "/tags/face?limit=2"
    while path:
        answer = running.get(path)
        assert answer.headers["cache-control"] == "no-store"
        found += [row["path"] for row in answer.json()["sources"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
        assert bool(path) == (answer.json()["next"] is not None)
    assert found == [f"/-/copy-{number}.jpg" for number in (4, 3, 2, 1, 0)]
    tags = running.get("/tags?limit=1").json()
    assert len(tags["tags"]) == 1
    assert running.get(f"/tags?limit=1&page={tags['next']}").json()["tags"][0]["tag"] > tags["next"]


def test_alike_are_found_whether_or_not_they_are_known(serve: Callable[..., Server], backend: dict[str, Any]) -> None:
    running = serve(**backend)
    for name in ("zidane.jpg", "other.jpg", "team/the%20bus.jpg"):
        running.get(f"/face-crop:40x40/{name}")
    assert eventually(lambda: len(paths(running, "face")) >= 1)
    eventually(lambda: running.metric('darkroom_search_index_events_total{event="put"') >= 3)
    answer = running.get("/similar/small.webp")  # nobody has asked for it yet
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["path"], len(body["fingerprint"])) == ("/-/small.webp", 16)
    assert [row["path"] for row in body["similar"]] == ["/-/zidane.jpg"]
    assert body["similar"][0]["distance"] <= 4
    assert eventually(lambda: running.get("/similar/zidane.jpg").json()["similar"])
    assert [row["path"] for row in running.get("/similar/id:zidane").json()["similar"]] == ["/-/small.webp"]
    assert running.get("/similar/other.jpg?distance=15").json()["similar"] == []
    assert running.get("/similar/plain.png").json() == {"path": "/-/plain.png", "fingerprint": None, "similar": []}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In which `asked` lists what it finds."""
    return tmp_path_factory.mktemp("index") / "index.sqlite"


@pytest.fixture(scope="module")
def asked(media: Path, index: Path, detection: str, models_folder: Path) -> Iterator[Server]:
    with Server(media=media, detection=detection, models=models_folder, search_index=index) as running:
        running.wait().get("/face-crop:40x40/zidane.jpg")
        assert eventually(lambda: paths(running, "face"))
        yield running


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/tags?limit=0", 400, "bad-argument"),
        ("/tags?limit=1001", 400, "bad-argument"),
        ("/tags?limit=ten", 400, "bad-argument"),
        ("/tags?limt=1", 400, "bad-argument"),
        ("/tags?limit=1&limit=2", 400, "bad-argument"),
        ("/tags/face?page=-1", 400, "bad-argument"),
        ("/tags/face?page=99999999999999999999999", 400, "bad-argument"),
        ("/tags/face?" + "&".join(["also=face"] * 9), 400, "bad-argument"),
        ("/tags/fase", 404, "unknown-tag"),
        ("/tags/face?also=unicorn", 404, "unknown-tag"),
        ("/tags/%ff", 400, "bad-encoding"),
        ("/similar/zidane.jpg?distance=16", 400, "bad-argument"),
        ("/similar/zidane.jpg?distance=1.5", 400, "bad-argument"),
        ("/similar/nothing.jpg", 404, "source-not-found"),
        ("/similar/..%2Fzidane.jpg", 404, "source-not-found"),
        ("/similar/resize:10x/zidane.jpg", 400, "bad-argument"),
        ("/similar/resise:10x/zidane.jpg", 400, "unknown-operation"),
        ("/similar/text.jpg", 415, None),
        ("/similar/", 400, "missing-source"),
        ("/similar/https://example.com/x.jpg", 403, "source-not-allowed"),
        ("/similar/http:%2F%2F169.254.169.254/x", 403, "source-not-allowed"),
        ("/similar/image/authenticated/zidane.jpg", 403, "not-listed"),
    ],
)
def test_mistakes_are_named(asked: Server, path: str, status: int, code: str | None) -> None:
    answer = asked.get(path)
    assert answer.status_code == status, answer.text[:500]
    assert code is None or answer.json()["code"] == code
    assert answer.headers["cache-control"] == "no-store"


def test_an_unknown_tag_names_the_nearest(asked: Server) -> None:
    answer = asked.get("/tags/fase").json()
    assert (answer["nearest"], answer["hint"]) == ("face", "did you mean 'face'?")


def test_other_words_for_a_tag_are_followed(asked: Server) -> None:
    assert asked.get("/tags/Human").json()["tag"] == "person"
    assert asked.get("/tags/PERSON?also=face").json()["also"] == ["face"]


def test_only_reading_is_allowed(asked: Server) -> None:
    assert asked.client.post("/tags").status_code == 405
    assert asked.client.head("/tags").status_code == 200
    assert asked.get("/tags/").status_code in (200, 404)


KEYS = {"keys": "k1:correct-horse-battery-staple"}


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({}, 200, None),
        ({"search": "open", **KEYS}, 200, None),
        ({"search": "secret"}, 401, "bad-token"),
        (KEYS, 401, "bad-token"),
        ({"only_presets": 1}, 401, "bad-token"),
        ({"cloudinary_strict": 1, "cloudinary_secret": "shibboleth"}, 401, "bad-token"),
        ({"search": "secret", "admin_token": None}, 403, "search-not-configured"),
        ({"search": "off"}, 404, "search-off"),
    ],
)
def test_nothing_is_listed_for_who_may_not_ask(
    asked: Server, index: Path, media: Path, serve: Callable[..., Server], settings: dict[str, Any], status: int,
    code: str | None,
) -> None:  # fmt: skip
    running = serve(media=media, search_index=index, **settings)
    for path in ("/tags", "/tags/face", "/similar/zidane.jpg"):
        for token in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, BEARER):
            answer = running.get(path, headers={"Origin": "https://elsewhere.example", **token})
            wanted = 200 if token is BEARER and status == 401 else status
            assert (answer.status_code, answer.json().get("code")) == (wanted, None if wanted == 200 else code), path
            assert ("zidane" in answer.text or '"face"' in answer.text) == (wanted == 200)
            assert answer.headers["cache-control"] == "no-store"
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert answer.headers.get("www-authenticate") == ("Bearer" if wanted == 401 else None)
        assert running.client.head(path).status_code == status


def test_what_is_asked_for_by_a_signed_url_is_listed(serve: Callable[..., Server]) -> None:
    running = serve(**KEYS)
    running.get(native("/face-crop:40x40/zidane.jpg", "k1", "correct-horse-battery-staple"))
    assert eventually(lambda: paths(running, "face")) == ["/-/zidane.jpg"]


def test_off_is_off(serve: Callable[..., Server]) -> None:
    running = serve(search="off")
    running.get("/face-crop:40x40/zidane.jpg")
    for path in ("/tags", "/tags/face", "/similar/zidane.jpg"):
        assert (running.get(path).status_code, running.get(path).json()["code"]) == (404, "search-off")
    assert running.metric("darkroom_search_index_events") == 0


def test_private_originals_are_never_listed(serve: Callable[..., Server], originals: Path) -> None:
    secret = "cloudinary-secret"
    running = serve(cloudinary_secret=secret)
    from server.signing import cloudinary_signature

    text = "c_thumb,g_face,h_40,w_40/zidane.jpg"
    signature = cloudinary_signature(secret, text, "sha1", 8)
    answer = running.get(f"/demo/image/authenticated/s--{signature}--/{text}")
    assert answer.status_code == 200, answer.text
    assert running.get("/demo/image/private/c_thumb,g_face,h_40,w_40/zidane.jpg").status_code == 200
    running.get("/face-crop:40x40/small.webp")
    assert eventually(lambda: paths(running, "face")) == ["/-/small.webp"]
    assert paths(running, "face") == ["/-/small.webp"]


def test_requests_are_answered_without_the_index(
    serve: Callable[..., Server], make_redis: Callable[..., RedisServer]
) -> None:
    redis = make_redis().start()
    running = serve(cache=redis.patient_url)
    redis.kill()
    assert running.get("/face-crop:40x40/zidane.jpg").status_code == 200
    for path in ("/tags", "/tags/face"):
        answer = running.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "search-unavailable")
        assert answer.headers["retry-after"]
    redis.start()
    assert eventually(lambda: running.get("/tags").status_code == 200)
    assert eventually(lambda: running.get("/auto-tag/zidane.jpg").status_code == 200 and paths(running, "face"))


def test_a_broken_file_fails_no_request(serve: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("")
    running = serve(search_index=tmp_path / "no-folder" / "index")
    assert running.get("/face-crop:40x40/zidane.jpg").status_code == 200
    assert running.get("/tags").status_code == 503
    assert eventually(lambda: running.metric('darkroom_search_index_events_total{event="error"'))


def test_several_fronts_see_one_index(serve: Callable[..., Server]) -> None:
    running = serve(workers=2, renderers=2)
    for width in range(20, 28):
        running.get(f"/face-crop:{width}x{width}/zidane.jpg")
    assert eventually(lambda: paths(running, "face"))
    with httpx2.Client(base_url=running.url, trust_env=False) as one:
        for _ in range(10):
            assert one.get("/tags/face", headers={"Connection": "close"}).status_code == 200


def region(label: str, by: str = "objects", **changed: Any) -> Region:
    return Region(label, changed.pop("score", 0.9), BOX, by=by, **changed)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found((region("car"),)), {"car", "vehicle"}),
        (Found((region("Traffic Light"),)), {"traffic light"}),
        (Found((region("couch"),)), {"couch", "furniture"}),  # and no sofa: that is resolved when it is asked for
        (Found((region("cat", sure=False),)), set()),
        (Found((region("face", by="faces"),)), {"face", "person"}),
        (Found((region("face", by="largest-face"),)), {"face", "person"}),
        (Found((region("face", by="all-faces"),)), set()),
        (Found((region("text", by="text", text="secret words"),)), set()),
        (Found((region("breast", by="moderation"),), (Tag("nude", 0.9, "moderation"),)), set()),
        (Found((region("qr-code", by="codes", text="https://secret.example"),)), {"qr-code"}),
        (Found((), (Tag("blurry", 0.8, "traits"), Tag("wheat", 0.7, "crops"))), {"blurry", "wheat"}),
        (Found((region("dog", by="objects:heat:dog"),)), set()),
        (Found((region("subject", by="matte"),)), set()),
    ],
)
def test_what_is_indexed_of_a_finding(found: Found, expected: set[str]) -> None:
    names = {tag.name for tag in named_of(found)}
    assert names == expected


def test_kinds_that_say_what_is_there_are_indexed() -> None:
    models = ("objects", "all-faces", "text", "moderation", "crops", "objects:heat:dog", "traits")
    assert kinds_of(Found(models=tuple((kind, "m") for kind in models))) == {"objects", "crops", "traits"}
    assert (label_of("sofa"), label_of("aeroplane"), label_of("nothing")) == ("couch", "airplane", None)


def test_words_of_the_index_are_told_as_their_models_spell_them() -> None:
    before = vocabulary.current()
    long = "a label of more than sixty-four characters, which the index has only the first of"
    vocabulary.install(Vocabulary((Named("crops", ("Wheat_Head", "a/b", "Dog", long)),)))
    try:
        found = Found((region("wheat head", "crops"), region("a/b", "crops"), region(long, "crops"), region("dog")))
        names = [tag.name for tag in named_of(found)]
        assert "wheat head" in names  # as it always was, so that entries of before are the same
        assert {*told(names).values()} >= {"Wheat_Head", "a/b", "dog", long}
        assert told(["of a model that is gone"]) == {"of a model that is gone": "of a model that is gone"}
        assert label_of("a_b") == "a/b"
    finally:
        vocabulary.install(before)


@pytest.mark.parametrize(
    ("mounts", "ref", "path"),
    [
        ("", ("file", "team/jane doe.jpg", "MEDIA"), "/-/team/jane%20doe.jpg"),
        ("", ("file", "photo.jpg", "/elsewhere"), None),
        ("", ("https", "https://example.com/a.jpg", ""), "/-/https://example.com/a.jpg"),
        ("", ("https", "https://example.com/a.jpg?token=x", ""), None),
        ('[mounts]\n"demo" = "MEDIA"', ("file", "photo.jpg", "MEDIA"), "/demo/image/upload/photo.jpg"),
        ('[mounts]\n"" = "MEDIA"', ("file", "photo.jpg", "MEDIA"), "/-/photo.jpg"),
        ('[mounts]\n"*/in" = "MEDIA"', ("file", "photo.jpg", "MEDIA"), "/-/in/photo.jpg"),
        ('[mounts]\n"demo:authenticated" = "MEDIA"', ("file", "photo.jpg", "MEDIA"), None),
        (
            '[mounts]\n"*" = "https://origin.example/p"',
            ("https", "https://origin.example/p/a%20b.jpg", "https://origin.example/p/"), "/-/a%20b.jpg",
        ),
        (
            '[rewrite]\n"https://old.example/" = "https://new.example/x"',
            ("https", "https://new.example/x/a.jpg", "https://new.example/x/"), "/-/https://old.example/a.jpg",
        ),
    ],
)  # fmt: skip
def test_originals_have_the_path_that_leads_there(
    media: Path, tmp_path: Path, mounts: str, ref: tuple[str, str, str], path: str | None
) -> None:
    real = str(media.resolve())
    (tmp_path / "settings.toml").write_text(mounts.replace("MEDIA", real))
    known = Configuration.load(tmp_path / "settings.toml").originals(Settings.load(media=media))
    source = SourceRef(ref[0], ref[1], ref[2].replace("MEDIA", real))
    assert path_of(source, known) == path
    if path is not None:
        assert source in refs_at(path, known)
