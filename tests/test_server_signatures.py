"""Signed URLs through a running server and the command line."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from . import raw
from .servers import Server

SECRET, OLD, OURS, OTHER = "hush-new", "hush-old", "hush-hush-hush-hush", "hush-other-hush-other"
KEYS = f"k1:{OURS},k2:{OTHER}"


@pytest.fixture(scope="module")
def locked(media: Path, detection: str) -> Iterator[Server]:
    """A server with keys: everything must be signed."""
    with Server(
        media=media, detection=detection, renderers=1, keys=KEYS, cloudinary_secret=f"{SECRET},{OLD}"
    ) as running:
        yield running.wait("/health")


@pytest.fixture(scope="module")
def strict(media: Path, detection: str) -> Iterator[Server]:
    """A server in strict mode: our own dialect is open, Cloudinary's wants signatures."""
    with Server(
        media=media, detection=detection, renderers=1, cloudinary_secret=SECRET, cloudinary_strict=1
    ) as running:
        yield running.wait("/health")


def signed(rest: str, secret: str = SECRET, delivery: str = "upload") -> str:
    code = hashlib.sha1((rest + secret).encode()).digest()  # noqa: S324 - what Cloudinary signs with
    return f"/demo/image/{delivery}/s--{base64.urlsafe_b64encode(code)[:8].decode()}--/{rest}"


def ours(rest: str, key: str = "k1", secret: str = OURS) -> str:
    code = hmac.new(secret.encode(), rest.encode(), "sha256").digest()
    return f"/s--{key}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}--{rest}"


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, body["code"]


def test_native_urls_are_served_signed(locked: Server) -> None:
    answer = locked.get(ours("/resize:20x/photo.jpg"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    other = locked.get(ours("/resize:20x/photo.jpg", "k2", OTHER))
    assert other.headers["cache-status"] == "Darkroom;hit"  # the signature is no part of the key
    assert other.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/resize:20x/photo.jpg", 403, "signature-required"),
        ("/photo.jpg", 403, "signature-required"),
        (ours("/resize:20x/photo.jpg").replace(":20x", ":21x"), 403, "bad-signature"),
        (ours("/resize:20x/photo.jpg", "k2"), 403, "bad-signature"),
        (ours("/expires:1/resize:20x/photo.jpg"), 403, "signature-expired"),
        ("/demo/image/upload/w_20/photo.jpg", 401, "signature-required"),
        ("/demo/image/upload/photo.jpg", 401, "signature-required"),
        ("/iu/photo.jpg", 401, "signature-required"),
        ("/images/photo/words.jpg", 401, "signature-required"),
        ("/demo/image/authenticated/w_20/photo.jpg", 401, "signature-required"),
        ("/demo/image/upload/s--AAAAAAAA--/w_20/photo.jpg", 401, "bad-signature"),
        (signed("w_20/photo.jpg", "wrong"), 401, "bad-signature"),
        ("/v1_1/demo/image/upload", 401, "api-not-available"),
        ("/demo/image/list/tag.json", 401, "signature-required"),
    ],
)
def test_a_locked_server_refuses(locked: Server, path: str, status: int, code: str) -> None:
    answer = locked.get(path)
    assert refusal(answer) == (status, code)
    assert ("x-cld-error" in answer.headers) == (status == 401)
    assert int(re.search(r"max-age=(\d+)", answer.headers["cache-control"])[1]) <= 10  # type: ignore[index]
    known = locked.get(path, headers={"If-None-Match": "*"})
    assert refusal(known) == (status, code)  # no 304 around the check


@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_cloudinarys_urls_are_served_signed(locked: Server, secret: str) -> None:
    for path in (signed("w_20/photo.jpg", secret), signed("w_20/photo.jpg", secret, "authenticated")):
        assert locked.get(path).status_code == 200, path
        assert locked.get(path + "?_a=BAMAABBB0").headers["cache-status"] == "Darkroom;hit"


def test_an_expiring_answer_is_kept_no_longer(locked: Server) -> None:
    until = int(time.time()) + 300
    path = ours(f"/expires:{until}/resize:22x/photo.jpg")
    for _ in range(2):  # made, then from the cache
        answer = locked.get(path)
        assert answer.status_code == 200
        control = answer.headers["cache-control"]
        seconds = int(re.fullmatch(r"public, max-age=(\d+), must-revalidate", control)[1])  # type: ignore[index]
        assert 200 < seconds <= until - time.time() + 1
    known = locked.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert known.status_code == 304
    assert "must-revalidate" in known.headers["cache-control"]
    # The same picture, already in the cache, by a URL that has expired and by one that nobody signed.
    for stale in (ours(f"/expires:{until - 400}/resize:22x/photo.jpg"), "/resize:22x/photo.jpg"):
        assert locked.get(stale, headers={"If-None-Match": answer.headers["etag"]}).status_code == 403


def test_line_ends_in_a_path_lead_past_nothing(locked: Server) -> None:
    for path in ("/demo/image/upload/w_10%0A/photo.jpg", "/%0Ax.jpg", "/s--k1%0A--/photo.jpg"):
        answer = locked.get(path)
        assert answer.status_code in (400, 401, 403, 404)
        assert refusal(answer)[0] == answer.status_code
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_strict_mode(strict: Server) -> None:
    assert strict.get("/resize:20x/photo.jpg").status_code == 200
    assert strict.get(signed("w_20/photo.jpg")).status_code == 200
    for path in ("/demo/image/upload/w_20/photo.jpg", "/image/private/w_20/photo.jpg", "/image/upload/photo.jpg"):
        assert refusal(strict.get(path)) == (401, "signature-required")
    assert refusal(strict.get(ours("/resize:20x/photo.jpg"))) == (403, "signature-not-configured")
    # A named transformation needs no signature; that there is none of this name is found out after that.
    assert strict.get("/demo/image/upload/t_nothing/photo.jpg").status_code == 400


def test_an_open_server_checks_what_is_signed(server: Server) -> None:
    assert server.get("/image/private/w_20/photo.jpg").status_code == 200
    assert refusal(server.get("/image/private/photo.jpg")) == (401, "signature-required")
    assert refusal(server.get("/image/authenticated/w_20/photo.jpg")) == (401, "signature-required")
    assert refusal(server.get(signed("w_20/photo.jpg"))) == (401, "signature-not-configured")
    assert refusal(server.get(ours("/resize:20x/photo.jpg"))) == (403, "signature-not-configured")


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/image/upload/w_20/v1/photo.jpg", 20),
        ("/iu/w_21/photo.jpg", 21),
        ("/images/w_22/photo/best-picture.jpg", 22),
        ("/demo/images/w_23/v3/photo/best-picture", 23),
        ("/private_images/w_24/photo/best-picture.jpg", 24),
        ("/demo/image/upload/w_25%2Ch_15/photo.jpg?itok=x", 25),
    ],
)
def test_every_form_is_served(server: Server, path: str, size: int) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.content)).width == size


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1_1/demo/image/upload", 401),
        ("DELETE", "/v1_1/demo/resources/image/upload", 401),
        ("GET", "/v1_1/demo/ping", 401),
        ("OPTIONS", "/v1_1/demo/image/upload", 204),
        ("DELETE", "/demo/image/upload/w_20/photo.jpg", 405),
        ("POST", "/demo/image/list/tag.json", 405),
        ("PUT", "/resize:20x/photo.jpg", 405),
    ],
)
def test_other_methods(server: Server, method: str, path: str, status: int) -> None:
    code, headers, body = raw.get(server.port, path, method)
    assert code == status
    if code == 401:
        assert headers["x-cld-error"]
        assert b'"error": {"message": ' in body


def test_secrets_are_shown_nowhere(locked: Server) -> None:
    """After all of the above."""
    pages = [locked.get(path).text for path in ("/schema.json", "/version", "/metrics", "/", "/models", "/ready")]
    assert all("hush" not in page for page in pages)
    assert "photo.jpg" in locked.log()
    assert "hush" not in locked.log()


def darkroom(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    environment |= {f"DARKROOM_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "server", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_sign_prints_paths_that_are_served(locked: Server) -> None:
    settings = {"keys": KEYS, "cloudinary_secret": f"{SECRET},{OLD}"}
    for arguments in (
        ("/resize:20x/photo.jpg",),
        ("/resize:20x/team/jane doe.jpg", "--key", "k2"),
        ("/resize:20x/photo.jpg", "--expires", "60"),
        ("/resize:20x/photo.jpg", "--expires", "2099-01-01"),
        ("/demo/image/upload/w_20/v1/photo.jpg",),
        ("/demo/image/authenticated/w_20/photo.jpg", "--long"),
        ("/iu/w_20/photo.jpg", "--algorithm", "sha256", "--dialect", "cloudinary"),
    ):
        done = darkroom("sign", *arguments, **settings)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert locked.get(done.stdout.strip()).status_code == 200, arguments


@pytest.mark.parametrize(
    ("arguments", "settings", "said", "status"),
    [
        (("sign", "/a.jpg"), {}, "DARKROOM_KEYS", 2),
        (("sign", "/image/upload/a.jpg"), {"keys": KEYS}, "DARKROOM_CLOUDINARY_SECRET", 2),
        (("sign", "/a.jpg", "--key", "k3"), {"keys": KEYS}, "k1, k2", 2),
        (("sign", "/resise:1x/a.jpg"), {"keys": KEYS}, "unknown-operation", 1),
        (("sign", "/a.jpg", "--expires", "soon"), {"keys": KEYS}, "bad-argument", 1),
        (("sign", "/image/upload/a.jpg", "--expires", "5"), {"cloudinary_secret": SECRET}, "do not expire", 2),
        (("sign", "/image/upload/a.jpg", "--dialect", "native"), {"keys": KEYS}, "Cloudinary's", 1),
        (("sign", "/a.jpg"), {"keys": "k1:hush"}, "DARKROOM_KEYS=•••", 2),
        (("url", "--dialect", "cloudinary", "/grayscale/bus.jpg"), {}, "id:bus.jpg as source", 1),
        (("url", "--dialect", "native", "/image/authenticated/a.jpg"), {}, "not-expressible", 1),
        (("serve", "--host", "0.0.0.0"), {"cloudinary_secret": SECRET}, "DARKROOM_KEYS", 2),
    ],
)
def test_the_command_line_says_why_not(
    arguments: tuple[str, ...], settings: dict[str, str], said: str, status: int
) -> None:
    done = darkroom(*arguments, **settings)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr


def test_url_prints_the_other_spelling() -> None:
    assert darkroom("url", "--dialect", "cloudinary", "/grayscale/id:a/b.jpg").stdout == (
        "/image/upload/e_grayscale/v1/a/b.jpg\n"
    )
    assert darkroom("url", "--dialect", "native", "/demo/image/upload/e_grayscale/v1/a/b.jpg").stdout == (
        "/grayscale/-/id:a/b.jpg\n"
    )
