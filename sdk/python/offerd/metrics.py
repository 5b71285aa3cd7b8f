"""Numbers that the policy shows to operators, labelled with its name.

Names match `[a-z][a-z0-9_]{0,63}`; the host drops others, and all names beyond the
first 256.
"""

from __future__ import annotations

from . import _host


def count(name: str, amount: float = 1.0) -> None:
    """Adds to a counter. The host drops negative amounts and NaN."""
    _host.metrics.count(name, amount)


def gauge(name: str, value: float) -> None:
    """Sets a gauge."""
    _host.metrics.gauge(name, value)
