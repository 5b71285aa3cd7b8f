//! The list of tasks, in pieces: of a million waiting tasks nobody wants all at
//! once, and the loop has other things to do.

use std::cmp::Ordering;

use super::Machine;
use super::jobs::Job;
use super::queue::WaitingTask;
use super::story::Ended;
use super::tasks::Task;
use super::view::{TaskFilter, TaskSummary, WAITING};

enum Found<'a> {
    Ended(&'a Ended),
    Live(&'a Task),
    Waiting(&'a Job, WaitingTask),
}

/// An id as it is sorted: what stands before its last dot, the number after it,
/// and the whole of an id that has no such number. Task 10 of a job comes after
/// task 9.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    stem: &'a str,
    instance: Option<u32>,
}

impl<'a> Key<'a> {
    fn of(id: &'a str) -> Self {
        let parts = id.rsplit_once('.');
        match parts.map(|(stem, number)| (stem, number.parse().ok())) {
            Some((stem, instance @ Some(_))) => Self { stem, instance },
            _ => Self {
                stem: id,
                instance: None,
            },
        }
    }
}

impl Machine {
    /// Recently ended, live and waiting tasks that pass the filter, in the order
    /// of their ids: jobs by name, a job's tasks by number. The order stays the
    /// same while tasks come and go, so a list can be gone through in pieces.
    pub fn tasks(&self, filter: &TaskFilter) -> Vec<TaskSummary> {
        let state = filter.state.as_deref();
        let job = filter.job.as_deref();
        let of_job = |name: &str| job.is_none_or(|job| job == name);
        // Ids of waiting tasks are not written down; what they begin with is.
        let stems: Vec<(String, &Job)> = self
            .jobs
            .iter()
            .filter(|job| of_job(job.spec().name.as_str()))
            .filter(|_| state.is_none_or(|state| state == WAITING))
            .map(|job| (job.task_stem(), job))
            .collect();
        let waiting = stems.iter().flat_map(|(stem, job)| {
            let tasks = job.waiting.iter().chain(job.delayed.values());
            tasks.map(move |task| {
                let instance = Some(task.instance);
                (Key { stem, instance }, Found::Waiting(job, *task))
            })
        });
        let live = self
            .tasks
            .iter()
            .filter(|task| of_job(task.record.job.as_ref().map_or("", |job| job.as_str())))
            .filter(|task| state.is_none_or(|state| task.record.state.to_string() == state))
            .map(|task| (Key::of(task.record.id.as_str()), Found::Live(task)));
        let ended = self
            .tasks
            .ended()
            .filter(|ended| of_job(&ended.summary.job))
            .filter(|ended| state.is_none_or(|state| ended.summary.state == state))
            .map(|ended| (Key::of(&ended.summary.id), Found::Ended(ended)));
        let after = filter.after.as_deref().map(Key::of);
        let mut found: Vec<(Key<'_>, Found<'_>)> = ended
            .chain(live)
            .chain(waiting)
            .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after))
            .collect();
        let order = |a: &(Key<'_>, _), b: &(Key<'_>, _)| -> Ordering { a.0.cmp(&b.0) };
        if filter.limit < found.len() {
            // Only the first ones need to be sorted.
            found.select_nth_unstable_by(filter.limit, order);
            found.truncate(filter.limit);
        }
        found.sort_unstable_by(order);
        found
            .into_iter()
            .map(|(_, found)| match found {
                Found::Ended(ended) => ended.summary.clone(),
                Found::Live(task) => task.summary(self.host_of(task)),
                Found::Waiting(job, task) => job.summary(&task),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_their_numbers() {
        let mut ids = ["b.x.1", "a.x.10", "stranger", "a.x.9", "a.x", "a.x.b"];
        ids.sort_by(|a, b| Key::of(a).cmp(&Key::of(b)));
        assert_eq!(
            ids,
            ["a.x", "a.x.9", "a.x.10", "a.x.b", "b.x.1", "stranger"]
        );
    }
}
