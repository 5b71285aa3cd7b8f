"""Reads a policy's settings from JSON into dataclasses, so that what is wrong is said
with its name: `config.weights.cpus: invalid type: boolean `true`, expected f64`.

Types of settings: `bool`, `int`, `float`, `str`, `list[T]`, `dict[str, T]`,
`T | None`, `Literal`, `Enum` (by value), dataclasses of these, and `Any`. Other
types are refused when the policy is built. A `ValueError` of a dataclass's
`__post_init__` is an error of that setting.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union

from .policy import PolicyError

Reader = Callable[[Any, str], Any]
"""Takes a JSON value and its path (`weights.cpus`); gives the setting."""


class UnknownSettingType(TypeError):
    """A mistake in the policy: a dataclass of settings has a type that JSON has not."""


class _Wrong(Exception):
    """A setting that is wrong, with its path."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"config.{path}: {why}" if path else f"config: {why}")


def reader(hint: Any) -> Callable[[str], Any]:
    """What turns the text of a `config` table into settings of this type.

    Raises `UnknownSettingType` now, and what it gives raises `PolicyError`.
    """
    read = _reader(hint, "config")

    def parse(text: str) -> Any:
        try:
            value = json.loads(text if text.strip() else "{}", parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise PolicyError(f"the config is not JSON: {error}") from None
        try:
            return read(value, "")
        except _Wrong as wrong:
            raise PolicyError(str(wrong)) from None

    return parse


def number(value: float) -> str:
    """A number as people write it: 1, 0.5, without an exponent."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def no_settings() -> Callable[[str], Any]:
    """For policies without settings: any setting is an error."""
    return reader(NoConfig)


@dataclasses.dataclass
class NoConfig:
    pass


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _reader(hint: Any, where: str) -> Reader:
    if hint is Any or hint is object:
        return lambda value, path: value
    if hint in _PLAIN:
        return _PLAIN[hint]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice({member.value: member for member in hint})
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return _choice({value: value for value in arguments})
    if origin in (Union, types.UnionType):
        return _optional(arguments, where)
    if hint is list or origin is list:
        return _list(_reader(arguments[0] if arguments else Any, f"{where}[]"))
    if hint is dict or origin is dict:
        if arguments and arguments[0] is not str:
            raise UnknownSettingType(f"{where}: keys of a config table are str")
        return _dict(_reader(arguments[1] if arguments else Any, f"{where}.*"))
    raise UnknownSettingType(
        f"{where}: a setting cannot be of type {hint!r}; it can be bool, int, float, str, "
        "list, dict, Literal, Enum, a dataclass, or one of these or None"
    )


def _wrong_type(value: Any, path: str, expected: str) -> _Wrong:
    match value:
        case None:
            what = "null"
        case bool():
            what = f"boolean `{str(value).lower()}`"
        case int():
            what = f"integer `{value}`"
        case float():
            what = f"floating point `{number(value)}`"
        case str():
            what = f"string {json.dumps(value, ensure_ascii=False)}"
        case list():
            what = "sequence"
        case _:
            what = "map"
    return _Wrong(path, f"invalid type: {what}, expected {expected}")


def _bool(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, path, "a boolean")
    return value


def _int(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(value, path, "a whole number")
    return value


def _float(value: Any, path: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _wrong_type(value, path, "f64")
    try:
        return float(value)
    except OverflowError:
        raise _Wrong(path, "the number is out of range") from None


def _str(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, path, "a string")
    return value


_PLAIN: dict[Any, Reader] = {bool: _bool, int: _int, float: _float, str: _str}


def _choice(choices: dict[Any, Any]) -> Reader:
    known = [json.dumps(value) if not isinstance(value, str) else value for value in choices]
    names = (
        " or ".join(f"`{name}`" for name in known)
        if len(known) < 3
        else "one of " + ", ".join(f"`{name}`" for name in known)
    )

    def read(value: Any, path: str) -> Any:
        for choice, result in choices.items():
            if type(value) is type(choice) and value == choice:
                return result
        if isinstance(value, str):
            raise _Wrong(path, f"unknown variant `{value}`, expected {names}")
        raise _wrong_type(value, path, names)

    return read


def _optional(arguments: tuple[Any, ...], where: str) -> Reader:
    others = [one for one in arguments if one is not type(None)]
    if len(others) != 1:
        raise UnknownSettingType(f"{where}: of several types only one besides None can be read")
    inner = _reader(others[0], where)
    return lambda value, path: None if value is None else inner(value, path)


def _list(inner: Reader) -> Reader:
    def read(value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise _wrong_type(value, path, "a sequence")
        return [inner(item, f"{path}[{at}]") for at, item in enumerate(value)]

    return read


def _dict(inner: Reader) -> Reader:
    def read(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong_type(value, path, "a map")
        return {key: inner(value[key], _join(path, key)) for key in sorted(value)}

    return read


def _record(hint: type[Any]) -> Reader:
    hints = typing.get_type_hints(hint)
    fields = [one for one in dataclasses.fields(hint) if one.init]
    readers = {one.name: _reader(hints[one.name], f"{hint.__name__}.{one.name}") for one in fields}
    needed = [
        one.name
        for one in fields
        if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    ]
    known = f"known are `{'`, `'.join(readers)}`" if readers else "there are none"

    def read(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong_type(value, path, f"struct {hint.__name__}")
        for key in sorted(value):
            if key not in readers:
                raise _Wrong(_join(path, key), f"there is no such setting; {known}")
        settings = {key: readers[key](value[key], _join(path, key)) for key in sorted(value)}
        for name in needed:
            if name not in settings:
                raise _Wrong(path, f"the setting `{name}` is missing")
        try:
            return hint(**settings)
        except ValueError as error:
            raise _Wrong(path, str(error)) from None

    return read


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
