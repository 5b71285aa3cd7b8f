"""What the policy decides and learns, without a host."""

from __future__ import annotations

import unittest
from datetime import timedelta

from learning import RunTimes
from policy import FOREVER, IDLE, PackByRunTime, class_of, search_order

from offerd import Amounts, PolicyError, Snapshot, TaskState
from offerd.testing import Cluster, Job

ONE = Amounts.of(1, 64)


class Made(unittest.TestCase):
    def setUp(self) -> None:
        self.cluster = Cluster("batch")
        self.policy = self.cluster.configure(PackByRunTime)

    def offers(self, count: int, cpus: float = 4) -> list[int]:
        """New agents, each with an offer."""
        agents = [self.cluster.agent(f"host-{at}") for at in range(count)]
        for agent in agents:
            self.offer(agent, cpus)
        return agents

    def offer(self, agent: int, cpus: float = 4) -> None:
        self.cluster.offer(agent, "batch", Amounts.of(cpus, 4096))

    def ran(self, name: str, minutes: float) -> None:
        """A task of the job runs from its start to its end."""
        agent = self.cluster.agent("past")
        (handle,) = self.cluster.run(Job(name, "batch", ONE), agent)
        task = next(one for one in self.cluster.tasks if one.task == handle)
        self.cluster.update(task, TaskState.RUNNING)
        self.cluster.decide(self.policy)
        self.cluster.advance(timedelta(minutes=minutes))
        self.cluster.end(handle)
        self.cluster.decide(self.policy)

    def placed(self) -> list[tuple[int, int]]:
        """Agent and number of tasks of each placement of the next round."""
        agents = {offer.offer: offer.agent for offer in self.cluster.offers}
        answer = self.cluster.decide(self.policy)
        self.said = [answer.reasons[one.reason - 1] for one in answer.placements]
        return [(agents[one.offer], one.count) for one in answer.placements]


class Places(Made):
    def test_tasks_that_end_together_go_together(self) -> None:
        self.ran("short", 2)
        self.ran("long", 60)
        first, second = self.offers(2)
        self.cluster.wait(Job("short", "batch", ONE))
        self.cluster.wait(Job("long", "batch", ONE))
        self.assertEqual(self.placed(), [(first, 1), (second, 1)])
        self.assertEqual(self.said, ["nothing runs on the agent"] * 2)
        self.offer(first, 3)
        self.offer(second, 3)
        self.cluster.wait(Job("long", "batch", ONE, count=2))
        self.cluster.wait(Job("short", "batch", ONE, count=2))
        self.assertEqual(self.placed(), [(second, 2), (first, 2)])
        self.assertEqual(set(self.said), {"ends at about the time at which the agent gets free"})

    def test_rather_an_agent_that_is_busy_for_longer_than_one_that_gets_free(self) -> None:
        self.ran("short", 2)
        self.ran("middle", 15)
        self.ran("long", 60)
        idle, short, long = self.offers(3)
        self.cluster.run(Job("short", "batch", ONE), short)
        self.cluster.run(Job("long", "batch", ONE), long)
        self.cluster.wait(Job("middle", "batch", ONE, count=13))
        self.assertEqual(self.placed(), [(long, 4), (idle, 4), (short, 4)])
        self.assertEqual(
            self.said,
            [
                "ends before the agent gets free",
                "nothing runs on the agent",
                "keeps the agent busy for longer",
            ],
        )

    def test_services_go_to_services(self) -> None:
        batch, service = self.offers(2)
        self.cluster.run(Job("web", "batch", ONE, service=True), service)
        self.cluster.run(Job("long", "batch", ONE), batch)
        self.cluster.wait(Job("api", "batch", ONE, service=True))
        self.assertEqual(self.placed(), [(service, 1)])

    def test_an_agent_that_got_tasks_in_this_round_is_seen_as_busy(self) -> None:
        self.ran("long", 60)
        agents = self.offers(3)
        for number in range(3):
            self.cluster.wait(Job("long", "batch", Amounts.of(1 + number, 64)))
        self.assertEqual([agent for agent, _ in self.placed()], [agents[0], agents[0], agents[1]])

    def test_constraints_are_kept(self) -> None:
        first, second, third = self.offers(3)
        self.cluster.run(Job("other", "batch", ONE), first)
        set = self.cluster.wait(Job("job", "batch", ONE, count=9, constrained=True))
        self.cluster.allow(set, first, 1)
        self.cluster.allow(set, third, 2)
        self.assertEqual(self.placed(), [(first, 1), (third, 2)])
        self.assertEqual(self.cluster.waiting[0].count, 6)


class Frees(Made):
    def test_more_agents_get_free_than_with_tasks_mixed(self) -> None:
        """Ten agents, twenty short and twenty long tasks that come in turns: when the
        short ones have ended, half of the agents are free."""
        self.ran("short", 5)
        self.ran("long", 60)
        agents = self.offers(10)
        for _ in range(20):
            for name in ("short", "long"):
                self.cluster.wait(Job(name, "batch", ONE))
            self.placed()
            free = {agent: 4 for agent in agents}
            for task in self.cluster.tasks:
                free[task.agent] -= 1
            self.cluster.offers.clear()
            for agent, cpus in free.items():
                if cpus:
                    self.offer(agent, cpus)
        names = {handle: job.name for handle, job in enumerate(self.cluster.state.jobs)}
        long = {task.agent for task in self.cluster.tasks if names[task.job] == "long"}
        self.assertEqual(len(self.cluster.tasks), 40)
        self.assertEqual(len(long), 5)


class Learns(Made):
    def test_finished_tasks_only(self) -> None:
        self.ran("job", 30)
        self.assertEqual(self.policy.times.expected("job"), 30 * 60_000.0)
        agent = self.cluster.agent("h")
        (handle,) = self.cluster.run(Job("job", "batch", ONE), agent)
        self.cluster.update(self.cluster.tasks[0], TaskState.RUNNING)
        self.cluster.decide(self.policy)
        self.cluster.advance(1)
        self.cluster.end(handle, TaskState.FAILED)
        self.cluster.decide(self.policy)
        self.assertEqual(self.policy.times.expected("job"), 30 * 60_000.0)
        self.assertEqual(self.cluster.metrics["known_jobs"], 1)

    def test_a_quantile_of_the_latest_run_times(self) -> None:
        times = RunTimes(default=1000.0, quantile=0.5, remember=3)
        self.assertEqual(times.expected("job"), 1000.0)
        for time in (90.0, 10.0, 20.0, 30.0):
            times.add("job", time)
        self.assertEqual(times.expected("job"), 20.0)
        self.assertGreater(times.error, 0.0)

    def test_what_was_learned_outlives_the_instance(self) -> None:
        self.ran("job", 30)
        fresh = self.cluster.restart(self.policy)
        self.assertEqual(fresh.times.expected("job"), 30 * 60_000.0)
        for snapshot in (
            Snapshot(2, b"{}"),
            Snapshot(1, b"\xff"),
            Snapshot(1, b"[]"),
            Snapshot(1, b'{"error": 0, "jobs": {"a": 3}}'),
        ):
            with self.assertRaises(PolicyError):
                fresh.restore(snapshot)

    def test_a_task_that_is_late_is_expected_to_go_on(self) -> None:
        self.ran("job", 4)
        (agent,) = self.offers(1)
        self.cluster.run(Job("job", "batch", ONE), agent)
        self.cluster.advance(timedelta(minutes=10))
        self.cluster.wait(Job("job", "batch", ONE))
        now = self.cluster.state.now
        self.placed()
        self.assertGreater(self.policy.busy[agent], now + 5 * 60_000.0)


class Classes(unittest.TestCase):
    def test_times_double_from_class_to_class(self) -> None:
        minutes = [0.0, 1.0, 1.1, 2.0, 4.0, 5.0, 1e9]
        classes = [class_of(one * 60_000.0) for one in minutes]
        self.assertEqual(classes, [0, 0, 1, 1, 2, 3, 30])
        self.assertEqual(class_of(float("inf")), FOREVER)
        self.assertEqual(class_of(-5.0), 0)

    def test_all_classes_are_searched_once(self) -> None:
        for own in (0, 5, FOREVER):
            self.assertEqual(sorted(search_order(own)), list(range(IDLE, FOREVER + 1)))

    def test_wrong_settings_are_named(self) -> None:
        for config in ({"quantile": 2}, {"remember": 0}, {"default_minutes": 0}, {"minutes": 1}):
            with self.assertRaisesRegex(PolicyError, next(iter(config))):
                Cluster("batch").configure(PackByRunTime, config)


if __name__ == "__main__":
    unittest.main()
