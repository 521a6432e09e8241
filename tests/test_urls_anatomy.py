"""The parts of Cloudinary's delivery paths, in every form that they come in."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from server import links, urls
from server.urls.cloudinary import anatomy
from server.urls.paths import split
from transforms.failure import Failure, Kind

from .shared import jsonl, needs


def parts(path: str) -> anatomy.Anatomy:
    raw, _, query = path.partition("?")
    return anatomy.read(split(raw), query)


def told(path: str) -> tuple[str, str, tuple[str, ...], str]:
    """Cloud, delivery type, components and source."""
    found = parts(path)
    return found.form.cloud, found.form.delivery, found.components, found.source.location


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/demo/image/upload/a.jpg", ("demo", "upload", (), "a.jpg")),
        ("/image/upload/a.jpg", ("", "upload", (), "a.jpg")),
        ("/demo/image/upload/w_10/v1/a/b.jpg", ("demo", "upload", ("w_10",), "a/b.jpg")),
        ("/demo/image/private/w_10/v1/a/b.jpg", ("demo", "private", ("w_10",), "a/b.jpg")),
        ("/image/authenticated/v1/a.jpg", ("", "authenticated", (), "a.jpg")),
        ("/demo/image/upload/v1/w_10/b.jpg", ("demo", "upload", (), "w_10/b.jpg")),
        ("/demo/image/upload/v1/v2/b.jpg", ("demo", "upload", (), "v2/b.jpg")),
        ("/demo/image/upload/v1", ("demo", "upload", (), "v1")),
        ("/demo/image/upload/w_10", ("demo", "upload", (), "w_10")),
        ("/demo/image/upload/w_10/", ("demo", "upload", (), "w_10")),
        ("/demo/image/upload/w_10//h_10/v1/b.jpg", ("demo", "upload", ("w_10", "h_10"), "b.jpg")),
        ("/demo/image/upload/w_10%2Ch_10/b.jpg", ("demo", "upload", ("w_10,h_10",), "b.jpg")),
        ("/demo/image/upload/s--AAAAAAAA--/w_10/b.jpg", ("demo", "upload", ("w_10",), "b.jpg")),
        ("/demo/image/upload/b.jpg.jpg", ("demo", "upload", (), "b.jpg.jpg")),
        ("/demo/image/upload/b.jpg?_a=BAMAABBB0", ("demo", "upload", (), "b.jpg")),
        ("/demo/image/upload/b.jpg?itok=x&pgw=1&_i=AB", ("demo", "upload", (), "b.jpg")),
        # shortened
        ("/iu/w_10/b.jpg", ("", "upload", ("w_10",), "b.jpg")),
        ("/demo/iu/test", ("demo", "upload", (), "test")),
        ("/iu/s--AAAAAAAA--/v7/b", ("", "upload", (), "b")),
        # with a suffix for search engines
        ("/images/test/hello", ("", "upload", (), "test")),
        ("/images/test/hello.jpg", ("", "upload", (), "test.jpg")),
        ("/images/test.png/hello.jpg", ("", "upload", (), "test.png.jpg")),
        ("/demo/images/v1/test/hello.jpg?_a=x", ("demo", "upload", (), "test.jpg")),
        ("/demo/image/public/v1/a.jpg?__cld_token__=x", ("demo", "upload", (), "a.jpg")),
        (
            "/image/upload/fl_attachment:my%2Edog.lossy/a.jpg",
            ("", "upload", ("fl_attachment:my%2Edog.lossy",), "a.jpg"),
        ),
        (
            "/image/upload/l_text:arial_20:%24%28no%29$(x)/a.jpg",
            ("", "upload", ("l_text:arial_20:%24%28no)$(x)",), "a.jpg"),
        ),
        ("/demo/images/v1/folder/test/hello.webp", ("demo", "upload", (), "folder/test.webp")),
        ("/demo/images/w_10,h_10/f_auto/v1234/id/my-image", ("demo", "upload", ("w_10,h_10", "f_auto"), "id")),
        ("/images/s--AAAAAAAA--/test/hello.jpg", ("", "upload", (), "test.jpg")),
        ("/images/w_10/hello", ("", "upload", (), "w_10")),
        ("/images/v1/hello", ("", "upload", (), "v1")),
        ("/private_images/w_10/test/hello.jpg", ("", "private", ("w_10",), "test.jpg")),
        ("/demo/private_images/test/hello", ("demo", "private", (), "test")),
        ("/authenticated_images/s--AAAAAAAA--/v1/test/hello", ("", "authenticated", (), "test")),
        ("/demo/authenticated_images/v1/a/b/hello.jpg", ("demo", "authenticated", (), "a/b.jpg")),
        # fetched
        ("/demo/image/fetch/https://h.example/a.jpg", ("demo", "fetch", (), "https://h.example/a.jpg")),
        ("/image/fetch/w_10/https:/h.example/a.jpg", ("", "fetch", ("w_10",), "https://h.example/a.jpg")),
        ("/image/fetch/w_10/v1/http:/h.example/a.jpg", ("", "fetch", ("w_10",), "http://h.example/a.jpg")),
        ("/image/fetch/https://h.example/a%3Fx%3D1%26y", ("", "fetch", (), "https://h.example/a?x=1&y")),
        ("/image/fetch/https%3A%2F%2Fh.example%2Fa%20b.jpg", ("", "fetch", (), "https://h.example/a%20b.jpg")),
        ("/image/fetch/https%3A%2Fh.example%2Fa.jpg", ("", "fetch", (), "https://h.example/a.jpg")),
        ("/image/fetch/https://h.example/w_10/a_b/c.jpg", ("", "fetch", (), "https://h.example/w_10/a_b/c.jpg")),
        ("/image/fetch/https://h.example/a.jpg?x=1&_a=b", ("", "fetch", (), "https://h.example/a.jpg?x=1")),
        ("/image/fetch/https://h.example/a.jpg?__cld_token__=exp%3D1", ("", "fetch", (), "https://h.example/a.jpg")),
        (
            "/image/fetch/w_10/https://res.example/demo/image/upload/w_5/a.jpg",
            ("", "fetch", ("w_10",), "https://res.example/demo/image/upload/w_5/a.jpg"),
        ),
    ],
)
def test_every_form(path: str, expected: tuple[str, str, tuple[str, ...], str]) -> None:
    assert told(path) == expected
    request = urls.parse(*path.partition("?")[::2])
    assert (request.cloud, request.delivery, request.source.location) == (expected[0], expected[1], expected[3])
    assert request.dialect == "cloudinary"
    assert urls.is_cloudinary(path.partition("?")[0])


@pytest.mark.parametrize(
    ("path", "signable"),
    [
        ("/demo/image/upload/c_crop,h_20,w_10/v1234/image.jpg", "c_crop,h_20,w_10/image.jpg"),
        ("/demo/image/upload/c_crop//w_10/v1//a//b%20c.jpg/", "c_crop/w_10/a/b%20c.jpg"),
        ("/images/w_10/v1/folder/test/hello.jpg", "w_10/folder/test.jpg"),
        ("/images/test/hello", "test"),
        ("/image/fetch/w_10/http:/h.example/a//b.jpg", "w_10/http://h.example/a//b.jpg"),
        ("/image/fetch/http://h.example/a.jpg?x=1&_a=b", "http://h.example/a.jpg%3Fx%3D1"),
        ("/image/upload/w_10%2Fa.jpg", "w_10/a.jpg"),
    ],
)
def test_what_sdks_would_sign(path: str, signable: str) -> None:
    assert parts(path).signable == signable


@pytest.mark.parametrize(
    ("segment", "given"),
    [
        ("s--Ai4Znfl3--", "Ai4Znfl3"),
        ("s----SjmNDA--", "--SjmNDA"),
        ("s--6vDtUIZ---", "6vDtUIZ-"),
        ("s----------------", ""),
        ("s------------", "--------"),
        ("s--2hbrSMPOjj5BJ4xV7SgFbRDevFaQNUFf--", "2hbrSMPOjj5BJ4xV7SgFbRDevFaQNUFf"),
        ("s%2D%2DAi4Znfl3--", "Ai4Znfl3"),
        ("s--Ai4Znfl--", ""),
        ("s----", ""),
    ],
)
def test_signatures_are_cut_by_their_length(segment: str, given: str) -> None:
    signature = parts(f"/demo/image/upload/{segment}/w_10/a.jpg").signature
    assert signature is not None
    assert (signature.dialect, signature.given) == ("cloudinary", given)
    assert signature.texts[0] == "w_10/a.jpg"


@pytest.mark.parametrize("folder", ["s--a", "s-Ai4Znfl3-", "Ai4Znfl3--", "s--"])
def test_other_folders_are_no_signatures(folder: str) -> None:
    found = parts(f"/demo/image/upload/{folder}/a.jpg")
    assert (found.signature, found.source.location) == (None, f"{folder}/a.jpg")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/products/images/shoe.jpg", "products/images/shoe.jpg"),  # no suffix after it: a folder of ours
        ("/products/images/hero/large.jpg", "products/images/hero/large.jpg"),  # nor what no folder is called
        ("/products/files/a/b.jpg", "products/files/a/b.jpg"),
        ("/-/products/images/hero/large.jpg", "products/images/hero/large.jpg"),
        ("/resize:10x/products/images/hero/large.jpg", "products/images/hero/large.jpg"),
        ("/grayscale/images/hero/large.jpg", "images/hero/large.jpg"),
        ("/resize:10x/images/hero/large.jpg", "images/hero/large.jpg"),
        ("/image-of/upload/a.jpg", "image-of/upload/a.jpg"),
    ],
)
def test_what_stays_ours(path: str, source: str) -> None:
    request = urls.parse(path)
    assert (request.dialect, request.source.location) == ("native", source)
    assert not urls.is_cloudinary(path)


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/demo/image/list/tag.json", Kind.UNAUTHORISED, "unsupported-delivery-type"),
        ("/image/list/v1/tag.json", Kind.UNAUTHORISED, "unsupported-delivery-type"),
        ("/demo/image/facebook/test", Kind.UNAUTHORISED, "unsupported-delivery-type"),
        ("/demo/image/youtube/http://www.youtube.com/watch%3Fv%3Dx", Kind.UNAUTHORISED, "unsupported-delivery-type"),
        ("/demo/video/upload/a.mp4", Kind.NOT_FOUND, "unsupported-asset-type"),
        ("/demo/raw/upload/a.zip", Kind.NOT_FOUND, "unsupported-asset-type"),
        ("/v1_1/demo/image/upload", Kind.UNAUTHORISED, "api-not-available"),
        ("/v1_1/demo/resources/image", Kind.UNAUTHORISED, "api-not-available"),
        ("/v1_1", Kind.UNAUTHORISED, "api-not-available"),
        ("/images/a.jpg", Kind.NOT_FOUND, "not-found"),
        ("/private_images/a.jpg", Kind.NOT_FOUND, "not-found"),
        ("/image/a.jpg", Kind.NOT_FOUND, "not-found"),
        ("/iu", Kind.BAD_REQUEST, "missing-source"),
        ("/demo/iu/", Kind.BAD_REQUEST, "missing-source"),
        ("/demo/image/upload/s--AAAAAAAA--", Kind.BAD_REQUEST, "missing-source"),
        ("/images/s--AAAAAAAA--/a", Kind.BAD_REQUEST, "missing-source"),
        ("/images/test/a.b.jpg", Kind.BAD_REQUEST, "bad-suffix"),
        ("/images/test/.jpg", Kind.BAD_REQUEST, "bad-suffix"),
        ("/images/test/hello.", Kind.BAD_REQUEST, "bad-suffix"),
        ("/images/w_10,nope/test/hello", Kind.BAD_REQUEST, "unknown-key"),
        ("/images/../hello", Kind.NOT_FOUND, "source-not-found"),
        ("/images/" + "i" * 256 + "/hello", Kind.BAD_REQUEST, "id-too-long"),
        ("/demo/image/fetch/v1", Kind.BAD_REQUEST, "bad-source"),
    ],
)
def test_what_is_refused(path: str, kind: Kind, code: str) -> None:
    with pytest.raises(Failure) as caught:
        urls.parse(path)
    assert (caught.value.kind, caught.value.code) == (kind, code)


def test_clients_of_the_api_find_their_message() -> None:
    with pytest.raises(Failure) as caught:
        urls.parse("/v1_1/demo/image/upload")
    assert caught.value.details["error"]["message"] == caught.value.message
    assert urls.is_api("/v1_1/demo/image/upload")
    assert not urls.is_api("/v1_10/demo")


def test_requests_are_equal_whoever_signed_them() -> None:
    plain = urls.parse("/image/upload/w_10/a.jpg")
    assert urls.parse("/demo/image/upload/s--AAAAAAAA--/w_10/v3/a.jpg", "_a=x") == plain
    assert urls.canonical(urls.parse("/demo/image/upload/s--AAAAAAAA--/w_10/a.jpg")) == urls.canonical(plain)


@pytest.mark.parametrize(
    ("path", "dialect", "expected"),
    [
        ("/demo/image/upload/w_10/v1/a.jpg", "cloudinary", "/demo/image/upload/{}/a.jpg"),
        ("/image/private/w_10/a/b.jpg", "cloudinary", "/image/private/{}/v1/a/b.jpg"),
        ("/demo/authenticated_images/w_10/a/words.jpg", "cloudinary", "/demo/image/authenticated/{}/a.jpg"),
        ("/resize:10x/id:a.jpg", "cloudinary", "/image/upload/{}/a.jpg"),
    ],
)
def test_a_path_in_cloudinarys_spelling(path: str, dialect: str, expected: str) -> None:
    printed = links.translated(path, "cloudinary")
    head, tail = expected.split("{}")
    assert printed.startswith(head)
    assert printed.endswith(tail)
    assert urls.parse(printed) == urls.parse(path)


def test_a_path_in_our_spelling() -> None:
    printed = links.translated("/demo/image/upload/e_grayscale/v1/a.jpg?_a=x", "native")
    assert printed == "/grayscale/-/id:a.jpg"
    assert links.translated("/grayscale/my picture.jpg", "native") == "/grayscale/-/my%20picture.jpg"


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/grayscale/bus.jpg", "cloudinary"),  # a file, and no public id
        ("/image/authenticated/e_grayscale/a.jpg", "native"),
        ("/image/private/e_grayscale/a.jpg", "native"),
    ],
)
def test_what_the_other_dialect_cannot_say(path: str, dialect: urls.request.Dialect) -> None:
    with pytest.raises(Failure) as caught:
        links.translated(path, dialect)
    assert caught.value.code == "not-expressible"


@needs("spec", "corpus.jsonl")
def test_every_signed_url_of_the_corpus_has_its_signature_and_can_be_signed_anew() -> None:
    paths = [row["url"] for row in jsonl("corpus.jsonl") if "/s--" in row.get("url", "")]
    assert len(paths) > 10
    for path in paths:
        found = parts(path)
        assert found.signature is not None
        assert len(found.signature.given) in (8, 32)
        begin, _, rest = path.partition("/s--")
        bare = f"{begin}/{rest[len(found.signature.given) + 3 :]}"
        assert parts(bare).signature is None
        assert parts(bare).signable == found.signable
        assert parts(links.sign_cloudinary(bare, "b")).signature is not None


@pytest.mark.parametrize(
    "text", ["%", "%2", "%25", "%2C%20", "\xff", "%FF", "a%2F", "%2F%2F", "s--%--", "??", "#", "%252C"]
)
@pytest.mark.parametrize("form", ["/image/upload/s--AAAAAAAA--/{0}/{0}/b", "/images/s--AAAAAAAA--/{0}/{0}", "/iu/{0}"])
def test_odd_bytes_are_coded_failures_or_sources(text: str, form: str) -> None:
    assert outcome(form.format(text)) in (None, "bad-encoding", "missing-source", "source-not-found", "not-found")
    assert parts(f"/image/upload/{quote(text)}/b").source.location.endswith("b")


def outcome(path: str) -> str | None:
    """The code of a failure, None where there is none."""
    try:
        urls.parse(path)
    except Failure as failure:
        return failure.code
    return None
