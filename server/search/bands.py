"""Finding fingerprints near another one without looking at all.

Two that differ in at most d of 64 bits differ in at most d // 4 in one of four bands of 16 bits (Norouzi et al., "Fast
Search in Hamming Space with Multi-Index Hashing", 2012). So each is listed under its four bands, and looked for
under all bands that differ that little from its own: 548 for the default distance of 10, of 262,144.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

WIDTH = 16
COUNT = 4
FARTHEST = COUNT * 4 - 1  # bits; beyond them every fifteenth band would be looked at, and what is found is chance


def bands(fingerprint: int) -> list[int]:
    """The four lists that a fingerprint is in: the number of the band above its 16 bits."""
    return [(band << WIDTH) | ((fingerprint >> (band * WIDTH)) & 0xFFFF) for band in range(COUNT)]


def near(fingerprint: int, distance: int) -> list[int]:
    """All lists in which one that differs in at most `distance` bits (0 to 15) can be found; the likeliest first."""
    flips = _flips(distance // COUNT)
    return [band ^ flip for flip in flips for band in bands(fingerprint)]


@cache
def _flips(most: int) -> tuple[int, ...]:
    bits = [1 << bit for bit in range(WIDTH)]
    return tuple(sum(chosen) for count in range(most + 1) for chosen in combinations(bits, count))
