"""Turns the contract's calls into those of a policy's class. The glue of the two
worlds calls this; a policy does not.

An exception that a policy foresees (`PolicyError`) becomes the contract's error. Any
other is written to the log at error level with its traceback, and then ends the
instance: the component traps, which by itself would say nothing.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from . import _traceback, cluster, config, log, shape
from .answer import Answer
from .policy import Policy, PolicyError, Snapshot, StatefulPolicy
from .types import Answer as AnswerRecord
from .types import Description, Round


class NoPolicy(TypeError):
    """The module `policy` has no class that can be made a component."""


def find(module: ModuleType, stateful: bool | None = None) -> type[Policy]:
    """The policy of a module: the one class in it that derives from `Policy`.

    `stateful` is what policy.toml says; `None` takes both kinds.
    """
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Policy)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    ]
    leaves = [one for one in found if not any(one in other.__mro__[1:] for other in found)]
    name = f"{module.__name__}.py"
    if not leaves:
        raise NoPolicy(_nothing(module, name))
    if len(leaves) > 1:
        names = ", ".join(one.__name__ for one in leaves)
        raise NoPolicy(f"{name} has several policies ({names}); a project has one")
    policy = leaves[0]
    if stateful is True and not issubclass(policy, StatefulPolicy):
        raise NoPolicy(
            f"policy.toml says state = true, but {policy.__name__} in {name} does not derive "
            "from offerd.StatefulPolicy"
        )
    if stateful is False and issubclass(policy, StatefulPolicy):
        raise NoPolicy(
            f"{policy.__name__} in {name} derives from offerd.StatefulPolicy; say state = true "
            "in policy.toml, or its state is never saved"
        )
    return policy


def _nothing(module: ModuleType, name: str) -> str:
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Policy)
            and value.__module__ == module.__name__
        ):
            missing = ", ".join(sorted(getattr(value, "__abstractmethods__", ())))
            return f"{value.__name__} in {name} is no policy yet: it has no {missing}"
    return f"{name} has no class that derives from offerd.Policy"


def settings(policy: type[Policy]) -> Callable[[str], Any]:
    """What reads the policy's settings, from the annotation of its `configure`."""
    function = policy.configure
    if function is Policy.configure:
        return config.no_settings()
    names = [name for name in inspect.signature(function).parameters][1:]
    if len(names) != 1:
        raise NoPolicy(f"{policy.__name__}.configure must take self and one more: the settings")
    hint = typing.get_type_hints(function).get(names[0], None)
    if hint is None:
        raise NoPolicy(
            f"{policy.__name__}.configure: annotate `{names[0]}` with the dataclass of the "
            "settings, with dict[str, Any], or with str for the JSON text"
        )
    return (lambda text: text) if hint is str else config.reader(hint)


def describe(policy: type[Policy]) -> Description:
    """Who the policy is."""
    who = policy.describe()
    if not isinstance(who, Description):
        raise TypeError(f"{policy.__name__}.describe gave {who!r}, not a Description")
    shape.check(who, Description, "describe")
    return who


def decide(policy: Policy, round: Round) -> AnswerRecord:
    """One round of a policy, as in the host."""
    cluster.begin_round(round)
    answer = Answer()
    policy.decide(round, answer)
    record = answer.record()
    # Placements are checked when they are made; these can hold anything and are few.
    if record.actions:
        shape.check_list(record.actions, "actions")
    return record


class Instance:
    """The one policy of a component."""

    def __init__(self, policy: type[Policy]) -> None:
        self._class = policy
        self._settings = settings(policy)
        self._policy: Policy | None = None

    def describe(self) -> Description:
        with _reported("describe"):
            return describe(self._class)

    def configure(self, text: str) -> None:
        with _reported("configure"):
            policy = self._class()
            policy.configure(self._settings(text))
            self._policy = policy

    def decide(self, round: Round) -> AnswerRecord:
        with _reported("decide"):
            return decide(self._configured("decide"), round)

    def save(self) -> Snapshot:
        with _reported("save"):
            snapshot = self._stateful("save").save()
            if not isinstance(snapshot, Snapshot):
                raise TypeError(f"{self._class.__name__}.save gave {snapshot!r}, not a Snapshot")
            shape.check(snapshot, Snapshot, "save")
            return snapshot

    def restore(self, snapshot: Snapshot) -> None:
        with _reported("restore"):
            self._stateful("restore").restore(snapshot)

    def _configured(self, call: str) -> Policy:
        if self._policy is None:
            raise PolicyError(f"{call} was called before configure had succeeded")
        return self._policy

    def _stateful(self, call: str) -> StatefulPolicy:
        policy = self._configured(call)
        if not isinstance(policy, StatefulPolicy):
            raise PolicyError(f"{call}: {self._class.__name__} keeps no state")
        return policy


@contextmanager
def _reported(call: str) -> Iterator[None]:
    """Lets `PolicyError` through and writes everything else to the log first."""
    try:
        yield
    except PolicyError:
        raise
    except BaseException as error:
        log.error("%s: %s", call, _traceback.text(error, less=__name__))
        raise
