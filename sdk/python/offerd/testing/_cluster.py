"""A cluster made by hand, as the host would show it."""

from __future__ import annotations

import copy
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .. import _guard, _host, cluster, export, shape
from ..amounts import Amounts
from ..clock import Duration, millis
from ..codes import OfferTrait, TaskState, TaskTrait, UpdateTrait, WaitingTrait
from ..policy import Description, Policy, Snapshot, StatefulPolicy
from ..types import (
    NONE,
    Action_Accept,
    AgentDetails,
    Answer,
    Attribute,
    AttributeValue_Text,
    Event,
    JobDetails,
    JobKind,
    Level,
    MesosResource,
    Offer,
    OfferDetails,
    Round,
    Task,
    TaskDetails,
    Update,
    Waiting,
)
from ._state import Host, State
from ._violations import violations

P = TypeVar("P", bound=Policy)
S = TypeVar("S", bound=StatefulPolicy)
T = TypeVar("T")


class Refused(AssertionError):
    """Decisions that the host would refuse."""


@dataclass(frozen=True)
class Job:
    """A job whose tasks wait or run."""

    name: str
    role: str
    needs: Amounts
    """Of each task."""
    count: int = 1
    priority: int = 0
    service: bool = False
    constrained: bool = False
    """With placement constraints: no task is allowed anywhere but where
    `Cluster.allow` says so."""


class Cluster:
    """An empty cluster with these roles.

    Handles are small numbers, each kind from 0. What the policy logs and counts is
    in `log` and `metrics`; `framework`, `limits` and all that the host answers from
    are in `state` and can be set there.
    """

    def __init__(self, *roles: str) -> None:
        self.state = State(roles=list(roles))
        self._updates: list[Update] = []
        self._events: list[Event] = []
        self._rescinded: list[int] = []
        self._rounds = self._offers = self._tasks = self._sets = 0

    @property
    def log(self) -> list[tuple[Level, str]]:
        """Lines that the policy logged so far."""
        return self.state.log

    @property
    def metrics(self) -> dict[str, float]:
        """The policy's counters and gauges."""
        return self.state.metrics

    @property
    def waiting(self) -> list[Waiting]:
        """Sets that still wait."""
        return self.state.waiting

    @property
    def tasks(self) -> list[Task]:
        """Running tasks."""
        return self.state.tasks

    @property
    def offers(self) -> list[Offer]:
        """Offers that live."""
        return self.state.offers

    def agent(
        self,
        hostname: str,
        attributes: Mapping[str, str] | None = None,
        zone: str | None = None,
    ) -> int:
        """An agent with text attributes; its handle."""
        handle = len(self.state.agents)
        values = [
            Attribute(name, AttributeValue_Text(value))
            for name, value in (attributes or {}).items()
        ]
        region = None if zone is None else "region"
        self.state.agents.append(AgentDetails(f"agent-{handle}", hostname, region, zone, values))
        return handle

    def role(self, name: str) -> int:
        """Handle of a role."""
        if name not in self.state.roles:
            raise ValueError(f"the test cluster has no role {name}, only {self.state.roles}")
        return self.state.roles.index(name)

    def offer(self, agent: int, role: str, amounts: Amounts, traits: int = 0) -> int:
        """An offer that stays until an answer uses it or `rescind` takes it back; its
        handle."""
        handle = self._offers
        self._offers += 1
        self.state.offers.append(
            Offer(
                offer=handle,
                agent=agent,
                role=self.role(role),
                ports=amounts.ports,
                cpus=amounts.cpus,
                mem=amounts.mem,
                disk=amounts.disk,
                gpus=amounts.gpus,
                traits=traits | OfferTrait.FRESH,
                since=self.state.now,
            )
        )
        return handle

    def offer_resources(self, offer: int, resources: Iterable[MesosResource]) -> None:
        """What `cluster.offer` tells of an offer. Without this it tells nothing."""
        details = OfferDetails(f"offer-{offer}", list(resources), [], None)
        self.state.offer_details[offer] = details

    def offer_column(self, offer: int, name: str, milli: float) -> None:
        """Amount of a named scalar in an offer (`cluster.column`), where it is not what
        the offer says itself."""
        self.state.columns.setdefault(name, {})[offer] = milli

    def rescind(self, offer: int) -> None:
        """Takes an offer back."""
        self.state.offers = [other for other in self.state.offers if other.offer != offer]
        self._rescinded.append(offer)

    def wait(self, job: Job) -> int:
        """Tasks of a job that wait; the handle of the set."""
        handle = self._sets
        self._sets += 1
        needs = job.needs
        traits = WaitingTrait.CONSTRAINED if job.constrained else 0
        waiting = Waiting(
            set=handle,
            job=self._job(job),
            role=self.role(job.role),
            count=job.count,
            cpus=needs.cpus,
            mem=needs.mem,
            disk=needs.disk,
            gpus=needs.gpus,
            ports=needs.ports,
            priority=job.priority,
            traits=traits | (WaitingTrait.SERVICE if job.service else 0),
            since=self.state.now,
        )
        # As the host does: larger priority first, then older first.
        at = bisect_right(self.waiting, -job.priority, key=lambda other: -other.priority)
        self.waiting.insert(at, waiting)
        return handle

    def allow(self, set: int, agent: int, count: int = NONE) -> None:
        """Says how many more tasks of a constrained set an agent may take."""
        self.state.allowed[set, agent] = count

    def run(self, job: Job, agent: int) -> list[int]:
        """Running tasks of a job on an agent; their handles."""
        return [self._launch(job, agent) for _ in range(job.count)]

    def end(self, task: int, state: int = TaskState.FINISHED) -> None:
        """Ends a task: it is gone, and the next round tells of it with this state."""
        ended = next((one for one in self.state.tasks if one.task == task), None)
        if ended is None:
            raise ValueError(f"task {task} does not run")
        self.state.tasks.remove(ended)
        self.update(ended, state, UpdateTrait.TERMINAL)

    def update(self, task: Task, state: int, traits: int = 0) -> None:
        """A change of a task's state that the next round tells."""
        if not traits & UpdateTrait.TERMINAL:
            task.state = state
        self._updates.append(
            Update(task.task, task.job, task.agent, state, NONE, NONE, traits, self.state.now)
        )

    def tell(self, event: Event) -> None:
        """Something that the next round tells."""
        self._events.append(event)

    def advance(self, time: Duration) -> None:
        """Lets time pass: a `timedelta` or seconds."""
        self.state.now += millis(time)

    def round(self) -> Round:
        """The round that comes next."""
        return Round(
            number=self._rounds + 1,
            now=self.state.now,
            offers=copy.deepcopy(self.state.offers),
            waiting=copy.deepcopy(self.waiting),
            updates=self._updates.copy(),
            rescinded=self._rescinded.copy(),
            events=self._events.copy(),
        )

    def describe(self, policy: type[Policy]) -> Description:
        """Who the policy says it is."""
        return self._asked(lambda: export.describe(policy))

    def configure(self, policy: type[P], config: Mapping[str, Any] | str = "{}") -> P:
        """Makes the policy from its `config` table (a mapping or JSON text), as the host
        does. Raises `PolicyError` with what an operator would read."""
        text = config if isinstance(config, str) else json.dumps(config)
        cluster.forget()

        def make() -> P:
            made = policy()
            made.configure(export.settings(policy)(text))
            return made

        return self._asked(make)

    def decide(self, policy: Policy) -> Answer:
        """One round of the policy. Carries out what it decides: placed tasks run, offers
        that it used or declined are gone, killed tasks end.

        Raises the policy's own error, `Refused` if the host would refuse a decision,
        and `TypeError` if the contract cannot carry the answer.
        """
        round = self.round()
        shown = copy.deepcopy(round)
        answer = self._asked(lambda: export.decide(policy, round))
        shape.check(answer, Answer, "answer")
        if wrong := violations(shown, self.state.tasks, answer):
            raise Refused(f"the host would refuse: {'; '.join(wrong)}")
        self._rounds += 1
        self._updates, self._events, self._rescinded = [], [], []
        self._carry_out(answer)
        return answer

    def restart(self, policy: S, config: Mapping[str, Any] | str = "{}") -> S:
        """State of a policy, taken by one instance and given to another."""
        saved = self._asked(policy.save)
        shape.check(saved, Snapshot, "save")
        fresh = self.configure(type(policy), config)
        self._asked(lambda: fresh.restore(Snapshot(saved.version, bytes(saved.data))))
        return fresh

    def _asked(self, work: Callable[[], T]) -> T:
        """Runs something that may ask the host."""
        with _host.answering(Host(self.state)), _guard.guarded():
            return work()

    def _carry_out(self, answer: Answer) -> None:
        for kill in answer.kills:
            self.end(kill.task, TaskState.KILLED)
        used = {decline.offer for decline in answer.declines}
        for placement in answer.placements:
            used.add(placement.offer)
            self._place(placement.offer, placement.set, placement.count)
        for action in answer.actions:
            if isinstance(action.action, Action_Accept):
                used.update(action.action.value.offers)
        if answer.rest is not None:
            self.state.offers = []
        self.state.offers = [offer for offer in self.state.offers if offer.offer not in used]
        for offer in self.state.offers:
            offer.traits &= ~OfferTrait.FRESH
        self.state.waiting = [waiting for waiting in self.waiting if waiting.count > 0]

    def _place(self, offer: int, set: int, count: int) -> None:
        agent = next(one.agent for one in self.state.offers if one.offer == offer)
        waiting = next(one for one in self.waiting if one.set == set)
        waiting.count -= count
        details = self.state.jobs[waiting.job]
        job = Job(
            name=details.name,
            role=self.state.roles[waiting.role],
            needs=Amounts.of_record(waiting),
            count=count,
            priority=waiting.priority,
            service=bool(waiting.traits & WaitingTrait.SERVICE),
        )
        self.run(job, agent)
        left = self.state.allowed.get((set, agent), NONE)
        if left != NONE:
            self.state.allowed[set, agent] = max(left - count, 0)

    def _launch(self, job: Job, agent: int) -> int:
        handle = self._tasks
        self._tasks += 1
        needs = job.needs
        self.state.tasks.append(
            Task(
                task=handle,
                job=self._job(job),
                agent=agent,
                role=self.role(job.role),
                state=TaskState.RUNNING,
                priority=job.priority,
                traits=TaskTrait.SERVICE if job.service else 0,
                ports=needs.ports,
                cpus=needs.cpus,
                mem=needs.mem,
                disk=needs.disk,
                gpus=needs.gpus,
                since=self.state.now,
            )
        )
        name = f"{job.name}.{handle}"
        self.state.task_details[handle] = TaskDetails(name, job.name, None, None, None, [], [])
        return handle

    def _job(self, job: Job) -> int:
        for handle, known in enumerate(self.state.jobs):
            if known.name == job.name:
                return handle
        kind = JobKind.SERVICE if job.service else JobKind.BATCH
        details = JobDetails(job.name, job.role, kind, job.count, job.priority, [], [])
        self.state.jobs.append(details)
        return len(self.state.jobs) - 1
