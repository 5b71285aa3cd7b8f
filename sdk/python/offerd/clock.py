"""The host's clock. It stands still during a call.

Python's own (`time`, `datetime.now`) does not exist in a component; using it is an
error that says so. Durations in this SDK are a `timedelta` or a number of seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from . import _host

Duration = timedelta | float
"""A `timedelta`, or seconds as a number."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> float:
    """Milliseconds since the Unix epoch. Within a round the same as `round.now`."""
    return _host.clock.now()


def millis(duration: Duration) -> float:
    """Milliseconds, as the contract counts durations: `millis(1.5)` is 1500.0."""
    if isinstance(duration, timedelta):
        return duration / timedelta(milliseconds=1)
    return float(duration) * 1000.0


def utc(instant: float) -> datetime:
    """An instant of the contract (milliseconds) as a date and time in UTC."""
    return _EPOCH + timedelta(milliseconds=instant)
