//! What must hold whatever happens.

use std::collections::BTreeSet;

use super::World;
use crate::Instant;
use crate::call::Call;
use crate::ids::TaskId;
use crate::job::JobKind;
use crate::machine::policies::Policy;
use crate::machine::{Effect, Timer};

impl World {
    /// What must hold between inputs.
    pub(super) fn check(&self) {
        self.deadlines_lie_ahead();
        self.the_ledger_is_the_books();
        self.nobody_is_a_stranger();
        self.idle_roles_are_suppressed();
        self.held_offers_are_outstanding();
        self.jobs_add_up();
        self.what_stands_twice_is_the_same();
    }

    fn deadlines_lie_ahead(&self) {
        if let Some(at) = self.machine.next_deadline() {
            assert!(
                at >= self.now,
                "a deadline at {at:?} was missed, it is {:?}",
                self.now
            );
        }
    }

    fn the_ledger_is_the_books(&self) {
        let books: BTreeSet<TaskId> = self
            .machine
            .tasks
            .iter()
            .map(|task| task.record.id.clone())
            .collect();
        let ledger: BTreeSet<TaskId> = self.task_records.keys().cloned().collect();
        assert_eq!(books, ledger);
        for task in self.machine.tasks.iter() {
            assert_eq!(Some(&task.record), self.task_records.get(&task.record.id));
        }
    }

    /// Whatever runs was launched by this framework and is in its books.
    fn nobody_is_a_stranger(&self) {
        assert!(
            !self
                .machine
                .tasks
                .iter()
                .any(|task| task.record.quarantined)
        );
    }

    fn idle_roles_are_suppressed(&self) {
        if self.machine.session.is_none() {
            return;
        }
        for role in self.machine.roles.iter().filter(|role| !role.gone) {
            if !role.is_wanted() {
                assert!(role.suppressed, "nothing waits in {}", role.name);
                assert_eq!(
                    self.suppressed.get(&role.name),
                    Some(&true),
                    "{}",
                    role.name
                );
            }
        }
    }

    fn held_offers_are_outstanding(&self) {
        assert!(self.machine.status().offers_held <= self.offers.len());
    }

    /// Tasks by agent, and the timers of policies among all timers.
    fn what_stands_twice_is_the_same(&self) {
        let tasks = &self.machine.tasks;
        let mut by_agent = BTreeSet::new();
        for agent in self.machine.agents.all() {
            by_agent.extend(tasks.on_agent(agent.handle).map(|task| task.handle));
        }
        let all: BTreeSet<_> = tasks.iter().map(|task| task.handle).collect();
        assert_eq!(by_agent, all);
        let of_policies = |policy: &Policy| -> Vec<(Instant, Timer)> {
            let timers = policy.timers.iter();
            timers
                .map(|(number, at)| (*at, Timer::PolicyAsked(policy.handle, *number)))
                .collect()
        };
        let of_policies: BTreeSet<_> = self.machine.policies.iter().flat_map(of_policies).collect();
        let asked = |(_, timer): &&(Instant, Timer)| matches!(timer, Timer::PolicyAsked(..));
        let asked: BTreeSet<_> = self.machine.timers.iter().filter(asked).copied().collect();
        assert_eq!(of_policies, asked);
    }

    /// No task is forgotten and none is one too many.
    fn jobs_add_up(&self) {
        for job in self.machine.jobs.iter().filter(|job| !job.record.killed) {
            let unwanted = job
                .live
                .iter()
                .filter_map(|task| self.machine.tasks.get(*task))
                .filter(|task| task.is_to_go())
                .count();
            let open = job.live.len() + job.waiting.len() + job.delayed.len() - unwanted;
            let ended = (job.record.finished + job.record.failed) as usize;
            let expected = job.spec().count as usize;
            match job.spec().kind {
                JobKind::Service => assert_eq!(open, expected, "{job:?}"),
                JobKind::Batch => assert_eq!(open + ended, expected, "{job:?}"),
            }
        }
    }
}

/// With a uuid exactly once, without one never.
pub(super) fn updates_are_acknowledged_once(delivered: Option<[u8; 16]>, effects: &[Effect]) {
    let acknowledged: Vec<[u8; 16]> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send {
                call: Call::Acknowledge { uuid, .. },
                ..
            } => Some(*uuid),
            _ => None,
        })
        .collect();
    assert_eq!(acknowledged, delivered.into_iter().collect::<Vec<_>>());
}
