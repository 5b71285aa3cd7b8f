"""One of each action and operation of the contract."""

from __future__ import annotations

from offerd.types import (
    NONE,
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
    CreateDisk,
    DestroyDisk,
    DiskInfo,
    DiskKind,
    DiskSource,
    Encoded_Json,
    Encoded_Protobuf,
    Executor,
    ExecutorMessage,
    FrameworkUpdate,
    GrowVolume,
    InverseAnswer,
    Label,
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
    OperationQuery,
    Persistence,
    Range,
    ReasonedAction,
    Reservation,
    ReservationKind,
    Reserve,
    ResourceOperation,
    ResourceRequest,
    ResourceValue,
    ResourceValue_Ranges,
    ResourceValue_Scalar,
    SetCount,
    ShrinkVolume,
    TaskGroup,
    Timer,
    Volume,
)


def all_of_them() -> list[ReasonedAction]:
    actions: list[Action] = [
        Action_Accept(Accept([1, 2], operations(), 1000.0)),
        Action_Revive([0, 1]),
        Action_Suppress([1]),
        Action_Shutdown(Executor(3, "e")),
        Action_Message(ExecutorMessage(3, "e", bytes([0, 255]))),
        Action_Request([ResourceRequest(4, [scalar("cpus", 500.0)])]),
        Action_Reconcile([5]),
        Action_ReconcileOperations([OperationQuery("o", NONE, "p")]),
        Action_AcceptInverseOffers(InverseAnswer([6], -1.0)),
        Action_DeclineInverseOffers(InverseAnswer([7], 2000.0)),
        Action_UpdateFramework(FrameworkUpdate(Encoded_Json("{}"), Encoded_Protobuf(bytes([1])))),
        Action_Timer(Timer(8, 9000.0)),
    ]
    return [ReasonedAction(action, reason) for reason, action in enumerate(actions, 1)]


def operations() -> list[Operation]:
    def only(resource: MesosResource) -> ResourceOperation:
        return ResourceOperation("op", [resource])

    return [
        Operation_Launch([Encoded_Json("{}"), Encoded_Protobuf(bytes([8, 1]))]),
        Operation_Place(SetCount(1, 2)),
        Operation_LaunchGroup(TaskGroup(Encoded_Json("{}"), [Encoded_Json("{}")])),
        Operation_Reserve(Reserve(None, [scalar("cpus", 1.0)], [reserved()])),
        Operation_Unreserve(only(reserved())),
        Operation_Create(only(volume())),
        Operation_Destroy(only(volume())),
        Operation_GrowVolume(GrowVolume(None, volume(), scalar("disk", 1.0))),
        Operation_ShrinkVolume(ShrinkVolume(None, volume(), 64000.0)),
        Operation_CreateDisk(CreateDisk(None, scalar("disk", 2.0), DiskKind.MOUNT, "fast")),
        Operation_DestroyDisk(DestroyDisk(None, ranges())),
    ]


def plain(name: str, value: ResourceValue) -> MesosResource:
    return MesosResource(name, value, [], None, False, False, None)


def scalar(name: str, value: float) -> MesosResource:
    return plain(name, ResourceValue_Scalar(value))


def ranges() -> MesosResource:
    return plain("ports", ResourceValue_Ranges([Range(1, 2)]))


def reserved() -> MesosResource:
    resource = scalar("cpus", 1.0)
    resource.reservations = [Reservation(ReservationKind.DYNAMIC, "r", "me", [Label("k", None)])]
    return resource


def volume() -> MesosResource:
    resource = scalar("disk", 64000.0)
    resource.disk = DiskInfo(
        persistence=Persistence("v", None),
        volume=Volume("data", None, False),
        source=DiskSource(DiskKind.PATH, "/mnt", None, None, None, []),
    )
    resource.shared = True
    return resource
