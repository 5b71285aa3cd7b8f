"""Makes a component of the world `policy` from the module `policy` of a project.

componentize-py imports this module when it builds, keeps the interpreter as it is
then, and calls `WitWorld` in the host. So what is wrong with the policy's class is
said by the build.
"""

import sys

# The build reads the SDK and the project; it leaves nothing in them.
sys.dont_write_bytecode = True

from offerd import _glue  # noqa: E402

_glue.prepare()

import policy as project  # noqa: E402  (after the guard)

_calls = _glue.Calls(project, stateful=False)


class WitWorld:
    """The exports of the world."""

    describe = staticmethod(_calls.describe)
    configure = staticmethod(_calls.configure)
    decide = staticmethod(_calls.decide)


_glue.finish()
