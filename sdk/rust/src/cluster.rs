//! What the host knows of agents, jobs and tasks, pulled on demand.
//!
//! Details of agents are kept for ten minutes, those of jobs for the round, so
//! that asking again is cheap. All else asks the host each time. Answers are of
//! one moment: the start of the round. Unknown and outdated handles give `None`
//! or an empty list.

use std::cell::RefCell;
use std::rc::Rc;

use crate::handles::{AgentHandle, JobHandle, OfferHandle, RoleHandle, SetHandle, TaskHandle};
use crate::host::cluster;
use crate::map::Map;
use crate::types::{
    AgentDetails, Event, FrameworkDetails, JobDetails, Limits, OfferDetails, OperationUpdate,
    Round, Task, TaskDetails,
};

/// An agent that registers again with other attributes keeps its handle; that
/// is rare enough for minutes.
const KEEP_AGENTS_MS: f64 = 600_000.0;

/// So many details that a policy for a very large cluster still keeps them all,
/// and one that runs for years does not grow without bound.
const MOST_AGENTS: usize = 100_000;

#[derive(Default)]
struct Cache {
    now: f64,
    agents: Map<AgentHandle, (f64, Rc<AgentDetails>)>,
    jobs: Map<JobHandle, Option<Rc<JobDetails>>>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// Names of the framework's roles; a role's handle is its position.
pub fn roles() -> Vec<String> {
    cluster::roles()
}

/// Name of a role.
pub fn role_name(role: impl Into<RoleHandle>) -> Option<String> {
    let RoleHandle(role) = role.into();
    cluster::roles().into_iter().nth(role as usize)
}

/// Id, name and user of the framework.
pub fn framework() -> FrameworkDetails {
    cluster::get_framework()
}

/// The limits that the host puts on this policy.
pub fn limits() -> Limits {
    cluster::get_limits()
}

/// Id, host name, region, zone and attributes of an agent.
pub fn agent(agent: impl Into<AgentHandle>) -> Option<Rc<AgentDetails>> {
    let handle = agent.into();
    CACHE.with_borrow_mut(|cache| {
        if let Some((since, details)) = cache.agents.get(&handle)
            && cache.now - since < KEEP_AGENTS_MS
        {
            return Some(Rc::clone(details));
        }
        let details = Rc::new(cluster::get_agent(handle.0)?);
        // Without a host name the host knows no more than the id: there was no
        // offer yet.
        if !details.hostname.is_empty() {
            if cache.agents.len() >= MOST_AGENTS {
                cache.agents.clear();
            }
            cache
                .agents
                .insert(handle, (cache.now, Rc::clone(&details)));
        }
        Some(details)
    })
}

/// Name, kind, count, priority, labels and constraints of a job.
pub fn job(job: impl Into<JobHandle>) -> Option<Rc<JobDetails>> {
    let handle = job.into();
    CACHE.with_borrow_mut(|cache| {
        cache
            .jobs
            .entry(handle)
            .or_insert_with(|| cluster::get_job(handle.0).map(Rc::new))
            .clone()
    })
}

/// The complete offer: resources with reservations and disks, executors,
/// announced unavailability.
pub fn offer(offer: impl Into<OfferHandle>) -> Option<OfferDetails> {
    cluster::get_offer(offer.into().0)
}

/// The whole offer in Mesos's JSON form.
pub fn offer_json(offer: impl Into<OfferHandle>) -> Option<String> {
    cluster::get_offer_json(offer.into().0)
}

/// Thousandths of any named scalar in each offer of the round, in the order of
/// `round.offers`; 0 where absent.
pub fn column(name: &str) -> Vec<f64> {
    cluster::column(name)
}

/// For each agent, how many more tasks of the set its job's constraints allow
/// there; `u32::MAX`: no bound. [`crate::fit::Fitter`] asks this by itself.
pub fn allowed(set: impl Into<SetHandle>, agents: &[u32]) -> Vec<u32> {
    cluster::allowed(set.into().0, agents)
}

/// All tasks of the policy's roles that are not terminal, older first.
pub fn tasks() -> Vec<Task> {
    cluster::tasks()
}

/// Those of one job.
pub fn tasks_of_job(job: impl Into<JobHandle>) -> Vec<Task> {
    cluster::tasks_of_job(job.into().0)
}

/// Those on one agent.
pub fn tasks_on_agent(agent: impl Into<AgentHandle>) -> Vec<Task> {
    cluster::tasks_on_agent(agent.into().0)
}

/// One task, if it is not terminal.
pub fn task(task: impl Into<TaskHandle>) -> Option<Task> {
    cluster::get_task(task.into().0)
}

/// Id, name, message, labels and resources of a task. Knows a terminal task
/// until the end of the round that reported it.
pub fn task_details(task: impl Into<TaskHandle>) -> Option<TaskDetails> {
    cluster::get_task_details(task.into().0)
}

/// The task with this id.
pub fn find_task(id: &str) -> Option<TaskHandle> {
    cluster::find_task(id).map(TaskHandle)
}

/// Latest status of each operation that has an id and has not ended, or ended
/// since the last round.
pub fn operations() -> Vec<OperationUpdate> {
    cluster::operations()
}

/// Lets go of what may have changed since the last round.
pub(crate) fn begin_round(round: &Round) {
    CACHE.with_borrow_mut(|cache| {
        cache.now = round.now;
        cache.jobs.clear();
        if round
            .events
            .iter()
            .any(|event| matches!(event, Event::Subscribed(_)))
        {
            cache.agents.clear();
        }
    });
}

/// Forgets everything, as a new instance has.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn forget() {
    CACHE.take();
}
