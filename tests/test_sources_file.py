"""The media folder: nothing outside it, nothing but regular files, and which file a public id means."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sources.file import EXTENSIONS, FileSource
from server.sources.grant import Grant
from server.sources.source import Fetched, SourceRef
from transforms.failure import Failure, Kind
from transforms.output import OUTPUT_FORMATS

from .shared import jsonl


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A media folder `media` beside a file that is nobody's business."""
    top = tmp_path_factory.mktemp("top")
    (top / "secret.jpg").write_bytes(b"secret")
    (top / "media-2").mkdir()
    (top / "media-2" / "x.jpg").write_bytes(b"neighbour")
    media = top / "media"
    (media / "a" / "b").mkdir(parents=True)
    for name in (
        "bus.jpg",
        "a/b/deep.png",
        "ünï 🐈.webp",
        "~x.jpg",
        "..hidden.jpg",
        ".hidden.jpg",
        ".data/x.jpg",
        "a/.hidden/x.jpg",
        "a..b.jpg",
        "%2e%2e",
        "no-extension",
    ):
        (media / name).parent.mkdir(exist_ok=True)
        (media / name).write_bytes(name.encode())
    (media / "linked.jpg").symlink_to(".data/x.jpg")
    (media / "inside.jpg").symlink_to("a/b/deep.png")
    (media / "inside-folder").symlink_to("a", target_is_directory=True)
    (media / "outside.jpg").symlink_to(top / "secret.jpg")
    (media / "outside-folder").symlink_to(top, target_is_directory=True)
    (media / "neighbour").symlink_to(top / "media-2", target_is_directory=True)
    (media / "device.jpg").symlink_to("/dev/zero")
    (media / "loop.jpg").symlink_to("loop.jpg")
    (media / "dangling.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(media / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(media)  # the path of a socket has at most 108 bytes
        listener.bind("socket.jpg")
        os.chdir("/")
    return media


async def fetched(source: FileSource, location: str) -> Fetched:
    answer = await source.fetch(SourceRef("file", location), None, time.monotonic() + 5)
    assert isinstance(answer, Fetched)
    return answer


@pytest.mark.parametrize(
    ("location", "real"),
    [
        ("bus.jpg", "bus.jpg"),
        ("a/b/deep.png", "a/b/deep.png"),
        ("ünï 🐈.webp", "ünï 🐈.webp"),
        ("~x.jpg", "~x.jpg"),
        ("linked.jpg", ".data/x.jpg"),  # as Kubernetes mounts a ConfigMap
        ("a..b.jpg", "a..b.jpg"),
        ("%2e%2e", "%2e%2e"),  # decoded once already: these are the characters of a name
        ("inside.jpg", "a/b/deep.png"),
        ("inside-folder/b/deep.png", "a/b/deep.png"),
    ],
)
async def test_files_of_the_folder_are_handed_out(folder: Path, location: str, real: str) -> None:
    source = FileSource(folder)
    got = await fetched(source, location)
    assert got.path == folder / real
    assert got.path.read_bytes() == real.encode()
    assert (got.size, got.owned, got.grant) == (len(real.encode()), False, Grant())
    assert got.version == source.current(SourceRef("file", location))
    got.release()
    assert got.path.exists()


def test_links_are_looked_at_each_time(tmp_path: Path) -> None:
    """A folder that becomes a link leads nowhere else, and a link that is turned gives what it leads to now."""
    for name in ("media/a", "media/b", "outside"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x.jpg").write_text(name)
    source = FileSource(tmp_path / "media")
    (tmp_path / "media" / "current").symlink_to("a")
    ref, linked = SourceRef("file", "a/x.jpg"), SourceRef("file", "current/x.jpg")
    assert (source.current(ref), source.current(linked)) == (source.current(ref),) * 2
    (tmp_path / "media" / "current").unlink()
    (tmp_path / "media" / "current").symlink_to("b")
    assert source.current(linked) == source.current(SourceRef("file", "b/x.jpg"))
    (tmp_path / "media" / "a").rename(tmp_path / "moved")
    (tmp_path / "media" / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(Failure):
        source.current(ref)


TRAVERSALS = [
    "", "/", ".", "..", "./bus.jpg", "a/./b/deep.png", "a/../bus.jpg", "../secret.jpg", "a/../../secret.jpg",
    "/etc/passwd", "//etc/passwd", "a//b/deep.png", "bus.jpg/", "bus.jpg/.", "bus.jpg/x", "..//..//etc/passwd",
    "....//....//etc/passwd", "..\\..\\etc\\passwd", "a\\b\\deep.png", "\\\\server\\share", "..%2f..%2fsecret.jpg",
    "%2e%2e/secret.jpg", "%252e%252e%252fsecret.jpg", "%u002e%u002e/secret.jpg", "..;/secret.jpg", "．．/secret.jpg",
    "..\u2215secret.jpg", "..\uff0fsecret.jpg", "\uff0e\uff0e/secret.jpg", "\u2025/secret.jpg",
    "bus.jpg\0.png", "\0", "bus.jpg\r\nX-Injected: yes", "bus\n.jpg", "bus.jpg\x7f", "\x1b[2Jbus.jpg",
    "C:\\boot.ini", "C:/boot.ini", "c:bus.jpg", "file:///etc/passwd", "file:bus.jpg", "~/.ssh/id_rsa", "$HOME/x",
    "\ud800.jpg", "\udc80.jpg", "outside.jpg", "outside-folder/secret.jpg", "neighbour/x.jpg", "../media-2/x.jpg",
    "outside-folder/media/bus.jpg/../../secret.jpg", "loop.jpg", "dangling.jpg", "device.jpg", "fifo.jpg", "socket.jpg",
    ".hidden.jpg", "..hidden.jpg", ".hidden", "..hidden", ".hidden.png", ".data/x.jpg", ".data/x", "a/.hidden/x.jpg",
    "a", "a/b", "inside-folder", "x" * 5000, "d/" * 2000 + "x.jpg", "bus.jpg ", "BUS.JPG", "*", "bus.jpg|id", "`id`",
]  # fmt: skip


@pytest.mark.parametrize("location", TRAVERSALS, ids=[ascii(text)[:40] for text in TRAVERSALS])
async def test_all_else_is_not_found_and_tells_nothing(folder: Path, location: str) -> None:
    source = FileSource(folder)
    with pytest.raises(Failure) as caught:
        await fetched(source, location)
    assert (caught.value.kind, caught.value.code) == (Kind.NOT_FOUND, "source-not-found")
    assert str(folder.parent) not in str(vars(caught.value))
    with pytest.raises(Failure) as caught:
        source.current(SourceRef("file", location))
    assert caught.value.code == "source-not-found"
    with pytest.raises(Failure) as caught:
        source.locate(location)
    assert caught.value.code == ("bad-argument" if location in ("bus.jpg ", "bus.jpg|id") else "source-not-found")


@pytest.mark.parametrize(
    "row", [row for row in jsonl("bad.jsonl") if row["cat"] == "traversal"], ids=lambda row: row["id"]
)
async def test_the_corpus_of_traversals_finds_nothing(folder: Path, row: dict[str, str]) -> None:
    location = re.sub(r"^.*/upload/(c_fill,w_100,h_100/v1/)?", "", unquote(row["path"]))
    for text in (location, unquote(location), unquote(unquote(location))):
        with pytest.raises(Failure):
            await fetched(FileSource(folder), text)


@given(st.text(st.one_of(st.sampled_from("./\\.%a:;~\0"), st.characters()), max_size=60))
def test_random_paths_lead_inside_or_nowhere(folder: Path, text: str) -> None:
    source = FileSource(folder)
    try:
        found, _ = source.locate(text)
    except Failure as failure:
        found = failure.code
    assert found in ("source-not-found", "bad-argument") or (folder / found).resolve().is_relative_to(folder)


async def test_a_root_that_is_a_link_or_missing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    assert (await fetched(FileSource(tmp_path / "link"), "bus.jpg")).path == folder / "bus.jpg"
    with pytest.raises(Failure):
        await fetched(FileSource(tmp_path / "missing"), "bus.jpg")
    assert FileSource(tmp_path / "missing").samples() == []
    assert (await fetched(FileSource(Path("/")), str(folder / "bus.jpg")[1:])).size == 7


async def test_a_file_may_be_as_large_as_the_limit(folder: Path) -> None:
    assert (await fetched(FileSource(folder, 7), "bus.jpg")).size == 7
    with pytest.raises(Failure) as caught:
        await fetched(FileSource(folder, 6), "bus.jpg")
    assert (caught.value.kind, caught.value.code) == (Kind.TOO_LARGE, "too-many-bytes")
    assert caught.value.details == {"limit": 6}


async def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    source, ref, path = FileSource(tmp_path), SourceRef("file", "a.jpg"), tmp_path / "a.jpg"
    path.write_bytes(b"one")
    os.utime(path, ns=(1, 1_000_000_000))
    versions = [source.current(ref)]
    path.write_bytes(b"three")
    os.utime(path, ns=(1, 1_000_000_000))
    versions.append(source.current(ref))
    os.utime(path, ns=(1, 1_000_000_001))
    versions.append(source.current(ref))
    assert len(set(versions)) == 3


@pytest.mark.parametrize(
    ("files", "public_id", "found"),
    [
        ("bus.jpg", "bus.jpg", ("bus.jpg", None)),
        ("scan.tiff", "scan.tiff", ("scan.tiff", None)),
        ("bus.jpg", "bus.jpg.webp", ("bus.jpg", "webp")),
        ("bus", "bus.png", ("bus", "png")),
        ("bus", "bus", ("bus", None)),
        ("bus.jpg", "bus.webp", ("bus.jpg", "webp")),
        ("bus.webp", "bus.jpg", ("bus.webp", "jpeg")),
        ("bus.heic", "bus.JPG", ("bus.heic", "jpeg")),
        ("bus.jpg", "bus", ("bus.jpg", None)),
        ("a/bus.jpg", "a/bus.avif", ("a/bus.jpg", "avif")),
        ("a.b/bus.jpg", "a.b/bus", ("a.b/bus.jpg", None)),
        ("bus.png bus.jpg", "bus.gif", ("bus.jpg", "gif")),  # in the order of EXTENSIONS
        ("bus.png bus.jpg", "bus", ("bus.jpg", None)),
        ("bus bus.jpg bus.webp", "bus.webp", ("bus.webp", None)),
        ("bus bus.jpg", "bus.webp", ("bus", "webp")),
        ("v1.2.jpg", "v1.2", ("v1.2.jpg", None)),  # a dot that is part of the name
        ("v1.2.jpg v1.png", "v1.2", ("v1.2.jpg", None)),
        ("v1.2.jpg", "v1.2.webp", ("v1.2.jpg", "webp")),
        ("bus.jp2", "bus", ("bus.jp2", None)),
    ],
)
def test_locate(tmp_path: Path, files: str, public_id: str, found: tuple[str, str | None]) -> None:
    _fill(tmp_path, files)
    assert FileSource(tmp_path).locate(public_id) == found


def _fill(folder: Path, files: str) -> None:
    for name in files.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("files", "public_id", "kind"),
    [
        ("bus.jpg", "bus.heic", Kind.BAD_REQUEST),
        ("bus.jpg", "bus.wepb", Kind.BAD_REQUEST),
        ("bus.jpg", "bus.jpg.exe", Kind.BAD_REQUEST),
        ("bus.jpg", "car.tiff", Kind.NOT_FOUND),
        ("bus.jpg", "car.webp", Kind.NOT_FOUND),
        ("bus.jpg", "bus.", Kind.NOT_FOUND),
        ("bus.txt", "bus.jpg", Kind.NOT_FOUND),
        ("jpg", ".jpg", Kind.NOT_FOUND),
        (".png", ".png", Kind.NOT_FOUND),
        (".a.jpg", ".a", Kind.NOT_FOUND),
        (".a.jpg", ".a.webp", Kind.NOT_FOUND),
        ("x/.a/b.jpg", "x/.a/b.png", Kind.NOT_FOUND),
        ("a/jpg", "a.jpg", Kind.NOT_FOUND),
    ],
)
def test_locate_fails(tmp_path: Path, files: str, public_id: str, kind: Kind) -> None:
    _fill(tmp_path, files)
    with pytest.raises(Failure) as caught:
        FileSource(tmp_path).locate(public_id)
    assert caught.value.kind is kind
    if kind is Kind.BAD_REQUEST:
        assert caught.value.details["choices"] == [*OUTPUT_FORMATS]
    if public_id == "bus.wepb":
        assert caught.value.hint == "did you mean 'webp'?"


def test_samples_are_pictures_by_name(folder: Path, tmp_path: Path) -> None:
    assert FileSource(folder).samples(2) == ["a..b.jpg", "bus.jpg"]
    assert "outside.jpg" not in FileSource(folder).samples(100)
    _fill(tmp_path, "notes.txt B.JPG sub/c.jpg " + " ".join(f"a.{extension}" for extension in EXTENSIONS))
    assert FileSource(tmp_path).samples() == ["B.JPG", "a.avif", "a.bmp"]
    assert len(FileSource(tmp_path).samples(100)) == len(EXTENSIONS) + 1
