"""What the host knows of agents, jobs and tasks, pulled on demand.

Details of agents are kept for ten minutes, those of jobs for the round, so that
asking again is cheap; do not change what you are given. All else asks the host
each time. Answers are of one moment: the start of the round. Unknown and outdated
handles give `None` or an empty list.

Where a handle is taken, so is a record that has it: `agent(offer)`, `job(task)`.
"""

from __future__ import annotations

from typing import Any

from . import _host
from .types import (
    AgentDetails,
    AttributeValue,
    AttributeValue_Items,
    AttributeValue_Ranges,
    AttributeValue_Scalar,
    AttributeValue_Text,
    Event_Subscribed,
    FrameworkDetails,
    JobDetails,
    Limits,
    OfferDetails,
    OperationUpdate,
    Round,
    Task,
    TaskDetails,
)

_KEEP_AGENTS_MS = 600_000.0
"""An agent that registers again with other attributes keeps its handle; that is rare
enough for minutes."""

_MOST_AGENTS = 100_000
"""So many details that a policy for a very large cluster still keeps them all, and one
that runs for years does not grow without bound."""


class _Cache:
    def __init__(self) -> None:
        self.now = 0.0
        self.agents: dict[int, tuple[float, AgentDetails]] = {}
        self.jobs: dict[int, JobDetails | None] = {}


_cache = _Cache()


def roles() -> list[str]:
    """Names of the framework's roles; a role's handle is its position."""
    return _host.cluster.roles()


def role_name(role: Any) -> str | None:
    """Name of a role, or of the role of a record."""
    names = _host.cluster.roles()
    handle: int = role if isinstance(role, int) else role.role
    return names[handle] if 0 <= handle < len(names) else None


def framework() -> FrameworkDetails:
    """Id, name and user of the framework."""
    return _host.cluster.get_framework()


def limits() -> Limits:
    """The limits that the host puts on this policy."""
    return _host.cluster.get_limits()


def agent(agent: Any) -> AgentDetails | None:
    """Id, host name, region, zone and attributes of an agent."""
    handle: int = agent if isinstance(agent, int) else agent.agent
    known = _cache.agents.get(handle)
    if known is not None and _cache.now - known[0] < _KEEP_AGENTS_MS:
        return known[1]
    details = _host.cluster.get_agent(handle)
    # Without a host name the host knows no more than the id: there was no offer yet.
    if details is None or not details.hostname:
        return details
    if len(_cache.agents) >= _MOST_AGENTS:
        _cache.agents.clear()
    _cache.agents[handle] = (_cache.now, details)
    return details


def job(job: Any) -> JobDetails | None:
    """Name, kind, count, priority, labels and constraints of a job."""
    handle: int = job if isinstance(job, int) else job.job
    if handle not in _cache.jobs:
        _cache.jobs[handle] = _host.cluster.get_job(handle)
    return _cache.jobs[handle]


def offer(offer: Any) -> OfferDetails | None:
    """The complete offer: resources with reservations and disks, executors, announced
    unavailability."""
    return _host.cluster.get_offer(offer if isinstance(offer, int) else offer.offer)


def offer_json(offer: Any) -> str | None:
    """The whole offer in Mesos's JSON form."""
    return _host.cluster.get_offer_json(offer if isinstance(offer, int) else offer.offer)


def column(name: str) -> list[float]:
    """Thousandths of any named scalar in each offer of the round, in the order of
    `round.offers`; 0 where absent."""
    return _host.cluster.column(name)


def allowed(set: Any, agents: list[int]) -> list[int]:
    """For each agent, how many more tasks of the waiting set its job's constraints
    allow there; `types.NONE`: no bound. `Fitter` asks this by itself."""
    return _host.cluster.allowed(set if isinstance(set, int) else set.set, agents)


def tasks() -> list[Task]:
    """All tasks of the policy's roles that are not terminal, older first."""
    return _host.cluster.tasks()


def tasks_of_job(job: Any) -> list[Task]:
    """Those of one job."""
    return _host.cluster.tasks_of_job(job if isinstance(job, int) else job.job)


def tasks_on_agent(agent: Any) -> list[Task]:
    """Those on one agent."""
    return _host.cluster.tasks_on_agent(agent if isinstance(agent, int) else agent.agent)


def task(task: Any) -> Task | None:
    """One task, if it is not terminal."""
    return _host.cluster.get_task(task if isinstance(task, int) else task.task)


def task_details(task: Any) -> TaskDetails | None:
    """Id, name, message, labels and resources of a task. Knows a terminal task until
    the end of the round that reported it."""
    return _host.cluster.get_task_details(task if isinstance(task, int) else task.task)


def find_task(id: str) -> int | None:
    """Handle of the task with this id."""
    return _host.cluster.find_task(id)


def operations() -> list[OperationUpdate]:
    """Latest status of each operation that has an id and has not ended, or ended since
    the last round."""
    return _host.cluster.operations()


def attribute(agent: AgentDetails, name: str) -> AttributeValue | None:
    """The first attribute of this name."""
    return next((one.value for one in agent.attributes if one.name == name), None)


def attribute_text(agent: AgentDetails, name: str) -> str | None:
    """The first attribute of this name as text; scalars, ranges and sets in the form in
    which operators write them."""
    match attribute(agent, name):
        case AttributeValue_Text(text):
            return text
        case AttributeValue_Scalar(milli):
            return f"{milli / 1000.0:.3f}".rstrip("0").rstrip(".")
        case AttributeValue_Ranges(ranges):
            return f"[{', '.join(f'{one.begin}-{one.end}' for one in ranges)}]"
        case AttributeValue_Items(items):
            return f"{{{', '.join(items)}}}"
    return None


def begin_round(round: Round) -> None:
    """Lets go of what may have changed since the last round. For `offerd.export`."""
    _cache.now = round.now
    _cache.jobs.clear()
    for event in round.events:
        if isinstance(event, Event_Subscribed):
            _cache.agents.clear()
            return


def forget() -> None:
    """Forgets everything, as a new instance has. For `offerd.testing`."""
    global _cache
    _cache = _Cache()
