"""A stand-in for the host, so that a policy is tested without one: a small cluster made
by hand, rounds of it, and a check of the answers. Works in pytest and in unittest.

    from offerd.testing import Cluster, Job

    def test_all_tasks_go_to_the_one_offer():
        cluster = Cluster("batch")
        agent = cluster.agent("one.example.org", {"rack": "a"})
        cluster.offer(agent, "batch", Amounts.of(cpus=4, mem=4096))
        cluster.wait(Job("sleepers", "batch", Amounts.of(cpus=0.5, mem=32), count=3))

        policy = cluster.configure(FirstFit)
        answer = cluster.decide(policy)
        assert [(p.offer, p.count) for p in answer.placements] == [(0, 3)]
"""

from ._cluster import Cluster, Job, Refused
from ._violations import violations

__all__ = ["Cluster", "Job", "Refused", "violations"]
