"""What a host would refuse of an answer, as far as a test needs to know."""

from __future__ import annotations

from collections.abc import Iterable

from ..amounts import Amounts
from ..types import Action_Accept, Answer, Round, Task


def violations(round: Round, tasks: Iterable[Task], answer: Answer) -> list[str]:
    """Each decision of an answer that the host would refuse, in words."""
    check = _Check(round, len(answer.reasons))
    alive = {task.task for task in tasks}
    for kill in answer.kills:
        if kill.task not in alive:
            check.wrong.append(f"kill of task {kill.task}, which does not live")
        check.reason("kill", kill.reason)
    for placement in answer.placements:
        check.placement(placement.offer, placement.set, placement.count)
        check.reason("placement", placement.reason)
    for decline in answer.declines:
        check.goes("decline", decline.offer)
        check.reason("decline", decline.reason)
    for action in answer.actions:
        if isinstance(action.action, Action_Accept):
            for offer in action.action.value.offers:
                check.goes("accept", offer)
        check.reason("action", action.reason)
    if answer.rest is not None:
        check.reason("decline-rest", answer.rest.reason)
    return check.wrong


class _Check:
    def __init__(self, round: Round, reasons: int) -> None:
        self.offers = {offer.offer: offer for offer in round.offers}
        self.waiting = {waiting.set: waiting for waiting in round.waiting}
        self.used: dict[int, Amounts] = {}
        self.placed: dict[int, int] = {}
        self.gone: set[int] = set()
        """Offers named by a decline or accept."""
        self.reasons = reasons
        self.wrong: list[str] = []

    def placement(self, offer: int, set: int, count: int) -> None:
        what = f"placement of {count} of set {set} on offer {offer}"
        there, waiting = self.offers.get(offer), self.waiting.get(set)
        if there is None or waiting is None:
            self.wrong.append(f"{what}: the round shows no such offer or set")
            return
        if there.role != waiting.role:
            self.wrong.append(f"{what}: their roles differ")
        if count == 0:
            self.wrong.append(f"{what}: it places nothing")
        used = self.used.get(offer, Amounts()) + Amounts.of_record(waiting).times(count)
        self.used[offer] = used
        if not Amounts.of_record(there).fits(used):
            self.wrong.append(f"{what}: the offer has no room for it")
        self.placed[set] = self.placed.get(set, 0) + count
        if self.placed[set] > waiting.count:
            self.wrong.append(f"{what}: only {waiting.count} wait")

    def goes(self, kind: str, offer: int) -> None:
        if offer not in self.offers:
            self.wrong.append(f"{kind} of offer {offer}, which the round does not show")
        if offer in self.gone or offer in self.used:
            self.wrong.append(f"{kind} of offer {offer}, which is used already")
        self.gone.add(offer)

    def reason(self, kind: str, reason: int) -> None:
        if reason > self.reasons:
            self.wrong.append(f"{kind} with reason {reason} of {self.reasons}")
