"""Names for the contract's bits and for Mesos's open sets of numbers.

Bits are tested with `&`: `offer.traits & OfferTrait.FRESH`. Numbers of a newer
Mesos are kept, never refused; `TaskState.name(77)` is then "77". These are plain
`int`s, not enums, because an unknown number is no error and because they are
compared on the hot path.
"""

from __future__ import annotations

from typing import ClassVar


class OfferTrait:
    """Bits of `offer.traits`."""

    FRESH = 1
    """Not shown in an earlier round."""
    RESERVED = 2
    """Has resources reserved for its role (counted in the amounts)."""
    REVOCABLE = 4
    """Has revocable resources (not counted)."""
    VOLUMES = 8
    """Has persistent volumes (not counted)."""
    DISK_SOURCES = 16
    """Has disks with a source: path, mount, block, raw (not counted)."""
    GOING_AWAY = 32
    """The agent has announced unavailability (maintenance)."""
    OTHER_RESOURCES = 64
    """Has other named resources, see `cluster.column`."""


class WaitingTrait:
    """Bits of `waiting.traits`."""

    CONSTRAINED = 1
    """The job has placement constraints, see `cluster.allowed`."""
    SERVICE = 2
    """Tasks of a service; otherwise of a batch job."""
    RETRY = 4
    """At least one of these ran before."""


class TaskTrait:
    """Bits of `task.traits`."""

    BEING_KILLED = 1
    SERVICE = 2
    HEALTHY = 4
    UNHEALTHY = 8
    QUARANTINED = 16
    """Unknown to the host's books."""


class UpdateTrait:
    """Bits of `update.traits`."""

    TERMINAL = 1
    """The task never runs again."""
    RECONCILIATION = 2
    """An answer to a reconciliation."""
    HEALTHY = 4
    UNHEALTHY = 8


class _Codes:
    """Numbers with names, as class attributes in capitals."""

    _prefix: ClassVar[str]
    _names: ClassVar[dict[int, str]]

    def __init_subclass__(cls, prefix: str) -> None:
        cls._prefix = prefix
        cls._names = {
            number: "none" if name == "NONE" else prefix + name
            for name, number in vars(cls).items()
            if isinstance(number, int)
        }

    @classmethod
    def name(cls, number: int) -> str:
        """Mesos's name; the number as text if this SDK does not know it."""
        return cls._names.get(number, str(number))

    @classmethod
    def knows(cls, number: int) -> bool:
        return number in cls._names


class TaskState(_Codes, prefix="TASK_"):
    """State of a task."""

    STARTING = 0
    RUNNING = 1
    FINISHED = 2
    FAILED = 3
    KILLED = 4
    LOST = 5
    STAGING = 6
    ERROR = 7
    KILLING = 8
    DROPPED = 9
    UNREACHABLE = 10
    GONE = 11
    GONE_BY_OPERATOR = 12
    UNKNOWN = 13

    @classmethod
    def is_terminal(cls, state: int) -> bool:
        """Whether a task in this state never runs again. Not of an unreachable task
        or one that is unknown or gone by an operator's word: those can come back
        (rule R39). The host's own verdict is `UpdateTrait.TERMINAL`."""
        return state in (
            cls.FINISHED,
            cls.FAILED,
            cls.KILLED,
            cls.ERROR,
            cls.DROPPED,
            cls.GONE,
        )

    @classmethod
    def is_on_agent(cls, state: int) -> bool:
        """Whether the task occupies its agent as far as anyone knows."""
        return state in (cls.STAGING, cls.STARTING, cls.RUNNING, cls.KILLING)


class Reason(_Codes, prefix="REASON_"):
    """Why a task is in its state."""

    COMMAND_EXECUTOR_FAILED = 0
    EXECUTOR_TERMINATED = 1
    EXECUTOR_UNREGISTERED = 2
    FRAMEWORK_REMOVED = 3
    GC_ERROR = 4
    INVALID_FRAMEWORKID = 5
    INVALID_OFFERS = 6
    MASTER_DISCONNECTED = 7
    CONTAINER_LIMITATION_MEMORY = 8
    RECONCILIATION = 9
    AGENT_DISCONNECTED = 10
    AGENT_REMOVED = 11
    AGENT_RESTARTED = 12
    AGENT_UNKNOWN = 13
    TASK_INVALID = 14
    TASK_UNAUTHORIZED = 15
    TASK_UNKNOWN = 16
    CONTAINER_PREEMPTED = 17
    RESOURCES_UNKNOWN = 18
    CONTAINER_LIMITATION = 19
    CONTAINER_LIMITATION_DISK = 20
    CONTAINER_LAUNCH_FAILED = 21
    CONTAINER_UPDATE_FAILED = 22
    EXECUTOR_REGISTRATION_TIMEOUT = 23
    EXECUTOR_REREGISTRATION_TIMEOUT = 24
    TASK_GROUP_INVALID = 25
    TASK_GROUP_UNAUTHORIZED = 26
    IO_SWITCHBOARD_EXITED = 27
    TASK_CHECK_STATUS_UPDATED = 28
    TASK_HEALTH_CHECK_STATUS_UPDATED = 29
    TASK_KILLED_DURING_LAUNCH = 30
    AGENT_REMOVED_BY_OPERATOR = 31
    AGENT_REREGISTERED = 32
    MAX_COMPLETION_TIME_REACHED = 33
    AGENT_DRAINING = 34
    NONE = 4_294_967_295
    """Mesos gave none."""


class Source(_Codes, prefix="SOURCE_"):
    """Who said it."""

    MASTER = 0
    AGENT = 1
    EXECUTOR = 2
    NONE = 4_294_967_295
    """Mesos gave none."""


class OperationState(_Codes, prefix="OPERATION_"):
    """State of an operation."""

    UNSUPPORTED = 0
    PENDING = 1
    FINISHED = 2
    FAILED = 3
    ERROR = 4
    DROPPED = 5
    UNREACHABLE = 6
    GONE_BY_OPERATOR = 7
    RECOVERING = 8
    UNKNOWN = 9

    @classmethod
    def is_terminal(cls, state: int) -> bool:
        """Whether the operation has ended, one way or the other."""
        return state in (cls.FINISHED, cls.FAILED, cls.ERROR, cls.DROPPED, cls.GONE_BY_OPERATOR)
