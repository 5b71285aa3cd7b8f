"""What a component has not, and what says so.

In a component there are no files, no clock, no random numbers of the operating
system and no modules but those imported when it was built. Python does not know:
asking ends the instance with a bare trap. `install` puts something in the place of
each that raises an error which names what to use instead. Where Python code keeps a
name of its own (`from time import time` in a module imported before the guard), the
guard cannot see it.

In tests, `guarded` does the same to the clock and the random numbers for the time of
a call, so that a policy that would fail in the host fails there.
"""

from __future__ import annotations

import _strptime  # noqa: F401  (imported by `strptime` when it is first called)
import builtins
import datetime
import io
import linecache
import logging
import os
import random
import secrets
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from . import log
from .clock import now
from .types import Level

CLOCK = "use offerd.clock.now()"
NUMBERS = "use offerd.random"
TIMER = "ask for a timer: answer.timer(1, after=5)"


class NotInAPolicy(RuntimeError):
    """Something that a policy has not: Python's own clock or random numbers, input."""


class NoFiles(NotInAPolicy, OSError):
    """A policy has no files. Where Python looks for one that may be absent, it is."""


def _refuse(
    what: str, instead: str, error: type[NotInAPolicy] = NotInAPolicy
) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error(f"{what} cannot be used in a policy: {instead}")

    refuse.__name__ = what.rpartition(".")[2]
    return refuse


def _needs(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """A function of `time` that asks the clock if its last argument is left out."""
    refuse = _refuse(f"time.{function.__name__} of the present", CLOCK)

    def check(*arguments: Any) -> Any:
        known = len(arguments) >= count and arguments[count - 1] is not None
        return function(*arguments) if known else refuse()

    return check


class _Random(random.Random):
    """Python's generator, for those who give a seed."""

    def __new__(cls, x: Any = None) -> _Random:
        if x is None:
            raise NotInAPolicy(f"random.Random() without a seed cannot be used: {NUMBERS}")
        made: _Random = super().__new__(cls, x)  # type: ignore[call-arg]
        return made

    def seed(self, a: Any = None, version: int = 2) -> None:
        if a is None:
            raise NotInAPolicy(f"seed() without a seed cannot be used: {NUMBERS}")
        super().seed(a, version)


class _StandsFor(type):
    """Of a class that stands for the one it derives from."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__mro__[1])


_NO_NOW = f"{CLOCK} and offerd.clock.utc()"


class _Datetime(datetime.datetime, metaclass=_StandsFor):
    now = utcnow = today = _refuse("datetime.now", _NO_NOW)


class _Date(datetime.date, metaclass=_StandsFor):
    today = _refuse("date.today", _NO_NOW)


for _class in (_Datetime, _Date):
    _class.__name__ = _class.__qualname__ = _class.__mro__[1].__name__
    _class.__module__ = "datetime"


class _LogTime:
    """The clock of the standard library's `logging`: the host's."""

    strftime = staticmethod(time.strftime)
    gmtime = staticmethod(time.gmtime)
    localtime = staticmethod(time.gmtime)

    @staticmethod
    def time() -> float:
        return now() / 1000.0

    @staticmethod
    def time_ns() -> int:
        return int(now() * 1e6)


def _clock_and_numbers() -> Iterator[tuple[Any, str, Any]]:
    for name in dir(time):
        if name.removesuffix("_ns") in {
            "clock_gettime",
            "monotonic",
            "perf_counter",
            "process_time",
            "thread_time",
            "time",
        }:
            yield time, name, _refuse(f"time.{name}", CLOCK)
    for name, count in (("asctime", 1), ("ctime", 1), ("gmtime", 1), ("localtime", 1)):
        yield time, name, _needs(getattr(time, name), count)
    yield time, "strftime", _needs(time.strftime, 2)
    yield time, "sleep", _refuse("time.sleep", TIMER)
    yield datetime, "datetime", _Datetime
    yield datetime, "date", _Date
    yield logging, "time", _LogTime
    for name in random.__all__:
        if name not in {"Random", "SystemRandom"}:
            yield random, name, _refuse(f"random.{name}", NUMBERS)
    yield random, "Random", _Random
    yield random, "SystemRandom", _refuse("random.SystemRandom", NUMBERS)
    for name in ("urandom", "getrandom"):
        if hasattr(os, name):
            yield os, name, _refuse(f"os.{name}", NUMBERS)
    for name in ("choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe"):
        yield secrets, name, _refuse(f"secrets.{name}", NUMBERS)
    for name in ("uuid1", "uuid4"):
        yield uuid, name, _refuse(f"uuid.{name}", NUMBERS)


@contextmanager
def guarded() -> Iterator[None]:
    """Python's own clock and random numbers are errors for a while."""
    replaced = [
        (module, name, getattr(module, name), value) for module, name, value in _clock_and_numbers()
    ]
    for module, name, _, value in replaced:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, old, _ in replaced:
            setattr(module, name, old)


class _Lines(io.TextIOBase):
    """Standard output and error: what is written becomes lines of the log."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            log.log(self._level, "%s", line)
        return len(text)

    def isatty(self) -> bool:
        return False


class _NoImports:
    """Finds nothing: what is not imported yet is not in the component, unless it is a
    part of the interpreter."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> None:
        if name not in sys.builtin_module_names:
            raise ModuleNotFoundError(
                f"{name} is not in the component: import it at the top of the module, so "
                "that it is there when the policy is built",
                name=name,
            )


def install() -> None:
    """Guards the component. Called before the policy's module is imported."""
    for module, name, value in _clock_and_numbers():
        setattr(module, name, value)


def seal() -> None:
    """Ends the building: from here on there are no files and no further modules.
    Called at the end of the glue, after all imports."""
    logging.getLogger().addHandler(log.Handler())
    logging.getLogger().setLevel(logging.DEBUG)
    logging.raiseExceptions = False
    sys.stdout = _Lines(Level.INFO)
    sys.stderr = _Lines(Level.WARN)
    # The log has what an exception says; this would write it again.
    sys.excepthook = lambda *_: None
    builtins.input = _refuse("input", "nobody is there to type")
    _quiet_tracebacks()
    files = _refuse("a file", "its config and its state are what it gets", NoFiles)
    builtins.open = io.open = files
    for name in _FILES:
        if hasattr(os, name):
            setattr(os, name, files)


def _quiet_tracebacks() -> None:
    """Python's `traceback` parses lines of source to mark the part that failed. Where
    that does not parse, the interpreter opens the file."""
    traceback._extract_caret_anchors_from_line_segment = lambda *_: None  # type: ignore
    traceback.StackSummary._should_show_carets = lambda *_: False  # type: ignore


def close_imports() -> None:
    """From the first call on, an import of something new is an error. Not earlier: the
    tool imports modules after the glue."""
    if _NoImports not in sys.meta_path:
        sys.meta_path.insert(0, _NoImports)


_FILES = (
    "access", "chdir", "chmod", "close", "fstat", "getcwd", "link", "listdir", "lstat", "mkdir",
    "open", "read", "readlink", "remove", "rename", "replace", "rmdir", "scandir", "stat",
    "symlink", "system", "truncate", "unlink", "utime", "write",
)  # fmt: skip


def remember_sources(*modules: ModuleType) -> None:
    """Keeps the lines of these modules in the component, for tracebacks."""
    for module in modules:
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py"):
            lines = linecache.getlines(file)
            # Without a time `linecache` takes it for good, and asks for no file.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
