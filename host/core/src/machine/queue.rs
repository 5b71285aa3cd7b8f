//! The tasks of a job that wait for a place. While a canary decides for a share
//! of the demand, they stand in two rows: its own and that of the policy.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

use crate::Instant;

/// A task that waits for a place. It has its id already, so that people can
/// ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WaitingTask {
    pub(super) instance: u32,
    /// Failures before this attempt.
    pub(super) attempt: u32,
    pub(super) since: Instant,
    pub(super) ran: bool,
}

/// Who decides for a task or an offer of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Side {
    /// The policy of the role.
    Policy,
    /// Its canary.
    Canary,
}

pub(super) const SIDES: [Side; 2] = [Side::Policy, Side::Canary];

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Queue {
    policy: VecDeque<WaitingTask>,
    canary: VecDeque<WaitingTask>,
    /// Percent of the tasks that are the canary's.
    share: u32,
}

impl Queue {
    fn row(&self, side: Side) -> &VecDeque<WaitingTask> {
        match side {
            Side::Policy => &self.policy,
            Side::Canary => &self.canary,
        }
    }

    fn row_mut(&mut self, side: Side) -> &mut VecDeque<WaitingTask> {
        match side {
            Side::Policy => &mut self.policy,
            Side::Canary => &mut self.canary,
        }
    }

    pub(super) fn side_of(&self, instance: u32) -> Side {
        if is_in_share(instance, self.share) {
            Side::Canary
        } else {
            Side::Policy
        }
    }

    pub(super) fn push(&mut self, task: WaitingTask) {
        let side = self.side_of(task.instance);
        self.row_mut(side).push_back(task);
    }

    /// Puts a task back that was taken.
    pub(super) fn put_back(&mut self, task: WaitingTask) {
        let side = self.side_of(task.instance);
        self.row_mut(side).push_front(task);
    }

    pub(super) fn take(&mut self, side: Side) -> Option<WaitingTask> {
        self.row_mut(side).pop_front()
    }

    /// Takes the newest away.
    pub(super) fn drop_newest(&mut self) -> Option<WaitingTask> {
        let newest = |row: &VecDeque<WaitingTask>| row.back().map(|task| task.instance);
        if newest(&self.canary) > newest(&self.policy) {
            self.canary.pop_back()
        } else {
            self.policy.pop_back()
        }
    }

    pub(super) fn clear(&mut self) {
        self.policy.clear();
        self.canary.clear();
    }

    pub(super) fn first(&self, side: Side) -> Option<&WaitingTask> {
        self.row(side).front()
    }

    pub(super) fn len_of(&self, side: Side) -> usize {
        self.row(side).len()
    }

    pub(super) fn len(&self) -> usize {
        self.policy.len() + self.canary.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.policy.is_empty() && self.canary.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &WaitingTask> {
        self.policy.iter().chain(&self.canary)
    }

    /// Another share: each task goes to the row where it belongs now.
    pub(super) fn divide(&mut self, share: u32) {
        if share == self.share {
            return;
        }
        self.share = share;
        let mut all: Vec<WaitingTask> =
            self.policy.drain(..).chain(self.canary.drain(..)).collect();
        all.sort_by_key(|task| (task.since, task.instance));
        for task in all {
            self.push(task);
        }
    }
}

/// Whether a number is among `share` percent of all: of any run of numbers about so
/// many are, evenly spread.
pub(super) fn is_in_share(number: u32, share: u32) -> bool {
    let below = |number: u64| number * u64::from(share) / 100;
    let number = u64::from(number);
    below(number + 1) > below(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(instance: u32) -> WaitingTask {
        WaitingTask {
            instance,
            attempt: 0,
            since: Instant(u64::from(instance)),
            ran: false,
        }
    }

    fn instances(queue: &Queue, side: Side) -> Vec<u32> {
        queue.row(side).iter().map(|task| task.instance).collect()
    }

    #[test]
    fn a_share_is_a_share_of_any_run_of_numbers() {
        for share in [0, 1, 10, 25, 50, 99, 100] {
            for start in [0, 17, 1_000_000] {
                let count = (start..start + 1000)
                    .filter(|n| is_in_share(*n, share))
                    .count();
                let wanted = share as usize * 10;
                assert!(
                    count.abs_diff(wanted) <= 5,
                    "{share} % from {start}: {count}"
                );
            }
        }
    }

    #[test]
    fn tasks_change_rows_and_none_is_lost() {
        let mut queue = Queue::default();
        (0..20).for_each(|n| queue.push(task(n)));
        assert_eq!(queue.len_of(Side::Canary), 0);
        queue.divide(30);
        assert_eq!(queue.len(), 20);
        assert_eq!(queue.len_of(Side::Canary), 6);
        let first = queue.take(Side::Canary).unwrap();
        queue.put_back(first);
        assert_eq!(queue.first(Side::Canary), Some(&first));
        assert_eq!(queue.drop_newest(), Some(task(19)));
        queue.divide(0);
        assert_eq!(instances(&queue, Side::Policy), (0..19).collect::<Vec<_>>());
        queue.divide(100);
        assert_eq!(instances(&queue, Side::Canary), (0..19).collect::<Vec<_>>());
        queue.clear();
        assert!(queue.is_empty());
    }
}
