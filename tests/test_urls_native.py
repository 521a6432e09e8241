"""The native dialect: where the steps end, which source is meant, and the one spelling of each request."""

from __future__ import annotations

import pytest

from server import urls
from server.urls import native
from transforms.failure import Failure, Kind


def failure(path: str, query: str = "") -> Failure:
    with pytest.raises(Failure) as caught:
        urls.parse(path, query)
    return caught.value


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/bus.jpg", "/-/bus.jpg"),
        ("/resize:400x300/bus.jpg", "/resize:400x300/-/bus.jpg"),
        ("/resize:400x300/-/bus.jpg", "/resize:400x300/-/bus.jpg"),
        ("/resize:400x/blur:3/resize:x20/a/b.jpg", "/resize:400x/blur:3/resize:x20/-/a/b.jpg"),
        ("/resize:400x300,inside,enlarge=1/bus.jpg", "/resize:400x300,enlarge=true/-/bus.jpg"),
        ("/resize:size=400x300,gravity=0.50:.5/bus.jpg", "/resize:400x300,gravity=0.5:0.5/-/bus.jpg"),
        ("//resize:400x300///grayscale//bus.jpg/", "/resize:400x300/grayscale/-/bus.jpg"),
        ("/resize%3A400x300/bus.jpg", "/resize:400x300/-/bus.jpg"),
        ("/resize:400x300%2cfit=cover/bus.jpg", "/resize:400x300,fit=cover/-/bus.jpg"),
        ("/resize:400x300%2Fgrayscale%2Fa%2Fbus.jpg", "/resize:400x300/grayscale/-/a/bus.jpg"),
        ("/format:jpg/quality:80/bus.jpg", "/format:jpeg/quality:80/-/bus.jpg"),
        ("/-/grayscale/bus.jpg", "/-/grayscale/bus.jpg"),
        ("/-/-/bus.jpg", "/-/-/bus.jpg"),
        ("/-/health", "/-/health"),
        ("/-/image/upload/bus.jpg", "/-/image/upload/bus.jpg"),
        ("/a/grayscale/bus.jpg", "/-/a/grayscale/bus.jpg"),
        ("/a%20b%25%3F%23.jpg", "/-/a%20b%25%3F%23.jpg"),
        ("/%C3%9F/%41.jpg", "/-/%C3%9F/A.jpg"),
        ("/Ã\x9f.jpg", "/-/%C3%9F.jpg"),  # bytes that the client left unescaped, one character each
        ("/a%252Fb.jpg", "/-/a%252Fb.jpg"),
        ("/a//b///c.jpg", "/-/a/b/c.jpg"),
        ("/id:folder/p.webp", "/-/id:folder/p.webp"),
        ("/blur:3/-/id%3Ap%2Fq", "/blur:3/-/id:p/q"),
        ("/-/photo:1.jpg", "/-/photo:1.jpg"),
    ],
)
def test_canonical_text(path: str, canonical: str) -> None:
    request = urls.parse(path)
    assert urls.canonical(request) == canonical
    assert urls.parse(canonical) == request


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/https://Host.example/a.jpg", "", "https://host.example/a.jpg"),
        ("/https:/host.example/a.jpg", "", "https://host.example/a.jpg"),
        ("/blur:3/http://host.example:80/a%20b.jpg", "", "http://host.example/a%20b.jpg"),
        ("/-/https://host.example/a%2Fb.jpg", "alt=media&x=%20", "https://host.example/a%2Fb.jpg?alt=media&x=%20"),
        ("/https://host.example/grayscale/-/a.jpg", "", "https://host.example/grayscale/-/a.jpg"),
        ("/https%3A%2F%2Fhost.example%2Fa%2520b.jpg%3Fx%3D1", "utm=2", "https://host.example/a%20b.jpg?x=1"),
        ("/https:%2F%2Fhost.example%2Fa.jpg", "utm=2", "https://host.example/a.jpg"),
        ("/grayscale%2Fhttps%3A%2F%2Fhost.example%2Fa.jpg", "", "https://host.example/a.jpg"),
        ("/https://host.example/ß.jpg".encode().decode("latin-1"), "", "https://host.example/%C3%9F.jpg"),
        ("/http://[2001:DB8::1]/a.jpg", "", "http://[2001:db8::1]/a.jpg"),
        ("/https://host.example/a/http://other.example//b.jpg", "", None),
    ],
)
def test_remote_sources(path: str, query: str, location: str | None) -> None:
    request = urls.parse(path, query)
    if location is not None:
        assert (request.source.scheme, request.source.location) == (location.partition(":")[0], location)
    assert urls.parse(urls.canonical(request)) == request


def test_one_spelling_of_a_remote_source() -> None:
    spellings = ["/blur:3/https://h.example/a.jpg", "/blur:3/-/https:/h.example/a.jpg"]
    spellings.append("/blur%3A3.0/https%3A%2F%2FH.example%3A443%2Fa.jpg")
    assert {urls.canonical(urls.parse(path)) for path in spellings} == {"/blur:3/-/https://h.example/a.jpg"}


@pytest.mark.parametrize("path", ["/bus.jpg", "/id:bus", "/demo/image/upload/bus.jpg"])
def test_a_query_is_no_part_of_files_and_ids(path: str) -> None:
    assert urls.parse(path, "v=3&_a=x") == urls.parse(path)


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/", Kind.BAD_REQUEST, "missing-source"),
        ("", Kind.BAD_REQUEST, "missing-source"),
        ("/-/", Kind.BAD_REQUEST, "missing-source"),
        ("/resize:400x300/", Kind.BAD_REQUEST, "missing-source"),
        ("/resize:400x300/-", Kind.BAD_REQUEST, "missing-source"),
        ("/id:", Kind.BAD_REQUEST, "missing-source"),
        ("/resiz:400x300/bus.jpg", Kind.BAD_REQUEST, "unknown-operation"),
        ("/Resize:400x300/bus.jpg", Kind.BAD_REQUEST, "unknown-operation"),
        ("/resiz:/bus.jpg", Kind.BAD_REQUEST, "unknown-operation"),
        ("/photo:1.jpg", Kind.BAD_REQUEST, "unknown-operation"),
        ("/resize:9000x/bus.jpg", Kind.BAD_REQUEST, "bad-argument"),
        ("/resize:٣x/bus.jpg".encode().decode("latin-1"), Kind.BAD_REQUEST, "bad-argument"),
        ("/resize/bus.jpg", Kind.BAD_REQUEST, "missing-argument"),
        ("/resize:400x300,speed=3/bus.jpg", Kind.BAD_REQUEST, "unknown-argument"),
        ("/" + "grayscale/" * 65 + "bus.jpg", Kind.BAD_REQUEST, "too-many-steps"),
        ("/%FF.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/\xff.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/\u0663.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/%ED%A0%80.jpg", Kind.BAD_REQUEST, "bad-encoding"),
        ("/" + "a" * 8192, Kind.URI_TOO_LONG, "uri-too-long"),
        ("/file:///etc/passwd", Kind.FORBIDDEN, "bad-source"),
        ("/FILE:/etc/passwd", Kind.FORBIDDEN, "bad-source"),
        ("/gopher://host/x", Kind.FORBIDDEN, "bad-source"),
        ("/data:image/png;base64,AAAA", Kind.FORBIDDEN, "bad-source"),
        ("/-/qqqq://x", Kind.FORBIDDEN, "bad-source"),
        ("/https://user:secret@host/a.jpg", Kind.BAD_REQUEST, "bad-source"),
        ("/https://", Kind.BAD_REQUEST, "bad-source"),
        ("/http:host/a.jpg", Kind.BAD_REQUEST, "bad-source"),
        ("/https%3A%2F%2Fho%20st%2Fa.jpg", Kind.BAD_REQUEST, "bad-source"),
        ("/a/../b.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/-/..%2f..%2Fetc%2fpasswd", Kind.NOT_FOUND, "source-not-found"),
        ("/%2e%2e/b.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/id:./b.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/bus.jpg%00.png", Kind.NOT_FOUND, "source-not-found"),
        ("/bus%0d%0aX.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/bus%C2%85.jpg", Kind.NOT_FOUND, "source-not-found"),
        ("/image/bus.jpg", Kind.NOT_FOUND, "not-found"),
        ("/health/x", Kind.NOT_FOUND, "not-found"),
        ("/iiif/3/x", Kind.NOT_FOUND, "not-found"),
    ],
)
def test_failures(path: str, kind: Kind, code: str) -> None:
    caught = failure(path)
    assert (caught.kind, caught.code) == (kind, code)


def test_an_unknown_operation_names_the_nearest_and_the_step() -> None:
    caught = failure("/blur:3/gray-scale:1/bus.jpg")
    assert caught.details == {"operation": "gray-scale", "nearest": "grayscale", "step": "gray-scale:1"}
    assert "grayscale" in (caught.hint or "")


def test_a_bad_argument_states_its_bounds() -> None:
    caught = failure("/blur:900/bus.jpg")
    assert caught.details == {
        "minimum": 0.1, "maximum": 250, "argument": "sigma", "operation": "blur", "step": "blur:900",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/grayscale/image/upload/a.jpg", "/tags/image/upload/a.jpg", "/-/image/upload/a.jpg"])
def test_no_cloud_has_the_name_of_an_operation_or_a_page(path: str) -> None:
    if path.startswith("/tags"):
        assert failure(path).code == "not-found"
    else:
        assert urls.parse(path).source == native.parse("/-/image/upload/a.jpg").source
