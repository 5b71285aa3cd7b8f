"""How long tasks run: the latest run times of each job, and what they say about the
next one. Knows nothing of offers and agents.
"""

from __future__ import annotations

import json
import math
from collections import deque
from typing import Any

MOST_JOBS = 10_000
"""The jobs that were seen last are known, so that what is saved stays below a few MiB."""

CHANGE = 0.1
"""How much one forecast counts for the mean error."""


class RunTimes:
    """Run times in milliseconds by name of the job."""

    def __init__(self, default: float, quantile: float, remember: int) -> None:
        self._default = default
        self._quantile = quantile
        self._remember = remember
        self._jobs: dict[str, deque[float]] = {}
        """In the order in which they were seen, so that the first is the oldest."""
        self.error = 0.0
        """How wrong forecasts are, as a part of what was right; a moving mean."""

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: str, time: float) -> None:
        """A task of the job ran for this long."""
        if job in self._jobs:
            wrong = abs(self.expected(job) - time) / max(time, 1000.0)
            self.error += CHANGE * (min(wrong, 10.0) - self.error)
        times = self._jobs.pop(job, None) or deque(maxlen=self._remember)
        times.append(max(time, 0.0))
        self._jobs[job] = times
        while len(self._jobs) > MOST_JOBS:
            del self._jobs[next(iter(self._jobs))]

    def expected(self, job: str) -> float:
        """How long the next task of the job will run."""
        times = self._jobs.get(job)
        if not times:
            return self._default
        ordered = sorted(times)
        return ordered[math.ceil(self._quantile * (len(ordered) - 1))]

    def to_bytes(self) -> bytes:
        jobs = {job: [round(time) for time in times] for job, times in self._jobs.items()}
        return json.dumps({"error": self.error, "jobs": jobs}).encode()

    def read(self, data: bytes) -> None:
        """Takes what `to_bytes` gave; `ValueError` if it is something else."""
        try:
            read: Any = json.loads(data)
            error = float(read["error"])
            jobs = {
                str(job): deque((float(time) for time in times), maxlen=self._remember)
                for job, times in read["jobs"].items()
            }
        except (AttributeError, KeyError, TypeError) as wrong:
            raise ValueError(f"it has not the form of saved run times ({wrong!r})") from wrong
        self.error, self._jobs = error, jobs
