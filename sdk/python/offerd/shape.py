"""Checks that records have the types of the contract.

Inside a component a value of a wrong type (a `float` for a count, a `tuple` for a
list, a negative handle) ends the instance without a word, so it is found before.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any, Union

from .types import ReasonedAction

_U32 = 2**32
_U64 = 2**64

_WIDE = {("Range", "begin"), ("Range", "end")}
"""Fields that are u64. All other whole numbers of what a policy hands out are u32."""

Check = Callable[[Any, str], None]

_checks: dict[Any, Check] = {}


def check(value: Any, hint: Any, path: str) -> None:
    """Raises `TypeError` with the path of the first value that the contract cannot
    carry."""
    _check(hint)(value, path)


def check_list(actions: list[ReasonedAction], path: str) -> None:
    for at, action in enumerate(actions):
        check(action, ReasonedAction, f"{path}[{at}]")


def _check(hint: Any) -> Check:
    known = _checks.get(hint)
    if known is None:
        known = _checks[hint] = _make(hint)
    return known


def _make(hint: Any) -> Check:
    if hint is int:
        return _whole(_U32)
    if hint in (float, str, bool, bytes):
        return _plain(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return _list(_check(arguments[0]))
    if origin in (Union, types.UnionType):
        return _one_of(arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _plain(hint)
    return _record(hint)


def _wrong(value: Any, path: str, expected: str) -> TypeError:
    return TypeError(f"{path}: {value!r:.80} must be {expected}")


def _whole(bound: int) -> Check:
    def read(value: Any, path: str) -> None:
        if not isinstance(value, int) or not 0 <= value < bound:
            raise _wrong(value, path, f"a whole number from 0 to {bound - 1}")

    return read


def _plain(kind: type[Any]) -> Check:
    kinds = (int, float) if kind is float else (kind,)

    def read(value: Any, path: str) -> None:
        if not isinstance(value, kinds):
            raise _wrong(value, path, f"of type {kind.__name__}")

    return read


def _list(inner: Check) -> Check:
    def read(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise _wrong(value, path, "a list")
        for at, item in enumerate(value):
            inner(item, f"{path}[{at}]")

    return read


def _one_of(arguments: tuple[Any, ...]) -> Check:
    if type(None) in arguments:
        inner = _one_of(tuple(one for one in arguments if one is not type(None)))
        return lambda value, path: None if value is None else inner(value, path)

    if len(arguments) == 1:
        return _check(arguments[0])

    def read(value: Any, path: str) -> None:
        if type(value) not in arguments:
            names = ", ".join(one.__name__ for one in arguments)
            raise _wrong(value, path, f"one of {names}")
        _check(type(value))(value, path)

    return read


def _record(hint: type[Any]) -> Check:
    hints = typing.get_type_hints(hint)
    fields = [field.name for field in dataclasses.fields(hint)]
    # Looked up when they are used: records can hold each other.
    inner: dict[str, Check] = {}

    def read(value: Any, path: str) -> None:
        if not isinstance(value, hint):
            raise _wrong(value, path, f"a {hint.__name__}")
        for name in fields:
            if name not in inner:
                wide = (hint.__name__, name) in _WIDE
                inner[name] = _whole(_U64) if wide else _check(hints[name])
            inner[name](getattr(value, name), f"{path}.{name}")

    return read
