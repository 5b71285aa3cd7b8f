"""How many tasks of a constrained set an agent may still take. Asks the host for many
agents at a time, and only for sets and agents that come into question.

The questions are those of the other SDKs, so that a recorded run has the same ones.
"""

from __future__ import annotations

from . import cluster
from .types import NONE, Offer, Waiting

_FIRST_WINDOW = 16
"""Agents in the first question about a set; the next ones are twice as large. A set
whose constraints are loose mostly needs one small question."""


class _Allowance:
    __slots__ = ("left", "window")

    def __init__(self) -> None:
        self.window = _FIRST_WINDOW
        # By agent. A number that has no bound stays `NONE`.
        self.left: dict[int, int] = {}


class Allowances:
    """Of one round; for constrained sets only."""

    __slots__ = ("_sets",)

    def __init__(self) -> None:
        self._sets: dict[int, _Allowance] = {}

    def left(self, offers: list[Offer], waiting: Waiting, at: int) -> int:
        """How many more tasks of the set the agent of the offer at this position may
        take."""
        known = self._sets.get(waiting.set)
        if known is None:
            known = self._sets[waiting.set] = _Allowance()
        agent = offers[at].agent
        left = known.left.get(agent)
        if left is not None:
            return left
        agents: list[int] = []
        for position in range(at, len(offers)):
            offer = offers[position]
            if offer.role == waiting.role:
                if len(agents) >= known.window:
                    break
                if offer.agent not in known.left:
                    known.left[offer.agent] = 0
                    agents.append(offer.agent)
        known.window *= 2
        known.left.update(zip(agents, cluster.allowed(waiting.set, agents)))
        return known.left.get(agent, 0)

    def take(self, waiting: Waiting, agent: int, count: int) -> None:
        known = self._sets.get(waiting.set)
        if known is not None:
            left = known.left.get(agent, NONE)
            if left != NONE:
                known.left[agent] = max(left - count, 0)
