"""Random numbers that the host seeds and records: the same run gives the same
numbers. Not for secrets.

Python's own `random` must not be used: its seed is part of the built component.
Using it is an error that says so. For choices, shuffles and distributions there
is `Random`, which is Python's class on the host's numbers.
"""

from __future__ import annotations

import random as _python
from typing import Any

from . import _host


def next_u32() -> int:
    """Any number from 0 to 4294967295."""
    return _host.random.next_u32()


def next_f64() -> float:
    """At least 0, below 1."""
    return _host.random.next_f64()


def below(bound: int) -> int:
    """At least 0, below `bound` (up to 2^32); 0 if `bound` is 0."""
    return (_host.random.next_u32() * bound) >> 32


def shuffle(items: list[Any]) -> None:
    """Shuffles in place."""
    for last in range(len(items) - 1, 0, -1):
        other = below(last + 1)
        items[last], items[other] = items[other], items[last]


class Random(_python.Random):
    """`random.Random` that draws each number from the host.

    There is nothing to seed and no state to save: the host does both.
    """

    def __new__(cls) -> Random:
        # With a seed: without one, Python asks the operating system.
        made: Random = super().__new__(cls, 0)  # type: ignore[call-arg]
        return made

    def __init__(self) -> None:
        super().__init__(0)

    def random(self) -> float:
        return _host.random.next_f64()

    def getrandbits(self, k: int, /) -> int:
        if k < 0:
            raise ValueError("the number of bits must not be negative")
        number = 0
        for _ in range(-(-k // 32)):
            number = number << 32 | _host.random.next_u32()
        return number >> (-k % 32)

    def seed(self, *_: Any, **__: Any) -> None:
        """Does nothing."""

    def getstate(self) -> Any:
        raise NotImplementedError("the host keeps the state of the random numbers")

    def setstate(self, state: Any) -> None:
        raise NotImplementedError("the host keeps the state of the random numbers")
