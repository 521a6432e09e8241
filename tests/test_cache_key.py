from __future__ import annotations

import re

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from cache.key import digest, key

Parts = st.lists(st.text() | st.binary(), max_size=4)


def as_bytes(part: str | bytes) -> bytes:
    return part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("abc",), ("a", "bc")),
        (("a",), ("a", "")),
        ((), ("",)),
        (("", "a"), ("a", "")),
        ((b"\x00" * 8,), ("", "")),
        (("a", "b"), ("b", "a")),
        (("\udce9",), ("é",)),
    ],
)
def test_parts_do_not_run_together(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert digest(*one) != digest(*other)


def test_digest_is_blake3_of_length_prefixed_parts() -> None:
    packed = (1).to_bytes(8, "big") + b"a" + (2).to_bytes(8, "big") + "é".encode()
    assert digest("a", "é") == digest(b"a", "é".encode()) == blake3(packed).hexdigest()[:32]


def test_key_names_its_kind() -> None:
    assert key("render", "a", b"b") == f"render:{digest('a', b'b')}"
    assert key("render", "a") != key("found", "a")


@given(Parts, Parts)
def test_equal_digests_mean_equal_parts(one: list[str | bytes], other: list[str | bytes]) -> None:
    assert re.fullmatch("[0-9a-f]{32}", digest(*one))
    same = [as_bytes(part) for part in one] == [as_bytes(part) for part in other]
    assert (digest(*one) == digest(*other)) is same
