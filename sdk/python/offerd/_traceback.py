"""An exception with its traceback as text, from what is in memory.

Python's own module parses source text to mark the failing part of a line, and where
that does not parse it opens the file, which ends the instance in a component.
"""

from __future__ import annotations

import linecache
import re
from types import TracebackType

_FRAMES = 20
"""So many frames of a traceback are shown: the first and the last ones. A recursion
without end has a thousand."""

_MOUNT = re.compile(r"^/\d+/")
"""Where the tool puts the folders of the project and the SDK when it builds."""


def text(error: BaseException, less: str = "") -> str:
    """The exception and those that led to it, oldest first, without the frames of the
    module `less` at its beginning."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        trace = current.__traceback__
        while trace is not None and trace.tb_frame.f_globals.get("__name__") == less:
            trace = trace.tb_next
        parts.append("\n".join([*_frames(trace), _said(current)]))
        if current.__cause__ is not None:
            parts.append("That was the cause of this:")
            current = current.__cause__
        elif current.__context__ is not None and not current.__suppress_context__:
            parts.append("While that was handled, this happened:")
            current = current.__context__
        else:
            current = None
    return "\n".join(reversed(parts))


def _said(error: BaseException) -> str:
    try:
        said = str(error)
        notes = [str(note) for note in getattr(error, "__notes__", ())]
    except Exception as second:
        said, notes = f"(its text cannot be made: {type(second).__name__})", []
    name = type(error).__qualname__
    if type(error).__module__ != "builtins":
        name = f"{type(error).__module__}.{name}"
    return "\n".join([f"{name}: {said}" if said else name, *notes])


def _frames(trace: TracebackType | None) -> list[str]:
    frames: list[tuple[str, int, str]] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    if not frames:
        return []
    lines = ["Traceback (most recent call last):"]
    left_out = len(frames) - _FRAMES
    for at, (file, number, name) in enumerate(frames):
        if left_out > 0 and _FRAMES // 2 <= at < _FRAMES // 2 + left_out:
            if at == _FRAMES // 2:
                lines.append(f"  ... {left_out} more frames ...")
            continue
        lines.append(f'  File "{_MOUNT.sub("", file)}", line {number}, in {name}')
        if source := _line(file, number):
            lines.append(f"    {source}")
    return lines


def _line(file: str, number: int) -> str:
    """A line of source, if it is in memory."""
    known = linecache.cache.get(file)
    if known is None or len(known) != 4 or not 0 < number <= len(known[2]):
        return ""
    return known[2][number - 1].strip()
