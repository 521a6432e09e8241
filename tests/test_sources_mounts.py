"""Where originals live: folders and addresses by cloud and prefix, addresses that have moved, URLs in Base64."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image

from server.sources.file import FileSource
from server.sources.mounts import Base, Mounts, Place, Scope
from server.sources.source import SourceRef
from server.urls import canonical, parse
from transforms.failure import Failure, Kind

from . import pictures
from .origins import Origin, image, redirect
from .servers import Server

CDN = "https://cdn.example.com/p/"


def jpeg(width: int, height: int, seed: int = 1) -> bytes:
    return cv2.imencode(".jpg", pictures.photo(width, height, seed=seed))[1].tobytes()


def png(width: int, height: int) -> bytes:
    return cv2.imencode(".png", pictures.gradient(width, height, 4))[1].tobytes()


def size(body: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(body)).size


def fill(folder: Path, files: str) -> FileSource:
    for name in files.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return FileSource(folder)


def public(text: str) -> SourceRef:
    return SourceRef("id", text)


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    main = fill(tmp_path / "main", "a.jpg products/a.jpg b/a.jpg")
    secret = fill(tmp_path / "secret", "a.png")
    deep = fill(tmp_path / "deep", "a.webp")
    entries: list[tuple[Scope, FileSource | Base]] = [
        (Scope("demo"), main),
        (Scope("demo", prefix=("products",)), Base(CDN)),
        (Scope("demo", prefix=("products", "x")), deep),
        (Scope("demo", "private"), secret),
        (Scope("*", prefix=("b",)), deep),
        (Scope("", prefix=("raw",)), main),
    ]
    return Mounts(FileSource(tmp_path / "media"), entries)


@pytest.mark.parametrize(
    ("cloud", "delivery", "source", "root", "location", "output"),
    [
        ("demo", "upload", public("a"), "main", "a.jpg", None),
        ("demo", "upload", public("a.webp"), "main", "a.jpg", "webp"),
        ("demo", "private", public("a"), "secret", "a.png", None),
        ("demo", "upload", public("products/x/a.png"), "deep", "a.webp", "png"),
        ("demo", "upload", public("b/a"), "main", "b/a.jpg", None),  # the cloud's own mount before that of any cloud
        ("other", "upload", public("b/a"), "deep", "a.webp", None),
        ("", "upload", public("b/a"), "deep", "a.webp", None),
        ("", "upload", SourceRef("file", "raw/a.jpg"), "main", "a.jpg", None),
        ("", "upload", SourceRef("file", "raw/none.jpg"), "main", "none.jpg", None),  # a path is one file, there or not
    ],
)
def test_folders(
    mounts: Mounts, tmp_path: Path, cloud: str, delivery: str, source: SourceRef, root: str, location: str, output: Any
) -> None:
    ref = SourceRef("file", location, str(tmp_path / root))
    assert mounts.places(source, cloud, delivery) == (Place(ref, output),)


@pytest.mark.parametrize(
    ("public_id", "places"),
    [
        ("products/a", [("a", None)]),
        ("products/a.jpg", [("a.jpg", None), ("a", "jpeg")]),
        ("products/s/ü ?#%2e.b.PNG", [("s/%C3%BC%20%3F%23%252e.b.PNG", None), ("s/%C3%BC%20%3F%23%252e.b", "png")]),
        ("products/a.psd", [("a.psd", None)]),
        ("products/..a", [("..a", None)]),
    ],
)
def test_addresses(mounts: Mounts, public_id: str, places: list[tuple[str, Any]]) -> None:
    expected = tuple(Place(SourceRef("https", CDN + path, CDN), output) for path, output in places)
    assert mounts.places(public(public_id), "demo") == expected


CLIMBING = [
    "products/../a", "products/./a", "products/x/../../a", "products//a", "products/..%2f..%2fa", "products/%2e%2e/a",
    "products/%252e%252e%252fa", "products/..\\a", "products/..;/a", "products/..%5ca", "products/", "products/a\0.jpg",
]  # fmt: skip


@pytest.mark.parametrize("public_id", CLIMBING)
def test_nothing_leads_out_of_an_address(mounts: Mounts, public_id: str) -> None:
    with pytest.raises(Failure) as caught:
        mounts.places(public(public_id), "demo")
    assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "source-not-found")
    assert "cdn" not in str(vars(caught.value))


@pytest.mark.parametrize("path", ["../a", "./a", "x/../../../a", "..%2f..%2fa", "..%252f..%252fa", "..\\a", "a\0"])
def test_nor_does_a_path(tmp_path: Path, path: str) -> None:
    mounts = Mounts(FileSource(tmp_path), [(Scope("", prefix=("products",)), Base(CDN))])
    with pytest.raises(Failure) as caught:
        mounts.places(SourceRef("file", f"products/{path}"))
    assert caught.value.code == "source-not-found"


@pytest.mark.parametrize(
    ("cloud", "delivery", "public_id", "code"),
    [
        ("demos", "upload", "a", "source-not-found"),  # "*" has a mount, for other ids
        ("demo", "authenticated", "a", "source-not-found"),
        ("demo", "private", "products/a", "source-not-found"),
        ("demo", "upload", "productsx/a", "source-not-found"),
        ("", "upload", "a", "source-not-found"),
        ("demo", "upload", "a.exe", "bad-argument"),
        ("demo", "upload", "a.wepb", "bad-argument"),
    ],
)
def test_what_is_not_mounted_is_not_there(mounts: Mounts, cloud: str, delivery: str, public_id: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        mounts.places(public(public_id), cloud, delivery)
    assert caught.value.code == code


def test_an_unknown_cloud_is_named_with_the_nearest(tmp_path: Path) -> None:
    mounts = Mounts(FileSource(tmp_path), [(Scope("demo"), Base(CDN)), (Scope(""), Base(CDN))])
    for source in (public("a"), SourceRef("https", "https://a.example/b.jpg")):
        with pytest.raises(Failure) as caught:
            mounts.places(source, "demmo")
        assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "unknown-cloud")
        assert caught.value.hint == "did you mean demo?"
    assert mounts.places(SourceRef("https", "https://a.example/b.jpg"), "demo")


def test_without_mounts_every_cloud_means_the_media_folder(tmp_path: Path) -> None:
    mounts = Mounts(fill(tmp_path, "a.jpg"))
    found = (Place(SourceRef("file", "a.jpg", str(tmp_path))),)
    for cloud in ("", "demo", "other"):
        for delivery in ("upload", "private", "authenticated"):
            assert mounts.places(public("a"), cloud, delivery) == found


REWRITES = [
    (Base("https://old.example.com/"), Base("https://origin.example/x/")),
    (Base("https://old.example.com/deep/"), Base("http://deep.example:81/")),
]


@pytest.mark.parametrize(
    ("before", "after", "root"),
    [
        ("https://old.example.com/a.jpg?b=c", "https://origin.example/x/a.jpg?b=c", "https://origin.example/x/"),
        ("https://old.example.com/deep/a.jpg", "http://deep.example:81/a.jpg", "http://deep.example:81/"),
        ("https://old.example.com/deeper/a.jpg", "https://origin.example/x/deeper/a.jpg", "https://origin.example/x/"),
        ("https://old.example.com/", "https://origin.example/x/", "https://origin.example/x/"),
        ("http://old.example.com/a.jpg", "http://old.example.com/a.jpg", ""),
        ("https://old.example.com:444/a.jpg", "https://old.example.com:444/a.jpg", ""),
        ("https://old.example.community/a.jpg", "https://old.example.community/a.jpg", ""),
    ],
)
def test_rewriting(tmp_path: Path, before: str, after: str, root: str) -> None:
    mounts = Mounts(FileSource(tmp_path), rewrites=REWRITES)
    [place] = mounts.places(SourceRef(before.partition(":")[0], before))
    assert place == Place(SourceRef(after.partition(":")[0], after, root))


@pytest.mark.parametrize("path", ["..%2fa", "b/%252e%252e/a", "..%5ca"])
def test_rewriting_leads_nowhere_else(tmp_path: Path, path: str) -> None:
    mounts = Mounts(FileSource(tmp_path), rewrites=REWRITES)
    with pytest.raises(Failure) as caught:
        mounts.places(SourceRef("https", f"https://old.example.com/{path}"))
    assert caught.value.code == "source-not-found"


def test_the_root_is_never_shown(mounts: Mounts) -> None:
    [place] = mounts.places(public("a"), "demo")
    assert place.ref.root
    assert place.ref.root not in repr(place.ref) + str(place.ref)
    [other] = Mounts(FileSource(Path("/"))).places(SourceRef("file", "a.jpg"))
    assert other.ref.identity != place.ref.identity


URL = "https://example.com/a b.jpg?c=ü"


SAME = "-/https:%2F%2Fexample.com%2Fa%20b.jpg%3Fc=%C3%BC"


def encoded(url: str = URL) -> str:
    return base64.urlsafe_b64encode(url.encode()).decode()


@pytest.mark.parametrize(
    ("path", "same"),
    [
        (f"/flip/b64:{encoded()}", f"/flip/{SAME}"),
        (f"/flip/-/b64:{encoded().rstrip('=')}", f"/flip/{SAME}"),
        (f"/flip/-/b64:{encoded()}.webp", f"/flip/format:webp/{SAME}"),
        (f"/flip/-/B64:{encoded()[:9]}/{encoded()[9:]}.JPG", f"/flip/format:jpeg/{SAME}"),
        (f"/format:png/-/b64:{encoded()}.jpg", f"/format:png/{SAME}"),
        (f"/if:w>9/format:png/end/b64:{encoded()}.webp", f"/format:webp/if:w>9/format:png/end/{SAME}"),
        (f"/-/b64:{encoded('http://a.example/')}", "/-/http://a.example/"),
    ],
)
def test_base64(path: str, same: str) -> None:
    request = parse(path)
    assert request == parse(same)
    assert parse(canonical(request)) == request


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-source"),
        ("a", "bad-source"),
        ("====", "bad-source"),
        ("YQ==YQ==", "bad-source"),
        ("a+b/", "bad-source"),
        ("_w", "bad-source"),  # no UTF-8
        (encoded("/etc/passwd"), "bad-source"),
        (encoded("file:///etc/passwd"), "bad-source"),
        (encoded("https://user:word@example.com/"), "bad-source"),
        (encoded() + ".", "bad-argument"),
        (encoded() + ".exe", "bad-argument"),
        (encoded() + ".wepb", "bad-argument"),
        (encoded() + ".jpg.png", "bad-argument"),
    ],
)
def test_bad_base64(text: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        parse(f"/flip/-/b64:{text}")
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, code)


@contextmanager
def served(folder: Path, config: str, **settings: Any) -> Iterator[Server]:
    """A server with a settings file and no detectors."""
    (folder / "darkroom.toml").write_text(config)
    (folder / "media").mkdir(exist_ok=True)
    given = {
        "media": folder / "media", "config": folder / "darkroom.toml", "detection": "/nonexistent", "renderers": 1,
        "allowed_networks": "127.0.0.1/32", **settings,
    }  # fmt: skip
    with Server(**given) as running:
        yield running.wait("/health")


def code(server: Server, path: str) -> tuple[int, str]:
    answer = server.get(path)
    assert "127.0.0.1" not in answer.text
    return answer.status_code, answer.json()["code"]


def test_clouds_of_a_running_server(tmp_path: Path) -> None:
    for name, side in {"one": 10, "two": 20, "secret": 30}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(jpeg(side, side))
    routes = {"/p/a.jpg": image(jpeg(40, 40)), "/p/sub/b": image(png(50, 50)), "/secret.jpg": image(jpeg(9, 9))}
    routes["/p/away.jpg"] = redirect("/secret.jpg")
    signature = base64.urlsafe_b64encode(hashlib.sha1(b"a.jpgabc").digest())[:8].decode()  # noqa: S324 - theirs
    with Origin(routes) as origin:
        config = f"""
        mounts = {{ one = "one", two = "two", "two:authenticated" = "secret", "two/far" = "{origin.url}/p" }}
        """
        with served(tmp_path, config, cloudinary_secret="abc") as server:
            tags = set()
            for path, side in (
                ("one/image/upload/a.jpg", 10),
                ("two/image/upload/v1/a.jpg", 20),
                (f"two/image/authenticated/s--{signature}--/a.jpg", 30),
                ("two/image/upload/far/a.jpg", 40),
                ("two/image/upload/v1/far/sub/b.jpg", 50),
            ):
                answer = server.get(f"/{path}")
                assert (answer.status_code, size(answer.content)) == (200, (side, side)), path
                assert answer.headers["Content-Type"] == "image/jpeg"
                tags |= {answer.headers["ETag"], answer.headers["Cache-Tag"]}
            assert len(tags) == 10
            assert origin.paths() == ["/p/a.jpg", "/p/sub/b.jpg", "/p/sub/b"]
            assert server.get("/two/image/upload/v1/far/sub/b.jpg").headers["Cache-Status"] == "Darkroom;hit"
            assert len(origin.requests) == 3  # that the first name is missing is remembered for a while
            assert code(server, "/one/image/upload/far/a.jpg") == (404, "source-not-found")
            assert code(server, f"/one/image/authenticated/s--{signature}--/a.jpg") == (404, "source-not-found")
            assert code(server, "/three/image/upload/a.jpg") == (404, "unknown-cloud")
            assert code(server, "/resize:5x/a.jpg") == (404, "source-not-found")
            # Out of the mounted address nothing is handed out, whatever the other side redirects to.
            assert code(server, "/two/image/upload/v1/far/away.jpg") == (403, "source-not-allowed")
            assert server.get(f"/resize:5x/{origin.url}/p/a.jpg").status_code == 403
            assert "/secret.jpg" not in origin.paths()
            assert "is not listed in" in server.log()  # the operator learns which address it was


def test_a_mounted_address_passes_the_guard(tmp_path: Path) -> None:
    with Origin({"/a.jpg": image(jpeg(8, 8))}) as origin:
        config = f'[mounts]\n"*" = "{origin.url}"\n'
        with served(tmp_path, config, allowed_networks="") as server:
            assert code(server, "/demo/image/upload/a.jpg") == (403, "address-not-allowed")
            assert "loopback" not in server.get("/demo/image/upload/a.jpg").text
    assert origin.connections == 0


def test_moved_addresses_of_a_running_server(tmp_path: Path) -> None:
    with Origin({"/new/a.jpg": image(jpeg(32, 16))}) as origin:
        config = f'[rewrite]\n"https://old.example.com/x/" = "{origin.url}/new/"\n'
        with served(tmp_path, config) as server:
            old = "https://old.example.com/x/a.jpg"
            for path in (
                f"/resize:16x/{old}", f"/demo/image/fetch/w_16/{old}", f"/resize:16x/-/b64:{encoded(old)}",
            ):  # fmt: skip
                assert size(server.get(path).content) == (16, 8)
            assert size(server.get(f"/-/b64:{encoded(old)}.png").content) == (32, 16)
            assert server.get("/resize:16x/https://old.example.com/a.jpg").status_code == 403
            assert server.get(f"/resize:16x/{origin.url}/new/a.jpg").status_code == 403
            assert code(server, f"/resize:16x/{old.replace('a.jpg', 'b.jpg')}") == (404, "source-not-found")
    assert set(origin.paths()) == {"/new/a.jpg", "/new/b.jpg"}


def test_presets_of_a_running_server(tmp_path: Path) -> None:
    config = '[presets]\n"my thumb" = "c_fill,w_10,h_5/f_webp"\n'
    with served(tmp_path, config) as server:
        (tmp_path / "media" / "a.jpg").write_bytes(jpeg(20, 20))
        for path in ("/preset:my%20thumb/a.jpg", "/demo/image/upload/t_my%20thumb/a.jpg"):
            answer = server.get(path)
            assert (size(answer.content), answer.headers["Content-Type"]) == ((10, 5), "image/webp")
        answer = server.get("/demo/image/upload/t_my%20thump/a.jpg")
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown-preset")
        assert answer.headers["X-Cld-Error"].startswith("Unknown transformation my thump")
