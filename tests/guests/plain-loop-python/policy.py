"""Best fit by CPUs and memory, written as plain loops over the numbers of the round: what
the language itself costs, beside which `cargo xtask costs` puts plugins/bin-pack-python.
"""

from __future__ import annotations

from math import inf

from offerd import Answer, Description, Policy, Round
from offerd.types import Placement


class PlainLoop(Policy):
    """The policy. No state, no settings."""

    @classmethod
    def describe(cls) -> Description:
        return Description("plain-loop-python", "0.1.0", "Best fit in plain loops.")

    def decide(self, round: Round, answer: Answer) -> None:
        cpus = [offer.cpus for offer in round.offers]
        mem = [offer.mem for offer in round.offers]
        all_cpus, all_mem = sum(cpus), sum(mem)
        for waiting in round.waiting:
            best, least = -1, inf
            for at, free in enumerate(cpus):
                if free < waiting.cpus or mem[at] < waiting.mem:
                    continue
                left = free / all_cpus + mem[at] / all_mem
                if left < least:
                    best, least = at, left
            if best < 0:
                continue
            cpus[best] -= waiting.cpus
            mem[best] -= waiting.mem
            offer = round.offers[best].offer
            answer.placements.append(Placement(offer, waiting.set, 1, 0))
