//! Jobs in the books: what waits, what lives, and what comes next when a task
//! ends.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Instant;
use crate::ids::{JobHandle, JobName, RoleHandle, TaskHandle, TaskId};
use crate::job::{JobKind, JobSpec, JobView, waiting_traits};
use crate::policy::Waiting;

use super::ledger::JobRecord;
use super::queue::{Queue, Side, WaitingTask};
use super::view::{JobStatus, TaskSummary, WAITING};
use super::why::Refused;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) handle: JobHandle,
    pub(super) record: JobRecord,
    pub(super) view: Arc<JobView>,
    pub(super) waiting: Queue,
    /// Tasks that wait for their back-off to end.
    pub(super) delayed: BTreeMap<(Instant, u32), WaitingTask>,
    /// Tasks with a place in the job's count, from intent to end.
    pub(super) live: BTreeSet<TaskHandle>,
    /// Tasks on lost agents whose places others have taken. The job does not
    /// wait for them; one that comes back is killed.
    pub(super) replaced: BTreeSet<TaskHandle>,
    /// Tasks that ran less than the longest back-off and failed, in a row.
    pub(super) quick_failures: u32,
    pub(super) last_problem: Option<String>,
    /// Placements of its tasks that the host refused lately, oldest first.
    pub(super) refused: VecDeque<Refused>,
}

impl Job {
    pub(super) fn new(handle: JobHandle, role: RoleHandle, record: JobRecord) -> Self {
        let view = Arc::new(JobView {
            handle,
            set: handle.set(),
            role,
            spec: Arc::clone(&record.spec),
        });
        Self {
            handle,
            record,
            view,
            waiting: Queue::default(),
            delayed: BTreeMap::new(),
            live: BTreeSet::new(),
            replaced: BTreeSet::new(),
            quick_failures: 0,
            last_problem: None,
            refused: VecDeque::new(),
        }
    }

    pub(super) fn spec(&self) -> &Arc<JobSpec> {
        &self.record.spec
    }

    /// What the ids of its tasks begin with. A dot and the instance follow.
    pub(super) fn task_stem(&self) -> String {
        format!("{}.{}", self.record.spec.name, self.record.uid)
    }

    pub(super) fn task_id(&self, instance: u32) -> TaskId {
        TaskId::from(format!("{}.{instance}", self.task_stem()))
    }

    /// The number of one of its tasks by its id.
    fn instance_of(&self, id: &TaskId) -> Option<u32> {
        let rest = id.as_str().strip_prefix(self.record.spec.name.as_str())?;
        let rest = rest.strip_prefix('.')?.strip_prefix(&self.record.uid)?;
        rest.strip_prefix('.')?.parse().ok()
    }

    /// A task of it that waits, and until when if it has failed before.
    pub(super) fn find_waiting(&self, id: &TaskId) -> Option<(WaitingTask, Option<Instant>)> {
        let instance = self.instance_of(id)?;
        let now = self.waiting.iter().map(|task| (*task, None));
        let delayed = self.delayed.iter();
        let later = delayed.map(|((at, _), task)| (*task, Some(*at)));
        now.chain(later).find(|(task, _)| task.instance == instance)
    }

    /// Adds `count` new waiting tasks.
    pub(super) fn grow(&mut self, count: u32, now: Instant) {
        for _ in 0..count {
            let instance = self.record.instances;
            self.record.instances += 1;
            self.waiting.push(WaitingTask {
                instance,
                attempt: 0,
                since: now,
                ran: false,
            });
        }
    }

    /// Puts a task back under a new id, now or after a delay.
    pub(super) fn requeue(&mut self, attempt: u32, now: Instant, delay: Duration) {
        let instance = self.record.instances;
        self.record.instances += 1;
        let task = WaitingTask {
            instance,
            attempt,
            since: now,
            ran: true,
        };
        if delay.is_zero() {
            self.waiting.push(task);
        } else {
            self.delayed.insert((now + delay, instance), task);
        }
    }

    /// Moves tasks whose back-off has ended. True if there were any.
    pub(super) fn wake(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            self.waiting.push(entry.remove());
            any = true;
        }
        any
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.delayed.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn waiting_count(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    /// Tasks that are or will be: live, waiting, delayed, and for a batch job
    /// those that have ended for good. Not those of the live that are `doomed`.
    pub(super) fn accounted(&self, doomed: u32) -> u32 {
        let open = self.live.len() + self.waiting.len() + self.delayed.len();
        let open = u32::try_from(open)
            .unwrap_or(u32::MAX)
            .saturating_sub(doomed);
        match self.record.spec.kind {
            JobKind::Service => open,
            JobKind::Batch => open.saturating_add(self.record.finished + self.record.failed),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        let open = !self.live.is_empty() || !self.waiting.is_empty() || !self.delayed.is_empty();
        match self.record.spec.kind {
            _ if open => false,
            JobKind::Service => self.record.killed,
            JobKind::Batch => true,
        }
    }

    /// What one side is shown of it; `None` if nothing waits there.
    pub(super) fn as_waiting(&self, side: Side) -> Option<Waiting> {
        let first = self.waiting.first(side)?;
        let spec = self.spec();
        let mut traits = 0;
        if !spec.constraints.is_empty() {
            traits |= waiting_traits::CONSTRAINED;
        }
        if spec.kind == JobKind::Service {
            traits |= waiting_traits::SERVICE;
        }
        if first.ran {
            traits |= waiting_traits::RETRY;
        }
        Some(Waiting {
            set: self.view.set,
            job: self.handle,
            role: self.view.role,
            count: u32::try_from(self.waiting.len_of(side)).unwrap_or(u32::MAX),
            needs: spec.needs,
            priority: spec.priority,
            traits,
            since: first.since,
        })
    }

    /// Of a task of it that waits.
    pub(super) fn summary(&self, task: &WaitingTask) -> TaskSummary {
        TaskSummary {
            id: self.task_id(task.instance).to_string(),
            job: self.spec().name.to_string(),
            role: self.spec().role.to_string(),
            state: WAITING.to_owned(),
            agent: String::new(),
            hostname: String::new(),
            reason: self.last_problem.clone().unwrap_or_default(),
            since: task.since.0 / 1_000_000,
        }
    }

    pub(super) fn status(&self, running: u32) -> JobStatus {
        let record = &self.record;
        let live = u32::try_from(self.live.len()).unwrap_or(u32::MAX);
        let waiting = u32::try_from(self.waiting.len() + self.delayed.len()).unwrap_or(u32::MAX);
        let state = if record.killed {
            if live > 0 { "killing" } else { "killed" }
        } else if self.is_over() {
            if record.failed > 0 {
                "failed"
            } else {
                "finished"
            }
        } else if waiting > 0 {
            "waiting"
        } else {
            "running"
        };
        JobStatus {
            name: record.spec.name.to_string(),
            role: record.spec.role.to_string(),
            kind: match record.spec.kind {
                JobKind::Service => "service".to_owned(),
                JobKind::Batch => "batch".to_owned(),
            },
            state: state.to_owned(),
            priority: record.spec.priority,
            count: record.spec.count,
            waiting,
            staging: live.saturating_sub(running),
            running,
            finished: record.finished,
            failed: record.failed,
            reason: self.last_problem.clone(),
        }
    }
}

/// All jobs that are remembered. Handles are never used twice.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Jobs {
    list: BTreeMap<JobHandle, Job>,
    by_name: HashMap<JobName, JobHandle>,
    /// Those that are over, oldest first.
    over: VecDeque<JobHandle>,
    next: u32,
}

impl Jobs {
    pub(super) fn add(&mut self, role: RoleHandle, record: JobRecord) -> JobHandle {
        let handle = JobHandle(self.next);
        self.next += 1;
        let name = record.spec.name.clone();
        // A job that is over gives its name to the new one.
        if let Some(old) = self.by_name.insert(name, handle) {
            self.list.remove(&old);
        }
        self.list.insert(handle, Job::new(handle, role, record));
        handle
    }

    /// It is over. Of such ones `keep` are remembered, for lists.
    pub(super) fn retire(&mut self, handle: JobHandle, keep: usize) {
        self.over.push_back(handle);
        while self.over.len() > keep
            && let Some(oldest) = self.over.pop_front()
            && let Some(job) = self.list.remove(&oldest)
        {
            let name = &job.record.spec.name;
            if self.by_name.get(name) == Some(&oldest) {
                self.by_name.remove(name);
            }
        }
    }

    pub(super) fn get(&self, handle: JobHandle) -> Option<&Job> {
        self.list.get(&handle)
    }

    pub(super) fn get_mut(&mut self, handle: JobHandle) -> Option<&mut Job> {
        self.list.get_mut(&handle)
    }

    pub(super) fn redact(&mut self) {
        for job in self.list.values_mut() {
            let spec = Arc::new(job.record.spec.redacted());
            job.record.spec = Arc::clone(&spec);
            job.view = Arc::new(JobView {
                spec,
                ..JobView::clone(&job.view)
            });
        }
    }

    pub(super) fn find(&self, name: &JobName) -> Option<JobHandle> {
        self.by_name.get(name).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Job> {
        self.list.values()
    }
}
