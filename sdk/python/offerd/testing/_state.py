"""The contract's imports, answered from the state of a test cluster.

Each interface is an object whose methods have the names and arguments of the
generated module; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..codes import WaitingTrait
from ..types import (
    NONE,
    AgentDetails,
    FrameworkDetails,
    JobDetails,
    Level,
    Limits,
    Offer,
    OfferDetails,
    OperationUpdate,
    Task,
    TaskDetails,
    Waiting,
)


@dataclass
class State:
    """What the stand-in answers from."""

    now: float = 1_700_000_000_000.0
    seed: int = 1
    roles: list[str] = field(default_factory=list)
    framework: FrameworkDetails = field(
        default_factory=lambda: FrameworkDetails("framework-1", "test", "root")
    )
    limits: Limits = field(
        default_factory=lambda: Limits(1000.0, 256 << 20, 30_000.0, 10_000, 10_000, 100)
    )
    agents: list[AgentDetails] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    offer_details: dict[int, OfferDetails] = field(default_factory=dict)
    offer_json: dict[int, str] = field(default_factory=dict)
    columns: dict[str, dict[int, float]] = field(default_factory=dict)
    jobs: list[JobDetails] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    task_details: dict[int, TaskDetails] = field(default_factory=dict)
    operations: list[OperationUpdate] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    allowed: dict[tuple[int, int], int] = field(default_factory=dict)
    level: Level = Level.TRACE
    log: list[tuple[Level, str]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Names of the `cluster` functions that were called."""


_OWN = ("cpus", "mem", "disk", "gpus")
"""Scalars that an offer's record has itself."""


class Host:
    """All interfaces, for `offerd._host.answering`."""

    def __init__(self, state: State) -> None:
        self.clock = Clock(state)
        self.random = Random(state)
        self.metrics = Metrics(state)
        self.logging = Logging(state)
        self.cluster = ClusterCalls(state)


class _Interface:
    def __init__(self, state: State) -> None:
        self._state = state


class Clock(_Interface):
    def now(self) -> float:
        return self._state.now


class Random(_Interface):
    def next_u32(self) -> int:
        # The high half of a 64-bit linear congruential generator.
        state = self._state
        state.seed = (state.seed * 6364136223846793005 + 1442695040888963407) % 2**64
        return state.seed >> 32

    def next_f64(self) -> float:
        return self.next_u32() / 4_294_967_296.0


class Metrics(_Interface):
    def count(self, name: str, amount: float) -> None:
        self._state.metrics[name] = self._state.metrics.get(name, 0.0) + amount

    def gauge(self, name: str, value: float) -> None:
        self._state.metrics[name] = value


class Logging(_Interface):
    def log(self, level: Level, message: str) -> None:
        if not isinstance(message, str):
            raise TypeError(f"a line of the log must be text, not {message!r}")
        if self.enabled(level):
            self._state.log.append((level, message))

    def enabled(self, level: Level) -> bool:
        return bool(level.value >= self._state.level.value)


class ClusterCalls(_Interface):
    def roles(self) -> list[str]:
        return self._asked("roles").roles.copy()

    def get_framework(self) -> FrameworkDetails:
        return self._asked("get_framework").framework

    def get_limits(self) -> Limits:
        return self._asked("get_limits").limits

    def get_agent(self, agent: int) -> AgentDetails | None:
        agents = self._asked("get_agent").agents
        return agents[agent] if agent < len(agents) else None

    def get_offer(self, offer: int) -> OfferDetails | None:
        return self._asked("get_offer").offer_details.get(offer)

    def get_offer_json(self, offer: int) -> str | None:
        return self._asked("get_offer_json").offer_json.get(offer)

    def column(self, name: str) -> list[float]:
        state = self._asked("column")
        amounts = state.columns.get(name, {})

        def of(offer: Offer) -> float:
            own: float = getattr(offer, name) if name in _OWN else 0.0
            return amounts.get(offer.offer, own)

        return [of(offer) for offer in state.offers]

    def get_job(self, job: int) -> JobDetails | None:
        jobs = self._asked("get_job").jobs
        return jobs[job] if job < len(jobs) else None

    def allowed(self, set: int, agents: list[int]) -> list[int]:
        state = self._asked("allowed")
        waiting = next((one for one in state.waiting if one.set == set), None)
        if waiting is None:
            return []
        unsaid = 0 if waiting.traits & WaitingTrait.CONSTRAINED else NONE
        known = range(len(state.agents))
        return [
            state.allowed.get((set, agent), unsaid) if agent in known else 0 for agent in agents
        ]

    def tasks(self) -> list[Task]:
        return self._asked("tasks").tasks.copy()

    def tasks_of_job(self, job: int) -> list[Task]:
        return [task for task in self._asked("tasks_of_job").tasks if task.job == job]

    def tasks_on_agent(self, agent: int) -> list[Task]:
        return [task for task in self._asked("tasks_on_agent").tasks if task.agent == agent]

    def get_task(self, task: int) -> Task | None:
        tasks = self._asked("get_task").tasks
        return next((one for one in tasks if one.task == task), None)

    def get_task_details(self, task: int) -> TaskDetails | None:
        return self._asked("get_task_details").task_details.get(task)

    def find_task(self, id: str) -> int | None:
        details = self._asked("find_task").task_details
        return next((task for task, one in details.items() if one.id == id), None)

    def operations(self) -> list[OperationUpdate]:
        return self._asked("operations").operations.copy()

    def _asked(self, function: str) -> State:
        self._state.asked.append(function)
        return self._state
