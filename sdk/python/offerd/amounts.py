"""Amounts of resources: what a task needs, what an offer has.

Amounts are whole thousandths of Mesos's unit in a `float`, as in the contract, so
sums and comparisons are exact and need no tolerance. The fitter keeps its books in
plain lists; `Amounts` is for the policy's own sums and for tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Protocol

MOST = 4_294_967_295
"""The largest number of tasks or ports (u32)."""


def milli(unit: float) -> float:
    """Whole thousandths of a number in Mesos's unit: `milli(1.5)` is 1500.0.

    Rounds to the nearest thousandth, halves away from zero, like Mesos does.
    """
    thousandths = unit * 1000.0
    whole = floor(abs(thousandths))
    if abs(thousandths) - whole >= 0.5:
        whole += 1
    return float(whole) if thousandths >= 0 else -float(whole)


class HasAmounts(Protocol):
    """An offer, a waiting set or a task."""

    cpus: float
    mem: float
    disk: float
    gpus: float
    ports: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """Five resources: thousandths of a CPU, of a MiB (twice), of a GPU; single ports."""

    cpus: float = 0.0
    mem: float = 0.0
    disk: float = 0.0
    gpus: float = 0.0
    ports: int = 0

    @classmethod
    def of(
        cls,
        cpus: float = 0.0,
        mem: float = 0.0,
        disk: float = 0.0,
        gpus: float = 0.0,
        ports: int = 0,
    ) -> Amounts:
        """In Mesos's units: `of(1.5, 32)` is 1.5 CPUs and 32 MiB."""
        return cls(milli(cpus), milli(mem), milli(disk), milli(gpus), ports)

    @classmethod
    def of_record(cls, record: HasAmounts) -> Amounts:
        """Of an offer (what a plain task can use), a waiting set (what each single
        task needs) or a task (what it occupies)."""
        return cls(record.cpus, record.mem, record.disk, record.gpus, record.ports)

    def fits(self, need: Amounts) -> bool:
        """Whether a task that needs `need` fits."""
        return (
            need.cpus <= self.cpus
            and need.mem <= self.mem
            and need.disk <= self.disk
            and need.gpus <= self.gpus
            and need.ports <= self.ports
        )

    def capacity(self, need: Amounts) -> int:
        """How many tasks that need `need` each fit; `MOST` if they need nothing."""
        most = float(MOST)
        for have, wanted in (
            (self.cpus, need.cpus),
            (self.mem, need.mem),
            (self.disk, need.disk),
            (self.gpus, need.gpus),
        ):
            if wanted > 0.0:
                most = min(most, have / wanted)
        if need.ports > 0:
            most = min(most, float(self.ports // need.ports))
        # The quotient of whole numbers below 2^53 never rounds up to a whole number
        # that it has not reached.
        return max(int(most), 0)

    def minus(self, other: Amounts) -> Amounts:
        """What is left after `other` was taken; zero where it is more than there is."""
        return Amounts(
            max(self.cpus - other.cpus, 0.0),
            max(self.mem - other.mem, 0.0),
            max(self.disk - other.disk, 0.0),
            max(self.gpus - other.gpus, 0.0),
            max(self.ports - other.ports, 0),
        )

    def times(self, count: int) -> Amounts:
        """`count` times as much."""
        return Amounts(
            self.cpus * count,
            self.mem * count,
            self.disk * count,
            self.gpus * count,
            min(self.ports * count, MOST),
        )

    def larger(self, other: Amounts) -> Amounts:
        """The larger of the two, resource by resource."""
        return Amounts(
            max(self.cpus, other.cpus),
            max(self.mem, other.mem),
            max(self.disk, other.disk),
            max(self.gpus, other.gpus),
            max(self.ports, other.ports),
        )

    def smaller(self, other: Amounts) -> Amounts:
        """The smaller of the two, resource by resource."""
        return Amounts(
            min(self.cpus, other.cpus),
            min(self.mem, other.mem),
            min(self.disk, other.disk),
            min(self.gpus, other.gpus),
            min(self.ports, other.ports),
        )

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.cpus + other.cpus,
            self.mem + other.mem,
            self.disk + other.disk,
            self.gpus + other.gpus,
            min(self.ports + other.ports, MOST),
        )
