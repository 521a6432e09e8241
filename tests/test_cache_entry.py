from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.entry import MAX_DEPTH, VERSION, Entry, pack, unpack

ENTRY = Entry(b"body", {"type": "image/webp", "size": [3, 4], "found": {"faces": []}, "ok": True}, 10.0, 20.0, 30.0)

# No lone surrogates: they are no text. No NaN: it equals nothing, itself included.
Text = st.text(st.characters(exclude_categories=["Cs"]))
Number = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
Plain = st.recursive(
    st.none() | st.booleans() | Number | Text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(Text, inner, max_size=4),
    max_leaves=12,
)
Seconds = st.floats(allow_nan=False, allow_infinity=False)
Entries = st.builds(
    Entry, st.binary(), st.dictionaries(Text, Plain, max_size=5), Seconds, Seconds, Seconds, st.lists(Text).map(tuple)
)


def nested(depth: int) -> dict[str, Any]:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return {"deep": value}


@given(Entries)
def test_what_was_packed_comes_back(entry: Entry) -> None:
    assert unpack(pack(entry)) == entry


@given(st.binary())
def test_junk_is_a_value_error(junk: bytes) -> None:
    for data in (junk, bytes([VERSION]) + junk):
        with pytest.raises(ValueError):  # noqa: PT011 (its text is nobody's business)
            unpack(data)


@given(Entries, st.data())
def test_a_cut_entry_is_a_value_error(entry: Entry, data: st.DataObject) -> None:
    packed = pack(entry)
    with pytest.raises(ValueError):  # noqa: PT011
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


@given(Entries, st.data())
def test_a_damaged_entry_is_an_entry_or_a_value_error(entry: Entry, data: st.DataObject) -> None:
    packed = bytearray(pack(entry))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        pack(unpack(bytes(packed)))
    except ValueError:
        return


def packed(*parts: object, version: int = VERSION) -> bytes:
    return bytes([version, *msgpack.packb(parts)])


@pytest.mark.parametrize(
    "data",
    [
        packed(b"body", {}, 1.0, 2.0, 3.0, version=1),  # as version 1 wrote them
        packed(b"body", {}, [], 1.0, 2.0, 3.0, version=VERSION - 1),
        packed(b"body", {}, 1.0, 2.0, 3.0),
        packed(b"body", {}, "tags", 1.0, 2.0, 3.0),
        packed(b"body", {}, [b"tag"], 1.0, 2.0, 3.0),
        packed(b"body", {}, [1], 1.0, 2.0, 3.0),
        packed(b"body", {}, [], 1.0, 2.0, 3.0, version=VERSION + 1),
        packed(b"body", {}, [], 1.0, 2.0, 3.0) + b"\x00",
        packed(b"body", {}, [], 1.0, 2.0),
        packed(b"body", {}, [], 1.0, 2.0, 3.0, 4.0),
        packed("body", {}, [], 1.0, 2.0, 3.0),
        packed(b"body", [], [], 1.0, 2.0, 3.0),
        packed(b"body", {b"type": 1}, [], 1.0, 2.0, 3.0),
        packed(b"body", {"type": b"bytes"}, [], 1.0, 2.0, 3.0),
        packed(b"body", {"type": msgpack.Timestamp(1)}, [], 1.0, 2.0, 3.0),
        packed(b"body", {"type": msgpack.ExtType(1, b"")}, [], 1.0, 2.0, 3.0),
        packed(b"body", nested(MAX_DEPTH), [], 1.0, 2.0, 3.0),
        packed(b"body", nested(400), [], 1.0, 2.0, 3.0),
        packed(b"body", {}, [], True, 2.0, 3.0),
        packed(b"body", {}, [], "1", 2.0, 3.0),
        packed(b"body", {}, [], math.nan, 2.0, 3.0),
        packed(b"body", {}, [], 1.0, 2.0, math.inf),
        bytes([VERSION]) + b"\x91" * 5000,
        bytes([VERSION]) + msgpack.packb({"body": b"body"}),
    ],
)
def test_another_shape_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        unpack(data)


@pytest.mark.parametrize(
    "meta",
    [
        {"tuple": (1, 2)}, {"set": {1}}, {"bytes": b""}, {1: "number"}, {"list": [{1: 2}]}, {"object": object()},
        {"int": 2**64}, {"int": -(2**63) - 1}, {"surrogate": "\udce9"}, nested(MAX_DEPTH), nested(2000),
    ],
)  # fmt: skip
def test_meta_that_cannot_be_packed_is_a_value_error(meta: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        pack(replace(ENTRY, meta=meta))


def test_meta_may_be_nested_a_little() -> None:
    entry = replace(ENTRY, meta=nested(MAX_DEPTH - 1))
    assert unpack(pack(entry)) == entry


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_times_are_finite(value: float) -> None:
    for times in ((value, 2.0, 3.0), (1.0, value, 3.0), (1.0, 2.0, value)):
        with pytest.raises(ValueError, match="finite"):
            Entry(b"", {}, *times)


@pytest.mark.parametrize(
    ("now", "fresh", "usable"),
    [(0.0, True, True), (19.9, True, True), (20.0, False, True), (29.9, False, True), (30.0, False, False)],
)
def test_an_entry_ages(now: float, fresh: bool, usable: bool) -> None:
    assert (ENTRY.fresh(now), ENTRY.usable(now)) == (fresh, usable)


def test_nothing_is_fresh_that_is_not_usable() -> None:
    assert not replace(ENTRY, fresh_until=99.0).fresh(30.0)


def test_size_counts_body_meta_and_tags() -> None:
    assert 0 <= replace(ENTRY, body=bytes(10_000)).size - replace(ENTRY, body=b"").size - 10_000 < 100
    assert replace(ENTRY, meta={"found": ["x" * 100_000]}).size > 100_000
    assert replace(ENTRY, meta={"x" * 100_000: 1}).size > 100_000
    assert replace(ENTRY, tags=("x" * 100_000,)).size > 100_000
