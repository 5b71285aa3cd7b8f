"""What the policy decides, without a host."""

from __future__ import annotations

import unittest
from typing import Any

from policy import BinPack

from offerd import Amounts, PolicyError
from offerd.testing import Cluster, Job


def placed(
    config: dict[str, Any], offers: list[Amounts], need: Amounts, count: int
) -> list[tuple[int, int]]:
    """Offer and number of tasks, placement by placement."""
    cluster = Cluster("batch")
    for at, amounts in enumerate(offers):
        cluster.offer(cluster.agent(f"host-{at}"), "batch", amounts)
    cluster.wait(Job("job", "batch", need, count))
    answer = cluster.decide(cluster.configure(BinPack, config))
    return [(placement.offer, placement.count) for placement in answer.placements]


class Decides(unittest.TestCase):
    def test_the_tightest_first_and_then_the_next(self) -> None:
        offers = [Amounts.of(8, 8192), Amounts.of(2, 2048), Amounts.of(4, 4096)]
        self.assertEqual(placed({}, offers, Amounts.of(1, 64), 7), [(1, 2), (2, 4), (0, 1)])

    def test_weights_decide_which_resource_is_scarce(self) -> None:
        offers = [Amounts.of(8, 100), Amounts.of(2, 9000)]
        need = Amounts.of(1, 10)
        self.assertEqual(placed({"weights": {"mem": 0}}, offers, need, 1), [(1, 1)])
        self.assertEqual(placed({"weights": {"cpus": 0}}, offers, need, 1), [(0, 1)])

    def test_tasks_without_gpus_leave_gpus_free(self) -> None:
        offers = [Amounts.of(2, 2048, gpus=1), Amounts.of(4, 4096)]
        self.assertEqual(placed({}, offers, Amounts.of(1, 64), 1), [(1, 1)])

    def test_decisions_have_reasons(self) -> None:
        cluster = Cluster("batch")
        cluster.offer(cluster.agent("a"), "batch", Amounts.of(1, 64))
        cluster.offer(cluster.agent("b"), "batch", Amounts.of(1, 64))
        cluster.wait(Job("job", "batch", Amounts.of(1, 64)))
        answer = cluster.decide(cluster.configure(BinPack))
        self.assertEqual(
            answer.reasons, ["the tightest offer with room", "nothing that waits fits"]
        )
        self.assertEqual(answer.placements[0].reason, 1)
        self.assertTrue(answer.rest and answer.rest.reason == 2)
        self.assertEqual(cluster.offers, [])


class Configured(unittest.TestCase):
    def wrong(self, config: dict[str, Any]) -> str:
        with self.assertRaises(PolicyError) as caught:
            Cluster("batch").configure(BinPack, config)
        return str(caught.exception)

    def test_a_wrong_weight_is_named(self) -> None:
        self.assertEqual(
            self.wrong({"weights": {"mem": -1}}),
            "config.weights.mem: -1 is no weight; it must be from 0 to 1000000",
        )
        self.assertEqual(
            self.wrong({"weights": {"ram": 1}}),
            "config.weights.ram: there is no such setting; known are `cpus`, `mem`, `disk`, "
            "`gpus`, `ports`",
        )
        self.assertEqual(
            self.wrong({"weights": {"cpus": "2"}}),
            'config.weights.cpus: invalid type: string "2", expected f64',
        )

    def test_who_it_is(self) -> None:
        who = Cluster().describe(BinPack)
        self.assertEqual((who.name, who.version), ("bin-pack-python", "0.1.0"))


if __name__ == "__main__":
    unittest.main()
