"""What a policy is: a class with a few methods.

`offerd.export` turns the contract's calls into these; `offerd.testing` makes the
same calls in tests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from .answer import Answer
from .types import Description, Round

__all__ = ["Description", "Policy", "PolicyError", "Snapshot", "StatefulPolicy"]


class PolicyError(Exception):
    """A failure that the policy foresees, with a text for people.

    Raised in `configure` or `restore` it keeps the policy from starting; in
    `decide` the round goes without decisions and the policy goes on; in `save` the
    older snapshot stays. Any other exception is written to the log with its
    traceback and ends the instance.
    """


@dataclass
class Snapshot:
    """What a policy wants to find again after its instance ended."""

    version: int
    """The policy's own version of the layout of `data` (u32)."""
    data: bytes
    """At most 16 MiB."""


class Policy(ABC):
    """A scheduling policy. The module `policy` of a project has one class of it.

    The host makes one object, without arguments, and calls `configure` and then
    `decide`, one call at a time.

    A policy must decide the same for the same rounds: time and random numbers come
    from `offerd.clock` and `offerd.random`, and a `set` of strings must not be
    iterated over (`sorted` or a `dict` has an order).
    """

    @classmethod
    @abstractmethod
    def describe(cls) -> Description:
        """Who this is: `Description(name, version, summary)`. Called by tools too: no
        host functions but the log."""

    def configure(self, config: Any) -> None:
        """Called once, before any round, with the policy's `config` table.

        Annotate `config` with a dataclass: the table is read into it, and a setting
        that is unknown or of a wrong type is reported with its name. `dict[str, Any]`
        takes the table as it is, `str` its JSON text. A policy without this method has
        no settings.

        Raise `PolicyError` if the settings cannot be: name the setting and what
        would be right.
        """
        return None

    @abstractmethod
    def decide(self, round: Round, answer: Answer) -> None:
        """One round: looks at what is there and puts decisions into `answer`. Offers
        that no decision names stay held and are shown again."""


class StatefulPolicy(Policy):
    """A policy with state that outlives its instance (`state = true` in policy.toml).

    Most need none: what runs and what waits is told by the host.
    """

    @abstractmethod
    def save(self) -> Snapshot:
        """Called between rounds. Must not change what later rounds decide."""

    @abstractmethod
    def restore(self, snapshot: Snapshot) -> None:
        """Called once, after `configure` and before the first round, perhaps with what
        another build of the policy saved. Raise `PolicyError` if it cannot be used."""
