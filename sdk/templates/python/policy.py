"""A scheduling policy: each waiting task goes to the first offer with room."""

from __future__ import annotations

from dataclasses import dataclass

from offerd import Answer, Description, Fitter, Order, Policy, PolicyError, Round


@dataclass
class Settings:
    """The `config` table of the policy's `[[policy]]` entry."""

    most: int | None = None
    """At most so many tasks are placed in one round; no bound if absent."""


class {{type}}(Policy):
    @classmethod
    def describe(cls) -> Description:
        return Description("{{name}}", "0.1.0", "Takes the first offer with room.")

    def configure(self, config: Settings) -> None:
        if config.most is not None and config.most < 1:
            raise PolicyError(f"most is {config.most}; must be at least 1")
        self.most = config.most

    def decide(self, round: Round, answer: Answer) -> None:
        left = self.most if self.most is not None else 2**32
        fitter = Fitter(round, Order.ARRIVAL)
        for waiting in round.waiting:
            for spot in fitter.fill(waiting):
                count = min(spot.count, left)
                if count > 0:
                    answer.place(spot, waiting, count).because("the first offer with room")
                    left -= count
        answer.decline_rest().because("nothing that waits fits")
