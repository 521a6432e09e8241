"""Cloudinary's signatures, and our own: what they are over, and what they open."""

from __future__ import annotations

import hmac
from urllib.parse import quote

import pytest

from server import signing, urls
from server.signing import Access, cloudinary_signature, native_signature
from transforms.failure import Failure, Kind

from .signed import KEYS, LOCKED, NOW, UNLOCKED, code_of, failure_of, native, sha

VECTORS = [
    ("b", "c_crop,h_20,w_10/image.jpg", "Ai4Znfl3"),
    ("b", "image.jpg", "--SjmNDA"),
    ("b", "http://google.com/path/to/image.png", "hH_YcbiS"),
    ("b", "co_red,l_text:Times_70_bold:Cool%25F0%259F%2598%258D/image.jpg", "Uqk1a-5W"),
    ("b", "sample.jpg", "v2fTPYTu"),
    ("b", "test.jpg", "s2G9O_wT"),
    ("secret", "test.jpg", "Xdh5kiN_"),
    ("secret", "%25a%20(b).jpg", "D5xxO-U7"),
]


@pytest.mark.parametrize(("secret", "text", "signature"), VECTORS)
def test_cloudinarys_vectors(secret: str, text: str, signature: str) -> None:
    assert cloudinary_signature(secret, text) == signature
    delivery = "fetch" if text.startswith("http") else "upload"
    text = text.replace("co_red,l_text:Times_70_bold:Cool%25F0%259F%2598%258D/", "")
    path = f"/demo/image/{delivery}/s--{sha(text, secret)}--/{text}"
    assert code_of(Access(secrets=(secret,)), path) is None
    assert code_of(Access(secrets=("other",)), path) == "bad-signature"


@pytest.mark.parametrize(
    "path",
    [
        "/demo/image/upload/s--Ai4Znfl3--/c_crop,h_20,w_10/image.jpg",
        "/demo/image/upload/s--Ai4Znfl3--/c_crop,h_20,w_10/v1234/image.jpg",
        "/demo/image/upload/s----SjmNDA--/image.jpg",
        "/image/upload/s----SjmNDA--/v99/image.jpg",
        "/demo/image/fetch/s--hH_YcbiS--/http://google.com/path/to/image.png",
        "/demo/image/fetch/s--hH_YcbiS--/http:/google.com/path/to/image.png",
        "/demo/image/authenticated/s--v2fTPYTu--/v1486020273/sample.jpg",
        "/demo/image/upload/s--2hbrSMPOjj5BJ4xV7SgFbRDevFaQNUFf--/sample.jpg",
        "/images/s--s2G9O_wT--/test/hello.jpg",
        "/demo/images/s--s2G9O_wT--/v1/test/any-other-words.jpg",
        "/demo/authenticated_images/s--s2G9O_wT--/test/hello.jpg",
        "/demo/private_images/s--s2G9O_wT--/test/hello.jpg",
        "/iu/s--s2G9O_wT--/test.jpg",
    ],
)
def test_signed_paths_of_the_sdks_hold(path: str) -> None:
    access = Access(secrets=("b",), strict=True)
    assert code_of(access, path) is None
    assert code_of(access, path + "?_a=BAMAABBB0&_i=AB") is None
    assert code_of(Access(secrets=("c",)), path) == "bad-signature"


def test_the_layers_vector_is_over_the_path_as_it_is_written() -> None:
    path = "/demo/image/authenticated/s--Uqk1a-5W--/co_red,l_text:Times_70_bold:Cool%25F0%259F%2598%258D/image.jpg"
    segments = urls.cloudinary.anatomy.read(urls.paths.split(path))
    assert segments.signature is not None
    assert segments.signature.texts[0] == VECTORS[3][1]
    assert segments.signature.given == VECTORS[3][2]


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        # What Node signs before it escapes spaces, also where the id was escaped before.
        ("e_grayscale,t_a b/my%20image.jpg", "e_grayscale,t_a%20b/my%20image.jpg"),
        ("t_a b/my image.jpg", "t_a%20b/my%20image.jpg"),
        # Commas that something on the way escapes.
        ("c_fill,h_20,w_10/image.jpg", "c_fill%2Ch_20%2Cw_10/image.jpg"),
        ("c_fill,h_20,w_10/t_a b/image.jpg", "c_fill%2Ch_20%2cw_10/t_a%20b/v7/image.jpg"),
        ("c_fill%2Ch_20%2Cw_10/image.jpg", "c_fill%2Ch_20%2Cw_10/image.jpg"),
        # Slashes that somebody doubles.
        ("c_fill,h_20,w_10/a/image.jpg", "c_fill,h_20,w_10//v1/a//image.jpg"),
        ("c_fill,h_20,w_10/image.jpg", "c_fill,h_20,w_10/image.jpg/"),
        # A first folder that looks like a version, which SDKs sign.
        ("v1234/image.jpg", "v1234/image.jpg"),
        ("ar_16:9,c_fill,w_10/folder/image.jpg", "ar_16%3A9%2Cc_fill%2Cw_10/v1/folder/image.jpg"),
        ("w_10/größe.jpg", "w_10/gr%C3%B6%C3%9Fe.jpg"),
    ],
)
@pytest.mark.parametrize(("length", "algorithm"), [(8, "sha1"), (8, "sha256"), (32, "sha256")])
def test_a_signature_holds_in_other_spellings(signed: str, sent: str, length: int, algorithm: str) -> None:
    path = f"/demo/image/upload/s--{sha(signed, 'b', length, algorithm)}--/{sent}"
    assert code_of(Access(secrets=("b",), strict=True), path) is None


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("w_10/image.jpg", "w_11/image.jpg"),
        ("w_10/image.jpg", "w_10/image.png"),
        ("w_10/image.jpg", "w_10/a/image.jpg"),
        ("w_10/image.jpg", "image.jpg"),
        ("a%2541.jpg", "a%252541.jpg"),  # one decoding more would be another id
        ("a%2541.jpg", "a%%32541.jpg"),
        ("v12/w_10/image.jpg", "w_10/image.jpg"),
    ],
)
def test_a_signature_opens_nothing_else(signed: str, sent: str) -> None:
    assert code_of(Access(secrets=("b",)), f"/demo/image/upload/s--{sha(signed)}--/{sent}") == "bad-signature"


def test_a_suffix_is_not_signed_and_its_extension_is() -> None:
    access = Access(secrets=("b",))
    assert code_of(access, f"/images/s--{sha('w_10/test.png')}--/w_10/v3/test/words.png") is None
    assert code_of(access, f"/images/s--{sha('w_10/test.png')}--/w_10/v3/test/words.jpg") == "bad-signature"
    assert code_of(access, f"/images/s--{sha('w_10/test/words.png')}--/w_10/test/words.png") == "bad-signature"


def test_the_query_of_a_fetched_url_is_signed_with_it() -> None:
    access = Access(secrets=("b",))
    encoded = "https://host.example/a.jpg%3Fx%3D1%26y%3D2"
    assert code_of(access, f"/image/fetch/s--{sha(encoded)}--/{encoded}") is None
    raw = f"/image/fetch/s--{sha(encoded)}--/https://host.example/a.jpg"
    assert code_of(access, f"{raw}?x=1&y=2&_a=BAMAABBB0") is None
    assert code_of(access, f"{raw}?x=1&y=3") == "bad-signature"
    assert code_of(access, raw) == "bad-signature"
    whole = quote("https://host.example/a.jpg", safe="")
    assert code_of(access, f"/image/fetch/s--{sha('https://host.example/a.jpg')}--/{whole}") is None


@pytest.mark.parametrize(
    "given",
    [
        "AAAAAAAA",
        "AAAA",
        "",
        "AAAAAAA*",
        "AAAAAAAA--s--BBBBBBBB",
        "A" * 31,
        "A" * 33,
        "A" * 32,
        "Ai4Znfl3A",
        "ſſſſſſſſ",
    ],
)
def test_wrong_signatures(given: str) -> None:
    path = f"/demo/image/upload/s--{quote(given)}--/c_crop,h_20,w_10/image.jpg"
    failure = failure_of(Access(secrets=("b",)), path)
    assert failure is not None
    assert (failure.kind, failure.code) == (Kind.UNAUTHORISED, "bad-signature")


def test_secrets_rotate() -> None:
    path = "/demo/image/upload/s----SjmNDA--/image.jpg"
    assert code_of(Access(secrets=("new", "b")), path) is None
    assert code_of(Access(secrets=("new",)), path) == "bad-signature"
    failure = failure_of(Access(), path)
    assert failure is not None
    assert (failure.kind, failure.code) == (Kind.UNAUTHORISED, "signature-not-configured")
    assert "DARKROOM_CLOUDINARY_SECRET" in (failure.hint or "")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "rest",
    [
        "/resize:10x/a.jpg",
        "/-/a%20b.jpg",
        "/a.jpg",
        "/resize:10x/http://host.example/a.jpg",
        "/resize:10x/http://host.example/a.jpg?x=1&y=2",
        "/resize:10x/https%3A%2F%2Fhost.example%2Fa.jpg",
    ],
)
def test_native_signatures_hold(rest: str, key: str) -> None:
    path = native(rest, key)
    assert code_of(LOCKED, path) is None
    assert urls.parse(*path.partition("?")[::2]) == urls.parse(*rest.partition("?")[::2])
    for other in (path.replace("resize:10x", "resize:11x"), path + "x", path.replace(key, "k3", 1)):
        if other != path:
            assert code_of(LOCKED, other) == "bad-signature", other
    assert code_of(Access(), path) == "signature-not-configured"
    assert code_of(UNLOCKED, native(rest, key, "wrong")) == "bad-signature"


def test_native_signatures_cover_the_query_where_it_belongs_to_the_source() -> None:
    path = native("/resize:10x/http://host.example/a.jpg")
    assert code_of(LOCKED, path) is None
    assert code_of(LOCKED, path + "?x=1") == "bad-signature"
    assert code_of(LOCKED, native("/resize:10x/a.jpg") + "?x=1") is None


@pytest.mark.parametrize(
    "begin",
    ["/s--{}--%2Fresize:11x", "/s--{}--/resize:11x/", "//s--{}--/resize:11x", "/s--{}--%2F%2Fresize:11x/"],
)
def test_nothing_slips_in_between_signature_and_path(begin: str) -> None:
    signature = native("/a.jpg").split("--")[1]
    path = begin.format(signature) + "/a.jpg"
    assert code_of(LOCKED, path) == "bad-signature"


@pytest.mark.parametrize(
    "given", ["", "k1", "k1.", "k1.AAAA", ".AAAA", f"k1.{'A' * 43}", f"k1.{'A' * 44}", "k3." + "A" * 43]
)
def test_wrong_native_signatures(given: str) -> None:
    failure = failure_of(LOCKED, f"/s--{given}--/resize:10x/a.jpg")
    assert failure is not None
    assert (failure.kind, failure.code) == (Kind.FORBIDDEN, "bad-signature")


def test_native_signatures_may_expire() -> None:
    path = native(f"/expires:{NOW}/resize:10x/a.jpg")
    assert urls.parse(path).expires == NOW
    assert urls.parse(path) == urls.parse("/resize:10x/a.jpg")
    assert code_of(LOCKED, path, NOW - 1) is None
    failure = failure_of(LOCKED, path, NOW)
    assert failure is not None
    assert (failure.kind, failure.code) == (Kind.FORBIDDEN, "signature-expired")
    assert code_of(LOCKED, path.replace(str(NOW), str(NOW + 1)), NOW) == "bad-signature"
    assert code_of(LOCKED, path.replace(f"/expires:{NOW}", ""), NOW) == "bad-signature"
    with pytest.raises(Failure):
        urls.parse(f"/expires:{NOW}/resize:10x/a.jpg")  # nobody vouches for it


def test_a_folder_may_have_the_name_of_a_signature() -> None:
    assert urls.parse("/-/s--a--/b.jpg").source.location == "s--a--/b.jpg"
    assert urls.parse("/demo/image/upload/v1/s--a--/b.jpg").source.location == "s--a--/b.jpg"
    assert urls.parse("/demo/image/upload/s--a/b.jpg").source.location == "s--a/b.jpg"


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    equal = hmac.compare_digest
    monkeypatch.setattr(signing.hmac, "compare_digest", lambda one, two: compared.append((one, two)) or equal(one, two))
    assert code_of(Access(secrets=("b", "c")), "/demo/image/upload/s----SjmNDA--/image.jpg") is None
    assert len(compared) == 4  # both secrets and both algorithms, although the first fits
    assert code_of(LOCKED, native("/a.jpg")) is None
    assert len(compared) == 5


def test_native_signature_is_what_it_says() -> None:
    assert native("/a.jpg") == f"/s--k1.{native_signature(KEYS['k1'], '/a.jpg')}--/a.jpg"
