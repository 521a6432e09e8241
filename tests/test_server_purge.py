"""Purging: who may, what a name comes to, and that it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server import tags
from server.configuration import Configuration
from server.purge import Named, refs_of, tags_named
from server.settings import Settings
from server.sources.mounts import Mounts
from server.sources.source import SourceRef
from transforms.failure import Failure

from .servers import Server

TOKEN = "open-sesame-2026"


@pytest.fixture
def mounts(media: Path) -> Mounts:
    settings = Settings.load(media=media)
    return Configuration().originals(settings)


def mounted(folder: Path, media: Path, text: str) -> Mounts:
    file = folder / "settings.toml"
    file.write_text(text)
    return Configuration.load(file).originals(Settings.load(media=media))


def test_a_source_is_what_a_url_of_it_means(mounts: Mounts, media: Path) -> None:
    photo = SourceRef("file", "photo.jpg", str(media.resolve()))
    for text in ("photo.jpg", "photo", "/resize:400x300/photo.jpg", "/demo/image/upload/c_fill,w_10,h_10/photo.png"):
        assert photo in refs_of(text, mounts), text
    assert refs_of("team/jane doe.jpg", mounts) == [SourceRef("file", "team/jane doe.jpg", str(media.resolve()))]
    remote = SourceRef("https", "https://origin.example/a.jpg?v=1")
    assert refs_of("HTTPS://origin.example:443/a.jpg?v=1", mounts) == [remote]
    assert refs_of("/resize:10x/https://origin.example/a.jpg?v=1", mounts) == [remote]


def test_an_original_that_is_gone_is_all_that_it_may_have_been(mounts: Mounts, media: Path) -> None:
    refs = refs_of("team/gone.jpg", mounts)
    names = {ref.location for ref in refs}
    assert {"team/gone.jpg", "team/gone.png", "team/gone.webp"} <= names
    assert "photo.jpg" not in names


def test_prefixes_are_folders(mounts: Mounts, media: Path, tmp_path: Path) -> None:
    root = str(media.resolve())
    jane = tags.tags_of_source(SourceRef("file", "team/jane doe.jpg", root))
    photo = tags.tags_of_source(SourceRef("file", "photo.jpg", root))
    for prefix in ("team", "team/", "/team/"):
        [tag] = Named(prefixes=(prefix,)).resolved(mounts)
        assert tag in jane
        assert tag not in photo
    [everything] = Named(prefixes=("/",)).resolved(mounts)
    assert everything in jane
    assert everything in photo
    remote = tags.tags_of_source(SourceRef("https", "https://origin.example/a/b/c.jpg?v=1"))
    for prefix in ("https://origin.example/a/b/", "https://origin.example/a", "https://origin.example"):
        assert Named(prefixes=(prefix,)).resolved(mounts)[0] in remote
    assert Named(prefixes=("https://origin.example/x",)).resolved(mounts)[0] not in remote


def test_what_is_mounted_for_a_cloud_is_named_with_it(media: Path, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    mounts = mounted(tmp_path, media, f'[mounts]\n"demo" = "{media}"\n"demo/team/new" = "{tmp_path}/inner"\n')
    photo = tags.source_tag(SourceRef("file", "photo.jpg", str(media.resolve())))
    assert Named(sources=("photo.jpg",), cloud="demo").resolved(mounts) == (photo,)
    with pytest.raises(Failure, match="no originals"):
        Named(sources=("photo.jpg",)).resolved(mounts)
    with pytest.raises(Failure) as caught:
        Named(sources=("photo.jpg",), cloud="demi").resolved(mounts)
    assert caught.value.code == "unknown-cloud"
    within = Named(prefixes=("team",), cloud="demo").resolved(mounts)
    inner = tags.tags_of_source(SourceRef("file", "x.jpg", str((tmp_path / "inner").resolve())))
    assert set(within) & set(inner)
    assert set(within) & set(tags.tags_of_source(SourceRef("file", "team/jane doe.jpg", str(media.resolve()))))


def test_tags_are_those_of_origins_detections_and_presets() -> None:
    assert tags_named("Traffic Light")[-2:] == ("tag-traffic_light", "preset-traffic_light")
    assert "src-0123456789abcdef" in tags_named("src-0123456789abcdef")


@pytest.fixture(scope="module")
def purging(media: Path, detection: str) -> Iterator[Server]:
    with Server(media=media, detection=detection, admin_token=TOKEN) as running:
        yield running.wait()


def purge(running: Server, token: str | None = TOKEN, **query: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return running.client.delete("/cache", params=query, headers=headers)


@pytest.mark.parametrize("token", [None, "wrong", TOKEN + "x", TOKEN[:-1], "é"])
def test_a_wrong_token_purges_nothing(purging: Server, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
    answer = purging.client.delete("/cache", params={"prefix": "/"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad-token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_token_nobody_purges(server: Server) -> None:
    answer = purge(server, prefix="/")
    assert (answer.status_code, answer.json()["code"]) == (403, "purge-not-configured")
    assert "DARKROOM_ADMIN_TOKEN" in answer.json()["hint"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "bad-argument"),
        ({"sauce": "x"}, 400, "bad-argument"),
        ({"source": "x", "delivery": "fetch"}, 400, "bad-argument"),
        ({"source": "https://[::1/x"}, 400, "bad-source"),
    ],
)
def test_mistakes_are_named(purging: Server, query: dict[str, str], status: int, code: str) -> None:
    answer = purge(purging, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "query",
    [
        {"source": "team/jane doe.jpg"},
        {"source": "/resize:10x/team/jane%20doe.jpg"},
        {"prefix": "team/"},
        {"prefix": "/"},
        {"source": ["team/jane doe.jpg", "photo.jpg"]},
    ],
)
def test_what_is_purged_is_made_anew(purging: Server, query: dict[str, Any]) -> None:
    path = "/resize:41x/team/jane%20doe.jpg"
    purging.get(path)
    assert "hit" in purging.get(path).headers["cache-status"]
    answer = purge(purging, **query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["purged"] >= 1
    assert answer.json()["tags"]
    assert "fwd=miss" in purging.get(path).headers["cache-status"]
    assert purging.metric("darkroom_purged_entries_total") >= 1


def test_other_sources_stay(purging: Server) -> None:
    purging.get("/resize:42x/photo.jpg")
    assert purge(purging, source="team/jane doe.jpg").status_code == 200
    assert "hit" in purging.get("/resize:42x/photo.jpg").headers["cache-status"]


def test_a_response_says_the_tags_that_a_purge_names(purging: Server) -> None:
    said = purging.get("/resize:43x/photo.jpg").headers["cache-tag"]
    assert set(purge(purging, source="photo.jpg").json()["tags"]) <= set(said.replace(",", " ").split())


def test_the_token_is_in_no_log(purging: Server) -> None:
    purge(purging, token="wrong-" + TOKEN, source="photo.jpg")
    assert TOKEN not in purging.log()


@pytest.mark.parametrize("query", [{"prefix": ""}, {"source": ""}, {"tag": ["cat", ""]}])
def test_an_unset_variable_purges_nothing(purging: Server, query: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = purging.client.delete("/cache", params=query, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-argument")
