"""What no policy should do; the host ends it, in whatever language."""

from __future__ import annotations

from offerd import clock


def test(config: str) -> None:
    """Does what the configuration asks for, if it asks for any of it."""
    if "loop-decide" in config:
        while clock.now() > 0:
            pass
    if "bomb-decide" in config:
        kept = []
        while True:
            kept.append(bytearray(1 << 20))
    if "recurse-decide" in config:
        _dig(1)


def _dig(depth: int) -> int:
    return _dig(depth + 1) + 1
