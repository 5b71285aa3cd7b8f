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
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import NamedTuple

from ._allowances import Allowances
from ._shelf import Columns, Shelf, Wanted
from .amounts import MOST, Amounts
from .codes import WaitingTrait
from .score import Need, Order, Score, Weights
from .types import Offer, Round, Waiting

__all__ = ["Fitter", "Order", "Spot", "Weights"]

_HOPELESS = 8
"""So many failed needs are remembered in each group."""

_FAR = float("inf")

_CONSTRAINED = WaitingTrait.CONSTRAINED

Good = Callable[[Offer], bool]


@dataclass(slots=True)
class Spot:
    """Room for tasks on an offer."""

    offer: int
    """Handle of the offer."""
    agent: int
    """Handle of its agent."""
    at: int
    """Position of the offer in `round.offers`."""
    count: int
    """How many tasks; at least 1."""


class _Role(NamedTuple):
    """What waits in a role and what there is for it."""

    role: int
    least: Need
    """The least that any waiting set needs, resource by resource."""
    score: Score
    wanted: Wanted
    roomy: list[int]
    """Positions of the offers with room for the least."""


class _Group:
    __slots__ = ("_hopeless", "least", "score", "shelf")

    def __init__(self, least: Need, score: Score, shelf: Shelf) -> None:
        self.least = least
        self.score = score
        self.shelf = shelf
        self._hopeless: list[Need] = []
        """Needs that found no room. Room only shrinks within a round."""

    def is_hopeless(self, need: Need) -> bool:
        for cpus, mem, disk, gpus, ports in self._hopeless:
            if (
                need[0] >= cpus
                and need[1] >= mem
                and need[2] >= disk
                and need[3] >= gpus
                and need[4] >= ports
            ):
                return True
        return False

    def give_up(self, need: Need) -> None:
        if len(self._hopeless) < _HOPELESS:
            self._hopeless.append(need)


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
        self._roles = [offer.role for offer in offers]
        self._keys: list[float] = [0.0] * len(offers)
        """Keys of the offers on the shelves, by position."""
        self._group_of: list[_Group | None] = [None] * len(offers)
        self._groups: dict[tuple[int, int], _Group] = {}
        self._allowances = Allowances()
        if not round.waiting or not offers:
            return
        needs = [self._survey(role, sets) for role, sets in _by_role(round.waiting).items()]
        if group is None:
            for of_role in needs:
                self._shelve(of_role, 0, of_role.roomy)
            return
        # In the order of the offers: the policy may number groups as it meets them.
        roomy = sorted(at for of_role in needs for at in of_role.roomy)
        numbers = {at: group(at, offers[at]) for at in roomy}
        for of_role in needs:
            members: dict[int, list[int]] = {}
            for at in of_role.roomy:
                number = numbers[at]
                if number is not None:
                    members.setdefault(number, []).append(at)
            for number, ats in members.items():
                self._shelve(of_role, number, ats)

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

    def room(self, at: int, waiting: Waiting) -> int:
        """How many tasks of the set the offer at this position of `round.offers` takes;
        0 if it is of another role, has no room, or the job's constraints say no. For
        policies with an order of their own."""
        if self._offers[at].role != waiting.role:
            return 0
        return self._capacity(at, waiting)

    def spot(self, at: int, waiting: Waiting) -> Spot | None:
        """The same as a spot."""
        count = self.room(at, waiting)
        offer = self._offers[at]
        return Spot(offer.offer, offer.agent, at, count) if count > 0 else None

    def take(self, spot: Spot, waiting: Waiting, count: int) -> None:
        """Takes room for `count` tasks of the set at a spot."""
        self._take(spot.at, waiting, count)
        if waiting.traits & _CONSTRAINED:
            self._allowances.take(waiting, spot.agent, count)

    def fill(self, waiting: Waiting, good: Good | None = None) -> Iterator[Spot]:
        """Takes room for all tasks of the set, offer by offer, until all have a place or
        nothing fits; with `good`, only on offers for which it holds. Stop early and the
        rest is not taken."""
        if good is None and not waiting.traits & _CONSTRAINED:
            return self._fill_plain(waiting)
        return self._fill_tested(waiting, good)

    def _fill_tested(self, waiting: Waiting, good: Good | None) -> Iterator[Spot]:
        wanted = waiting.count
        while wanted > 0:
            found = self.next(waiting, good)
            if found is None:
                return
            spot = replace(found, count=min(found.count, wanted))
            self.take(spot, waiting, spot.count)
            wanted -= spot.count
            yield spot

    def _fill_plain(self, waiting: Waiting) -> Iterator[Spot]:
        """The same where nothing but room counts, which is most often. What stands
        before the offer that was found last had no room and has none now, so the next
        search begins there."""
        group = self._groups.get((waiting.role, 0))
        if group is None:
            return
        need = (waiting.cpus, waiting.mem, waiting.disk, waiting.gpus, waiting.ports)
        if group.is_hopeless(need):
            return
        offers, keys, find = self._offers, self._keys, group.shelf.find
        low, high = self._bounds(group, need)
        wanted = waiting.count
        while wanted > 0:
            at = find(need, low, high, None)
            if at < 0:
                group.give_up(need)
                return
            # It has room for one.
            count = 1 if wanted == 1 else min(self._capacity(at, waiting), wanted)
            low = keys[at]
            self._take(at, waiting, count)
            wanted -= count
            offer = offers[at]
            yield Spot(offer.offer, offer.agent, at, count)

    def _take(self, at: int, waiting: Waiting, count: int) -> None:
        cpus, mem, disk, gpus, ports = self._columns
        left_cpus, left_mem, left_disk = cpus[at], mem[at], disk[at]
        left_gpus, left_ports = gpus[at], ports[at]
        # What is not needed is not touched: most tasks need two of the five.
        if waiting.cpus:
            left_cpus = cpus[at] = max(left_cpus - waiting.cpus * count, 0.0)
        if waiting.mem:
            left_mem = mem[at] = max(left_mem - waiting.mem * count, 0.0)
        if waiting.disk:
            left_disk = disk[at] = max(left_disk - waiting.disk * count, 0.0)
        if waiting.gpus:
            left_gpus = gpus[at] = max(left_gpus - waiting.gpus * count, 0.0)
        if waiting.ports:
            left_ports = ports[at] = max(left_ports - waiting.ports * count, 0)
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

    def _search(self, number: int, waiting: Waiting, good: Good | None) -> int:
        """Position of the offer, or -1."""
        group = self._groups.get((waiting.role, number))
        if group is None:
            return -1
        need = (waiting.cpus, waiting.mem, waiting.disk, waiting.gpus, waiting.ports)
        if group.is_hopeless(need):
            return -1
        low, high = self._bounds(group, need)
        if good is None and not waiting.traits & _CONSTRAINED:
            at = group.shelf.find(need, low, high, None)
            if at < 0:
                group.give_up(need)
            return at
        return group.shelf.find(need, low, high, self._test(waiting, good))

    def _bounds(self, group: _Group, need: Need) -> tuple[float, float]:
        """Keys between which an offer must stand: one with less room by score than the
        need cannot fit it."""
        if self._kind == "tightest":
            return group.score.of(*need), _FAR
        if self._kind == "roomiest":
            return -_FAR, -group.score.of(*need)
        return -_FAR, _FAR

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
        if count > 0 and waiting.traits & _CONSTRAINED:
            return min(count, self._allowances.left(self._offers, waiting, at))
        return count

    def _survey(self, role: int, waiting: list[Waiting]) -> _Role:
        """What waits in a role and what there is for it."""
        ats = self._positions(role)
        least, most = _extremes(waiting)
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
        wanted = (most[0] > 0.0, most[1] > 0.0, most[2] > 0.0, most[3] > 0.0, most[4] > 0)
        return _Role(role, least, Score(self._weights, most, total), wanted, roomy)

    def _shelve(self, role: _Role, number: int, ats: list[int]) -> None:
        """Makes a group of the offers at these positions, which are in order."""
        keys = self._order(role.score, ats)
        shelf = Shelf(keys, ats, self._columns, role.wanted)
        group = self._groups[role.role, number] = _Group(role.least, role.score, shelf)
        if len(ats) == len(self._offers):
            self._keys = keys
            self._group_of = [group] * len(keys)
            return
        for at, key in zip(ats, keys):
            self._keys[at] = key
            self._group_of[at] = group

    def _positions(self, role: int) -> list[int]:
        """Positions of the role's offers."""
        roles = self._roles
        if roles.count(role) == len(roles):
            return list(range(len(roles)))
        return [at for at, other in enumerate(roles) if other == role]

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

    def _order(self, score: Score, ats: list[int]) -> list[float]:
        """Where offers stand among the others of their group: smaller comes first."""
        if self._kind == "arrival":
            return [float(at) for at in ats]
        keys = score.of_all(*self._of(ats))
        return [-key for key in keys] if self._kind == "roomiest" else keys


def _by_role(waiting: list[Waiting]) -> dict[int, list[Waiting]]:
    sets: dict[int, list[Waiting]] = {}
    for one in waiting:
        sets.setdefault(one.role, []).append(one)
    return sets


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
