"""Who answers the policy's calls: the host, or a test.

Inside a component the contract's imports are modules that componentize-py made
(`wit_world`). Outside of one there is no host: the same calls go to whatever
`answering` was given, which `offerd.testing` does for the time of a call. The
records are the generated dataclasses in both cases. Nothing here knows what the
calls mean.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

try:
    import componentize_py_runtime as _runtime
except ImportError:
    _runtime = None

COMPONENT = _runtime is not None
"""Whether this runs inside a component."""

_INTERFACES = ("clock", "cluster", "logging", "metrics", "random")


class NoHost(RuntimeError):
    """A call to the host where there is none."""


class _Answered:
    """Stands for an interface of the host; asks who answers at each call."""

    def __init__(self, interface: str) -> None:
        self._interface = interface

    def __getattr__(self, function: str) -> Any:
        host = _current.get()
        if host is None:
            raise NoHost(
                f"{self._interface}.{function} asks the host, and there is none here: "
                "call the policy with offerd.testing.Cluster"
            )
        return getattr(getattr(host, self._interface), function)


_current: ContextVar[Any] = ContextVar("offerd host", default=None)


@contextmanager
def answering(host: Any) -> Iterator[None]:
    """Calls to the host go to the attributes of `host` (`host.clock.now()`, ...).

    Outside of a component only.
    """
    token = _current.set(host)
    try:
        yield
    finally:
        _current.reset(token)


def _use_generated() -> None:
    """Lets the names of the committed bindings stand for what is in the component."""
    names = ["componentize_py_types", "wit_world", "wit_world.imports"]
    names += [f"wit_world.imports.{name}" for name in ("types", *_INTERFACES)]
    for name in names:
        sys.modules[f"{__package__}._bindings.{name}"] = importlib.import_module(name)


if TYPE_CHECKING:
    from ._bindings.wit_world.imports import clock, cluster, logging, metrics, random
elif COMPONENT:
    _use_generated()
    from wit_world.imports import clock, cluster, logging, metrics, random
else:
    from ._bindings import componentize_py_types

    # The generated modules import it by this name.
    sys.modules.setdefault("componentize_py_types", componentize_py_types)
    clock, cluster, logging, metrics, random = map(_Answered, _INTERFACES)

__all__ = [
    "COMPONENT",
    "NoHost",
    "answering",
    "clock",
    "cluster",
    "logging",
    "metrics",
    "random",
]
