"""A policy that raises when it is asked who it is, as tests/guests/nameless does."""

from __future__ import annotations

from offerd import Answer, Description, Policy, Round


class Nameless(Policy):
    """Nobody comes to make one."""

    @classmethod
    def describe(cls) -> Description:
        raise RuntimeError("it has no name")

    def decide(self, round: Round, answer: Answer) -> None:
        pass
