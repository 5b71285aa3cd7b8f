"""The conformance guest: a policy that uses all of the contract.

It shows everything it is given and everything it can ask for, as reasons in JSON, or makes
every decision, or does what no policy should, as its configuration says. The guests of all
languages show the same; the suite in sdk/conformance compares them. Not a policy to use.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import decisions
import limits
import weigh

from offerd import (
    Answer,
    Description,
    PolicyError,
    Round,
    Snapshot,
    StatefulPolicy,
    clock,
    cluster,
    log,
    metrics,
    random,
)
from offerd.types import Level

LEVELS = (Level.TRACE, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR)

WIDE = {("Limits", "memory"), ("Range", "begin"), ("Range", "end")}
"""Fields that are u64, which JSON shows as text."""


class Conformance(StatefulPolicy):
    """See the module."""

    def __init__(self) -> None:
        self.config = ""
        self.remembered: list[list[Any]] = []
        """Shown in the first round."""
        self.kept = b"conformance"
        """What is saved."""

    @classmethod
    def describe(cls) -> Description:
        log.debug("describe")
        return Description("conformance", "0.1.0", "Uses all of the contract")

    def configure(self, config: str) -> None:
        if "refuse" in config:
            raise PolicyError(f"config {config}: 'refuse' is not allowed; leave it out")
        if "throw-configure" in config:
            raise RuntimeError("conformance throws in configure")
        self.config = config
        self.remembered = [
            ["config", weigh.weighed(config.encode()) if "weigh" in config else config],
            ["roles", cluster.roles()],
            ["framework", cluster.framework()],
            ["limits", cluster.limits()],
            ["now", clock.now()],
        ]

    def restore(self, snapshot: Snapshot) -> None:
        if "throw-restore" in self.config:
            raise RuntimeError("conformance throws in restore")
        if snapshot.version != 1:
            raise PolicyError(f"layout {snapshot.version} is not 1")
        shown: Any = snapshot.data
        if "weigh" in self.config:
            self.kept = snapshot.data
            shown = weigh.weighed(snapshot.data)
        self.remembered.append(["restored", snapshot.version, shown])

    def save(self) -> Snapshot:
        if "throw-save" in self.config:
            raise RuntimeError("conformance throws in save")
        if "save-fails" in self.config:
            raise PolicyError("nothing to save")
        return Snapshot(1, self.kept)

    def decide(self, round: Round, answer: Answer) -> None:
        if "throw-decide" in self.config:
            raise RuntimeError("conformance throws in decide")
        if "error-decide" in self.config:
            raise PolicyError(f"no decision in round {round.number}")
        for level in LEVELS:
            if log.enabled(level):
                log.log(level, f"round {round.number} at {level.name.lower()}")
        metrics.count("rounds", 1)
        metrics.gauge("offers", len(round.offers))
        if "decide-all" in self.config:
            decisions.decide_all(answer)
            return
        limits.test(self.config)
        # Not by `because`, which keeps the same sentence once.
        answer.reasons.extend(self.seen(round))
        self.remembered = []

    def seen(self, round: Round) -> list[str]:
        """What there is to see, as the reasons of the answer."""
        if "large-answer" in self.config:
            return ["r" * (1 << 20)] * 20
        if "echo" in self.config:
            return [json_text(["echo", self.config])]
        return [json_text(seen) for seen in (*self.remembered, *shown(round), *asked(round))]


def shown(round: Round) -> list[list[Any]]:
    """The round itself."""
    return [
        ["round", round.number, round.now],
        *(["offer", offer] for offer in round.offers),
        *(["waiting", waiting] for waiting in round.waiting),
        *(["update", update] for update in round.updates),
        ["rescinded", round.rescinded],
        *(["event", event] for event in round.events),
    ]


def asked(round: Round) -> list[list[Any]]:
    """All that the host knows about what is in the round."""
    seen: list[list[Any]] = [
        ["clock", clock.now()],
        ["random", random.next_u32()],
        ["random01", 0 <= random.next_f64() < 1],
        ["framework", cluster.framework()],
    ]
    for offer in round.offers:
        on_agent = [task.task for task in cluster.tasks_on_agent(offer)]
        seen += [
            ["agent", cluster.agent(offer)],
            ["details", cluster.offer(offer)],
            ["json", cluster.offer_json(offer)],
            ["on_agent", offer.agent, on_agent],
        ]
    seen += [["column", name, cluster.column(name)] for name in ("fpgas", "cpus")]
    agents = [offer.agent for offer in round.offers]
    for waiting in round.waiting:
        of_job = [task.task for task in cluster.tasks_of_job(waiting)]
        seen += [
            ["job", cluster.job(waiting)],
            ["of_job", waiting.job, of_job],
            ["allowed", waiting.set, cluster.allowed(waiting, agents)],
        ]
    seen += [["task", task] for task in cluster.tasks()]
    for update in round.updates:
        details = cluster.task_details(update)
        seen += [["get_task", cluster.task(update)], ["task_details", details]]
        if details is not None:
            seen.append(["find", details.id, cluster.find_task(details.id)])
    seen.append(["find", "nobody", cluster.find_task("nobody")])
    seen += [["operation", operation] for operation in cluster.operations()]
    return seen


def json_text(value: Any) -> str:
    return json.dumps(plain(value), separators=(",", ":"))


def plain(value: Any) -> Any:
    """A value of the contract in the form that all languages show."""
    if isinstance(value, Enum):
        return value.name.lower().replace("_", "-")
    if isinstance(value, bytes):
        return list(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if is_dataclass(value):
        name = type(value).__name__
        if "_" in name:
            [only] = fields(value)
            return {snake(name.partition("_")[2]): plain(getattr(value, only.name))}
        return {
            field.name: str(getattr(value, field.name))
            if (name, field.name) in WIDE
            else plain(getattr(value, field.name))
            for field in fields(value)
        }
    return value


def snake(name: str) -> str:
    """`InverseOffers` is inverse_offers."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")
