"""The wire format: what goes in comes out, and what is not ours is a ValueError."""

from __future__ import annotations

import zlib
from contextlib import suppress

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.found import (
    Box,
    Found,
    Malformed,
    Mask,
    Missing,
    Query,
    Region,
    Saliency,
    Swatch,
    Tag,
    pack,
    pack_query,
    unpack,
    unpack_query,
)

words = st.text(max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
boxes = st.builds(Box, numbers, numbers, numbers, numbers)
masks = st.builds(
    lambda width, height, at: Mask(width, height, bytes(range(width * height)), at),
    st.integers(1, 9), st.integers(1, 9), st.tuples(*[numbers] * 6),
)  # fmt: skip
regions = st.builds(
    Region, words, numbers, boxes, st.lists(st.tuples(words, numbers, numbers), max_size=5).map(tuple), words,
    st.booleans(), words, st.none() | masks,
)  # fmt: skip
maps = st.tuples(st.integers(1, 9), st.integers(1, 9)).map(
    lambda size: Saliency(np.arange(size[0] * size[1], dtype=np.uint8).reshape(size))
)


def tuples(of: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(of, max_size=3).map(tuple)


founds = st.builds(
    Found,
    tuples(regions),
    tuples(st.builds(Tag, words, numbers, words, words)),
    tuples(st.builds(Swatch, words, words, numbers)),
    st.none() | maps,
    tuples(st.tuples(words, words)),
    tuples(st.builds(Missing, words, words, words)),
)


@given(founds)
@settings(max_examples=60, deadline=None)
def test_what_is_packed_comes_back(found):
    back = unpack(pack(found))
    assert (back.saliency is None) == (found.saliency is None)
    if found.saliency:
        assert np.array_equal(back.saliency.map, found.saliency.map)
    parts = ("regions", "tags", "colors", "models", "missing")
    assert [getattr(back, part) for part in parts] == [getattr(found, part) for part in parts]


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_junk_is_a_value_error(data):
    with pytest.raises(Malformed):
        unpack(data)
    with pytest.raises(Malformed):
        unpack_query(data)


@given(founds, st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_damage_is_a_value_error_or_another_found(found, at, byte):
    data = bytearray(pack(found))
    data[at % len(data)] = byte
    with suppress(Malformed):
        assert isinstance(unpack(bytes(data)), Found)


REGION = ["face", 0.9, [0.1, 0.1, 0.2, 0.2], [], "faces", True, "", None]


def region(at, instead):
    """The packed region with another value at a place."""
    return [*REGION[:at], instead, *REGION[at + 1 :]]


@pytest.mark.parametrize(
    "body",
    [
        [1, [], [], [], None, [], []],
        [2, [], [], [], None, []],
        [2, [REGION[:5]], [], [], None, [], []],
        *(
            [2, [region(at, instead)], [], [], None, [], []]
            for at, instead in [
                (0, b"face"), (1, float("nan")), (1, True), (2, [0, 0, 1]), (3, [["nose", 0.5]]), (5, 1), (6, None),
                (7, [2, 2, b"1234", [0] * 6]), (7, [2, 2, zlib.compress(b"123"), [0] * 6]),
                (7, [2, 2, zlib.compress(b"12345"), [0] * 6]), (7, [2, 2, zlib.compress(b"1234"), [0] * 5]),
                (7, [1 << 20, 1 << 20, zlib.compress(b"1234"), [0] * 6]),
                (7, [2, 2, zlib.compress(bytes(99)), [0] * 6]),
            ]
        ),
        [2, [], [["person"]], [], None, [], []],
        [2, [], [["person", 0.5, "objects"]], [], None, [], []],
        [2, [], [], [], [2, 2, b"123"], [], []],
        [2, [], [], [], [0, 2, b""], [], []],
        [2, [], [], [], None, {"faces": "x"}, []],
        {"version": 2},
    ],
    ids=lambda body: str(body)[:60],
)  # fmt: skip
def test_another_shape_is_a_value_error(body):
    assert unpack(msgpack.packb([2, [REGION], [], [], None, [], []])).regions  # the nearest shape that is right
    with pytest.raises(Malformed):
        unpack(msgpack.packb(body))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("key", [None, "k"])
def test_a_query_comes_back(channels, key):
    pixels = np.arange(5 * 7 * channels, dtype=np.uint8).reshape(5, 7, channels)
    query = unpack_query(b"".join(pack_query(Query(frozenset({"faces", "objects"}), pixels, 150, key))))
    assert np.array_equal(query.pixels, pixels)
    assert (query.kinds, query.patience_ms, query.key) == ({"faces", "objects"}, 150, key)


def test_a_view_that_is_not_contiguous_is_sent_right():
    pixels = np.arange(600, dtype=np.uint8).reshape(10, 20, 3)[::2, ::-1]
    assert np.array_equal(unpack_query(b"".join(pack_query(Query(frozenset(), pixels, 1)))).pixels, pixels)


@pytest.mark.parametrize("pixels", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8)], ids=str)
def test_other_pixels_are_refused_before_they_are_sent(pixels):
    with pytest.raises(TypeError, match="uint8"):
        pack_query(Query(frozenset(), pixels, 1))


@pytest.mark.parametrize(
    "shape", [[4, 4, 2], [4, 5, 3], [-4, -4, 3], [0, 4, 3], [4, 4], ["4", 4, 3], [1 << 40, 1 << 40, 3]]
)
def test_a_shape_that_lies_is_refused(shape):
    header = msgpack.packb([1, ["faces"], shape, 100, None])
    with pytest.raises(Malformed):
        unpack_query(len(header).to_bytes(4, "big") + header + bytes(48))
