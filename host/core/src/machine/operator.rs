//! What operators ask for: jobs submitted, scaled and killed.

use std::sync::Arc;

use foldhash::HashSet;
use rand::Rng;

use crate::ids::{JobHandle, JobName, Role, TaskHandle, TaskId};
use crate::job::{JobKind, JobSpec};
use crate::task::TaskState;

use super::ledger::{JobRecord, KillCause, Killed, Record};
use super::queue::WaitingTask;
use super::story::{Beginning, Ended, Step, Story, What};
use super::tasks::Task;
use super::view::TaskSummary;
use super::{Effect, Machine, Reply, Request, Severity, Ticket};

/// Why tasks of a job end on an operator's word.
const SCALED_DOWN: &str = "its job was scaled down";
const JOB_KILLED: &str = "its job was killed";

impl Machine {
    pub(super) fn on_request(&mut self, ticket: Ticket, request: Request) {
        let result = match request {
            Request::Submit(specs) => self.submit(specs),
            Request::Scale { job, count } => self.scale(&job, count),
            Request::KillJob(job) => self.kill_job(&job),
            Request::KillTask(task) => self.operator_kills(&task),
        };
        let reply = result.map_or_else(|not_done| not_done, Reply::Done);
        self.out.push(Effect::Reply { ticket, reply });
    }

    /// All or none of them.
    fn submit(&mut self, specs: Vec<JobSpec>) -> Result<Vec<String>, Reply> {
        let mut wrong = Vec::new();
        let mut names = HashSet::default();
        for spec in &specs {
            let name = &spec.name;
            if self.role_handle(&spec.role).is_none() {
                let roles: Vec<&str> = self.live_roles().map(Role::as_str).collect();
                wrong.push(format!(
                    "job {name}: role {} is none of this framework's ({})",
                    spec.role,
                    roles.join(", ")
                ));
            }
            let lives = self.jobs.find(name).and_then(|job| self.jobs.get(job));
            if lives.is_some_and(|job| !job.is_over()) {
                wrong.push(format!(
                    "job {name}: a job of this name lives; kill it first or choose another name"
                ));
            }
            if !names.insert(name) {
                wrong.push(format!(
                    "job {name}: the name stands twice in this submission"
                ));
            }
            if let Some(why) = self.never_fits(spec) {
                wrong.push(format!("job {name}: {why}"));
            }
        }
        if !wrong.is_empty() {
            return Err(Reply::Refused(wrong));
        }
        Ok(specs
            .into_iter()
            .map(|spec| self.submit_one(spec))
            .collect())
    }

    fn submit_one(&mut self, spec: JobSpec) -> String {
        let mut text = format!("job {} submitted: {} tasks", spec.name, spec.count);
        // A larger agent may come, so this is no reason to refuse.
        if let Some(why) = self.agents.too_large(&spec.needs) {
            text.push_str(&format!("; it waits for a larger agent: {why}"));
        }
        let Some(role) = self.role_handle(&spec.role) else {
            return text;
        };
        let count = spec.count;
        let uid: String = (0..8)
            .map(|_| char::from(b'a' + self.rng.random_range(0..26u8)))
            .collect();
        let record = JobRecord {
            spec: Arc::new(spec),
            uid,
            submitted: self.now,
            killed: false,
            finished: 0,
            failed: 0,
            instances: 0,
        };
        let handle = self.jobs.add(role, record);
        self.divide_job(handle);
        if let Some(job) = self.jobs.get_mut(handle) {
            job.grow(count, self.now);
            let record = job.record.clone();
            self.persist(Record::Job(record));
        }
        for policy in self.policies_of(role) {
            if let Some(policy) = self.policy_mut(policy) {
                policy.jobs_changed.insert(handle);
            }
        }
        self.demand_changed(handle, true);
        self.notice(Severity::Info, text.clone());
        text
    }

    /// Why a task of this job can run nowhere, judged by the attributes of the
    /// agents that were seen. `None` while none was: then nobody can tell.
    fn never_fits(&self, spec: &JobSpec) -> Option<String> {
        let agents: Vec<_> = self.agents.offering().collect();
        let constraint = spec.constraints.iter().find(|constraint| {
            !agents.is_empty()
                && !agents
                    .iter()
                    .any(|agent| constraint.room(&agent.info, |_| 0) > 0)
        })?;
        Some(format!(
            "constraint '{constraint}' is met by none of the {} agents seen so far",
            agents.len()
        ))
    }

    fn live_job(&self, name: &JobName) -> Result<JobHandle, Reply> {
        match self
            .jobs
            .find(name)
            .and_then(|handle| self.jobs.get(handle))
        {
            Some(job) if !job.is_over() => Ok(job.handle),
            Some(_) => Err(refused(format!("job {name} has ended"))),
            None => Err(Reply::Unknown(format!(
                "there is no job {name}; `offerd job list` shows all"
            ))),
        }
    }

    fn scale(&mut self, name: &JobName, count: u32) -> Result<Vec<String>, Reply> {
        let handle = self.live_job(name)?;
        let now = self.now;
        let doomed = self.doomed_of(handle);
        let Some(job) = self.jobs.get_mut(handle) else {
            return Ok(Vec::new());
        };
        if job.record.killed {
            return Err(refused(format!("job {name} is being killed")));
        }
        if job.spec().kind == JobKind::Batch {
            let ended = job.record.finished + job.record.failed;
            if count < ended {
                return Err(refused(format!(
                    "{ended} tasks of batch job {name} have ended already"
                )));
            }
        }
        let before = job.spec().count;
        let mut spec = JobSpec::clone(job.spec());
        spec.count = count;
        job.record.spec = Arc::new(spec);
        job.view = Arc::new(crate::job::JobView {
            spec: Arc::clone(&job.record.spec),
            ..crate::job::JobView::clone(&job.view)
        });
        let have = job.accounted(doomed);
        let mut surplus = have.saturating_sub(count);
        job.grow(count.saturating_sub(have), now);
        // Those that do not run yet go first, the newest of them first.
        let mut dropped = Vec::new();
        while surplus > 0
            && let Some((_, task)) = job.delayed.pop_last()
        {
            dropped.push(task);
            surplus -= 1;
        }
        while surplus > 0
            && let Some(task) = job.waiting.drop_newest()
        {
            dropped.push(task);
            surplus -= 1;
        }
        let record = job.record.clone();
        let role = job.view.role;
        let mut live: Vec<TaskHandle> = job.live.iter().copied().collect();
        self.persist(Record::Job(record));
        self.never_placed(handle, dropped, SCALED_DOWN);
        for policy in self.policies_of(role) {
            if let Some(policy) = self.policy_mut(policy) {
                policy.jobs_changed.insert(handle);
            }
        }
        live.sort_by_key(|task| {
            let running = self
                .tasks
                .get(*task)
                .is_some_and(|t| t.running_since.is_some());
            (running, std::cmp::Reverse(*task))
        });
        // What is being killed already for good counts as gone.
        let mut killed = 0;
        for task in live {
            if killed == surplus {
                break;
            }
            let doomed = self.tasks.get(task).is_none_or(Task::is_to_go);
            if !doomed {
                let why = Some(SCALED_DOWN.to_owned());
                self.kill_task(task, KillCause::Unwanted, None, None, why);
                killed += 1;
            }
        }
        self.demand_changed(handle, count > before);
        self.forget_if_over(handle);
        Ok(vec![format!(
            "job {name} scaled from {before} to {count}; {killed} tasks are killed"
        )])
    }

    /// How many live tasks of a job do not count, since they are to go.
    pub(super) fn doomed_of(&self, handle: JobHandle) -> u32 {
        let Some(job) = self.jobs.get(handle) else {
            return 0;
        };
        let gone = job
            .live
            .iter()
            .filter_map(|task| self.tasks.get(*task))
            .filter(|task| task.is_to_go());
        u32::try_from(gone.count()).unwrap_or(u32::MAX)
    }

    fn kill_job(&mut self, name: &JobName) -> Result<Vec<String>, Reply> {
        let handle = self.live_job(name)?;
        let Some(job) = self.jobs.get_mut(handle) else {
            return Ok(Vec::new());
        };
        job.record.killed = true;
        let mut dropped: Vec<WaitingTask> = job.waiting.iter().copied().collect();
        dropped.extend(job.delayed.values());
        job.waiting.clear();
        job.delayed.clear();
        let record = job.record.clone();
        let live: Vec<TaskHandle> = job.live.union(&job.replaced).copied().collect();
        self.persist(Record::Job(record));
        self.never_placed(handle, dropped, JOB_KILLED);
        for task in &live {
            let why = Some(JOB_KILLED.to_owned());
            self.kill_task(*task, KillCause::Unwanted, None, None, why);
        }
        self.demand_changed(handle, false);
        self.forget_if_over(handle);
        Ok(vec![format!(
            "job {name} is killed; {} tasks are ended",
            live.len()
        )])
    }

    /// Tasks end that were never placed; those who ask for one are told why. Of very
    /// many only as many are kept as lists can show.
    fn never_placed(&mut self, handle: JobHandle, tasks: Vec<WaitingTask>, why: &str) {
        let keep = self.settings.ended_tasks;
        let at = self.now;
        for task in tasks.into_iter().take(keep) {
            let Some(job) = self.jobs.get(handle) else {
                return;
            };
            let summary = TaskSummary {
                state: TaskState::KILLED.to_string(),
                reason: why.to_owned(),
                ..job.summary(&task)
            };
            let killed = Killed {
                at,
                by: None,
                why: Some(why.to_owned()),
            };
            let mut story = Story::default();
            let what = What::Kill(KillCause::Unwanted, Box::new(killed));
            story.push(Step { at, what });
            let (since, attempt) = (task.since, task.attempt);
            let ended = Ended {
                summary,
                beginning: Beginning::Waited { since, attempt },
                story,
            };
            self.tasks.remember(ended, keep);
            self.persist_latest_story();
        }
    }

    fn operator_kills(&mut self, id: &TaskId) -> Result<Vec<String>, Reply> {
        if let Some(handle) = self.tasks.find(id) {
            self.kill_task(handle, KillCause::Operator, None, None, None);
            return Ok(vec![format!("task {id} is killed")]);
        }
        Err(if self.find_waiting(id).is_some() {
            refused(format!(
                "task {id} waits and has not been launched; scale or kill its job instead"
            ))
        } else {
            Reply::Unknown(format!(
                "there is no live task {id}; `offerd task list` shows all"
            ))
        })
    }
}

fn refused(why: String) -> Reply {
    Reply::Refused(vec![why])
}
