"""`darkroom sign`: what is signed here holds here."""

from __future__ import annotations

import time

import pytest

from server import links, signing
from server.signing import Access
from transforms.failure import Failure

from .signed import KEYS, LOCKED, NOW, STRICT, code_of, native


@pytest.mark.parametrize(
    "path",
    ["/resize:10x/a.jpg", "resize:10x/my picture.jpg", "/größe.jpg", "/-/http://h.example/a.jpg?x=1", "/a%20b.jpg"],
)
@pytest.mark.parametrize("expires", [None, NOW + 60])
def test_what_is_signed_for_us_holds(path: str, expires: int | None) -> None:
    signed = links.sign_native(path, "k2", KEYS["k2"], expires)
    assert signed.isascii()
    assert " " not in signed
    assert code_of(LOCKED, signed) is None
    assert code_of(LOCKED, signed, NOW + 61) == ("signature-expired" if expires else None)


@pytest.mark.parametrize(
    "path",
    [
        "/demo/image/upload/c_crop,h_20,w_10/v1234/image.jpg",
        "/demo/image/authenticated/image.jpg",
        "demo/image/upload/w_10/my picture.jpg",
        "/images/w_10/test/hello.jpg",
        "/iu/test.jpg",
        "/image/fetch/w_10/https://h.example/a.jpg?x=1",
        "/image/upload/w_10//a//b.jpg",
    ],
)
@pytest.mark.parametrize(("algorithm", "long"), [("sha1", False), ("sha256", False), ("sha256", True)])
def test_what_is_signed_for_cloudinarys_dialect_holds(path: str, algorithm: signing.Algorithm, long: bool) -> None:
    signed = links.sign_cloudinary(path, "b", algorithm, long=long)
    assert code_of(STRICT, signed) is None
    assert code_of(Access(secrets=("c",)), signed) == "bad-signature"


def test_signing_says_what_sdks_say() -> None:
    assert links.sign_cloudinary("/demo/image/upload/c_crop,h_20,w_10/v1234/image.jpg", "b") == (
        "/demo/image/upload/s--Ai4Znfl3--/c_crop,h_20,w_10/v1234/image.jpg"
    )
    assert links.sign_cloudinary("/demo/image/upload/sample.jpg", "b", long=True) == (
        "/demo/image/upload/s--2hbrSMPOjj5BJ4xV7SgFbRDevFaQNUFf--/sample.jpg"
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/resise:10x/a.jpg", "unknown-operation"),
        ("/demo/image/upload/w_10/a.jpg", "bad-argument"),
        (native("/a.jpg"), "bad-argument"),
    ],
)
def test_what_is_not_signed_for_us(path: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        links.sign_native(path, "k1", KEYS["k1"])
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("path", "code"),
    [("/resize:10x/a.jpg", "not-found"), ("/demo/image/upload/s--AAAAAAAA--/a.jpg", "bad-argument")],
)
def test_what_is_not_signed_for_cloudinarys_dialect(path: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        links.sign_cloudinary(path, "b")
    assert caught.value.code == code


def test_moments() -> None:
    assert abs(links.moment("3600") - time.time() - 3600) < 5
    assert links.moment("2030-01-01") == 1893456000
    assert links.moment("2030-01-01T01:00:00+01:00") == 1893456000
    with pytest.raises(Failure, match="neither"):
        links.moment("tomorrow")
