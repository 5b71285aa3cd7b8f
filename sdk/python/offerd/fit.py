"""Finds room for waiting tasks in the offers of a round, and keeps books on what is
left while placements are made.

A search looks at few offers, not at all: offers stand in order in blocks that know
the most that is left in them, offers with no room for anything that waits are
dropped, and a need that found nothing once finds nothing again. The books are
columns of numbers, which Python reads twice as fast as records. They live for one
round.

The decisions are those of the other SDKs to the bit: the same keys, of equal keys the
earlier offer, the same questions to `cluster.allowed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from typing import NamedTuple

from ._allowances import Allowances
from ._shelf import Columns, Shelf
from .amounts import MOST, Amounts
from .codes import WaitingTrait
from .score import Need, Order, Score, Weights
from .types import Offer, Round, Waiting

__all__ = ["Fitter", "Order", "Spot", "Weights"]

_HOPELESS = 8
"""So many failed needs are remembered in each group."""

_CONSTRAINED = WaitingTrait.CONSTRAINED

Good = Callable[[Offer], bool]


class Spot(NamedTuple):
    """Room for tasks on an offer."""

    offer: int
    """Handle of the offer."""
    agent: int
    """Handle of its agent."""
    at: int
    """Position of the offer in `round.offers`."""
    count: int
    """How many tasks; at least 1."""


class _Group:
    __slots__ = ("hopeless", "least", "score", "shelf")

    def __init__(self, least: Need, score: Score, shelf: Shelf) -> None:
        self.least = least
        """The least that any waiting set of the role needs, resource by resource."""
        self.score = score
        self.shelf = shelf
        self.hopeless: list[Need] = []
        """Needs that found no room. Room only shrinks within a round."""


class Fitter:
    """What is left of each offer of a round.

    Knows roles (a task only goes to offers of its role) and placement constraints
    (asks the host, once and for many agents at a time).

        fitter = Fitter(round, Order.ARRIVAL)
        for waiting in round.waiting:
            for spot in fitter.fill(waiting):
                answer.place(spot, waiting, spot.count).because("the first with room")
    """

    def __init__(
        self,
        round: Round,
        order: Order,
        group: Callable[[int, Offer], int | None] | None = None,
    ) -> None:
        """All offers of a role in one order.

        With `group`, offers are in groups, to search one group at a time with
        `next(waiting, group=...)`. It gets position and offer; offers for which it
        says `None` are left out. The same group number in two roles is two groups.
        """
        offers = round.offers
        self._offers = offers
        self._kind = order.kind
        self._weights = order.weights
        self._columns: Columns = (
            [offer.cpus for offer in offers],
            [offer.mem for offer in offers],
            [offer.disk for offer in offers],
            [offer.gpus for offer in offers],
            [offer.ports for offer in offers],
        )
        self._keys: list[float] = [0.0] * len(offers)
        """Keys of the offers on the shelves, by position."""
        self._group_of: list[_Group | None] = [None] * len(offers)
        self._groups: dict[tuple[int, int], _Group] = {}
        self._allowances = Allowances()
        if not round.waiting or not offers:
            return
        members = self._members(round.waiting)
        if group is None:
            for role, (least, score, ats) in members.items():
                self._add(role, 0, least, score, ats)
            return
        grouped: dict[tuple[int, int], list[int]] = {}
        for at in sorted(at for _, _, ats in members.values() for at in ats):
            number = group(at, offers[at])
            if number is not None:
                grouped.setdefault((offers[at].role, number), []).append(at)
        for (role, number), ats in grouped.items():
            least, score, _ = members[role]
            self._add(role, number, least, score, ats)

    def left(self, at: int) -> Amounts:
        """What is left of the offer at this position of `round.offers`."""
        cpus, mem, disk, gpus, ports = self._columns
        return Amounts(cpus[at], mem[at], disk[at], gpus[at], ports[at])

    def next(self, waiting: Waiting, good: Good | None = None, group: int = 0) -> Spot | None:
        """The offer that comes first in the order (of the group) and has room for at
        least one task of the set; with `good`, only of offers for which it holds. Takes
        nothing."""
        at = self._search(group, waiting, good)
        if at < 0:
            return None
        offer = self._offers[at]
        return Spot(offer.offer, offer.agent, at, self._capacity(at, waiting))

    def take(self, spot: Spot, waiting: Waiting, count: int) -> None:
        """Takes room for `count` tasks of the set at a spot."""
        at = spot.at
        cpus, mem, disk, gpus, ports = self._columns
        left_cpus = cpus[at] - waiting.cpus * count
        left_mem = mem[at] - waiting.mem * count
        left_disk = disk[at] - waiting.disk * count
        left_gpus = gpus[at] - waiting.gpus * count
        left_ports = ports[at] - waiting.ports * count
        cpus[at] = left_cpus = left_cpus if left_cpus > 0.0 else 0.0
        mem[at] = left_mem = left_mem if left_mem > 0.0 else 0.0
        disk[at] = left_disk = left_disk if left_disk > 0.0 else 0.0
        gpus[at] = left_gpus = left_gpus if left_gpus > 0.0 else 0.0
        ports[at] = left_ports = left_ports if left_ports > 0 else 0
        if waiting.traits & _CONSTRAINED:
            self._allowances.take(waiting, spot.agent, count)
        group = self._group_of[at]
        if group is None:
            return
        old = self._keys[at]
        if self._kind == "arrival":
            new = old
        else:
            new = group.score.of(left_cpus, left_mem, left_disk, left_gpus, left_ports)
            if self._kind == "roomiest":
                new = -new
        least_cpus, least_mem, least_disk, least_gpus, least_ports = group.least
        stays = (
            left_cpus >= least_cpus
            and left_mem >= least_mem
            and left_disk >= least_disk
            and left_gpus >= least_gpus
            and left_ports >= least_ports
        )
        if new != old or not stays:
            group.shelf.remove(old, at)
            self._keys[at] = new
            if stays:
                group.shelf.insert(new, at)

    def fill(self, waiting: Waiting, good: Good | None = None) -> Iterator[Spot]:
        """Takes room for all tasks of the set, offer by offer, until all have a place or
        nothing fits; with `good`, only on offers for which it holds. Stop early and the
        rest is not taken."""
        wanted = waiting.count
        while wanted > 0:
            at = self._search(0, waiting, good)
            if at < 0:
                return
            offer = self._offers[at]
            spot = Spot(offer.offer, offer.agent, at, min(self._capacity(at, waiting), wanted))
            self.take(spot, waiting, spot.count)
            wanted -= spot.count
            yield spot

    def _search(self, group: int, waiting: Waiting, good: Good | None) -> int:
        """Position of the offer, or -1."""
        found = self._groups.get((waiting.role, group))
        if found is None:
            return -1
        need = (waiting.cpus, waiting.mem, waiting.disk, waiting.gpus, waiting.ports)
        for cpus, mem, disk, gpus, ports in found.hopeless:
            if (
                need[0] >= cpus
                and need[1] >= mem
                and need[2] >= disk
                and need[3] >= gpus
                and need[4] >= ports
            ):
                return -1
        low, high = float("-inf"), float("inf")
        # An offer with less room by score than the need cannot fit it.
        if self._kind == "tightest":
            low = found.score.of(*need)
        elif self._kind == "roomiest":
            high = -found.score.of(*need)
        if good is None and not waiting.traits & _CONSTRAINED:
            at = found.shelf.find(need, low, high, None)
            if at < 0 and len(found.hopeless) < _HOPELESS:
                found.hopeless.append(need)
            return at
        return found.shelf.find(need, low, high, self._test(waiting, good))

    def _test(self, waiting: Waiting, good: Good | None) -> Callable[[int], bool]:
        offers, allowances = self._offers, self._allowances
        if not waiting.traits & _CONSTRAINED:
            assert good is not None
            return lambda at: good(offers[at])
        if good is None:
            return lambda at: allowances.left(offers, waiting, at) > 0
        return lambda at: good(offers[at]) and allowances.left(offers, waiting, at) > 0

    def _capacity(self, at: int, waiting: Waiting) -> int:
        """How many tasks of the set the offer takes."""
        cpus, mem, disk, gpus, ports = self._columns
        most = float(MOST)
        if waiting.cpus > 0.0:
            most = cpus[at] / waiting.cpus
        if waiting.mem > 0.0:
            most = min(most, mem[at] / waiting.mem)
        if waiting.disk > 0.0:
            most = min(most, disk[at] / waiting.disk)
        if waiting.gpus > 0.0:
            most = min(most, gpus[at] / waiting.gpus)
        if waiting.ports > 0:
            most = min(most, ports[at] // waiting.ports)
        count = int(min(most, MOST))
        if waiting.traits & _CONSTRAINED:
            return min(count, self._allowances.left(self._offers, waiting, at))
        return count

    def _members(self, waiting: list[Waiting]) -> dict[int, tuple[Need, Score, list[int]]]:
        """For each role in which something waits: the least needs, how offers are
        scored, and the positions of its offers with room for the least."""
        sets: dict[int, list[Waiting]] = {}
        for one in waiting:
            sets.setdefault(one.role, []).append(one)
        positions: dict[int, list[int]] = {role: [] for role in sets}
        for at, offer in enumerate(self._offers):
            ats = positions.get(offer.role)
            if ats is not None:
                ats.append(at)
        members = {}
        for role, of_role in sets.items():
            ats = positions[role]
            least, most = _extremes(of_role)
            columns = self._of(ats)
            total: Need = (
                reduce(add, columns[0], 0.0),
                reduce(add, columns[1], 0.0),
                reduce(add, columns[2], 0.0),
                reduce(add, columns[3], 0.0),
                min(sum(columns[4]), MOST),
            )
            least_cpus, least_mem, least_disk, least_gpus, least_ports = least
            roomy = [
                at
                for at, cpus, mem, disk, gpus, ports in zip(ats, *columns)
                if cpus >= least_cpus
                and mem >= least_mem
                and disk >= least_disk
                and gpus >= least_gpus
                and ports >= least_ports
            ]
            members[role] = (least, Score(self._weights, most, total), roomy)
        return members

    def _of(self, ats: list[int]) -> Columns:
        """The columns of the offers at these positions."""
        if len(ats) == len(self._offers):
            return self._columns
        cpus, mem, disk, gpus, ports = self._columns
        return (
            [cpus[at] for at in ats],
            [mem[at] for at in ats],
            [disk[at] for at in ats],
            [gpus[at] for at in ats],
            [ports[at] for at in ats],
        )

    def _add(self, role: int, number: int, least: Need, score: Score, ats: list[int]) -> None:
        """Makes a group of the offers at these positions, which are in order."""
        if not ats:
            return
        keys: list[float]
        if self._kind == "arrival":
            keys = [float(at) for at in ats]
        else:
            of = score.of
            keys = [of(*amounts) for amounts in zip(*self._of(ats))]
            if self._kind == "roomiest":
                keys = [-key for key in keys]
        group = _Group(least, score, Shelf(keys, ats, self._columns))
        for at, key in zip(ats, keys):
            self._keys[at] = key
            self._group_of[at] = group
        self._groups[role, number] = group


def _extremes(waiting: list[Waiting]) -> tuple[Need, Need]:
    """The least and the most that any of them needs, resource by resource."""
    cpus = [one.cpus for one in waiting]
    mem = [one.mem for one in waiting]
    disk = [one.disk for one in waiting]
    gpus = [one.gpus for one in waiting]
    ports = [one.ports for one in waiting]
    return (
        (min(cpus), min(mem), min(disk), min(gpus), min(ports)),
        (max(cpus), max(mem), max(disk), max(gpus), max(ports)),
    )
