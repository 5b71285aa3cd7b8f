"""Write scheduling policies for offerd in Python.

A policy is a class that derives from `Policy`: the host shows it a round (offers,
waiting tasks, what happened) and it puts decisions into an `Answer`.

    from offerd import Answer, Description, Fitter, Order, Policy, Round

    class FirstFit(Policy):
        @classmethod
        def describe(cls) -> Description:
            return Description("my-first-fit", "0.1.0", "Takes the first offer with room.")

        def decide(self, round: Round, answer: Answer) -> None:
            fitter = Fitter(round, Order.ARRIVAL)
            for waiting in round.waiting:
                for spot in fitter.fill(waiting):
                    answer.place(spot, waiting, spot.count).because("the first with room")
            answer.decline_rest().because("nothing that waits fits")

Outside of WebAssembly the calls to the host go to a stand-in, so that policies are
tested with ordinary tools: see `offerd.testing`.
"""

from . import clock, cluster, codes, log, metrics, random, resource, types
from .amounts import Amounts, milli
from .answer import Answer
from .codes import OfferTrait, TaskState, TaskTrait, UpdateTrait, WaitingTrait
from .fit import Fitter, Order, Spot, Weights
from .policy import Description, Policy, PolicyError, Snapshot, StatefulPolicy
from .types import NONE, Offer, Round, Task, Update, Waiting

__version__ = "0.1.0"

__all__ = [
    "NONE",
    "Amounts",
    "Answer",
    "Description",
    "Fitter",
    "Offer",
    "OfferTrait",
    "Order",
    "Policy",
    "PolicyError",
    "Round",
    "Snapshot",
    "Spot",
    "StatefulPolicy",
    "Task",
    "TaskState",
    "TaskTrait",
    "Update",
    "UpdateTrait",
    "Waiting",
    "WaitingTrait",
    "Weights",
    "clock",
    "cluster",
    "codes",
    "log",
    "metrics",
    "milli",
    "random",
    "resource",
    "types",
]
