"""What steps make a response say: saved as a file, never changing, a page of the source, or about the file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from werkzeug.http import parse_options_header

from tests import pictures

from .servers import Server


def test_a_download_has_a_name(server: Server) -> None:
    named = "download:" + quote("día, 1.jpg").replace("%2C", "%252C")
    for steps, saved in (("download", "bus.webp"), (named, "día, 1.jpg.webp")):
        for _ in range(2):  # made, and from the cache
            answer = server.get(f"/resize:20x/format:webp/{steps}/bus.jpg")
            assert answer.status_code == 200
            kind, options = parse_options_header(answer.headers["content-disposition"])
            assert (kind, options["filename"]) == ("attachment", saved)
    assert "content-disposition" not in server.get("/resize:20x/format:webp/bus.jpg").headers


def test_what_never_changes(server: Server) -> None:
    assert server.get("/resize:21x/immutable/bus.jpg").headers["cache-control"].endswith(", immutable")
    assert "immutable" not in server.get("/resize:21x/bus.jpg").headers["cache-control"]


def test_a_page_that_is_not_there(server: Server, media: Path) -> None:
    (media / "moving.gif").write_bytes(pictures.animation(pictures.animated(), "GIF"))
    assert server.get("/page:2/moving.gif").status_code == 200
    answer = server.get("/page:3/moving.gif")
    assert (answer.status_code, answer.json()["code"], answer.json()["pages"]) == (404, "page-not-found", 2)


def test_about_the_file_that_would_be_sent(server: Server) -> None:
    sent, told = server.get("/resize:40x/format:png/bus.jpg"), server.get("/resize:40x/format:png/getinfo/bus.jpg")
    assert told.headers["content-type"] == "application/json"
    assert told.json()["output"] == {"width": 40, "height": 53, "bytes": len(sent.content), "format": "png"}


def test_formats_that_are_written_only_where_named(server: Server) -> None:
    for name, media_type in (("bmp", "image/bmp"), ("tiff", "image/tiff"), ("jp2", "image/jp2"),
                             ("ico", "image/vnd.microsoft.icon")):  # fmt: skip
        answer = server.get(f"/resize:32x32/format:{name}/bus.jpg")
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    too_large = server.get("/format:ico/bus.jpg")
    assert (too_large.status_code, too_large.json()["code"]) == (422, "result-too-large")
    assert server.get("/format:png/colorspace:cmyk/bus.jpg").json()["code"] == "colorspace-not-in-format"
