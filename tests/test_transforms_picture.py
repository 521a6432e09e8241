"""How a picture beside the one of the request is named."""

from __future__ import annotations

import pytest

from transforms.failure import Failure
from transforms.picture import Picture, PictureName

NAME = PictureName()


@pytest.mark.parametrize(
    ("text", "expected", "canonical"),
    [
        ("logo.png", Picture("file", "logo.png"), "logo.png"),
        ("marks:logo.png", Picture("file", "marks/logo.png"), "marks:logo.png"),
        ("a/b/logo.png", Picture("file", "a/b/logo.png"), "a:b:logo.png"),
        ("logo (1),%3D%25.png", Picture("file", "logo (1),=%.png"), "logo %281%29%2C%3D%25.png"),
        ("file:id:logo.png", Picture("file", "id/logo.png"), "file:id:logo.png"),
        ("file:logo.png", Picture("file", "logo.png"), "logo.png"),
        ("id", Picture("file", "id"), "id"),
        ("id:marks:logo", Picture("id", "marks/logo"), "id:marks:logo"),
        ("private:marks:logo", Picture("id", "marks/logo", "private"), "private:marks:logo"),
        ("authenticated:logo", Picture("id", "logo", "authenticated"), "authenticated:logo"),
        ("id:private:logo", Picture("id", "private/logo"), "id:private:logo"),
        ("https://a.b/c,d.png?e=f", Picture("https", "https://a.b/c,d.png?e=f"), "https:%2F%2Fa.b%2Fc%2Cd.png?e%3Df"),
        ("https:%2F%2Fa.b:8443%2Fc", Picture("https", "https://a.b:8443/c"), "https:%2F%2Fa.b%3A8443%2Fc"),
        ("https%3A%2F%2Fa.b%2Fc.png", Picture("https", "https://a.b/c.png"), "https:%2F%2Fa.b%2Fc.png"),
        ("http://a.b/c%2520d", Picture("http", "http://a.b/c%20d"), "http:%2F%2Fa.b%2Fc%2520d"),
    ],
)
def test_a_name_has_one_text(text: str, expected: Picture, canonical: str) -> None:
    assert NAME.parse(text) == expected
    assert NAME.print(expected) == canonical
    assert NAME.parse(canonical) == expected


@pytest.mark.parametrize(
    "text",
    [
        *NAME.beyond(),
        "a:..:b",
        "%2e%2e:secret",
        "a%2F..%2Fb",
        "/etc/passwd",
        "id:/a",
        "a%00b",
        "a\u202eb",
        "https:/a",
        "http://",
    ],
)
def test_what_names_nothing_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(Failure) as caught:
        NAME.parse(text)
    assert caught.value.code == "bad-argument"
    assert "is not a file" in caught.value.message
