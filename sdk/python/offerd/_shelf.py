"""Offers in order of a key, in blocks that know the most that is left in them, so that
a search skips what cannot fit.

What is left of the offers belongs to the fitter; a shelf looks into its columns.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from .score import Need

BLOCK = 64
"""Entries in a new block: about the square root of a large round, so that walking
blocks and walking one block cost the same."""

Columns = tuple[list[float], list[float], list[float], list[float], list[int]]
"""CPUs, memory, disk, GPUs and ports that are left, by position of the offer."""

Wanted = tuple[bool, bool, bool, bool, bool]
"""Which resources any waiting task needs."""


class _Block:
    """Entries in order, and at least what any of them has left, resource by resource."""

    __slots__ = ("ats", "cpus", "disk", "exact", "gpus", "keys", "mem", "ports")

    def __init__(self, keys: list[float], ats: list[int]) -> None:
        self.keys = keys
        self.ats = ats
        # Measured when it first matters; for many blocks it never does.
        self.cpus = self.mem = self.disk = self.gpus = self.ports = float("inf")
        self.exact = False

    def measure(self, columns: Columns, wanted: Wanted) -> None:
        """Finds the most that any entry has, of the resources that anything needs."""
        ats = self.ats
        cpus, mem, disk, gpus, ports = columns
        if wanted[0]:
            self.cpus = max(map(cpus.__getitem__, ats))
        if wanted[1]:
            self.mem = max(map(mem.__getitem__, ats))
        if wanted[2]:
            self.disk = max(map(disk.__getitem__, ats))
        if wanted[3]:
            self.gpus = max(map(gpus.__getitem__, ats))
        if wanted[4]:
            self.ports = max(map(ports.__getitem__, ats))
        self.exact = True


class Shelf:
    """See the module. `index` and `place` say where the last search ended."""

    __slots__ = ("_blocks", "_columns", "_lasts", "_wanted", "index", "place")

    def __init__(self, keys: list[float], ats: list[int], columns: Columns, wanted: Wanted) -> None:
        """`ats` in order; of equal keys the smaller position comes first."""
        self._columns = columns
        self._wanted = wanted
        order = sorted(range(len(keys)), key=keys.__getitem__)
        keys = [keys[at] for at in order]
        ats = [ats[at] for at in order]
        starts = range(0, len(ats), BLOCK)
        self._blocks = [_Block(keys[at : at + BLOCK], ats[at : at + BLOCK]) for at in starts]
        self._lasts = [block.keys[-1] for block in self._blocks]
        self.index = self.place = 0

    def find(self, need: Need, low: float, high: float, good: Callable[[int], bool] | None) -> int:
        """Position of the first offer with a key from `low` to `high` that has room for
        `need` and is `good`; -1 if there is none."""
        need_cpus, need_mem, need_disk, need_gpus, need_ports = need
        cpus, mem, disk, gpus, ports = self._columns
        blocks = self._blocks
        for index in range(bisect_left(self._lasts, low), len(blocks)):
            block = blocks[index]
            keys = block.keys
            if keys[0] > high:
                break
            if (
                need_cpus > block.cpus
                or need_mem > block.mem
                or need_disk > block.disk
                or need_gpus > block.gpus
                or need_ports > block.ports
            ):
                continue
            ats = block.ats
            start = bisect_left(keys, low)
            for place, at in enumerate(ats[start:] if start else ats, start):
                if (
                    need_cpus <= cpus[at]
                    and need_mem <= mem[at]
                    and need_disk <= disk[at]
                    and need_gpus <= gpus[at]
                    and need_ports <= ports[at]
                    and (good is None or good(at))
                ):
                    self.index = index
                    self.place = place
                    return at
            if not block.exact:
                block.measure(self._columns, self._wanted)
        return -1

    def insert(self, key: float, at: int) -> None:
        """Puts an offer at its place. What it has left is in the columns."""
        blocks, lasts = self._blocks, self._lasts
        if not blocks:
            blocks.append(_Block([key], [at]))
            lasts.append(key)
            return
        # The first block that ends after the entry, or the last one.
        index = min(self._block(key, at), len(blocks) - 1)
        block = blocks[index]
        keys, ats = block.keys, block.ats
        place = _place(keys, ats, key, at)
        keys.insert(place, key)
        ats.insert(place, at)
        lasts[index] = keys[-1]
        cpus, mem, disk, gpus, ports = self._columns
        if cpus[at] > block.cpus:
            block.cpus = cpus[at]
        if mem[at] > block.mem:
            block.mem = mem[at]
        if disk[at] > block.disk:
            block.disk = disk[at]
        if gpus[at] > block.gpus:
            block.gpus = gpus[at]
        if ports[at] > block.ports:
            block.ports = ports[at]
        if len(ats) > 2 * BLOCK:
            self._split(index)

    def remove(self, key: float, at: int) -> None:
        """Takes an offer away, if it is there."""
        blocks = self._blocks
        index, place = self.index, self.place
        # Mostly it is the one that was found last.
        if not (
            index < len(blocks)
            and place < len(blocks[index].ats)
            and blocks[index].ats[place] == at
        ):
            index = self._block(key, at)
            if index == len(blocks):
                return
            place = _place(blocks[index].keys, blocks[index].ats, key, at)
        block = blocks[index]
        if place < len(block.ats) and block.ats[place] == at:
            del block.keys[place], block.ats[place]
            block.exact = False
            if block.ats:
                self._lasts[index] = block.keys[-1]
            else:
                # An empty block would stand in the way of the binary searches.
                del blocks[index], self._lasts[index]

    def _block(self, key: float, at: int) -> int:
        """The first block whose last entry is not before the entry."""
        index = bisect_left(self._lasts, key)
        while (
            index < len(self._lasts)
            and self._lasts[index] == key
            and self._blocks[index].ats[-1] < at
        ):
            index += 1
        return index

    def _split(self, index: int) -> None:
        block = self._blocks[index]
        rest = _Block(block.keys[BLOCK:], block.ats[BLOCK:])
        del block.keys[BLOCK:], block.ats[BLOCK:]
        rest.cpus, rest.mem, rest.disk = block.cpus, block.mem, block.disk
        rest.gpus, rest.ports = block.gpus, block.ports
        block.exact = False
        self._blocks.insert(index + 1, rest)
        self._lasts[index] = block.keys[-1]
        self._lasts.insert(index + 1, rest.keys[-1])


def _place(keys: list[float], ats: list[int], key: float, at: int) -> int:
    """Where the entry stands, or would stand, in a block."""
    place = bisect_left(keys, key)
    while place < len(keys) and keys[place] == key and ats[place] < at:
        place += 1
    return place
