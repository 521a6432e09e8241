"""Keys: what an answer depends on, hashed to one short text."""

from __future__ import annotations

from blake3 import blake3

BYTES = 16  # 128 bits: after 2**40 entries, two share a key with a chance of 2**-49


def digest(*parts: str | bytes) -> str:
    """32 hexadecimal characters that depend on every part and on where each ends: ("ab", "c") is not ("a", "bc").

    Text counts as its UTF-8 bytes; file names that are not UTF-8 (lone surrogates) are taken as well.
    """
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        pieces += (len(data).to_bytes(8, "big"), data)
    return blake3(b"".join(pieces)).hexdigest(BYTES)


def key(kind: str, *parts: str | bytes) -> str:
    """`<kind>:<digest>`, the key that stores take; the kind (render, found, source …) keeps rooms of a cache apart."""
    return f"{kind}:{digest(*parts)}"
