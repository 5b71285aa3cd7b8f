"""The fitter finds what looking at everything finds, and keeps the books right."""

from __future__ import annotations

import random
import unittest
from collections.abc import Callable, Iterable

from offerd import Amounts, Answer, Description, Fitter, Order, Policy, Round, Spot, Weights
from offerd.score import Score
from offerd.testing import Cluster, Job
from offerd.types import Offer, Waiting

Placed = list[tuple[int, int, int]]


def amounts(numbers: random.Random) -> Amounts:
    return Amounts(
        cpus=numbers.randrange(40) * 100.0,
        mem=numbers.randrange(40) * 32_000.0,
        gpus=numbers.randrange(3) * 1000.0,
        ports=numbers.randrange(4),
    )


def generated(numbers: random.Random) -> Round:
    cluster = Cluster("a", "b")
    for at in range(numbers.randrange(200)):
        agent = cluster.agent(f"host-{at}")
        cluster.offer(agent, numbers.choice("ab"), amounts(numbers))
    for at in range(numbers.randrange(40)):
        count = numbers.randrange(1, 8)
        cluster.wait(Job(f"job-{at}", numbers.choice("ab"), amounts(numbers), count))
    return cluster.round()


def naive(round: Round, order: Order) -> Placed:
    """The same by looking at everything."""
    left = [Amounts.of_record(offer) for offer in round.offers]
    placed = []
    for waiting in round.waiting:
        score = naive_score(round, waiting.role, order)
        need = Amounts.of_record(waiting)
        wanted = waiting.count
        while wanted > 0:
            fitting = [
                at
                for at, offer in enumerate(round.offers)
                if offer.role == waiting.role and left[at].fits(need)
            ]
            if not fitting:
                break
            at = min(fitting, key=lambda at: (score(at, left[at]), at))
            count = min(left[at].capacity(need), wanted)
            left[at] = left[at].minus(need.times(count))
            wanted -= count
            placed.append((round.offers[at].offer, waiting.set, count))
    return placed


def naive_score(round: Round, role: int, order: Order) -> Callable[[int, Amounts], float]:
    needs = [Amounts.of_record(one) for one in round.waiting if one.role == role]
    most, total = Amounts(), Amounts()
    for need in needs:
        most = most.larger(need)
    for offer in round.offers:
        if offer.role == role:
            total += Amounts.of_record(offer)
    score = Score(
        order.weights,
        (most.cpus, most.mem, most.disk, most.gpus, most.ports),
        (total.cpus, total.mem, total.disk, total.gpus, total.ports),
    )

    def of(at: int, left: Amounts) -> float:
        value = score.of(left.cpus, left.mem, left.disk, left.gpus, left.ports)
        return {"arrival": float(at), "tightest": value, "roomiest": -value}[order.kind]

    return of


def fitted(round: Round, order: Order) -> Placed:
    fitter = Fitter(round, order)
    return [
        (spot.offer, waiting.set, spot.count)
        for waiting in round.waiting
        for spot in fitter.fill(waiting)
    ]


class Generated(unittest.TestCase):
    def test_the_search_finds_what_looking_at_everything_finds(self) -> None:
        for seed in range(150):
            round = generated(random.Random(seed))
            for order in (Order.ARRIVAL, Order.tightest(), Order.roomiest(), PORTS):
                with self.subTest(seed=seed, order=order.kind):
                    self.assertEqual(fitted(round, order), naive(round, order))

    def test_one_at_a_time_is_the_same(self) -> None:
        for seed in range(50):
            round = generated(random.Random(seed))
            for order in (Order.ARRIVAL, Order.tightest(), Order.roomiest()):
                fitter = Fitter(round, order)
                placed: Placed = []
                for waiting in round.waiting:
                    wanted = waiting.count
                    while wanted and (spot := fitter.next(waiting)):
                        count = min(spot.count, wanted)
                        fitter.take(spot, waiting, count)
                        wanted -= count
                        placed.append((spot.offer, waiting.set, count))
                with self.subTest(seed=seed, order=order.kind):
                    self.assertEqual(placed, naive(round, order))

    def test_what_is_left_is_what_was_there_less_what_was_taken(self) -> None:
        round = generated(random.Random(7))
        fitter = Fitter(round, Order.tightest())
        taken = {at: Amounts() for at in range(len(round.offers))}
        for waiting in round.waiting:
            for spot in fitter.fill(waiting):
                taken[spot.at] += Amounts.of_record(waiting).times(spot.count)
        for at, offer in enumerate(round.offers):
            self.assertEqual(fitter.left(at) + taken[at], Amounts.of_record(offer))


PORTS = Order.tightest(Weights(cpus=0.0, mem=0.3, ports=2.0))


class Fill(Policy):
    """Takes what the fitter gives."""

    @classmethod
    def describe(cls) -> Description:
        return Description("fill", "1", "")

    def decide(self, round: Round, answer: Answer) -> None:
        fitter = Fitter(round, Order.ARRIVAL)
        for waiting in round.waiting:
            for spot in fitter.fill(waiting):
                answer.place(spot, waiting, spot.count)


class Constraints(unittest.TestCase):
    def constrained(self, agents: int, count: int) -> tuple[Cluster, int]:
        cluster = Cluster("r")
        for number in range(agents):
            agent = cluster.agent(f"h{number}")
            cluster.offer(agent, "r", Amounts.of(4, 4096))
            cluster.offer(agent, "r", Amounts.of(4, 4096))
        job = Job("j", "r", Amounts.of(1, 1), count=count, constrained=True)
        return cluster, cluster.wait(job)

    def test_constraints_are_asked_of_the_host_and_kept_in_the_books(self) -> None:
        cluster, set = self.constrained(agents=3, count=9)
        cluster.allow(set, 0, 1)
        cluster.allow(set, 2, 5)
        answer = cluster.decide(cluster.configure(Fill))
        placed = [(one.offer, one.count) for one in answer.placements]
        self.assertEqual(placed, [(0, 1), (4, 4), (5, 1)])

    def test_the_host_is_asked_about_many_agents_at_a_time(self) -> None:
        cluster, set = self.constrained(agents=200, count=1)
        cluster.allow(set, 199)
        answer = cluster.decide(cluster.configure(Fill))
        self.assertEqual(answer.placements[0].offer, 398)
        # Windows of 16, 32, 64 and 128 agents.
        self.assertEqual(cluster.state.asked.count("allowed"), 4)

    def test_room_at_one_offer(self) -> None:
        cluster, set = self.constrained(agents=2, count=9)
        cluster.allow(set, 1, 3)

        class Looks(Fill):
            def decide(self, round: Round, answer: Answer) -> None:
                fitter = Fitter(round, Order.ARRIVAL)
                self.rooms = [fitter.room(at, round.waiting[0]) for at in range(4)]
                spot = fitter.spot(2, round.waiting[0])
                assert spot is not None and fitter.spot(0, round.waiting[0]) is None
                fitter.take(spot, round.waiting[0], 2)
                self.rooms += [fitter.room(at, round.waiting[0]) for at in range(4)]

        policy = cluster.configure(Looks)
        cluster.decide(policy)
        self.assertEqual(policy.rooms, [0, 0, 3, 3, 0, 0, 1, 1])

    def test_only_good_offers(self) -> None:
        cluster = Cluster("r")
        for _ in range(4):
            cluster.offer(cluster.agent("h"), "r", Amounts.of(2, 64))
        cluster.wait(Job("j", "r", Amounts.of(1, 1), count=9))
        round = cluster.round()
        fitter = Fitter(round, Order.ARRIVAL)

        def odd(offer: Offer) -> bool:
            return offer.offer % 2 == 1

        self.assertEqual(handles(fitter.fill(round.waiting[0], odd)), [1, 3])
        spot = fitter.next(round.waiting[0])
        self.assertIsNotNone(spot)
        self.assertEqual(spot and spot.offer, 0)


def handles(spots: Iterable[Spot]) -> list[int]:
    return [spot.offer for spot in spots]


class Groups(unittest.TestCase):
    def test_offers_are_searched_group_by_group(self) -> None:
        cluster = Cluster("r")
        for number in range(6):
            cluster.offer(cluster.agent("h"), "r", Amounts.of(number + 1, 64))
        cluster.wait(Job("j", "r", Amounts.of(1, 1)))
        round = cluster.round()
        seen: list[int] = []

        def group(at: int, offer: Offer) -> int | None:
            seen.append(at)
            return None if at == 0 else at % 2

        fitter = Fitter(round, Order.roomiest(), group)
        waiting = round.waiting[0]
        found = [fitter.next(waiting, group=number) for number in (0, 1, 2)]
        self.assertEqual([spot and spot.offer for spot in found], [4, 5, None])
        self.assertEqual(seen, [0, 1, 2, 3, 4, 5])

    def test_stopping_early_takes_no_more(self) -> None:
        cluster = Cluster("r")
        for _ in range(3):
            cluster.offer(cluster.agent("h"), "r", Amounts.of(1, 64))
        cluster.wait(Job("j", "r", Amounts.of(1, 1), count=3))
        round = cluster.round()
        fitter = Fitter(round, Order.ARRIVAL)
        for _ in fitter.fill(round.waiting[0]):
            break
        self.assertEqual([fitter.left(at).cpus for at in range(3)], [0.0, 1000.0, 1000.0])

    def test_nothing_to_do(self) -> None:
        empty = Cluster("r").round()
        self.assertEqual(fitted(empty, Order.tightest()), [])
        alone = Waiting(0, 0, 0, 1, 1.0, 1.0, 0.0, 0.0, 0, 0, 0, 0.0)
        self.assertIsNone(Fitter(empty, Order.ARRIVAL).next(alone))
        self.assertEqual(list(Fitter(empty, Order.ARRIVAL).fill(alone)), [])


if __name__ == "__main__":
    unittest.main()
