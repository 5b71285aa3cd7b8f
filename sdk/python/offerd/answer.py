"""The answer to a round, as a policy builds it: decisions, each with a reason if the
policy gives one.

    answer.place(spot, waiting, spot.count).because("the first offer with room")

Where a handle is taken, so is a record that has it. The host checks the decisions;
`offerd.testing` does in tests. Here only types are checked, because a value of a
wrong type would end the instance without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, NoReturn, Self, TypeVar

from .accept import Accepted
from .clock import Duration, millis
from .resource import Message, encoded
from .types import (
    HOSTS_CHOICE,
    Accept,
    Action,
    Action_Accept,
    Action_AcceptInverseOffers,
    Action_DeclineInverseOffers,
    Action_Message,
    Action_Reconcile,
    Action_ReconcileOperations,
    Action_Request,
    Action_Revive,
    Action_Shutdown,
    Action_Suppress,
    Action_Timer,
    Action_UpdateFramework,
    Decline,
    DeclineRest,
    Executor,
    ExecutorMessage,
    FrameworkUpdate,
    InverseAnswer,
    Kill,
    OperationQuery,
    Placement,
    ReasonedAction,
    ResourceRequest,
    Timer,
)
from .types import Answer as AnswerRecord

D = TypeVar("D", Decline, DeclineRest, Kill, Placement, ReasonedAction)


class Decided(Generic[D]):
    """A decision that was just made; says why."""

    __slots__ = ("_answer", "_decision")

    def __init__(self, answer: Answer, decision: D) -> None:
        self._answer = answer
        self._decision: D = decision

    def because(self, reason: str) -> Self:
        """Says why, in a sentence for logs and users. The same sentence for many
        decisions is kept once."""
        self._decision.reason = self._answer.reason(reason)
        return self


class Declined(Decided[Decline]):
    __slots__ = ()

    def refuse(self, time: Duration) -> Self:
        """For how long Mesos shall not offer the same again."""
        self._decision.refuse = millis(time)
        return self


class DeclinedRest(Decided[DeclineRest]):
    __slots__ = ()

    def refuse(self, time: Duration) -> Self:
        """For how long Mesos shall not offer the same again."""
        self._decision.refuse = millis(time)
        return self


class Killed(Decided[Kill]):
    __slots__ = ()

    def grace(self, time: Duration) -> Self:
        """Time between the polite and the hard signal."""
        self._decision.grace = millis(time)
        return self


class Acted(Decided[ReasonedAction]):
    __slots__ = ()

    def refuse(self, time: Duration) -> Self:
        """For answers to inverse offers: for how long not to ask again."""
        match self._decision.action:
            case Action_AcceptInverseOffers(answer) | Action_DeclineInverseOffers(answer):
                answer.refuse = millis(time)
        return self


class Answer:
    """Decisions of one round.

    The host carries them out in this order: kills, placements, declines, actions,
    and `decline_rest` last. Nothing decided: everything stays as it is.
    """

    __slots__ = (
        "_numbers",
        "_reasons",
        "actions",
        "declines",
        "kills",
        "leftover",
        "placements",
        "rest",
    )

    def __init__(self) -> None:
        self.placements: list[Placement] = []
        self.declines: list[Decline] = []
        self.kills: list[Kill] = []
        self.actions: list[ReasonedAction] = []
        self.rest: DeclineRest | None = None
        self.leftover = HOSTS_CHOICE
        self._reasons: list[str] = []
        self._numbers: dict[str, int] = {"": 0}

    def place(self, offer: Any, set: Any, count: int) -> Decided[Placement]:
        """Launches `count` tasks of a waiting set on an offer (or a fitter's spot)."""
        if type(count) is not int or count < 0:
            _not_a("place", "count", count)
        placement = Placement(
            offer if type(offer) is int else offer.offer,
            set if type(set) is int else set.set,
            count,
            0,
        )
        self.placements.append(placement)
        return Decided(self, placement)

    def decline(self, offer: Any) -> Declined:
        """Declines an offer, for as long as the host chooses."""
        decline = Decline(_handle(offer, "offer"), HOSTS_CHOICE, 0)
        self.declines.append(decline)
        return Declined(self, decline)

    def decline_rest(self) -> DeclinedRest:
        """Declines each offer of the round that no other decision names."""
        self.rest = DeclineRest(HOSTS_CHOICE, 0)
        return DeclinedRest(self, self.rest)

    def kill(self, task: Any) -> Killed:
        """Kills a task, with the grace period of its own kill policy."""
        kill = Kill(_handle(task, "task"), HOSTS_CHOICE, 0)
        self.kills.append(kill)
        return Killed(self, kill)

    def accept(self, *offers: Any) -> Accepted:
        """Accepts offers with operations of any kind: reservations, volumes, tasks and
        task groups that the policy wrote. All offers must be of one agent and role."""
        accept = Accept([_handle(offer, "offer") for offer in offers], [], HOSTS_CHOICE)
        action = ReasonedAction(Action_Accept(accept), 0)
        self.actions.append(action)
        return Accepted(self, action, accept)

    def leftover_for(self, refuse: Duration) -> None:
        """For how long Mesos shall not offer again what placements leave over. The
        host's choice if never called."""
        self.leftover = millis(refuse)

    def revive(self, *roles: Any) -> Acted:
        """Asks for offers of these roles even if no task waits, until `suppress`."""
        return self.act(Action_Revive([_handle(role, "role") for role in roles]))

    def suppress(self, *roles: Any) -> Acted:
        """No offers for these roles beyond what the host needs for its own waiting
        tasks."""
        return self.act(Action_Suppress([_handle(role, "role") for role in roles]))

    def shutdown(self, agent: Any, executor_id: str) -> Acted:
        """Ends an executor with all its tasks."""
        return self.act(Action_Shutdown(Executor(_handle(agent, "agent"), executor_id)))

    def message(self, agent: Any, executor_id: str, data: bytes) -> Acted:
        """Sends bytes to an executor. Mesos may lose them."""
        message = ExecutorMessage(_handle(agent, "agent"), executor_id, data)
        return self.act(Action_Message(message))

    def request(self, requests: Iterable[ResourceRequest]) -> Acted:
        """A hint to the allocator, which Mesos's own ignores."""
        return self.act(Action_Request(list(requests)))

    def reconcile(self, *tasks: Any) -> Acted:
        """Asks Mesos for the states of these tasks; of all if there are none."""
        return self.act(Action_Reconcile([_handle(task, "task") for task in tasks]))

    def reconcile_operations(self, queries: Iterable[OperationQuery]) -> Acted:
        """Asks Mesos for the states of operations."""
        return self.act(Action_ReconcileOperations(list(queries)))

    def accept_inverse(self, *offers: Any) -> Acted:
        """Agrees to give back what inverse offers ask for."""
        handles = [_handle(offer, "inverse_offer") for offer in offers]
        return self.act(Action_AcceptInverseOffers(InverseAnswer(handles, HOSTS_CHOICE)))

    def decline_inverse(self, *offers: Any) -> Acted:
        """Says that what inverse offers ask for will not be given back in time."""
        handles = [_handle(offer, "inverse_offer") for offer in offers]
        return self.act(Action_DeclineInverseOffers(InverseAnswer(handles, HOSTS_CHOICE)))

    def update_framework(
        self, framework: Message | None = None, constraints: Message | None = None
    ) -> Acted:
        """Replaces parts of what the host tells the master of the framework:
        FrameworkInfo and OfferConstraints. A part that is not given stays."""
        update = FrameworkUpdate(
            None if framework is None else encoded(framework),
            None if constraints is None else encoded(constraints),
        )
        return self.act(Action_UpdateFramework(update))

    def timer(self, number: int, after: Duration) -> Acted:
        """Asks for a `timer` event with this number after that time. Replaces an older
        timer of the same number."""
        return self.act(Action_Timer(Timer(number, millis(after))))

    def cancel_timer(self, number: int) -> Acted:
        """Cancels a timer."""
        return self.act(Action_Timer(Timer(number, HOSTS_CHOICE)))

    def act(self, action: Action) -> Acted:
        """Any action of the contract."""
        reasoned = ReasonedAction(action, 0)
        self.actions.append(reasoned)
        return Acted(self, reasoned)

    def reason(self, text: str) -> int:
        """Number of a sentence, as decisions name it; 0 for an empty one."""
        number = self._numbers.get(text)
        if number is None:
            if not isinstance(text, str):
                _not_a("because", "reason", text)
            self._reasons.append(text)
            number = self._numbers[text] = len(self._reasons)
        return number

    @property
    def reasons(self) -> list[str]:
        """The sentences so far."""
        return self._reasons

    def record(self) -> AnswerRecord:
        """The contract's form."""
        return AnswerRecord(
            self.placements,
            self.declines,
            self.kills,
            self.actions,
            self.rest,
            self.leftover,
            self._reasons,
        )


def _handle(value: Any, field: str) -> int:
    handle = value if isinstance(value, int) else getattr(value, field, None)
    if type(handle) is not int or handle < 0:
        raise TypeError(f"{value!r} is no {field}: it must be a handle or a record with one")
    return handle


def _not_a(method: str, name: str, value: Any) -> NoReturn:
    what = "text" if name == "reason" else "a whole number of at least 0"
    raise TypeError(f"{method}: {name} must be {what}, not {value!r}")
