"""Unit tests: `python3 -m unittest`, or pytest."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "sdk"))

from offerd import Amounts  # noqa: E402  (after the path to it)
from offerd.testing import Cluster, Job  # noqa: E402

from policy import {{type}}  # noqa: E402


def placed(**config: object) -> list[tuple[int, int]]:
    cluster = Cluster("batch")
    for host in ["one", "two"]:
        agent = cluster.agent(host, {})
        cluster.offer(agent, "batch", Amounts.of(cpus=2, mem=1024))
    cluster.wait(Job("job", "batch", Amounts.of(cpus=1, mem=128), count=3))
    policy = cluster.configure({{type}}, config)
    answer = cluster.decide(policy)
    return [(place.offer, place.count) for place in answer.placements]


class Test{{type}}(unittest.TestCase):
    def test_the_first_offer_is_filled_first(self) -> None:
        self.assertEqual(placed(), [(0, 2), (1, 1)])

    def test_no_more_than_allowed(self) -> None:
        self.assertEqual(placed(most=1), [(0, 1)])


if __name__ == "__main__":
    unittest.main()
