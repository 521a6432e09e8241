"""What HTTP clients and caches see: statuses, validators, headers, methods, problem documents."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from . import raw
from .servers import Server

README_URLS = [
    ("/resize:400x300/bus.jpg", "image/jpeg", (225, 300)),
    ("/face-crop:200x200/format:webp/zidane.jpg", "image/webp", (200, 200)),
    ("/blur-faces/zidane.jpg", "image/jpeg", (1280, 720)),
    ("/demo/image/upload/c_thumb,g_face,w_200,h_200/f_auto,q_auto/zidane.jpg", "image/jpeg", (200, 200)),
]


def opened(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body))


@pytest.mark.parametrize(("path", "media_type", "size"), README_URLS)
def test_the_urls_of_the_readme(server: Server, path: str, media_type: str, size: tuple[int, int]) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert opened(answer.content).size == size


def test_auto_tag_has_exactly_these_names(server: Server) -> None:
    answer = server.get("/auto-tag/bus.jpg")
    assert answer.headers["content-type"] == "application/json"
    report = answer.json()
    assert set(report) >= {"tags", "objects", "faces", "colors", "image", "models", "missing"}
    assert report["image"] == {"width": 810, "height": 1080, "format": "jpeg", "bytes": 137419, "frames": 1}
    assert all(
        {"tag", "confidence", "by"} <= set(tag) <= {"tag", "confidence", "by", "count", "of", "kind"}
        for tag in report["tags"]
    )
    assert all(set(face) >= {"confidence", "box", "landmarks"} for face in report["faces"])
    assert all(set(color) >= {"hex", "name", "share"} for color in report["colors"])
    assert {"person"} <= {tag["tag"] for tag in report["tags"]}
    boxes = [found["box"] for found in (*report["objects"], *report["faces"])]
    assert all(set(box) == {"x", "y", "width", "height"} and 0 <= box["x"] <= 1 for box in boxes)


@pytest.mark.parametrize(
    ("native", "cloudinary"),
    [
        ("/resize:400x300,fit=fill,enlarge/photo.jpg", "/demo/image/upload/c_scale,w_400,h_300/photo.jpg"),
        (
            "/resize:400x300,enlarge,fit=cover,gravity=north/photo.jpg",
            "/image/upload/g_north,c_fill,h_300,w_400/photo.jpg",
        ),
    ],
)
def test_both_spellings_share_one_entry(server: Server, native: str, cloudinary: str) -> None:
    first, second = server.get(native), server.get(cloudinary)
    assert first.headers["etag"] == second.headers["etag"]
    assert second.headers["cache-status"] == "Darkroom;hit"
    assert first.content == second.content


def test_equivalent_paths_are_one_entry(server: Server) -> None:
    paths = ["/resize:77x/photo.jpg", "//resize%3A77x/-/photo.jpg", "/resize:77x,fit=inside/photo.jpg?utm=1"]
    assert len({raw.get(server.port, path)[1]["etag"] for path in paths}) == 1


def test_a_known_etag_is_304_with_the_same_validators(server: Server) -> None:
    first = server.get("/resize:50x/photo.jpg")
    for known in (first.headers["etag"], f'"x", {first.headers["etag"]}', first.headers["etag"].removeprefix("W/")):
        again = server.get("/resize:50x/photo.jpg", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["cache-control"] == first.headers["cache-control"]
    assert server.get("/resize:50x/photo.jpg", headers={"If-None-Match": '"other"'}).status_code == 200


def test_any_etag_matches_a_star(server: Server) -> None:
    assert server.get("/resize:51x/photo.jpg", headers={"If-None-Match": "*"}).status_code in (200, 304)
    assert server.get("/resize:51x/photo.jpg", headers={"If-None-Match": "*"}).status_code == 304


def test_304_needs_no_decoding(server: Server) -> None:
    etag = server.get("/resize:52x/photo.jpg").headers["etag"]
    decodes = 'darkroom_request_span_duration_seconds_count{span="decode"}'
    before = server.metric(decodes)
    assert before > 0
    assert server.get("/resize:52x/photo.jpg", headers={"If-None-Match": etag}).status_code == 304
    assert server.metric(decodes) == before


def test_head_has_the_headers_and_no_body(server: Server) -> None:
    get, head = server.get("/resize:53x/photo.jpg"), server.client.head("/resize:53x/photo.jpg")
    assert head.content == b""
    for name in ("etag", "content-type", "content-length", "cache-control"):
        assert head.headers[name] == get.headers[name]


def test_the_headers_of_a_picture(server: Server) -> None:
    answer = server.get("/resize:54x/photo.jpg")
    assert answer.headers["cache-status"] == "Darkroom;fwd=miss;stored"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "max-age=86400" in answer.headers["cache-control"]
    stages = {stage.partition(";")[0].strip() for stage in answer.headers["server-timing"].split(",")}
    assert stages >= {"fetch", "probe", "plan", "decode", "run", "encode", "total"}
    assert "vary" not in answer.headers
    assert answer.headers["cache-tag"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("image/avif,image/webp,*/*", "image/avif"),
        ("image/webp,image/*;q=0.8", "image/webp"),
        ("image/avif;q=0, image/webp;q=0.2", "image/webp"),
        ("image/*,*/*;q=0.8", "image/jpeg"),
        ("", "image/jpeg"),
        ("garbage;;;=", "image/jpeg"),
    ],
)
def test_format_auto_takes_what_the_client_names(server: Server, accept: str, media_type: str) -> None:
    answer = server.get("/resize:60x/format:auto/photo.jpg", headers={"Accept": accept})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Accept"


def test_vary_stands_on_304_and_on_errors_too(server: Server) -> None:
    etag = server.get("/resize:61x/format:auto/photo.jpg").headers["etag"]
    again = server.get("/resize:61x/format:auto/photo.jpg", headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["vary"]) == (304, "Accept")
    broken = server.get("/format:auto/text.jpg")
    assert (broken.status_code, broken.headers["vary"]) == (415, "Accept")
    assert "vary" not in server.get("/format:webp/text.jpg").headers


PROBLEMS: list[tuple[str, int, str, dict[str, Any]]] = [
    ("/resize:40x/nope.jpg", 404, "source-not-found", {}),
    ("/nope.jpg", 404, "source-not-found", {}),
    ("/resise:40x/bus.jpg", 400, "unknown-operation", {"nearest": "resize"}),
    ("/resize:9000x/bus.jpg", 400, "bad-argument", {"maximum": 8192, "minimum": 1}),
    ("/resize:40x,fitt=cover/bus.jpg", 400, "unknown-argument", {"nearest": "fit"}),
    ("/resize/bus.jpg", 400, "missing-argument", {"argument": "size"}),
    ("/resize:40x", 400, "missing-source", {}),
    ("/text.jpg", 415, "not-an-image", {}),
    ("/empty.png", 415, "not-an-image", {}),
    ("/array.npy", 415, "not-an-image", {}),
    ("/resize:8192x8192,fit=fill,enlarge/bus.jpg", 422, "result-too-large", {"maximum_side": 8192}),
    ("/https://example.com/a.jpg", 403, "source-not-allowed", {}),
    ("/crop:10x10,x=5000/bus.jpg", 400, "bad-argument", {"operation": "crop"}),
    ("/" + "a" * 9000, 414, "url-too-long", {"maximum": 8192}),
    ("/playground", 404, "not-found", {}),
]


@pytest.mark.parametrize(("path", "status", "code", "details"), PROBLEMS, ids=lambda value: str(value)[:40])
def test_a_mistake_is_a_problem_document(
    server: Server, path: str, status: int, code: str, details: dict[str, Any]
) -> None:
    answer = server.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:darkroom:{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {name: problem[name] for name in details} == details
    assert "max-age" in answer.headers["cache-control"]
    assert str(server.process.pid) not in answer.text
    assert "/tmp" not in answer.text


def test_how_long_errors_are_kept(server: Server) -> None:
    assert server.get("/nope.jpg").headers["cache-control"] == "public, max-age=10"
    assert server.get("/resise:1x/bus.jpg").headers["cache-control"] == "public, max-age=60"


def test_cloudinary_clients_get_the_reason_in_a_header(server: Server) -> None:
    answer = server.get("/demo/image/upload/w_abc/bus.jpg")
    assert answer.status_code == 400
    assert answer.headers["x-cld-error"].startswith("Invalid w in transformation: w_abc - ")
    assert "UTF-8" in server.get("/demo/image/upload/%ff/bus.jpg").headers["x-cld-error"]
    missing = server.get("/demo/image/upload/c_fil,w_10/bus.jpg").headers["x-cld-error"]
    assert missing.endswith("did you mean c_fill?")
    assert "x-cld-error" not in server.get("/resize:abc/bus.jpg").headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(server: Server, method: str) -> None:
    answer = server.client.request(method, "/resize:10x/photo.jpg")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_options_answers_browsers(server: Server) -> None:
    answer = server.client.request("OPTIONS", "/resize:10x/photo.jpg", headers={"Origin": "https://example.com"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")


def test_request_ids_are_taken_or_made(server: Server) -> None:
    assert server.get("/nope.jpg", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = server.get("/nope.jpg", headers={"X-Request-Id": "<script>"}).headers["x-request-id"]
    assert made != "<script>"
    assert len(made) == 32


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/image/upload/w_30/team/jane%20doe.jpg", "image/jpeg"),
        ("/image/upload/w_30/team/jane%20doe", "image/jpeg"),
        ("/image/upload/w_30/team/jane%20doe.webp", "image/webp"),
        ("/image/upload/w_30/v1/team/jane%20doe.png", "image/png"),
        ("/image/upload/w_30,f_gif/team/jane%20doe.webp", "image/gif"),
    ],
)
def test_public_ids(server: Server, path: str, location: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, location)
    assert opened(answer.content).size[0] == 30


def test_operators_pages(server: Server) -> None:
    assert server.get("/health").text == "ok"
    assert server.get("/ready").json()["ready"] is True
    assert "darkroom_requests_total" in server.get("/metrics").text
    version = server.get("/version").json()
    assert version["licence"] == "AGPL-3.0-only"
    archive = server.get(version["source"].removeprefix(server.url))
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as files:
        names = files.getnames()
    assert {"darkroom/server/app.py", "darkroom/transforms/plan.py"} <= set(names)
    assert any(name.endswith("/LICENSE") for name in names)
    assert {model["name"] for model in server.get("/models").json()["models"]} >= {"yolo11n", "yunet-2026may"}
    assert "resize" in {operation["name"] for operation in server.get("/schema.json").json()["operations"]}
    assert "/resize:400x300/bus.jpg" in server.get("/").text


def test_nothing_secret_gets_into_the_log(server: Server) -> None:
    server.get("/resize:10x/https%3A%2F%2Fexample.com%2Fa.jpg%3Ftoken%3Dhush?also=hush")
    hidden = base64.urlsafe_b64encode(b"https://example.com/a.jpg?token=hush").decode()
    for scheme in ("b64:", "B64%3A", "b64:a/"):
        server.get(f"/-/{scheme}{hidden}")
    assert "hush" not in server.log()
    assert hidden not in server.log()


def test_the_first_page_shows_only_what_is_there(server: Server, media: Path, tmp_path: Path, detection: str) -> None:
    assert server.get("/").text.count("<img") == 4
    with Server(media=tmp_path, detection=detection) as empty:
        page = empty.wait("/health").get("/").text
    assert "<img" not in page
    assert "/resize:400x300/its-name.jpg" in page
