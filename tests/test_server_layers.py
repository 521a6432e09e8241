"""Layers of a running server: where their pictures come from, who may see them, and what is kept of the result."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from PIL import Image

from .origins import Exchange, Origin, Reply, image
from .servers import Server
from .signed import native, sha
from .test_server_shutdown import eventually
from .test_sources_mounts import jpeg, served

TOKEN = "open-sesame-2026"
RED, BLUE, GREEN = (254, 0, 0), (0, 0, 254), (0, 254, 0)
LOOKUPS = 'darkroom_cache_requests_total{kind="render",result="miss"}'


def mark(colour: tuple[int, int, int], side: int = 8) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(written, "PNG")
    return written.getvalue()


def corner(answer: httpx2.Response) -> tuple[int, int, int]:
    """The colour of the south-eastern corner, where the tests lay their marks; black, red, green or blue."""
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
    bands = picture.crop((picture.width - 3, picture.height - 3, picture.width - 2, picture.height - 2)).tobytes()
    red, green, blue = (254 if band > 200 else 0 if band < 60 else 128 for band in bands)
    return red, green, blue


def laid(name: str, source: str = "a.jpg", more: str = "") -> str:
    return f"/overlay:{name},gravity=south_east/end{more}/{source}"


def remote(url: str) -> str:
    scheme, _, rest = url.partition(":")
    return f"{scheme}:{quote(quote(rest, safe=''), safe='')}"


def problem(answer: httpx2.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["code"], answer.json().get("layer", "")


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    routes = {
        "/blue.png": image(mark(BLUE)), "/kept/a.jpg": image(jpeg(40, 30)), "/page.png": image(b"<html>"),
        "/secret.png": image(mark(BLUE), cache_control="no-store"), "/broken.png": (500, {}, b""),
        "/pulled/old.png": image(mark(GREEN)), "/far/green.png": image(mark(GREEN)),
    }  # fmt: skip
    with Origin(routes) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("layers")
    for name in ("media/marks", "private/marks", "pulled"):
        (folder / name).mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / "media" / name).write_bytes(jpeg(40, 30))
    (folder / "media" / "marks" / "logo.png").write_bytes(mark(RED))
    (folder / "media" / "marks" / "large.png").write_bytes(mark(RED, 1200))
    (folder / "media" / "marks" / "none.png").write_text("this is no picture")
    (folder / "private" / "marks" / "hidden.png").write_bytes(mark(BLUE))
    config = f"""
    [mounts]
    "*" = "media"
    "*:private" = "private"
    "demo/old" = "pulled"
    "demo/far" = "{origin.url}/far"
    [pull_through]
    "demo/old" = "{origin.url}/pulled"
    [presets]
    marked = "overlay:marks:logo.png,gravity=south_east/preset:gray/end"
    gray = "grayscale"
    sent = "format:webp"
    """
    keys = {"keys": "k1:a secret of 16 or more", "cloudinary_secret": "b", "unsigned": 1}
    with served(
        folder,
        config,
        allowed_sources=f"{origin.url},http://127.0.0.2",
        max_src_resolution=1,
        admin_token=TOKEN,
        **keys,
    ) as running:
        yield running


SHOWN = [
    (laid("marks:logo.png"), RED),
    (laid("id:marks:logo"), RED),
    ("/demo/image/upload/l_marks:logo,g_south_east/a.jpg", RED),
    ("/demo/image/upload/l_far:green.png,g_south_east/a.jpg", GREEN),
    ("/demo/image/upload/l_old:old.png,g_south_east/a.jpg", GREEN),
    ("/overlay:marks:logo.png,gravity=south_east/grayscale/end/a.jpg", (128, 128, 128)),
    ("/preset:marked/a.jpg", (128, 128, 128)),
    ("/overlay:id:marks:logo,gravity=south_east/preset:gray/end/a.jpg", (128, 128, 128)),
    ("/let:name='marks:logo.png'/overlay:($name),gravity=south_east/end/a.jpg", RED),
    ("/overlay:marks:logo.png,gravity=south_east/end/fallback:b.jpg/no.jpg", RED),
]


@pytest.mark.parametrize(("path", "colour"), SHOWN)
def test_a_layer_from_wherever_sources_come_from(server: Server, path: str, colour: tuple[int, int, int]) -> None:
    first = server.get(path)
    assert corner(first) in (colour, (0, 0, 0)) if colour == (128, 128, 128) else corner(first) == colour
    again = server.get(path)
    assert (again.headers["Cache-Status"], again.content) == ("Darkroom;hit", first.content)
    assert server.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_a_remote_layer(server: Server, origin: Origin) -> None:
    path = laid(remote(f"{origin.url}/blue.png"))
    assert corner(server.get(path)) == BLUE
    assert server.get(path).headers["Cache-Status"] == "Darkroom;hit"
    assert origin.paths().count("/blue.png") == 1
    assert "token" not in server.log()


def test_the_address_of_a_layer_is_no_news_in_the_log(server: Server, origin: Origin) -> None:
    assert corner(server.get(laid(remote(f"{origin.url}/blue.png?signature=hush-hush")))) == BLUE
    assert "hush-hush" not in server.log()


REFUSED = [
    (laid("marks:no.png"), 404, "layer-not-found", "marks/no.png"),
    (laid("id:marks:no"), 404, "layer-not-found", "marks/no"),
    ("/demo/image/upload/l_marks:no,g_south_east/a.jpg", 404, "layer-not-found", "marks/no"),
    ("/demo/image/upload/l_far:no,g_south_east/a.jpg", 404, "layer-not-found", "far/no"),
    ("/demo/image/upload/l_old:no,g_south_east/a.jpg", 404, "layer-not-found", "old/no"),
    (laid("private:marks:hidden"), 403, "unsigned-layer", "marks/hidden"),
    ("/demo/image/upload/l_private:marks:hidden/a.jpg", 401, "unsigned-layer", "marks/hidden"),
    ("/if:w>999/overlay:private:marks:hidden/end/end/a.jpg", 403, "unsigned-layer", "marks/hidden"),
    ("/let:n='marks:hidden'/overlay:private:($n)/end/a.jpg", 403, "unsigned-layer", "marks/hidden"),
    ("/let:n='private:marks:hidden'/overlay:($n)/end/a.jpg", 403, "unsigned-layer", "marks/hidden"),
    (laid("marks:large.png"), 400, "layer-too-large", "marks/large.png"),
    ("/demo/image/upload/l_marks:large/a.jpg", 400, "layer-too-large", "marks/large"),
    (laid("marks:none.png"), 415, "not-an-image", "marks/none.png"),
    (laid(remote("https://example.com/a.png")), 403, "source-not-allowed", "https://example.com/a.png"),
    (laid(remote("http://127.0.0.2/a.png")), 403, "address-not-allowed", "http://127.0.0.2/a.png"),
    ("/if:w>9/overlay:marks:no.png/end/end/a.jpg", 404, "layer-not-found", "marks/no.png"),
    ("/overlay:marks:logo.png/preset:sent/end/a.jpg", 400, "step-in-layer", ""),
]


@pytest.mark.parametrize(("path", "status", "code", "layer"), REFUSED)
def test_what_is_wrong_with_a_layer_is_told_with_its_name(
    server: Server, path: str, status: int, code: str, layer: str
) -> None:
    for _ in range(2):
        answer = server.get(path)
        assert problem(answer) == (status, code, layer)
    assert str(media_of(server).parent) not in answer.text
    if path.startswith("/demo"):
        assert layer in answer.headers["X-Cld-Error"] or code == "unsigned-layer"


def test_limits_of_a_layer_are_told(server: Server) -> None:
    told = server.get(laid("marks:large.png")).json()
    assert told["maximum"] == 1_000_000
    assert "marks/large.png" in told["detail"]


def test_failing_origins_of_layers_are_named(server: Server, origin: Origin) -> None:
    for name, status, code in (("broken.png", 502, "source-failed"), ("page.png", 415, "not-an-image")):
        url = f"{origin.url}/{name}"
        assert problem(server.get(laid(remote(url)))) == (status, code, url)


def test_its_own_address_is_no_layer(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(jpeg(40, 30))
    with served(tmp_path, "", allowed_sources="http://127.0.0.1") as running:
        answer = running.get(laid(remote(f"{running.url}/a.jpg")))
        assert (answer.status_code, answer.json()["code"]) == (403, "address-not-allowed")


def test_a_layer_that_is_not_reached_may_be_missing(server: Server) -> None:
    path = "/if:w>999/overlay:marks:no.png/end/else/resize:20x/end/a.jpg"
    answer = server.get(path)
    assert answer.status_code == 200
    assert server.get(path).headers["Cache-Status"] == "Darkroom;hit"
    assert int(answer.headers["Cache-Control"].partition("max-age=")[2].partition(",")[0]) <= 60


def test_private_layers_want_a_signature(server: Server) -> None:
    assert corner(server.get(native("/overlay:private:marks:hidden,gravity=south_east/end/a.jpg"))) == BLUE
    rest = "l_private:marks:hidden,g_south_east/a.jpg"
    assert corner(server.get(f"/demo/image/upload/s--{sha(rest)}--/{rest}")) == BLUE


def test_another_logo_is_another_picture(server: Server) -> None:
    file = media_of(server) / "marks" / "changing.png"
    file.write_bytes(mark(RED))
    path = laid("marks:changing.png", more="/resize:30x")
    before = server.get(path)
    old = {"If-None-Match": before.headers["ETag"]}
    assert server.get(path, headers=old).status_code == 304
    file.write_bytes(mark(BLUE, 9))
    after = server.get(path, headers=old)
    assert (corner(before), corner(after)) == (RED, BLUE)
    assert before.headers["ETag"] != after.headers["ETag"]
    file.unlink()
    assert problem(server.get(path, headers=old)) == (404, "layer-not-found", "marks/changing.png")
    file.write_bytes(mark(GREEN, 10))
    assert corner(server.get(path)) == GREEN


def media_of(server: Server) -> Path:
    environ = Path(f"/proc/{server.process.pid}/environ").read_bytes().split(b"\0")
    return Path(os.fsdecode(next(entry for entry in environ if entry.startswith(b"DARKROOM_MEDIA="))[15:]))


def test_the_latest_change_of_all_is_told(server: Server) -> None:
    file = media_of(server) / "marks" / "dated.png"
    file.write_bytes(mark(RED))
    os.utime(file, (2_000_000_000, 2_000_000_000))
    assert server.get(laid("marks:dated.png")).headers["Last-Modified"] == "Wed, 18 May 2033 03:33:20 GMT"


def test_hits_of_layered_pictures_render_nothing(server: Server) -> None:
    path = laid("marks:logo.png", more="/resize:25x")
    first = server.get(path)
    renders = server.metric("darkroom_source_bytes_total")
    lookups = server.metric(LOOKUPS)
    assert [server.get(path).content for _ in range(5)] == [first.content] * 5
    assert (server.metric("darkroom_source_bytes_total"), server.metric(LOOKUPS)) == (renders, lookups)


def test_purging_the_logo_purges_what_shows_it(server: Server) -> None:
    path, other = laid("marks:logo.png", "b.jpg"), "/resize:22x/b.jpg"
    tags = server.get(path).headers["Cache-Tag"].split(",")
    server.get(other)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    purged = server.client.delete("/cache", params={"source": "marks/logo.png"}, headers=headers)
    assert set(purged.json()["tags"]) & set(tags)
    assert "fwd=miss" in server.get(path).headers["Cache-Status"]
    assert server.get(other).headers["Cache-Status"] == "Darkroom;hit"
    server.client.delete("/cache", params={"prefix": "marks"}, headers=headers)
    assert "fwd=miss" in server.get(path).headers["Cache-Status"]


def test_what_shows_a_layer_that_may_not_be_kept_is_not_kept(server: Server, origin: Origin) -> None:
    path = laid(remote(f"{origin.url}/secret.png"))
    for _ in range(2):
        answer = server.get(path)
        assert corner(answer) == BLUE
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "hit" not in answer.headers["Cache-Status"]
    assert origin.paths().count("/secret.png") == 2


def test_a_remote_logo_is_fetched_once(server: Server, origin: Origin) -> None:
    def slow(exchange: Exchange) -> Reply:
        exchange.wait(0.3)
        return image(mark(GREEN))

    origin.routes["/slow.png"] = slow
    paths = [laid(remote(f"{origin.url}/slow.png"), f"{name}.jpg", more) for name in "abc" for more in ("", "/gray")]
    paths = [path.replace("/gray", "/grayscale") for path in paths]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda path: httpx2.get(server.url + path, trust_env=False), paths))
    assert {answer.status_code for answer in answers} == {200}
    assert origin.paths().count("/slow.png") == 1


def test_layers_are_fetched_at_the_same_time(server: Server, origin: Origin) -> None:
    def slow(exchange: Exchange) -> Reply:
        exchange.wait(0.5)
        return image(mark(GREEN))

    names = [f"/late{number}.png" for number in range(4)]
    origin.routes |= dict.fromkeys(names, slow)
    steps = "".join(f"/overlay:{remote(origin.url + name)}/end" for name in names)
    began = time.monotonic()
    answer = server.get(f"{steps}/a.jpg")
    assert answer.status_code == 200
    assert time.monotonic() - began < 1.9  # one after the other they take 2 s
    assert float(answer.headers["Server-Timing"].partition("fetch;dur=")[2].partition(",")[0]) >= 500


def test_what_is_stale_is_shown_until_the_new_logo_is_there(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.jpg").write_bytes(jpeg(40, 30))
    changing = "max-age=1, stale-while-revalidate=600"
    with (
        Origin({"/logo.png": image(mark(RED), cache_control=changing)}) as origin,
        served(tmp_path, "", allowed_sources=origin.url, least_ttl=1) as running,
    ):
        path = laid(remote(f"{origin.url}/logo.png"))
        first = running.get(path)
        origin.routes["/logo.png"] = image(mark(BLUE), cache_control=changing)
        assert corner(first) == RED
        assert "max-age=1" in first.headers["Cache-Control"]
        time.sleep(1.1)
        stale = running.get(path)
        assert (corner(stale), stale.headers["ETag"]) == (RED, first.headers["ETag"])
        assert "stale" in stale.headers["Cache-Status"]
        assert eventually(lambda: corner(running.get(path)) == BLUE)


def test_what_was_too_costly_is_refused_with_its_layers_alone(media: Path) -> None:
    with Server(media=media, detection="/nonexistent", renderers=1, render_timeout=1) as running:
        running.wait("/health")
        over = "/resize:{}x,enlarge/oil-paint:100/cartoonify/oil-paint:90/overlay:quadrants.png/end/photo.jpg"
        assert [running.get(over.format(4000 + n)).status_code for n in range(3)] == [422] * 3
        assert problem(running.get(over.format(4000)))[:2] == (422, "source-too-costly")
        for innocent in (
            "/resize:12x/photo.jpg",
            "/overlay:quadrants.png/end/photo.jpg",
            "/resize:12x/overlay:alpha.png/end/photo.jpg",
        ):
            assert running.get(innocent).status_code == 200


def test_what_was_found_in_a_layer_is_remembered(media: Path, detection: str, models_folder: Path) -> None:
    hits = 'darkroom_cache_requests_total{kind="found",result="hit"}'
    with Server(media=media, detection=detection, models=models_folder) as running:
        running.wait()
        first = running.get("/resize:300x/overlay:zidane.jpg/face-crop:50x50/end/photo.jpg")
        assert first.status_code == 200
        before = running.metric(hits)
        if "X-Degraded" in first.headers:
            pytest.skip("no detector of faces answered")
        assert running.get("/resize:300x/overlay:zidane.jpg/face-crop:60x60/end/photo.jpg").status_code == 200
        assert running.metric(hits) == before + 1
