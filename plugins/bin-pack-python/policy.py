"""Best fit: each waiting task goes to the offer with the least room that still fits,
so that agents fill up and large tasks find room elsewhere. See README.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from offerd import Answer, Description, Fitter, Order, Policy, Round, Weights


@dataclass
class Settings:
    """The `config` table."""

    weights: Weights = field(default_factory=Weights)
    """How much each resource counts when offers are compared."""


class BinPack(Policy):
    """The policy. No state."""

    @classmethod
    def describe(cls) -> Description:
        return Description(
            "bin-pack-python", "0.1.0", "Fills agents up: takes the tightest offer with room."
        )

    def configure(self, config: Settings) -> None:
        config.weights.check()
        self.order = Order.tightest(config.weights)

    def decide(self, round: Round, answer: Answer) -> None:
        fitter = Fitter(round, self.order)
        for waiting in round.waiting:
            for spot in fitter.fill(waiting):
                answer.place(spot, waiting, spot.count).because("the tightest offer with room")
        answer.decline_rest().because("nothing that waits fits")
