"""Every decision, made as a policy makes it: through the SDK's face. Only what no face
makes is set in the records."""

from __future__ import annotations

from dataclasses import replace

from offerd import Answer
from offerd.resource import items, persistent, ranges, reserved_for, scalar
from offerd.types import (
    NONE,
    DiskInfo,
    DiskKind,
    DiskSource,
    Label,
    MesosResource,
    OperationQuery,
    ReservationKind,
    ResourceRequest,
)

MESSAGE = {"name": "t"}


def decide_all(answer: Answer) -> None:
    answer.place(1, 2, 3).because("a place ☃")
    answer.place(1, 4, 1)
    answer.decline(5).refuse(6).because("a decline")
    answer.decline(6)
    answer.kill(8).grace(9).because("a place ☃")
    answer.kill(9).because("")
    answer.leftover_for(13)
    answer.decline_rest().refuse(11).because("the rest")
    accept(answer)
    act(answer)


def accept(answer: Answer) -> None:
    (
        answer.accept(1, 2)
        .launch(MESSAGE, bytes([8, 1]))
        .place(1, 2)
        .launch_group(MESSAGE, MESSAGE)
        .reserve(reserved())
        .reserve(tags())
        .with_id("op-1")
        .unreserve(reserved())
        .with_id("op-2")
        .create(volume())
        .with_id("op-3")
        .destroy(volume())
        .grow_volume(volume(), scalar("disk", 1))
        .with_id("op-4")
        .shrink_volume(volume(), 64_000.0)
        .create_disk(raw(), DiskKind.MOUNT, "fast")
        .with_id("op-5")
        .create_disk(raw(), DiskKind.BLOCK)
        .destroy_disk(raw())
        .refuse(1)
        .because("an accept")
    )
    answer.accept(3).place(1, 1)


def act(answer: Answer) -> None:
    answer.revive(0, 1).because("a revival")
    answer.suppress(1)
    answer.shutdown(3, "e")
    answer.message(3, "e", bytes([0, 255])).because("a message")
    answer.request([ResourceRequest(4, [scalar("cpus", 0.5)])])
    answer.reconcile(5)
    answer.reconcile()
    answer.reconcile_operations([OperationQuery("o", NONE, "p"), OperationQuery("q", 7, None)])
    answer.accept_inverse(6)
    answer.decline_inverse(7, 8).refuse(2).because("not in time")
    answer.update_framework(MESSAGE, bytes([1]))
    answer.update_framework(constraints=MESSAGE)
    answer.timer(8, 9)
    answer.timer(3_000_000_000, 0.5)
    answer.cancel_timer(8)


def reserved() -> MesosResource:
    cpus = reserved_for(reserved_for(scalar("cpus", 0.1), "r"), "r/s", "me")
    for reservation in cpus.reservations:
        reservation.labels.append(Label("k", reservation.principal))
    # Made by the agent's operator.
    cpus.reservations[0].kind = ReservationKind.FIXED
    return cpus


def tags() -> MesosResource:
    return replace(items("tags", ["a", "☃"]), revocable=True, provider="p")


def volume() -> MesosResource:
    disk = replace(scalar("disk", 64), disk=source(DiskKind.PATH), shared=True)
    made = persistent(reserved_for(disk, "r", "me"), "v", "data")
    assert made.disk is not None and made.disk.volume is not None
    made.disk.volume.host_path = "/srv"
    made.disk.volume.read_only = True
    return made


def raw() -> MesosResource:
    return replace(ranges("blocks", [(1, 2), (4, 4)]), disk=source(DiskKind.RAW))


def source(kind: DiskKind) -> DiskInfo:
    return DiskInfo(None, None, DiskSource(kind, "/mnt", "d", None, None, [Label("m", None)]))
