"""Tests of the policy. From its folder: `python3 -m unittest` or `pytest`.

Puts the project and its SDK on Python's path, so that nothing has to be installed.
"""

import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SDK = PROJECT / tomllib.loads((PROJECT / "policy.toml").read_text())["sdk"]
sys.path[:0] = [str(PROJECT), str(SDK.resolve())]
