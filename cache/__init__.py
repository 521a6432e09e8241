"""Bytes by key: memory, Redis, tiers, single flight. Knows no pixels and no HTTP; fails open."""
