"""Makes a component of the world `stateful-policy` from the module `policy` of a
project. See offerd_app_policy.py; this one also saves and restores.
"""

import sys

# The build reads the SDK and the project; it leaves nothing in them.
sys.dont_write_bytecode = True

from offerd import _glue  # noqa: E402

_glue.prepare()

import policy as project  # noqa: E402  (after the guard)
from wit_world.exports.state import Snapshot  # noqa: E402

_calls = _glue.Calls(project, stateful=True)


class WitWorld:
    """The exports of the world."""

    describe = staticmethod(_calls.describe)
    configure = staticmethod(_calls.configure)
    decide = staticmethod(_calls.decide)


class State:
    """The exports of its interface `state`."""

    @staticmethod
    def save() -> Snapshot:
        saved = _calls.save()
        return Snapshot(saved.version, saved.data)

    @staticmethod
    def restore(snapshot: Snapshot) -> None:
        _calls.restore(snapshot.version, snapshot.data)


_glue.finish()
