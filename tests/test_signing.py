"""Signatures: how they are made, in which spellings they hold, and which requests want one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from contextlib import nullcontext
from urllib.parse import quote

import pytest

from server import links, signing, urls
from server.presets import Presets
from server.settings import Settings, SettingsError
from server.signing import Access, cloudinary_signature, native_signature, only_presets, read_keys
from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline

KEYS = {"k1": "a secret of 16 or more", "k2": "another one, also long"}
NOW = 1_900_000_000

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


def code_of(access: Access, path: str, now: float = NOW) -> str | None:
    """The code that a path is refused with, None where it may pass."""
    failure = failure_of(access, path, now)
    return failure.code if failure else None


def failure_of(access: Access, path: str, now: float = NOW) -> Failure | None:
    raw, _, query = path.partition("?")
    try:
        access.check(urls.parse(raw, query), now)
    except Failure as failure:
        return failure
    return None


def sha(text: str, word: str = "b", length: int = 8, algorithm: str = "sha1") -> str:
    """A signature by the book, written again here so that the tests do not believe the code."""
    digest = hashlib.new(algorithm, (text + word).encode()).digest()
    return base64.b64encode(digest).decode().replace("+", "-").replace("/", "_")[:length]


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


OPEN, STRICT = Access(secrets=("b",)), Access(secrets=("b",), strict=True)
LOCKED, UNLOCKED = Access(KEYS, ("b",)), Access(KEYS, ("b",), unsigned=True)
REQUIRED = "signature-required"


@pytest.mark.parametrize(
    ("path", "open_", "strict", "locked", "both"),
    [
        ("/demo/image/upload/w_10/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/upload/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/upload/t_small/a.jpg", None, None, REQUIRED, None),
        ("/demo/image/upload/t_small.large/t_other/v1/a.webp", None, None, REQUIRED, None),
        ("/demo/image/upload/t_small/f_auto/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/upload/t_small,w_10/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/upload/$x_10/t_small/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/fetch/https://a.example/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/private/a.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/private_images/a/words.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/private/w_10/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/private/t_small/a.jpg", None, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/private/f_webp,q_80/a.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/private/if_w_gt_99999/w_1/if_end/a.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/private/$x_10/a.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/authenticated/a.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/demo/image/authenticated/t_small/a.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/authenticated_images/a/words.jpg", REQUIRED, REQUIRED, REQUIRED, REQUIRED),
        ("/resize:10x/a.jpg", None, None, REQUIRED, REQUIRED),
        ("/preset:small/a.jpg", None, None, REQUIRED, REQUIRED),
        ("/-/id:a.jpg", None, None, REQUIRED, REQUIRED),
    ],
)
def test_where_a_signature_is_wanted(
    path: str, open_: str | None, strict: str | None, locked: str | None, both: str | None
) -> None:
    accesses = (OPEN, STRICT, LOCKED, Access(KEYS, ("b",), strict=True))
    assert [code_of(access, path) for access in accesses] == [open_, strict, locked, both]
    assert code_of(UNLOCKED, path) == open_
    failure = failure_of(LOCKED, path)
    assert failure is not None
    assert failure.kind is (Kind.UNAUTHORISED if urls.is_cloudinary(path) else Kind.FORBIDDEN)


@pytest.mark.parametrize(
    ("text", "code"),
    [("w_10", None), ("flip/format:auto", None), ("f_auto,q_auto", REQUIRED), ("if_w_gt_9999/w_1/if_end", REQUIRED)],
)
def test_a_preset_opens_a_private_original_only_where_it_makes_something_of_it(text: str, code: str | None) -> None:
    presets = Presets.read({"p": text})
    request = urls.parse("/demo/image/private/t_p/a.jpg")
    with pytest.raises(Failure) if code else nullcontext() as caught:
        OPEN.check(request, time.time(), presets.expand)
    assert (caught.value.code if caught else None) == code


def test_keys_close_cloudinarys_dialect_too_where_it_has_no_secret() -> None:
    access = Access(KEYS)
    assert code_of(access, "/demo/image/upload/w_10/a.jpg") == REQUIRED
    assert code_of(access, f"/demo/image/upload/s--{sha('w_10/a.jpg', '')}--/w_10/a.jpg") == "signature-not-configured"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/preset:small/a.jpg", None),
        ("/preset:small/preset:large/a.jpg", None),
        ("/demo/image/upload/t_small/a.jpg", None),
        ("/resize:10x/a.jpg", "presets-only"),
        ("/preset:small/format:webp/a.jpg", "presets-only"),
        ("/-/a.jpg", "presets-only"),
        ("/demo/image/upload/w_10/a.jpg", "presets-only"),
        (f"/demo/image/upload/s--{sha('w_10/a.jpg')}--/w_10/a.jpg", "presets-only"),
        (f"/demo/image/upload/s--{sha('t_small/a.jpg')}--/t_small/a.jpg", None),
    ],
)
def test_presets_only(path: str, code: str | None) -> None:
    assert code_of(Access(secrets=("b",), only_presets=True), path) == code


def test_a_pipeline_without_presets_is_not_made_of_them() -> None:
    assert not only_presets(Pipeline())
    assert only_presets(Pipeline.parse("preset:a/preset:b"))
    assert not only_presets(Pipeline.parse("preset:a/blur:3"))
    assert not only_presets(Pipeline.parse("if:w>3/preset:a/end"))


def native(rest: str, key: str = "k1", secret: str | None = None) -> str:
    """A signed path by the book."""
    code = hmac.new((secret or KEYS[key]).encode(), rest.encode(), "sha256").digest()
    signature = base64.urlsafe_b64encode(code).decode().rstrip("=")
    path, mark, query = rest.partition("?")
    return f"/s--{key}.{signature}--{path}{mark}{query}"


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


@pytest.mark.parametrize(
    "text", ["", "x", "k1:short", "k1", "k 1:" + "s" * 16, "k.1:" + "s" * 16, "a:" + "s" * 16 + ",a:" + "t" * 16]
)
def test_keys_that_are_none(text: str) -> None:
    if not text:
        assert read_keys(text) == {}
        return
    with pytest.raises(ValueError, match="key"):
        read_keys(text)


def test_keys_are_read_in_their_order() -> None:
    text = "k2:" + "s" * 16 + " ,\n k1:with:colon:" + "t" * 16
    assert read_keys(text) == {"k2": "s" * 16, "k1": "with:colon:" + "t" * 16}
    assert list(read_keys(text)) == ["k2", "k1"]


def test_settings_never_show_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_KEYS", "k1:hush-hush-hush-hush")
    monkeypatch.setenv("DARKROOM_CLOUDINARY_SECRET", "topsecret, other-secret")
    settings = Settings.load()
    assert settings.signing_keys == {"k1": "hush-hush-hush-hush"}
    assert settings.cloudinary_secrets == ("topsecret", "other-secret")
    access = Access.of(settings)
    assert access == Access({"k1": "hush-hush-hush-hush"}, ("topsecret", "other-secret"))
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(access)):
        assert "hush" not in shown
        assert "secret," not in shown
        assert "topsecret" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [("KEYS", "k1:hush"), ("KEYS", "hushhushhushhushhush"), ("KEYS", ","), ("CLOUDINARY_SECRET", ",")],
)
def test_wrong_keys_are_named_without_being_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DARKROOM_{name}", value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert f"DARKROOM_{name}=•••" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_public_address_wants_keys_or_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for options in ({}, {"cloudinary_secret": "b"}, {"cloudinary_strict": True}, {"only_presets": True}):
        with pytest.raises(SettingsError, match="DARKROOM_KEYS"):
            Settings.load(host="0.0.0.0", **options).check()
    Settings.load(host="0.0.0.0", keys="k1:" + "s" * 16).check()
    Settings.load(host="0.0.0.0", unsigned=True).check()


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


def test_native_signature_is_what_it_says() -> None:
    assert native("/a.jpg") == f"/s--k1.{native_signature(KEYS['k1'], '/a.jpg')}--/a.jpg"
