"""What the entries of the two worlds in `glue/` have in common. Only in a component."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from . import _guard
from ._bindings.componentize_py_types import Err
from .export import Instance, find
from .policy import PolicyError, Snapshot
from .types import Answer, Description, Round

T = TypeVar("T")


def prepare() -> None:
    """Before the project's modules are imported."""
    _guard.install()


def finish() -> None:
    """After all imports: what is in memory now is what the component starts with."""
    _guard.remember_sources(*_sources())
    _guard.seal()
    # What is here lives as long as the instance; the collector need not look at it.
    gc.collect()
    gc.freeze()


def _sources() -> list[ModuleType]:
    """The project's modules and the SDK's: all that are not of Python or the tool."""
    return [
        module
        for name, module in sorted(sys.modules.items())
        if not str(getattr(module, "__file__", "")).startswith(("/python/", "/bundled/", "/world/"))
        and not name.startswith("wit_world")
    ]


class Calls:
    """The exports, with the contract's errors."""

    def __init__(self, project: ModuleType, stateful: bool) -> None:
        self._instance = Instance(find(project, stateful))

    def describe(self) -> Description:
        return self._call(self._instance.describe)

    def configure(self, config: str) -> None:
        self._call(self._instance.configure, config)

    def decide(self, round: Round) -> Answer:
        return self._call(self._instance.decide, round)

    def save(self) -> Snapshot:
        return self._call(self._instance.save)

    def restore(self, version: int, data: bytes) -> None:
        self._call(self._instance.restore, Snapshot(version, data))

    @staticmethod
    def _call(function: Callable[..., T], *arguments: Any) -> T:
        _guard.close_imports()
        try:
            return function(*arguments)
        except PolicyError as error:
            raise Err(str(error)) from None
