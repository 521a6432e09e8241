"""The picture that is shown where the source is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .origins import Origin, image, redirect
from .servers import Server
from .test_sources_mounts import jpeg, png, served, size


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    routes = {
        "/there.jpg": image(jpeg(40, 20)), "/gone.jpg": (410, {}, b""), "/broken.jpg": (500, {}, b""),
        "/refused.jpg": redirect("http://127.0.0.1:1/"), "/page.jpg": image(b"<html>"),
    }  # fmt: skip
    with Origin(routes) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fallback")
    (folder / "media" / "avatars").mkdir(parents=True)
    (folder / "secret").mkdir()
    (folder / "media" / "here.jpg").write_bytes(jpeg(40, 20))
    (folder / "media" / "avatars" / "none.png").write_bytes(png(30, 30))
    config = f"""
    mounts = {{ "*" = "media", "demo/far" = "{origin.url}", "demo:private" = "secret" }}
    """
    with served(folder, config, allowed_sources=origin.url) as running:
        yield running


HERE = (16, 8)
NONE = (16, 16)


@pytest.mark.parametrize(
    ("path", "expected", "media_type"),
    [
        ("/resize:16x/fallback:avatars:none.png/here.jpg", HERE, "image/jpeg"),
        ("/resize:16x/fallback:avatars:none.png/missing.jpg", NONE, "image/png"),
        ("/resize:16x/fallback:avatars:none.png/format:webp/missing.jpg", NONE, "image/webp"),
        ("/resize:16x/fallback:avatars:none/-/missing.jpg", NONE, "image/png"),
        ("/demo/image/upload/w_16/d_avatars:none.png/here.jpg", HERE, "image/jpeg"),
        ("/demo/image/upload/w_16/d_avatars:none.png/missing.jpg", NONE, "image/jpeg"),
        ("/demo/image/upload/d_avatars:none.png,w_16/missing", NONE, "image/png"),
        ("/demo/image/private/d_avatars:none.png,w_16/missing", NONE, "image/png"),
        ("/demo/image/upload/w_16/d_avatars:none.png/v1/far/there.jpg", HERE, "image/jpeg"),
        ("/demo/image/upload/w_16/d_avatars:none.png/v1/far/missing.jpg", NONE, "image/jpeg"),
        ("/demo/image/upload/w_16/d_avatars:none.png/v1/far/gone.jpg", NONE, "image/jpeg"),
        ("/demo/image/fetch/w_16/d_avatars:none.png/{origin}/there.jpg", HERE, "image/jpeg"),
        ("/demo/image/fetch/w_16/d_avatars:none.png/{origin}/missing.jpg", NONE, "image/png"),
        ("/demo/image/upload/w_16/d_far:there.jpg/missing.png", HERE, "image/png"),
    ],
)
def test_a_picture_in_any_case(
    server: Server, origin: Origin, path: str, expected: tuple[int, int], media_type: str
) -> None:
    path = path.format(origin=origin.url)
    answer = server.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    assert size(answer.content) == expected
    again = server.get(path)
    assert again.headers["Cache-Status"] == "Darkroom;hit"
    assert server.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    for response in (answer, again):
        seconds = int(response.headers["Cache-Control"].partition("max-age=")[2].partition(",")[0])
        assert seconds <= 60 if "missing" in path or "gone" in path else seconds > 60


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fallback:avatars:missing.png/missing.jpg", 404, "source-not-found"),
        ("/fallback:missing.png/fallback:avatars:missing.png/missing.jpg", 404, "source-not-found"),
        ("/demo/image/upload/d_avatars:missing.png/missing.jpg", 404, "source-not-found"),
        ("/demo/image/upload/d_far:missing.png/missing.jpg", 404, "source-not-found"),
        ("/demo/image/upload/d_avatars:none.png/v1/far/broken.jpg", 502, "source-failed"),
        ("/demo/image/upload/d_avatars:none.png/v1/far/page.jpg", 415, "not-an-image"),
        ("/fallback:avatars:none.png/https://example.com/missing.jpg", 403, "source-not-allowed"),
        ("/fallback:..:secret:a.png/missing.jpg", 400, "bad-argument"),
    ],
)
def test_all_but_a_missing_source_is_told(server: Server, path: str, status: int, code: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_source_takes_its_place_again(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = next(tmp_path_factory.getbasetemp().glob("fallback*")) / "media"
    path = "/resize:16x/fallback:avatars:none.png/later.jpg"
    before = server.get(path)
    (folder / "later.jpg").write_bytes((folder / "here.jpg").read_bytes())
    after = server.get(path)
    assert (size(before.content), size(after.content)) == (NONE, HERE)
    assert before.headers["ETag"] != after.headers["ETag"]


def test_a_fallback_may_be_pulled_through(tmp_path: Path) -> None:
    with Origin({"/none.png": image(png(30, 30))}) as origin:
        with served(tmp_path, f'[pull_through]\ndemo = "{origin.url}"\n') as server:
            answer = server.get("/demo/image/upload/w_16,d_none.png/missing.jpg")
            assert (answer.status_code, size(answer.content)) == (200, NONE)
        assert origin.paths() == ["/missing.jpg", "/missing", "/none.png"]
