"""Puts tasks together that end together, so that agents become free as a whole.

Learns how long the tasks of each job run, knows from that when each agent will be
free, and places a task where it does not keep an agent busy for longer. See README.md.
`learning.py` knows run times; here is where tasks go.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from learning import RunTimes

from offerd import (
    Answer,
    Description,
    Fitter,
    Order,
    PolicyError,
    Round,
    Snapshot,
    Spot,
    StatefulPolicy,
    Task,
    TaskState,
    TaskTrait,
    Update,
    UpdateTrait,
    Waiting,
    WaitingTrait,
    cluster,
    log,
    metrics,
)
from offerd.types import Event_Subscribed, Offer

MINUTE = 60_000.0

IDLE = -1
"""The class of agents on which nothing runs."""

FOREVER = 32
"""The class of what has no end: services, and what runs for longer than a lifetime."""


@dataclass
class Settings:
    """The `config` table."""

    default_minutes: float = 10.0
    """How long tasks of a job run of which none has ended yet."""
    quantile: float = 0.8
    """Which of the known run times of a job is taken: 0.5 the middle one, 1 the longest."""
    remember: int = 32
    """So many run times of each job are known, the latest."""

    def __post_init__(self) -> None:
        if not 0.0 < self.default_minutes < 1e6:
            raise ValueError("default_minutes must be more than 0 and less than 1000000")
        if not 0.0 <= self.quantile <= 1.0:
            raise ValueError("quantile must be from 0 to 1")
        if not 1 <= self.remember <= 1000:
            raise ValueError("remember must be from 1 to 1000")


class PackByRunTime(StatefulPolicy):
    """The policy. Its state is what it has learned."""

    @classmethod
    def describe(cls) -> Description:
        return Description(
            "run-times", "0.1.0", "Puts tasks together that end together, so that agents get free."
        )

    def configure(self, config: Settings) -> None:
        self.times = RunTimes(config.default_minutes * MINUTE, config.quantile, config.remember)
        self.busy: dict[int, float] = {}
        """When the last task of an agent is expected to end; 0.0: nothing runs there.
        Worked out when an offer of the agent is seen, forgotten when a task ended."""
        self.started: dict[int, float] = {}
        """Since when a task runs."""
        self.names: dict[int, str] = {}
        """Names of jobs, which the host no longer knows when their last task has ended."""
        self.first = True

    def save(self) -> Snapshot:
        return Snapshot(1, self.times.to_bytes())

    def restore(self, snapshot: Snapshot) -> None:
        if snapshot.version != 1:
            raise PolicyError(f"the state has layout {snapshot.version}; this policy reads 1")
        try:
            self.times.read(snapshot.data)
        except ValueError as error:
            raise PolicyError(f"the state cannot be read: {error}") from error

    def decide(self, round: Round, answer: Answer) -> None:
        if self.first or any(isinstance(event, Event_Subscribed) for event in round.events):
            self.look_at_everything()
        for update in round.updates:
            self.learn(update)
        Placing(self, round, answer).place_all()
        answer.decline_rest().because("nothing that waits fits")
        metrics.gauge("known_jobs", len(self.times))
        metrics.gauge("forecast_error", self.times.error)

    def look_at_everything(self) -> None:
        """After a start or a new session: what runs, and since when."""
        self.first = False
        self.busy.clear()
        self.started = {
            task.task: task.since for task in cluster.tasks() if task.state == TaskState.RUNNING
        }

    def learn(self, update: Update) -> None:
        if not update.traits & UpdateTrait.TERMINAL:
            if update.state == TaskState.RUNNING:
                self.started.setdefault(update.task, update.at)
            return
        self.busy.pop(update.agent, None)
        started = self.started.pop(update.task, None)
        name = self.job_name(update.job)
        # Tasks that failed or were killed say nothing about how long they would have run.
        if started is not None and update.state == TaskState.FINISHED and name:
            seconds = (update.at - started) / 1000.0
            log.debug("a task of %s ran for %.0f s", name, seconds)
            self.times.add(name, update.at - started)

    def job_name(self, job: int) -> str:
        name = self.names.get(job)
        if name is None:
            details = cluster.job(job)
            name = self.names[job] = details.name if details else ""
        return name

    def expected(self, waiting: Waiting) -> float:
        """How long a task of the set will run, in milliseconds."""
        if waiting.traits & WaitingTrait.SERVICE:
            return math.inf
        return self.times.expected(self.job_name(waiting.job))

    def busy_until(self, agent: int, now: float) -> float:
        """When the last task on the agent is expected to end; 0.0 if there is none."""
        until = self.busy.get(agent)
        if until is None or 0.0 < until <= now:
            ends = [self.ends(task, now) for task in cluster.tasks_on_agent(agent)]
            until = self.busy[agent] = max(ends, default=0.0)
        return until

    def ends(self, task: Task, now: float) -> float:
        if task.traits & TaskTrait.SERVICE:
            return math.inf
        since = self.started.get(task.task, task.since)
        expected = self.times.expected(self.job_name(task.job))
        # One that is late is taken to run for as long again as it is late.
        late = max(now - since - expected, 0.0)
        return since + expected + 2.0 * late + 1.0


def class_of(milliseconds: float) -> int:
    """Times in classes: up to one minute 0, two minutes 1, four 2, eight 3, and so on."""
    if milliseconds == math.inf:
        return FOREVER
    return min(max(math.ceil(math.log2(max(milliseconds / MINUTE, 1.0))), 0), FOREVER - 1)


class Placing:
    """One round's placements. Agents stand in classes by how much longer they are busy; a
    task goes to an agent of its own class, else to one that is busy for longer anyway,
    else to an idle one, and last to one that it keeps busy for longer, the least first."""

    def __init__(self, policy: PackByRunTime, round: Round, answer: Answer) -> None:
        self.policy = policy
        self.now = round.now
        self.waiting = round.waiting
        self.offers = round.offers
        self.answer = answer
        self.fitter = Fitter(round, Order.tightest(), self.group)
        self.moved: dict[int, int] = {}
        """Class by position, of offers whose agent changed its class in this round."""
        self.on_agent: dict[int, list[int]] = {}
        """Positions of offers, by agent."""
        for at, offer in enumerate(self.offers):
            self.on_agent.setdefault(offer.agent, []).append(at)

    def group(self, at: int, offer: Offer) -> int:
        return self.class_now(offer.agent)

    def class_now(self, agent: int) -> int:
        until = self.policy.busy_until(agent, self.now)
        return class_of(until - self.now) if until else IDLE

    def place_all(self) -> None:
        for waiting in self.waiting:
            runs = self.policy.expected(waiting)
            own = class_of(runs)
            wanted = waiting.count
            for number in search_order(own):
                reason = explained(own, number)
                for spot in self.spots(number, waiting):
                    count = min(spot.count, wanted)
                    self.fitter.take(spot, waiting, count)
                    self.answer.place(spot, waiting, count).because(reason)
                    self.keep_busy(spot.agent, self.now + runs)
                    wanted -= count
                    if not wanted:
                        break
                if not wanted:
                    break

    def spots(self, number: int, waiting: Waiting) -> Iterator[Spot]:
        """Room on agents that are of this class now."""
        for at in [at for at, moved in self.moved.items() if moved == number]:
            spot = self.fitter.spot(at, waiting)
            if spot is not None and self.moved[at] == number:
                yield spot
        while spot := self.fitter.next(waiting, self.stayed if self.moved else None, number):
            yield spot

    def stayed(self, offer: Offer) -> bool:
        ats = self.on_agent[offer.agent]
        return ats[0] not in self.moved

    def keep_busy(self, agent: int, until: float) -> None:
        before = self.policy.busy.get(agent, 0.0)
        if until <= before:
            return
        old = self.class_now(agent)
        self.policy.busy[agent] = until
        new = self.class_now(agent)
        if new != old:
            for at in self.on_agent[agent]:
                self.moved[at] = new


def search_order(own: int) -> Iterator[int]:
    """The classes in which to look for a place."""
    yield from range(own, FOREVER + 1)
    yield IDLE
    yield from range(own - 1, IDLE, -1)


def explained(own: int, number: int) -> str:
    if number == own:
        return "ends at about the time at which the agent gets free"
    if number > own:
        return "ends before the agent gets free"
    return "nothing runs on the agent" if number == IDLE else "keeps the agent busy for longer"
