"""Which URLs want a signature, and the settings that say so."""

from __future__ import annotations

import time
from contextlib import nullcontext

import pytest

from server import urls
from server.presets import Presets
from server.settings import Settings, SettingsError
from server.signing import Access, only_presets, read_keys
from transforms.failure import Failure, Kind
from transforms.pipeline import Pipeline

from .signed import KEYS, LOCKED, OPEN, REQUIRED, STRICT, UNLOCKED, code_of, failure_of, sha


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
    for access in (*accesses, UNLOCKED):
        if code_of(access, path) is None:
            access.verify(urls.claim(path))
    failure = failure_of(LOCKED, path)
    assert failure is not None
    assert failure.kind is (Kind.UNAUTHORISED if urls.is_cloudinary(path) else Kind.FORBIDDEN)


MALFORMED = [
    "/no-such-step:1/a.jpg",
    "/resize:abcx/a.jpg",
    "/%ff%fe/a.jpg",
    "/if:(((/a.jpg",
    "/",
    "/gopher://x",
    "/demo/image/upload/w_nonsense/a.jpg",
    "/demo/image/fetch/ftp://a.example/a.jpg",
    "/demo/image/facebook/a.jpg",
    "/demo/image/upload/%ff/a.jpg",
    "/demo/raw/upload/a.jpg",
]


@pytest.mark.parametrize("path", MALFORMED)
def test_nothing_but_the_signature_is_looked_at_until_it_holds(path: str) -> None:
    for signed in (False, True):
        begin, _, rest = path.partition("upload")
        broken = f"{begin}{_}/s--12345678--{rest}" if _ else f"/s--k1.{'x' * 43}--{path}"
        with pytest.raises(Failure) as caught:
            LOCKED.verify(urls.claim(broken if signed else path))
        assert caught.value.code == ("bad-signature" if signed else REQUIRED)
        assert caught.value.kind in (Kind.FORBIDDEN, Kind.UNAUTHORISED)
        Access().verify(urls.claim(path))  # where none is wanted, reading it says what is wrong


def test_an_unsigned_path_costs_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("was read")

    monkeypatch.setattr("server.urls.native.parse_node", never)
    monkeypatch.setattr("server.urls.cloudinary.pipeline", never)
    for path in ("/resize:10x/blur:3/a.jpg", "/demo/image/upload/w_10/e_blur:300/a.jpg"):
        with pytest.raises(Failure):
            LOCKED.verify(urls.claim(path))


def test_a_path_that_is_too_long_is_told_so_whoever_sent_it() -> None:
    with pytest.raises(Failure) as caught:
        urls.claim("/" + "a" * 9000)
    assert caught.value.code == "uri-too-long"


def test_what_the_api_answers_does_not_depend_on_signatures() -> None:
    LOCKED.verify(urls.claim("/v1_1/demo/image/upload"))


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
