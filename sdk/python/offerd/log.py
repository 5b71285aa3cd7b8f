"""Log lines. They appear in the host's log with the policy's name.

    log.info("placed %d tasks", count)

Arguments are put into the text with `%`, and only if the host keeps lines of the
level. The host keeps a bounded number of lines a round (`cluster.limits`).

`logging` of the standard library works too: in a component its root logger has
`Handler`, and what is printed becomes info lines.
"""

from __future__ import annotations

import logging as _python
from typing import Any

from . import _host, _traceback
from .types import Level

__all__ = ["Handler", "Level", "debug", "enabled", "error", "info", "log", "trace", "warning"]


def enabled(level: Level) -> bool:
    """Whether the host keeps lines of this level; for lines that are costly to make."""
    return _host.logging.enabled(level)


def log(level: Level, message: str, *args: Any) -> None:
    """Writes a line if the host keeps the level."""
    if _host.logging.enabled(level):
        _host.logging.log(level, message % args if args else message)


def trace(message: str, *args: Any) -> None:
    """A line for the policy's author who wants to know all."""
    log(Level.TRACE, message, *args)


def debug(message: str, *args: Any) -> None:
    """A line for the policy's author."""
    log(Level.DEBUG, message, *args)


def info(message: str, *args: Any) -> None:
    """A line for operators."""
    log(Level.INFO, message, *args)


def warning(message: str, *args: Any) -> None:
    """Something that an operator should look at."""
    log(Level.WARN, message, *args)


def error(message: str, *args: Any) -> None:
    """Something that went wrong."""
    log(Level.ERROR, message, *args)


class Handler(_python.Handler):
    """Hands records of the standard library's `logging` to the host."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_Formatter())

    def emit(self, record: _python.LogRecord) -> None:
        level = _level(record.levelno)
        if _host.logging.enabled(level):
            name = "" if record.name == "root" else f"{record.name}: "
            _host.logging.log(level, name + self.format(record))


class _Formatter(_python.Formatter):
    def formatException(self, ei: Any) -> str:
        return _traceback.text(ei[1]) if ei[1] is not None else ""


def _level(number: int) -> Level:
    if number >= _python.ERROR:
        return Level.ERROR
    if number >= _python.WARNING:
        return Level.WARN
    if number >= _python.INFO:
        return Level.INFO
    return Level.DEBUG if number >= _python.DEBUG else Level.TRACE
