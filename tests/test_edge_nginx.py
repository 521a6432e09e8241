"""The recipe for nginx (examples/nginx) in front of a real server, and of one whose every header is scripted."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from . import raw, signed
from .nginx_server import BINARY, MISSING, PURGE, TOKEN, Kept, Nginx
from .origins import Exchange, Origin, Reply, image
from .servers import Server, free_port

pytestmark = pytest.mark.skipif(BINARY is None, reason=MISSING)

DAY = 86_400
KEY = f"k1:{signed.KEYS['k1']}"
AVIF, WEBP = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/webp,*/*"


@pytest.fixture(scope="module")
def darkroom(media: Path, detection: str, models_folder: Path) -> Iterator[Server]:
    """A server for this module alone: what reaches it is counted."""
    with Server(media=media, detection=detection, models=models_folder, keys=KEY, unsigned=1) as running:
        yield running.wait()


@pytest.fixture(scope="module")
def edge(darkroom: Server) -> Iterator[Nginx]:
    with Nginx(darkroom.port) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    """Stands where Darkroom stands, and says what a test wants it to say."""
    with Origin() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def front(origin: Origin) -> Iterator[Nginx]:
    with Nginx(origin.port) as nginx:
        yield nginx


def by(answer: httpx2.Response) -> str:
    """What nginx, the last to add to Cache-Status, says of itself."""
    return answer.headers["cache-status"].rpartition("nginx; ")[2]


def asked(server: Server) -> float:
    return server.metric("darkroom_requests_total")


def only(kept: list[Kept]) -> Kept:
    assert len(kept) == 1
    return kept[0]


def picture(body: bytes = b"picture", control: str = f"public, max-age=60, stale-while-revalidate={DAY}") -> Reply:
    return image(body, cache_control=control, etag=f'W/"{body.decode()}"')


# What is one entry, and what is not


def test_formats_are_kept_apart_by_class_of_accept(edge: Nginx, darkroom: Server) -> None:
    path, before = "/resize:31x/format:auto/photo.jpg", asked(darkroom)
    for accept, media_type in ((AVIF, "image/avif"), (WEBP, "image/webp"), ("image/*", "image/jpeg")):
        first, second = edge.get(path, Accept=accept), edge.get(path, Accept=f"text/html, {accept}")
        assert first.headers["content-type"] == second.headers["content-type"] == media_type
        assert (by(first), by(second)) == ("fwd=miss", "hit")
        assert "Accept" in second.headers["vary"]
    assert asked(darkroom) == before + 3
    assert len(edge.kept(path)) == 3


def test_a_format_of_its_own_is_one_entry_for_all(edge: Nginx, darkroom: Server) -> None:
    path, before = "/resize:32x/format:png/photo.jpg", asked(darkroom)
    answers = [edge.get(path, Accept=accept, Save_Data=saving) for accept in (AVIF, WEBP) for saving in ("on", "")]
    assert [by(answer) for answer in answers] == ["fwd=miss", "hit", "hit", "hit"]
    assert asked(darkroom) == before + 1


def test_densities_are_rounded_up(edge: Nginx) -> None:
    path = "/demo/image/upload/c_scale,w_20,dpr_auto/photo.jpg"
    answers = [edge.get(path, **{name: density}) for name, density in (("Sec-CH-DPR", "1.7"), ("DPR", "2.0"))]
    assert [by(answer) for answer in answers] == ["fwd=miss", "hit"]
    assert "Sec-CH-DPR" in answers[1].headers["vary"]
    assert "Sec-CH-DPR" in answers[1].headers["accept-ch"]
    assert by(edge.get(path, DPR="3")) == "fwd=miss"


@pytest.mark.parametrize(
    ("name", "said", "name_inside", "heard"),
    [
        ("Accept", AVIF, "accept", "image/avif,image/webp"),
        ("Accept", "image/webp, image/png, image/avif", "accept", "image/avif,image/webp"),
        ("Accept", "image/avif,*/*", "accept", "image/avif"),
        ("Accept", "image/avif;q=0,image/webp", "accept", "image/webp"),
        ("Accept", "image/avif;q=0.5,*/*", "accept", "*/*"),
        ("Accept", "text/html", "accept", "*/*"),
        ("Save-Data", "On", "save-data", "on"),
        ("Save-Data", "off", "save-data", None),
        ("DPR", "1", "sec-ch-dpr", "1"),
        ("DPR", "1.0", "sec-ch-dpr", "1"),
        ("Sec-CH-DPR", "0.75", "sec-ch-dpr", "1"),
        ("Sec-CH-DPR", "1.5", "sec-ch-dpr", "1.5"),
        ("Sec-CH-DPR", "1.51", "sec-ch-dpr", "2"),
        ("Sec-CH-DPR", "2.625", "sec-ch-dpr", "3"),
        ("Sec-CH-DPR", "3.5", "sec-ch-dpr", "3.5"),
        ("Sec-CH-DPR", "99", "sec-ch-dpr", "4"),
        ("Sec-CH-DPR", "2e9", "sec-ch-dpr", None),
        ("Width", "1", "sec-ch-width", "320"),
        ("Width", "0", "sec-ch-width", None),
        ("Width", "320", "sec-ch-width", "320"),
        ("Width", "321", "sec-ch-width", "640"),
        ("Sec-CH-Width", "641", "sec-ch-width", "960"),
        ("Sec-CH-Width", "961", "sec-ch-width", "1300"),
        ("Sec-CH-Width", "1301", "sec-ch-width", "2000"),
        ("Sec-CH-Width", "2001", "sec-ch-width", "3000"),
        ("Sec-CH-Width", "3001", "sec-ch-width", "4000"),
        ("Viewport-Width", "412", "sec-ch-viewport-width", "640"),
        ("Sec-CH-Viewport-Width", "-5", "sec-ch-viewport-width", None),
        ("Cookie", "session=1", "cookie", None),
        ("Authorization", "Bearer x", "authorization", None),
        ("X-Forwarded-For", "203.0.113.9", "x-forwarded-for", "127.0.0.1"),
        ("X-Refresh", "wrong", "x-refresh", None),
    ],
)
def test_headers_are_brought_down_to_a_few_values(
    front: Nginx, origin: Origin, name: str, said: str, name_inside: str, heard: str | None
) -> None:
    front.get("/echo", **{name: said})
    headers = origin.requests[-1].headers
    assert headers.get(name_inside) == heard
    assert not {"dpr", "width", "viewport-width"} & headers.keys()


# How long


def test_s_maxage_and_the_stale_windows_are_obeyed(front: Nginx, origin: Origin) -> None:
    origin.routes["/both"] = picture(
        control="public, max-age=5, s-maxage=50, stale-while-revalidate=60, stale-if-error=70"
    )
    front.get("/both")
    kept = only(front.kept("/both"))
    assert kept.fresh in (49, 50, 51)  # nginx reads its clock once a turn
    assert (kept.updating, kept.error) == (60, 70)


def test_a_picture_is_kept_as_long_as_darkroom_says(edge: Nginx) -> None:
    path = "/resize:33x/photo.jpg"
    said = edge.get(path).headers["cache-control"]
    kept = only(edge.kept(path))
    assert f"max-age={DAY}" in said
    assert abs(kept.fresh - DAY) <= 1
    assert (kept.updating, kept.error) == (DAY, DAY)


@pytest.mark.parametrize(
    ("path", "status", "seconds"),
    [("/missing.jpg", 404, 10), ("/resise:1x/photo.jpg", 400, 60), ("/text.jpg", 415, 60)],
)
def test_errors_are_kept_no_longer_than_darkroom_says(edge: Nginx, path: str, status: int, seconds: int) -> None:
    first, second = edge.get(path), edge.get(path)
    assert (first.status_code, second.status_code, by(second)) == (status, status, "hit")
    kept = only(edge.kept(path))
    assert abs(kept.fresh - seconds) <= 1
    assert (kept.updating, kept.error) == (0, 0)
    kept.age(seconds + 2)
    assert by(edge.get(path)) == "fwd=stale"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("control", ["no-store", "private, no-store"])
def test_what_must_not_be_kept_is_not(front: Nginx, origin: Origin, status: int, control: str) -> None:
    origin.routes["/refused"] = (status, {"Cache-Control": control}, b"no")
    assert [by(front.get("/refused")) for _ in range(2)] == ["fwd=miss"] * 2
    assert front.kept("/refused") == []


def test_private_pictures_are_not_kept_and_delay_nobody_for_long(front: Nginx, origin: Origin) -> None:
    origin.routes["/private"] = picture(control="private, no-store")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: front.get("/private"), range(8)))
    assert {answer.content for answer in answers} == {b"picture"}
    assert front.kept("/private") == []


# Fresh, stale, down


def test_a_stale_picture_is_shown_and_refreshed_behind(edge: Nginx, darkroom: Server) -> None:
    path = "/resize:34x/photo.jpg"
    first, before = edge.get(path), asked(darkroom)
    only(edge.kept(path)).age(DAY + 10)
    stale = edge.get(path)
    assert (by(stale), stale.content) == ("hit; detail=stale", first.content)
    await_hit(edge, path)
    assert asked(darkroom) == before + 1
    assert abs(only(edge.kept(path)).fresh - DAY) <= 1


def await_hit(edge: Nginx, path: str) -> httpx2.Response:
    until = time.monotonic() + 10
    while by(answer := edge.get(path)) != "hit":
        assert time.monotonic() < until, by(answer)
        time.sleep(0.02)
    return answer


def test_what_is_too_old_is_revalidated_by_its_etag(front: Nginx, origin: Origin) -> None:
    def route(exchange: Exchange) -> Reply:
        known = exchange.request.headers.get("if-none-match")
        status, headers, body = picture()
        return (304, headers, b"") if known == 'W/"picture"' else (status, headers, body)

    origin.routes["/known"] = route
    first = front.get("/known")
    only(front.kept("/known")).age(3 * DAY)
    again = front.get("/known")
    assert (again.status_code, by(again), again.content) == (200, "hit; detail=revalidated", first.content)
    assert by(front.get("/known")) == "hit"


def test_a_client_that_knows_the_etag_gets_304_from_the_cache(edge: Nginx, darkroom: Server) -> None:
    path = "/resize:35x/photo.jpg"
    etag, before = edge.get(path).headers["etag"], asked(darkroom)
    for known in (etag, f'"other", {etag}', etag.removeprefix("W/")):
        again = edge.get(path, If_None_Match=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert edge.get(path, If_None_Match='"other"').status_code == 200
    assert asked(darkroom) == before


def test_pictures_outlive_darkroom_and_nothing_else_does(media: Path, detection: str) -> None:
    expiring = signed.native(f"/expires:{int(time.time()) + 3600}/resize:10x/photo.jpg")
    with (
        Server(media=media, detection=detection, keys=KEY, unsigned=1) as server,
        Nginx(server.wait("/health").port) as edge,
    ):
        paths = {"fresh": "/resize:11x/photo.jpg", "stale": "/resize:12x/photo.jpg", "old": "/resize:13x/photo.jpg"}
        paths |= {"missing": "/missing.jpg", "expiring": expiring}
        statuses = [edge.get(path).status_code for path in paths.values()]
        assert statuses == [200, 200, 200, 404, 200]
        server.stop()
        only(edge.kept(paths["stale"])).age(DAY + 60)
        only(edge.kept(paths["old"])).age(2 * DAY + 60)
        only(edge.kept(paths["missing"])).age(60)
        only(edge.kept(paths["expiring"])).age(3660)
        answers = {name: edge.get(path) for name, path in paths.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "fresh": 200, "stale": 200, "old": 503, "missing": 503, "expiring": 503
    }  # fmt: skip
    assert by(answers["fresh"]) == "hit"
    assert by(answers["stale"]) == "hit; detail=stale"
    assert answers["old"].headers["cache-control"] == "no-store"
    assert answers["old"].json()["code"] == "unreachable"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_stale_picture_is_better_than_a_refusal(front: Nginx, origin: Origin, status: int) -> None:
    path = f"/better-than-{status}"
    origin.routes[path] = picture()
    front.get(path)
    only(front.kept(path)).age(3 * DAY)
    origin.routes[path] = (status, {"Cache-Control": "no-store"}, b"no")
    answer = front.get(path)
    assert (answer.status_code, by(answer), answer.content) == (200, "hit; detail=stale", b"picture")


def test_an_expired_signed_url_is_not_shown_instead_of_a_refusal(front: Nginx, origin: Origin) -> None:
    path = "/s--k1.x--/expires:1800000000/resize:10x/photo.jpg"
    origin.routes[path] = picture(control="public, max-age=60, must-revalidate")
    front.get(path)
    only(front.kept(path)).age(120)
    origin.routes[path] = (503, {"Cache-Control": "no-store"}, b"no")
    assert front.get(path).status_code == 503


def test_a_changed_picture_is_shown_after_the_stale_one(front: Nginx, origin: Origin) -> None:
    origin.routes["/changed"] = picture(b"before")
    front.get("/changed")
    only(front.kept("/changed")).age(120)
    origin.routes["/changed"] = picture(b"after")
    assert front.get("/changed").content == b"before"
    assert await_hit(front, "/changed").content == b"after"


def test_twenty_at_once_are_one_request_to_darkroom(edge: Nginx, darkroom: Server) -> None:
    before = asked(darkroom)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: edge.get("/resize:36x/quadrants.png"), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(by(answer) for answer in answers) == ["fwd=miss", *["hit"] * 19]
    assert asked(darkroom) == before + 1


# Paths, signatures, methods


@pytest.mark.parametrize(
    "path",
    [
        "/resize%3A40x/-/team%2Fjane%20doe.jpg",
        "/resize:40x/https://example.com//a//b.jpg?x=1&y=%2F",
        "/resize:40x/https%3A%2F%2Fexample.com%2Fa.jpg%3Fx%3D1",
        "/s--k1.dGVzdA_-.--/resize:40x/photo.jpg",
        "/demo/image/upload/s--AbC-_123--/c_fill,w_40/a/./b/../c.jpg",
        "/resize:40x/%C3%A4%FF%2e%7e.jpg",
        "/if:w>100&h<=200/$a;b=(c)!d'e@f+g*h:i/x.jpg?&&",
    ],
)
def test_paths_arrive_as_they_were_sent(front: Nginx, origin: Origin, path: str) -> None:
    name = path.partition("?")[0]
    origin.routes[name] = picture(b"before")
    assert raw.get(front.port, path)[2] == b"before"
    assert origin.requests[-1].path == path
    only(front.kept(path)).age(120)
    origin.routes[name] = picture(b"after")
    assert raw.get(front.port, path)[2] == b"before"
    until = time.monotonic() + 10
    while raw.get(front.port, path)[2] != b"after":  # the refresh behind goes to the same path
        assert time.monotonic() < until
        time.sleep(0.02)
    assert origin.requests[-1].path == path


@pytest.mark.parametrize(
    "rest",
    [
        "/resize:41x/photo.jpg",
        "/resize%3A41x//-/team%2Fjane%20doe.jpg",
        "/resize:41x/team/jane%20doe.jpg",
        "/expires:4000000000/resize:41x/photo.jpg",
    ],
)
def test_signed_urls_pass(edge: Nginx, rest: str) -> None:
    path = signed.native(rest)
    assert raw.get(edge.port, path)[0] == 200
    assert raw.get(edge.port, path.replace("41x", "42x"))[0] == 403


def test_a_path_may_begin_with_two_slashes(edge: Nginx) -> None:
    assert raw.get(edge.port, "//resize:43x//photo.jpg")[0] == 200


def test_head_has_the_headers_and_no_body(edge: Nginx) -> None:
    path = "/resize:44x/photo.jpg"
    head = edge.client.head(path)
    get = edge.get(path)
    assert (head.status_code, head.content, by(head), by(get)) == (200, b"", "fwd=miss", "hit")
    for name in ("etag", "content-type", "content-length", "cache-control"):
        assert head.headers[name] == get.headers[name]


def test_ranges_are_answered_whole(edge: Nginx) -> None:
    path = "/resize:45x/photo.jpg"
    whole = edge.get(path)
    for part in ("bytes=0-9", "bytes=-1", "bytes=0-0,5-9"):
        answer = edge.get(path, Range=part, If_Range=whole.headers["etag"])
        assert (answer.status_code, answer.content) == (200, whole.content)
    first = edge.get("/resize:46x/photo.jpg", Range="bytes=0-9")
    assert (first.status_code, "content-range" in first.headers) == (200, False)
    assert len(first.content) == int(first.headers["content-length"]) > 10


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/metrics", 404),
        ("GET", "/%6detrics", 404),
        ("GET", "//metrics", 404),
        ("GET", "/x/../metrics", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/ready", 404),
        ("GET", "/models", 404),
        ("GET", "/cache?prefix=a", 404),
        ("DELETE", "/cache?prefix=a", 405),
        ("POST", "/resize:10x/photo.jpg", 405),
        ("PURGE", "/resize:10x/photo.jpg", 405),
        ("GET", "/health", 200),
        ("GET", "/version", 200),
        ("OPTIONS", "/resize:10x/photo.jpg", 204),
        ("GET", "/" + "a" * 9000, 414),
        ("GET", "/%2e%2e/etc/passwd", 400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_public(edge: Nginx, darkroom: Server, method: str, path: str, status: int) -> None:
    before = asked(darkroom)
    answer, _, body = raw.get(edge.port, path, method)
    assert answer == status
    if status in (404, 405):
        assert asked(darkroom) == before
        assert b"darkroom_" not in body
    if status == 414:
        assert b"url-too-long" in body


def test_answers_of_operators_are_not_kept(edge: Nginx) -> None:
    assert [by(edge.get("/health")) for _ in range(2)] == ["fwd=miss"] * 2


# What is said, and what is forgotten


def test_what_darkroom_says_passes(edge: Nginx, darkroom: Server) -> None:
    path = "/resize:47x/format:auto/photo.jpg"
    first, second = edge.get(path), edge.get(path)
    direct = darkroom.get(path, headers={"Accept": "*/*"})
    assert [part.strip() for part in first.headers["cache-status"].split(",")] == [
        "Darkroom;fwd=miss;stored",
        "nginx; fwd=miss",
    ]
    assert by(second) == "hit"
    changing = {"cache-status", "server-timing", "x-request-id", "date", "connection", "server", "cache-control"}
    for name, value in direct.headers.items():
        if name not in changing:
            assert second.headers[name] == value, name
    assert second.headers["cache-tag"]
    assert len({answer.headers["x-request-id"] for answer in (first, second)}) == 2


def test_long_tags_pass(front: Nginx, origin: Origin) -> None:
    tags = [f"tag-{number:060}" for number in range(64)]
    origin.routes["/tagged"] = image(
        b"x", cache_control="max-age=60", cache_tag=", ".join(tags), surrogate_key=" ".join(tags)
    )  # fmt: skip
    answers = [front.get("/tagged") for _ in range(2)]
    assert [by(answer) for answer in answers] == ["fwd=miss", "hit"]
    assert answers[1].headers["surrogate-key"] == " ".join(tags)


def test_who_has_the_token_has_a_picture_fetched_anew(front: Nginx, origin: Origin) -> None:
    origin.routes["/refreshed"] = picture(b"before", "public, max-age=3600")
    front.get("/refreshed")
    origin.routes["/refreshed"] = picture(b"after", "public, max-age=3600")
    assert front.get("/refreshed", X_Refresh="wrong").content == b"before"
    anew = front.get("/refreshed", X_Refresh=TOKEN)
    assert (by(anew), anew.content) == ("fwd=bypass", b"after")
    assert "x-refresh" not in origin.requests[-1].headers
    assert (by(front.get("/refreshed")), front.get("/refreshed").content) == ("hit", b"after")


@pytest.mark.parametrize("tags", [["src-1"], ["nothing", "src-1"], ["tag-dog"], ["dir-1"]])
def test_purging_by_tag(front: Nginx, origin: Origin, tags: list[str]) -> None:
    """Every variant goes; what has a tag that is only alike stays."""
    origin.routes["/dog"] = (
        200,
        {"Cache-Control": "max-age=60", "cache-tag": "src-1, dir-1,tag-dog", "Vary": "Accept"},
        b"a",
    )
    origin.routes["/dogs"] = (
        200,
        {"Cache-Control": "max-age=60", "Cache-Tag": "src-11, dir-10, xtag-dog, tag-dogs"},
        b"b",
    )
    for accept in (AVIF, WEBP):
        front.get("/dog", Accept=accept)
    front.get("/dogs")
    assert purge(front, *tags).returncode == 0
    assert (front.kept("/dog"), len(front.kept("/dogs"))) == ([], 1)
    assert (by(front.get("/dog", Accept=WEBP)), by(front.get("/dogs"))) == ("fwd=miss", "hit")


@pytest.mark.parametrize("tags", [[], [".*|x"], [""], ["tag-a b"]])
def test_what_is_no_tag_purges_nothing(front: Nginx, tags: list[str]) -> None:
    assert purge(front, *tags).returncode == 2


def purge(nginx: Nginx, *tags: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "DARKROOM_NGINX_CACHE": str(nginx.cache)}
    return subprocess.run([str(PURGE), *tags], env=environment, capture_output=True, text=True, timeout=30)


def test_purging_what_darkroom_tags(edge: Nginx) -> None:
    """With the tags that a real server says, of a picture and not of its neighbour."""
    mine, other = "/resize:48x/photo.jpg", "/resize:48x/quadrants.png"
    tag = edge.get(mine).headers["cache-tag"].partition(",")[0]
    edge.get(other)
    purge(edge, tag)
    assert (by(edge.get(mine)), by(edge.get(other))) == ("fwd=miss", "hit")


def test_darkroom_that_never_was_there_is_a_503(tmp_path: Path) -> None:
    with Nginx(free_port()) as alone:
        answer = alone.get("/resize:10x/photo.jpg")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")
    assert (answer.headers["retry-after"], answer.headers["access-control-allow-origin"]) == ("5", "*")
