"""What is shown of a text or of bytes that are too large to show."""

from __future__ import annotations

PRIME = 8_388_593

PART = 1 << 16
"""Bytes that are one number at a time."""


def weighed(data: bytes) -> list[int]:
    """Their number, and the number that they are as digits of base 256, modulo a prime."""
    total = 0
    for at in range(0, len(data), PART):
        part = data[at : at + PART]
        total = (total << 8 * len(part) | int.from_bytes(part)) % PRIME
    return [len(data), total]
