"""One number for how much room an offer has, and orders made of it.

The formula and the order of its operations are those of the other SDKs, so that
the same round gives the same decisions to the last bit in every language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .config import number
from .policy import PolicyError


@dataclass(frozen=True)
class Weights:
    """How much each resource counts for the room of an offer.

    A resource counts by its share of all that is offered to the role, times its
    weight; one that no waiting task needs counts nothing, except GPUs: tasks that
    need none had better leave them free.
    """

    cpus: float = 1.0
    mem: float = 1.0
    disk: float = 1.0
    gpus: float = 4.0
    ports: float = 0.0

    def check(self) -> None:
        """Checks weights that come from a config; raises `PolicyError` with the name of
        the weight that is negative or no number."""
        for name in ("cpus", "mem", "disk", "gpus", "ports"):
            weight: float = getattr(self, name)
            if not 0.0 <= weight <= 1e6:
                raise PolicyError(
                    f"config.weights.{name}: {number(weight)} is no weight; "
                    "it must be from 0 to 1000000"
                )


@dataclass(frozen=True)
class Order:
    """Which of the offers that fit is taken first."""

    kind: Literal["arrival", "tightest", "roomiest"]
    weights: Weights = Weights(0.0, 0.0, 0.0, 0.0, 0.0)

    ARRIVAL: ClassVar[Order]
    """The one that arrived first."""

    @classmethod
    def tightest(cls, weights: Weights = Weights()) -> Order:
        """The one with the least room: best fit. Fills agents up and keeps others free
        for large tasks."""
        return cls("tightest", weights)

    @classmethod
    def roomiest(cls, weights: Weights = Weights()) -> Order:
        """The one with the most room: spreads tasks."""
        return cls("roomiest", weights)


Order.ARRIVAL = Order("arrival")

Need = tuple[float, float, float, float, int]
"""CPUs, memory, disk, GPUs in thousandths, and ports."""


class Score:
    """Weights for thousandths. Larger amounts never give a smaller score: each step is
    monotone, also where it rounds."""

    __slots__ = ("_shares",)

    def __init__(self, weights: Weights, most: Need, total: Need) -> None:
        """`most` is the most that any waiting task needs, `total` all that is offered."""
        self._shares = (
            _share(weights.cpus, most[0] > 0.0, total[0]),
            _share(weights.mem, most[1] > 0.0, total[1]),
            _share(weights.disk, most[2] > 0.0, total[2]),
            _share(weights.gpus, True, total[3]),
            _share(weights.ports, most[4] > 0, float(total[4])),
        )

    def of(self, cpus: float, mem: float, disk: float, gpus: float, ports: int) -> float:
        of_cpus, of_mem, of_disk, of_gpus, of_ports = self._shares
        return cpus * of_cpus + mem * of_mem + disk * of_disk + gpus * of_gpus + ports * of_ports

    def of_all(
        self,
        cpus: list[float],
        mem: list[float],
        disk: list[float],
        gpus: list[float],
        ports: list[int],
    ) -> list[float]:
        """The same for columns of amounts."""
        of_cpus, of_mem, of_disk, of_gpus, of_ports = self._shares
        return [
            c * of_cpus + m * of_mem + d * of_disk + g * of_gpus + p * of_ports
            for c, m, d, g, p in zip(cpus, mem, disk, gpus, ports)
        ]


def _share(weight: float, wanted: bool, total: float) -> float:
    return max(weight, 0.0) / total if wanted and total > 0.0 else 0.0
