//! ACCEPT: offers become tasks and changed resources.

use std::collections::BTreeSet;

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use mesos_v1::task_status::Reason;
use mesos_v1::{OperationState, TaskState};
use offerd_core::resource::{Pool, Resource};
use offerd_mesos::convert::{resource, wire_resource};

use crate::checks;
use crate::cluster::Cluster;
use crate::tasks::{Task, fate, master_status, update_event};

pub(crate) fn resources(list: &[wire::Resource]) -> Vec<Resource> {
    list.iter()
        .filter_map(|r| resource(r.clone()).ok())
        .collect()
}

fn shown(pool: &Pool) -> String {
    let items: Vec<wire::Resource> = pool.items().iter().map(wire_resource).collect();
    checks::shown(&items)
}

impl Cluster {
    pub(crate) fn accept(&mut self, framework: &str, accept: api::call::Accept) {
        let refuse = accept.filters.and_then(|filters| filters.refuse_seconds);
        if let Err(why) = self.check_offers(framework, &accept.offer_ids) {
            // The good ones among them come back without a filter (R24).
            for id in &accept.offer_ids {
                if let Some(offer) = self.take_offer(framework, &id.value) {
                    self.give_back(offer.agent, offer.resources);
                }
            }
            return self.spoil(framework, &accept.operations, &why);
        }
        let mut pool = Pool::default();
        let mut place = None;
        for id in &accept.offer_ids {
            if let Some(offer) = self.take_offer(framework, &id.value) {
                pool.extend(offer.resources);
                place = Some((offer.agent, offer.role));
            }
        }
        let Some((agent, role)) = place else { return };
        for operation in accept.operations {
            self.operate(framework, agent, &mut pool, operation);
        }
        self.leave(framework, agent, &role, pool.items().to_vec(), refuse);
    }

    fn check_offers(&self, framework: &str, ids: &[wire::OfferId]) -> Result<(), String> {
        if ids.is_empty() {
            return Err("No offers specified".to_owned());
        }
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(&id.value) {
                return Err(format!("Duplicate offer {} in offer list", id.value));
            }
        }
        let mut first: Option<(&str, usize)> = None;
        for id in ids {
            let mine = self.offers.get(&id.value);
            let Some(offer) = mine.filter(|offer| offer.framework == framework) else {
                return Err(format!("Offer {} is no longer valid", id.value));
            };
            let (role, agent) = *first.get_or_insert((&offer.role, offer.agent));
            if role != offer.role {
                // The quotes are not closed in a real master's text either.
                return Err(format!(
                    "Aggregated offers must be allocated to the same role. Offer {} uses role \
                     '{} but another is using role '{role}",
                    id.value, offer.role
                ));
            }
            if agent != offer.agent {
                let name = |agent: usize| self.agents.get(agent).map_or("", |agent| &agent.id);
                return Err(format!(
                    "Aggregated offers must belong to one single agent. Offer {} uses agent {} \
                     and agent {}",
                    id.value,
                    name(offer.agent),
                    name(agent)
                ));
            }
        }
        Ok(())
    }

    /// An ACCEPT that came to nothing: each of its tasks is lost (R24).
    fn spoil(&mut self, framework: &str, operations: &[wire::offer::Operation], why: &str) {
        let aware = self
            .frameworks
            .get(framework)
            .is_some_and(|f| f.partition_aware());
        let state = if aware {
            TaskState::TaskDropped
        } else {
            TaskState::TaskLost
        };
        for operation in operations {
            let text = format!("Task launched with invalid offers: {why}");
            for task in infos(operation) {
                self.reject(framework, task, state, Reason::InvalidOffers, &text);
            }
            if let Some(id) = &operation.id {
                let text = format!("Operation attempted with invalid offers: {why}");
                self.operation_ends(framework, id, OperationState::OperationError, &text, None);
            }
        }
    }

    fn operate(
        &mut self,
        framework: &str,
        agent: usize,
        pool: &mut Pool,
        operation: wire::offer::Operation,
    ) {
        let (kind, reason) = match (&operation.launch, &operation.launch_group) {
            (None, None) => return self.convert(framework, agent, pool, &operation),
            (Some(_), _) => ("LAUNCH", Reason::TaskInvalid),
            (None, Some(_)) => ("LAUNCH_GROUP", Reason::TaskGroupInvalid),
        };
        let state = TaskState::TaskError;
        if operation.id.is_some() {
            // R27.
            let why = format!("The `id` field cannot be set on {kind} operations");
            for task in infos(&operation) {
                self.reject(framework, task, state, reason, &why);
            }
            return;
        }
        for task in operation.launch.iter().flat_map(|l| &l.task_infos) {
            if let Err(why) = self.launch(framework, agent, pool, task) {
                self.reject(framework, task, state, reason, &why);
            }
        }
        if let Some(group) = &operation.launch_group
            && let Err(why) = self.launch_group(framework, agent, pool, group)
        {
            for task in &group.task_group.tasks {
                self.reject(framework, task, state, reason, &why);
            }
        }
    }

    /// Tells of a task that came to nothing.
    fn reject(
        &mut self,
        framework: &str,
        task: &wire::TaskInfo,
        state: TaskState,
        reason: Reason,
        why: &str,
    ) {
        let agent = Some(task.agent_id.value.clone());
        let id = &task.task_id.value;
        let status = master_status(self.now, id, agent, state, Some(reason), why);
        self.send(framework, update_event(status));
    }

    fn check_task(
        &self,
        framework: &str,
        agent: usize,
        info: &wire::TaskInfo,
    ) -> Result<(), String> {
        let owner = self.frameworks.get(framework);
        let taken = owner.is_some_and(|f| f.tasks.contains_key(&info.task_id.value));
        let agent_id = self.agents.get(agent).map_or("", |agent| &agent.id);
        checks::task(info, taken, agent_id)
    }

    /// What an executor adds to its tasks: nothing if it runs already.
    fn executor_needs(
        &self,
        framework: &str,
        agent: usize,
        executor: Option<&wire::ExecutorInfo>,
    ) -> Vec<wire::Resource> {
        let Some(executor) = executor else {
            return Vec::new();
        };
        let owner = self.frameworks.get(framework);
        let id = &executor.executor_id.value;
        if owner.is_some_and(|f| f.executors.contains_key(&(agent, id.clone()))) {
            return Vec::new();
        }
        executor.resources.clone()
    }

    fn launch(
        &mut self,
        framework: &str,
        agent: usize,
        pool: &mut Pool,
        info: &wire::TaskInfo,
    ) -> Result<(), String> {
        self.check_task(framework, agent, info)?;
        checks::runs_something(info)?;
        if let Some(executor) = &info.executor {
            checks::executor(executor, framework)?;
        }
        let of_executor = self.executor_needs(framework, agent, info.executor.as_ref());
        let needs = [info.resources.clone(), of_executor.clone()].concat();
        if pool.take(&resources(&needs)).is_err() {
            return Err(format!(
                "Total resources {} required by task and its executor is more than available {}",
                checks::shown(&needs),
                shown(pool)
            ));
        }
        if let Some(executor) = &info.executor {
            self.start_executor(framework, agent, executor, &of_executor);
        }
        let executor = info.executor.as_ref();
        self.start_task(framework, agent, info, executor, None);
        Ok(())
    }

    /// All of a group or nothing.
    fn launch_group(
        &mut self,
        framework: &str,
        agent: usize,
        pool: &mut Pool,
        group: &wire::offer::operation::LaunchGroup,
    ) -> Result<(), String> {
        let executor = &group.executor;
        checks::executor(executor, framework)?;
        checks::executor_of_group(executor)?;
        for task in &group.task_group.tasks {
            self.check_task(framework, agent, task)
                .map_err(|why| format!("Task '{}' is invalid: {why}", task.task_id.value))?;
        }
        let of_executor = self.executor_needs(framework, agent, Some(executor));
        let tasks = group.task_group.tasks.iter();
        let mut needs: Vec<wire::Resource> = tasks.flat_map(|t| t.resources.clone()).collect();
        needs.extend(of_executor.iter().cloned());
        if pool.take(&resources(&needs)).is_err() {
            let mut sum = Pool::default();
            sum.extend(resources(&needs));
            return Err(format!(
                "Total resources {} required by task group and its executor are more than \
                 available {}",
                shown(&sum),
                shown(pool)
            ));
        }
        self.start_executor(framework, agent, executor, &of_executor);
        let number = self.number();
        for task in &group.task_group.tasks {
            self.start_task(framework, agent, task, Some(executor), Some(number));
        }
        Ok(())
    }

    fn start_task(
        &mut self,
        framework: &str,
        agent: usize,
        info: &wire::TaskInfo,
        executor: Option<&wire::ExecutorInfo>,
        group: Option<u64>,
    ) {
        let id = info.task_id.value.clone();
        let command = info
            .command
            .as_ref()
            .or(executor.and_then(|executor| executor.command.as_ref()));
        let command = command.and_then(|command| command.value.as_deref());
        let needs = resources(&info.resources);
        let fate = fate(command.unwrap_or("true"));
        let mut task = Task::new(id.clone(), agent, needs, fate, self.number(), self.now);
        task.executor = executor.map(|executor| executor.executor_id.value.clone());
        task.group = group;
        self.counts.launched += 1;
        if let Some(owner) = self.frameworks.get_mut(framework) {
            owner.tasks.insert(id, task);
        }
    }
}

fn infos(operation: &wire::offer::Operation) -> Vec<&wire::TaskInfo> {
    let launch = operation
        .launch
        .iter()
        .flat_map(|launch| &launch.task_infos);
    let group = operation
        .launch_group
        .iter()
        .flat_map(|group| &group.task_group.tasks);
    launch.chain(group).collect()
}
