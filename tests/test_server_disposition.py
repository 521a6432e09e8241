"""Content-Disposition: the names that results are saved under."""

from __future__ import annotations

import pytest
from werkzeug.http import parse_options_header

from server.disposition import disposition
from server.sources.source import SourceRef

FILE = SourceRef("file", "holidays/by the sea.jpg")


@pytest.mark.parametrize(
    ("name", "media_type", "saved"),
    [
        ("tree", "image/jpeg", "tree.jpg"), ("tree.jpg", "image/jpeg", "tree.jpg"),
        ("tree.JPEG", "image/jpeg", "tree.JPEG"), ("tree.jpg", "image/webp", "tree.jpg.webp"),
        ("a.b", "image/png", "a.b.png"), ("x.tiff", "image/tiff", "x.tiff"), ("é 東京", "image/png", "é 東京.png"),
        ('say "hi"', "image/gif", 'say "hi".gif'), ("50%20", "image/gif", "50%20.gif"),
        ("a, b; c=d", "image/avif", "a, b; c=d.avif"), ("data", "application/json", "data.json"),
        ("", "image/png", "by the sea.png"), ("ico", "image/vnd.microsoft.icon", "ico.ico"),
    ],
)  # fmt: skip
def test_the_name_that_it_is_saved_under(name: str, media_type: str, saved: str) -> None:
    value = disposition(name, FILE, media_type)
    value.encode("ascii")
    kind, options = parse_options_header(value)
    assert (kind, options["filename"]) == ("attachment", saved)


@pytest.mark.parametrize(
    ("scheme", "location", "saved"),
    [
        ("https", "https://a.test/x/y%20z.png?w=1.gif", "y z.jpg"), ("https", "https://a.test/", "picture.jpg"),
        ("http", "http://a.test/x%2F..%2Fpasswd%0Aevil", "passwd_evil.jpg"), ("file", ".hidden", "hidden.jpg"),
        ("file", "a.b.c.png", "a.b.c.jpg"), ("https", "https://a.test/%3B.png", ";.jpg"),
    ],
)  # fmt: skip
def test_the_name_of_the_source(scheme: str, location: str, saved: str) -> None:
    _, options = parse_options_header(disposition("", SourceRef(scheme, location), "image/jpeg"))
    assert options["filename"] == saved


def test_nothing_is_said_of_what_is_shown() -> None:
    assert disposition(None, FILE, "image/png") == ""
