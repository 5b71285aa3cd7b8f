"""Builds an ACCEPT of any kind, operation by operation.

    disk = resource.reserved_for(resource.scalar("disk", 64), "db")
    answer.accept(offer).reserve(disk).with_id("reserve-1").because("room for the database")

Operations run in the order in which they are added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clock import Duration, millis
from .resource import Message, encoded
from .types import (
    Accept,
    CreateDisk,
    DestroyDisk,
    DiskKind,
    GrowVolume,
    MesosResource,
    Operation,
    Operation_Create,
    Operation_CreateDisk,
    Operation_Destroy,
    Operation_DestroyDisk,
    Operation_GrowVolume,
    Operation_Launch,
    Operation_LaunchGroup,
    Operation_Place,
    Operation_Reserve,
    Operation_ShrinkVolume,
    Operation_Unreserve,
    ReasonedAction,
    Reserve,
    ResourceOperation,
    SetCount,
    ShrinkVolume,
    TaskGroup,
)

if TYPE_CHECKING:
    from .answer import Answer


class Accepted:
    """The accept that is being built."""

    __slots__ = ("_accept", "_action", "_answer")

    def __init__(self, answer: Answer, action: ReasonedAction, accept: Accept) -> None:
        self._answer = answer
        self._action = action
        self._accept = accept

    def operation(self, operation: Operation) -> Accepted:
        """Any operation of the contract."""
        self._accept.operations.append(operation)
        return self

    def launch(self, *tasks: Message) -> Accepted:
        """Launches tasks that the policy wrote (TaskInfo each)."""
        return self.operation(Operation_Launch([encoded(task) for task in tasks]))

    def place(self, set: Any, count: int) -> Accepted:
        """Launches waiting tasks of the host."""
        handle: int = set if isinstance(set, int) else set.set
        return self.operation(Operation_Place(SetCount(handle, count)))

    def launch_group(self, executor: Message, *tasks: Message) -> Accepted:
        """Launches a task group with its executor (ExecutorInfo, TaskInfo each)."""
        group = TaskGroup(encoded(executor), [encoded(task) for task in tasks])
        return self.operation(Operation_LaunchGroup(group))

    def reserve(self, *resources: MesosResource) -> Accepted:
        """Reserves; each resource has the reservations that it is to have."""
        return self.operation(Operation_Reserve(Reserve(None, [], list(resources))))

    def unreserve(self, *resources: MesosResource) -> Accepted:
        """Gives up reservations."""
        return self.operation(Operation_Unreserve(ResourceOperation(None, list(resources))))

    def create(self, *volumes: MesosResource) -> Accepted:
        """Creates persistent volumes."""
        return self.operation(Operation_Create(ResourceOperation(None, list(volumes))))

    def destroy(self, *volumes: MesosResource) -> Accepted:
        """Destroys persistent volumes with what is in them."""
        return self.operation(Operation_Destroy(ResourceOperation(None, list(volumes))))

    def grow_volume(self, volume: MesosResource, addition: MesosResource) -> Accepted:
        """Makes a volume larger."""
        return self.operation(Operation_GrowVolume(GrowVolume(None, volume, addition)))

    def shrink_volume(self, volume: MesosResource, subtract: float) -> Accepted:
        """Makes a volume smaller by thousandths of a MiB."""
        return self.operation(Operation_ShrinkVolume(ShrinkVolume(None, volume, subtract)))

    def create_disk(
        self, source: MesosResource, target: DiskKind, profile: str | None = None
    ) -> Accepted:
        """Makes a mount or block disk of a raw one."""
        return self.operation(Operation_CreateDisk(CreateDisk(None, source, target, profile)))

    def destroy_disk(self, source: MesosResource) -> Accepted:
        """Makes a raw disk again."""
        return self.operation(Operation_DestroyDisk(DestroyDisk(None, source)))

    def with_id(self, id: str) -> Accepted:
        """Gives the operation that was added last an id, so that its outcome comes back
        as an `operation` event. Launches have none (rule R27)."""
        operation = self._accept.operations[-1] if self._accept.operations else None
        if operation is None or isinstance(
            operation, (Operation_Launch, Operation_Place, Operation_LaunchGroup)
        ):
            raise ValueError(f"with_id({id!r}): only reservations, volumes and disks have ids")
        operation.value.id = id
        return self

    def refuse(self, time: Duration) -> Accepted:
        """For how long Mesos shall not offer again what is left over."""
        self._accept.refuse = millis(time)
        return self

    def because(self, reason: str) -> Accepted:
        """Says why."""
        self._action.reason = self._answer.reason(reason)
        return self
