//! What the policy may ask about (`cluster`): agents, jobs, tasks and
//! operations, as of the start of the round. Fed by the machine's [`Delta`]s;
//! it decides nothing and knows no WebAssembly.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::HashMap;
use offerd_core::Instant;
use offerd_core::ids::{AgentHandle, JobHandle, Role, SetHandle, TaskHandle, TaskId};
use offerd_core::job::JobView;
use offerd_core::offer::{Agent, AgentInfo};
use offerd_core::policy::{Delta, OperationView};
use offerd_core::task::{OperationState, TaskView};

/// Order of tasks in every list: older first.
type Age = (Instant, TaskHandle);

#[derive(Debug, Default)]
pub(crate) struct Tables {
    agents: HashMap<AgentHandle, Arc<Agent>>,
    jobs: HashMap<JobHandle, Arc<JobView>>,
    job_of_set: HashMap<SetHandle, JobHandle>,
    tasks: HashMap<TaskHandle, TaskView>,
    /// Ended in this round: no longer listed, but still known by handle and id.
    ended: HashMap<TaskHandle, TaskView>,
    /// Made when the policy first asks for tasks; many never do.
    lists: OnceCell<Lists>,
    operations: BTreeMap<String, OperationView>,
    /// By handle; `None` until a round says.
    pub(crate) roles: Option<Vec<Role>>,
}

/// The tasks in the orders that policies ask for.
#[derive(Debug, Default)]
struct Lists {
    /// With those that ended in this round.
    by_id: HashMap<TaskId, TaskHandle>,
    by_age: BTreeSet<Age>,
    by_job: HashMap<JobHandle, BTreeSet<Age>>,
    by_agent: HashMap<AgentHandle, BTreeSet<Age>>,
}

impl Lists {
    fn add(&mut self, task: &TaskView) {
        let age = (task.since, task.handle);
        self.by_id.insert(task.details.id.clone(), task.handle);
        self.by_age.insert(age);
        self.by_job.entry(task.job).or_default().insert(age);
        self.by_agent.entry(task.agent).or_default().insert(age);
    }

    fn remove(&mut self, task: &TaskView) {
        let age = (task.since, task.handle);
        self.by_age.remove(&age);
        remove_from(&mut self.by_job, &task.job, &age);
        remove_from(&mut self.by_agent, &task.agent, &age);
    }
}

impl Tables {
    /// Starts a round: forgets what ended in the last one, then applies what
    /// changed.
    pub(crate) fn apply(&mut self, delta: &Delta) {
        if delta.reset {
            *self = Self::default();
            self.tasks.reserve(delta.tasks.len());
        }
        for (handle, task) in std::mem::take(&mut self.ended) {
            self.forget_id(&task.details.id, handle);
        }
        self.operations
            .retain(|_, operation| !OperationState(operation.state).is_terminal());

        if delta.roles.is_some() {
            self.roles.clone_from(&delta.roles);
        }
        for agent in &delta.agents {
            self.agents.insert(agent.handle, Arc::clone(agent));
        }
        for job in &delta.jobs {
            let (handle, set) = (job.handle, job.set);
            if let Some(before) = self.jobs.insert(handle, Arc::clone(job)) {
                self.forget_set(before.set, handle);
            }
            self.job_of_set.insert(set, handle);
        }
        for handle in &delta.jobs_gone {
            if let Some(job) = self.jobs.remove(handle) {
                self.forget_set(job.set, *handle);
            }
        }
        for task in &delta.tasks {
            self.put(task.clone());
        }
        for handle in &delta.tasks_ended {
            if let Some(task) = self.take(*handle) {
                self.ended.insert(*handle, task);
            }
        }
        for operation in &delta.operations {
            if let Some(id) = &operation.operation {
                self.operations.insert(id.clone(), operation.clone());
            }
        }
    }

    fn put(&mut self, task: TaskView) {
        if let Some(before) = self.take(task.handle)
            && before.details.id != task.details.id
        {
            self.forget_id(&before.details.id, task.handle);
        }
        if let Some(lists) = self.lists.get_mut() {
            lists.add(&task);
        }
        self.tasks.insert(task.handle, task);
    }

    /// Takes a task out of all lists; its id stays known.
    fn take(&mut self, handle: TaskHandle) -> Option<TaskView> {
        let task = self.tasks.remove(&handle)?;
        if let Some(lists) = self.lists.get_mut() {
            lists.remove(&task);
        }
        Some(task)
    }

    fn forget_id(&mut self, id: &TaskId, handle: TaskHandle) {
        if let Some(lists) = self.lists.get_mut()
            && lists.by_id.get(id) == Some(&handle)
        {
            lists.by_id.remove(id);
        }
    }

    fn forget_set(&mut self, set: SetHandle, job: JobHandle) {
        if self.job_of_set.get(&set) == Some(&job) {
            self.job_of_set.remove(&set);
        }
    }

    pub(crate) fn agent(&self, handle: AgentHandle) -> Option<&AgentInfo> {
        Some(&self.agents.get(&handle)?.info)
    }

    pub(crate) fn job(&self, handle: JobHandle) -> Option<&JobView> {
        self.jobs.get(&handle).map(Arc::as_ref)
    }

    /// A task that has not ended.
    pub(crate) fn task(&self, handle: TaskHandle) -> Option<&TaskView> {
        self.tasks.get(&handle)
    }

    /// A task that has not ended before this round.
    pub(crate) fn known_task(&self, handle: TaskHandle) -> Option<&TaskView> {
        self.tasks.get(&handle).or_else(|| self.ended.get(&handle))
    }

    pub(crate) fn find_task(&self, id: &str) -> Option<TaskHandle> {
        self.lists().by_id.get(id).copied()
    }

    pub(crate) fn tasks(&self) -> impl Iterator<Item = &TaskView> {
        self.list(Some(&self.lists().by_age))
    }

    pub(crate) fn tasks_of_job(&self, job: JobHandle) -> impl Iterator<Item = &TaskView> {
        self.list(self.lists().by_job.get(&job))
    }

    pub(crate) fn tasks_on_agent(&self, agent: AgentHandle) -> impl Iterator<Item = &TaskView> {
        self.list(self.lists().by_agent.get(&agent))
    }

    fn lists(&self) -> &Lists {
        self.lists.get_or_init(|| {
            let mut lists = Lists::default();
            for task in self.tasks.values() {
                lists.add(task);
            }
            let ended = self.ended.values();
            lists
                .by_id
                .extend(ended.map(|task| (task.details.id.clone(), task.handle)));
            lists
        })
    }

    fn list<'a>(&'a self, ages: Option<&'a BTreeSet<Age>>) -> impl Iterator<Item = &'a TaskView> {
        ages.into_iter()
            .flatten()
            .filter_map(|(_, handle)| self.tasks.get(handle))
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &OperationView> {
        self.operations.values()
    }

    /// For each agent, how many more tasks of the set the constraints of its
    /// job allow there; `u32::MAX`: no bound. Unknown agents are not allowed; an
    /// unknown set gives an empty list.
    pub(crate) fn allowed(&self, set: SetHandle, agents: &[u32]) -> Vec<u32> {
        let Some(job) = self.job_of_set.get(&set).and_then(|job| self.job(*job)) else {
            return Vec::new();
        };
        // The job's tasks, counted once for each constraint that counts them.
        let constraints: Vec<_> = job
            .spec
            .constraints
            .iter()
            .map(|constraint| {
                let mut taken: HashMap<Vec<String>, usize> = HashMap::default();
                if constraint.counts_tasks() {
                    for task in self.tasks_of_job(job.handle) {
                        if let Some(agent) = self.agent(task.agent) {
                            *taken.entry(constraint.group(agent)).or_default() += 1;
                        }
                    }
                }
                (constraint, taken)
            })
            .collect();
        let room = |agent: &AgentInfo| {
            constraints
                .iter()
                .map(|(constraint, taken)| {
                    constraint.room(agent, |group| taken.get(group).copied().unwrap_or_default())
                })
                .min()
                .unwrap_or(u32::MAX)
        };
        agents
            .iter()
            .map(|handle| self.agent(AgentHandle(*handle)).map_or(0, room))
            .collect()
    }
}

fn remove_from<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<Age>>, key: &K, age: &Age) {
    if let Some(set) = index.get_mut(key) {
        set.remove(age);
        if set.is_empty() {
            index.remove(key);
        }
    }
}
