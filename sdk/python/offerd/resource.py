"""Builds complete resources, as operations name them, and messages for Mesos.

What a plain task needs are `Amounts`; this is for reservations and volumes. The
functions change nothing: they give a new resource.

    disk = reserved_for(scalar("disk", 64), "db")
    answer.accept(offer).reserve(disk).create(persistent(disk, "db-1", "data"))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .amounts import milli
from .types import (
    DiskInfo,
    Encoded,
    Encoded_Json,
    Encoded_Protobuf,
    MesosResource,
    Persistence,
    Range,
    Reservation,
    ReservationKind,
    ResourceValue,
    ResourceValue_Items,
    ResourceValue_Ranges,
    ResourceValue_Scalar,
    Volume,
)

Message = Encoded | Mapping[str, Any] | bytes
"""A message of Mesos's v1 API: as in the contract, as a mapping with Mesos's field
names, or as protobuf bytes."""


def scalar(name: str, amount: float) -> MesosResource:
    """An unreserved amount in Mesos's unit: `scalar("disk", 64)` is 64 MiB."""
    return _plain(name, ResourceValue_Scalar(milli(amount)))


def ranges(name: str, ranges: Iterable[tuple[int, int]]) -> MesosResource:
    """Unreserved ranges; both ends belong to each."""
    return _plain(name, ResourceValue_Ranges([Range(begin, end) for begin, end in ranges]))


def items(name: str, items: Iterable[str]) -> MesosResource:
    """An unreserved set of items."""
    return _plain(name, ResourceValue_Items(list(items)))


def reserved_for(resource: MesosResource, role: str, principal: str | None = None) -> MesosResource:
    """The same with one more dynamic reservation on top."""
    reservation = Reservation(ReservationKind.DYNAMIC, role, principal, [])
    return replace(resource, reservations=[*resource.reservations, reservation])


def persistent(resource: MesosResource, id: str, container_path: str) -> MesosResource:
    """The same as a persistent volume that tasks see under `container_path`. Keeps the
    disk's source, if it has one."""
    principal = resource.reservations[-1].principal if resource.reservations else None
    disk = DiskInfo(
        persistence=Persistence(id, principal),
        volume=Volume(container_path, None, False),
        source=resource.disk.source if resource.disk else None,
    )
    return replace(resource, disk=disk)


def as_milli(resource: MesosResource) -> float | None:
    """Its thousandths, if it is a scalar."""
    return resource.value.value if isinstance(resource.value, ResourceValue_Scalar) else None


def encoded(message: Message) -> Encoded:
    """A message as the contract carries it."""
    if isinstance(message, (Encoded_Json, Encoded_Protobuf)):
        return message
    if isinstance(message, bytes):
        return Encoded_Protobuf(message)
    return Encoded_Json(json.dumps(message, separators=(",", ":")))


def _plain(name: str, value: ResourceValue) -> MesosResource:
    return MesosResource(
        name=name,
        value=value,
        reservations=[],
        disk=None,
        revocable=False,
        shared=False,
        provider=None,
    )
