"""Makes the bindings in offerd/_bindings from the contract, or checks them.

    python3 tools/bindings.py [--wit FOLDER] [--check] [-- COMPONENTIZE-PY ...]

They are what `componentize-py -d WIT -w stateful-policy bindings FOLDER` writes,
less its support for asynchronous worlds, which the contract does not use. The
world `policy` has the same records and imports. Inside a component
componentize-py puts its own code in their place; these are for type checkers
and for tests without WebAssembly.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent
BINDINGS = SDK / "offerd" / "_bindings"
VERSION = "0.25.1"
KEPT = ("wit_world", "componentize_py_types.py")


def generate(program: list[str], wit: Path, folder: Path) -> None:
    """Writes fresh bindings into an empty folder. The program may have arguments."""
    said = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True)
    if said.stdout.split()[-1:] != [VERSION]:
        sys.exit(f"{program[0]} is {said.stdout.strip()}; the bindings are made with {VERSION}")
    whole = folder / "whole"
    subprocess.run(
        [*program, "-q", "-d", str(wit), "-w", "stateful-policy", "bindings", str(whole)],
        check=True,
    )
    for name in KEPT:
        (whole / name).rename(folder / name)
    shutil.rmtree(whole)
    (folder / "__init__.py").write_text(
        '"""Made by tools/bindings.py from the contract. Do not edit."""\n'
    )


def files(folder: Path) -> dict[str, Path]:
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}


def stale(fresh: Path) -> list[str]:
    """Names of files that differ, are missing or should not be there."""
    new, old = files(fresh), files(BINDINGS)
    return [
        name
        for name in sorted(new.keys() | old.keys())
        if name not in new
        or name not in old
        or not filecmp.cmp(new[name], old[name], shallow=False)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Bindings of the contract for Python")
    parser.add_argument("program", nargs="*", help="componentize-py, if it is not in PATH")
    parser.add_argument("--wit", type=Path, default=SDK.parent.parent / "wit")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if stale")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        generate(options.program or ["componentize-py"], options.wit, fresh)
        if options.check:
            if wrong := stale(fresh):
                sys.exit(f"stale in {BINDINGS}: {', '.join(wrong)}; run tools/bindings.py")
            return
        shutil.rmtree(BINDINGS, ignore_errors=True)
        shutil.copytree(fresh, BINDINGS)


if __name__ == "__main__":
    main()
