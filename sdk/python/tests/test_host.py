"""Calls to the host: what is cached, what a test answers, what is guarded."""

from __future__ import annotations

import inspect
import logging
import random as python_random
import time
import unittest
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import offerd
from offerd import Amounts, Answer, Description, Policy, Round, clock, cluster, log, metrics, random
from offerd._bindings.wit_world.imports import clock as clock_stub
from offerd._bindings.wit_world.imports import cluster as cluster_stub
from offerd._bindings.wit_world.imports import logging as logging_stub
from offerd._bindings.wit_world.imports import metrics as metrics_stub
from offerd._bindings.wit_world.imports import random as random_stub
from offerd._guard import NotInAPolicy
from offerd._host import NoHost
from offerd.testing import Cluster, Job
from offerd.testing._state import Host, State
from offerd.types import (
    NONE,
    AgentDetails,
    Attribute,
    AttributeValue_Items,
    AttributeValue_Ranges,
    AttributeValue_Scalar,
    Event_Subscribed,
    Level,
    Range,
    Subscribed,
)


class Does(Policy):
    """Does in `decide` what a test gives it."""

    work: Any = staticmethod(lambda round: None)
    result: Any = None

    @classmethod
    def describe(cls) -> Description:
        return Description("does", "1", "")

    def decide(self, round: Round, answer: Answer) -> None:
        self.result = self.work(round)


def done(work: Any, cluster: Cluster | None = None) -> Any:
    cluster = cluster or Cluster("r")
    policy = cluster.configure(Does)
    policy.work = work
    cluster.decide(policy)
    return policy.result


class StandIn(unittest.TestCase):
    def test_it_has_the_functions_of_the_contract(self) -> None:
        host = Host(State())
        stubs: list[tuple[ModuleType, object]] = [
            (clock_stub, host.clock),
            (cluster_stub, host.cluster),
            (logging_stub, host.logging),
            (metrics_stub, host.metrics),
            (random_stub, host.random),
        ]
        for stub, answers in stubs:
            theirs = {
                name: list(inspect.signature(function).parameters)
                for name, function in inspect.getmembers(stub, inspect.isfunction)
                if function.__module__ == stub.__name__
            }
            ours = {
                name: list(inspect.signature(function).parameters)
                for name, function in inspect.getmembers(answers, inspect.ismethod)
                if not name.startswith("_")
            }
            self.assertEqual(ours, theirs)

    def test_without_a_host_the_error_says_what_to_do(self) -> None:
        with self.assertRaisesRegex(NoHost, "clock.now asks the host.*offerd.testing.Cluster"):
            clock.now()


    def test_it_answers_as_the_host_does(self) -> None:
        host = Cluster("r")
        agent = host.agent("h0")
        offer = host.offer(agent, "r", Amounts.of(2, 512))
        free = host.wait(Job("free", "r", Amounts.of(1)))
        bound = host.wait(Job("bound", "r", Amounts.of(1), constrained=True))
        host.offer_column(offer, "fpgas", 3000.0)

        def asked(_: Round) -> list[Any]:
            return [
                cluster.allowed(free, [agent, 9]),
                cluster.allowed(bound, [agent]),
                cluster.allowed(9, [agent]),
                cluster.column("cpus"),
                cluster.column("fpgas"),
                cluster.column("other"),
            ]

        self.assertEqual(done(asked, host), [[NONE, 0], [0], [], [2000.0], [3000.0], [0.0]])


class Cached(unittest.TestCase):
    def asked(self, cluster: Cluster, policy: Does) -> list[str]:
        before = len(cluster.state.asked)
        cluster.decide(policy)
        return cluster.state.asked[before:]

    def test_agents_until_a_subscription_or_ten_minutes_and_jobs_for_a_round(self) -> None:
        host = Cluster("r")
        host.agent("h0")
        policy = host.configure(Does)
        policy.work = lambda round: [cluster.agent(0), cluster.agent(0), cluster.job(3)] * 2
        self.assertEqual(self.asked(host, policy), ["get_agent", "get_job"])
        self.assertEqual(self.asked(host, policy), ["get_job"])
        host.advance(timedelta(minutes=11))
        self.assertEqual(self.asked(host, policy), ["get_agent", "get_job"])
        host.tell(Event_Subscribed(Subscribed("f", False, "m")))
        self.assertEqual(self.asked(host, policy), ["get_agent", "get_job"])

    def test_an_agent_of_which_only_the_id_is_known_is_asked_for_again(self) -> None:
        host = Cluster("r")
        host.agent("")
        policy = host.configure(Does)
        policy.work = lambda round: cluster.agent(0)
        for _ in range(2):
            self.assertEqual(self.asked(host, policy), ["get_agent"])
        host.state.agents[0].hostname = "h0"
        self.assertEqual(self.asked(host, policy), ["get_agent"])
        self.assertEqual(self.asked(host, policy), [])

    def test_what_is_unknown(self) -> None:
        self.assertEqual(
            done(lambda _: [cluster.agent(9), cluster.role_name(9), cluster.role_name(0)]),
            [None, None, "r"],
        )

    def test_attributes_as_operators_write_them(self) -> None:
        values = {
            "cores": AttributeValue_Scalar(2500.0),
            "big": AttributeValue_Scalar(1e6),
            "ports": AttributeValue_Ranges([Range(1, 2), Range(5, 5)]),
            "tags": AttributeValue_Items(["a", "b"]),
        }
        attributes = [Attribute(name, value) for name, value in values.items()]
        agent = AgentDetails("a", "h", None, None, attributes)
        shown = [cluster.attribute_text(agent, name) for name in (*values, "none")]
        self.assertEqual(shown, ["2.5", "1000", "[1-2, 5-5]", "{a, b}", None])


class Numbers(unittest.TestCase):
    def test_the_clock_is_the_hosts(self) -> None:
        self.assertEqual(done(lambda round: clock.now() == round.now), True)
        expected = datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)
        self.assertEqual(clock.utc(1_700_000_000_500.0), expected)

    def test_random_numbers_are_the_hosts(self) -> None:
        def draw(_: Round) -> list[Any]:
            items = list(range(9))
            random.shuffle(items)
            numbers = random.Random()
            return [
                random.next_u32(),
                random.below(10),
                items,
                numbers.choice("abc"),
                numbers.randrange(10**20),
                numbers.sample(range(5), 5),
                numbers.getrandbits(0),
            ]

        self.assertEqual(done(draw), done(draw))
        self.assertEqual(sorted(done(draw)[2]), list(range(9)))
        bits = done(lambda _: [random.Random().getrandbits(40) for _ in range(50)])
        self.assertTrue(all(0 <= one < 2**40 for one in bits) and max(bits) > 2**39)

    def test_metrics_and_lines(self) -> None:
        host = Cluster("r")
        host.state.level = Level.INFO

        def work(_: Round) -> None:
            metrics.count("rounds")
            metrics.count("rounds", 2)
            metrics.gauge("offers", 7)
            log.info("%d%%", 5)
            log.debug("not kept")
            log.warning("100%")
            logger = logging.getLogger("mine")
            logger.addHandler(log.Handler())
            logger.propagate = False
            logger.setLevel(logging.DEBUG)
            try:
                raise ValueError("no")
            except ValueError:
                logger.exception("hi %s", "you")

        done(work, host)
        self.assertEqual(host.metrics, {"rounds": 3.0, "offers": 7})
        self.assertEqual(host.log[:2], [(Level.INFO, "5%"), (Level.WARN, "100%")])
        level, text = host.log[2]
        self.assertEqual(level, Level.ERROR)
        self.assertRegex(text, r"^mine: hi you\nTraceback[^$]*ValueError: no$")


class Guarded(unittest.TestCase):
    def test_pythons_own_clock_and_numbers_are_errors_in_a_call(self) -> None:
        import datetime as dates
        import os
        import secrets
        import uuid

        for work in (
            lambda _: time.time(),
            lambda _: time.gmtime(),
            lambda _: time.perf_counter(),
            lambda _: os.urandom(3),
            lambda _: uuid.uuid4(),
            lambda _: python_random.Random(),
            lambda _: python_random.SystemRandom(),
            lambda _: python_random.random(),
            lambda _: python_random.shuffle([1]),
            lambda _: secrets.token_hex(),
            lambda _: dates.datetime.now(),
            lambda _: dates.date.today(),
        ):
            with self.assertRaisesRegex(NotInAPolicy, "use offerd"):
                done(work)
        with self.assertRaisesRegex(NotInAPolicy, "answer.timer"):
            done(lambda _: time.sleep(0))

    def test_what_asks_nothing_works_and_all_is_back_afterwards(self) -> None:
        import datetime as dates

        real = python_random.Random(3).random()
        self.assertEqual(done(lambda _: python_random.Random(3).random()), real)
        self.assertEqual(done(lambda _: time.gmtime(0).tm_year), 1970)
        self.assertTrue(done(lambda _: isinstance(clock.utc(0.0), dates.datetime)))
        self.assertLess(0, time.time())
        self.assertIs(dates.datetime, datetime)
        python_random.random()

    def test_version(self) -> None:
        self.assertEqual(offerd.__version__, "0.1.0")


if __name__ == "__main__":
    unittest.main()
