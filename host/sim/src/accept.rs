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
                return Err(format!(
                    "Aggregated offers must be allocated to the same role. Offer {} uses role \
                     '{}' but another is using role '{role}'",
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
        if operation.launch.is_none() && operation.launch_group.is_none() {
            return self.convert(framework, agent, pool, &operation);
        }
        let group = operation.launch_group.as_ref();
        let room = match group.map(|group| resources(&group.executor.resources)) {
            // R27.
            _ if operation.id.is_some() => {
                let kind = if group.is_some() {
                    "LAUNCH_GROUP"
                } else {
                    "LAUNCH"
                };
                Err(format!("The `id` field cannot be set on {kind} operations"))
            }
            Some(needs) => pool.take(&needs).map_err(|shortage| shortage.to_string()),
            None => Ok(()),
        };
        for task in infos(&operation) {
            let launched = room
                .clone()
                .and_then(|()| self.launch(framework, agent, pool, task, group.is_some()));
            if let Err(why) = launched {
                let (state, reason) = (TaskState::TaskError, Reason::TaskInvalid);
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

    fn launch(
        &mut self,
        framework: &str,
        agent: usize,
        pool: &mut Pool,
        info: &wire::TaskInfo,
        in_group: bool,
    ) -> Result<(), String> {
        let id = info.task_id.value.clone();
        let owner = self.frameworks.get(framework);
        let taken = owner.is_some_and(|f| f.tasks.contains_key(&id));
        let agent_id = self.agents.get(agent).map_or("", |agent| &agent.id);
        checks::task(info, taken, agent_id)?;
        if !in_group {
            checks::runs_something(info)?;
        }
        let mut needs = resources(&info.resources);
        let executor = info.executor.as_ref();
        needs.extend(executor.iter().flat_map(|e| resources(&e.resources)));
        if pool.take(&needs).is_err() {
            return Err(format!(
                "Total resources {} required by task and its executor is more than available {}",
                checks::shown(&info.resources),
                shown(pool)
            ));
        }
        let command = info
            .command
            .as_ref()
            .or(executor.and_then(|e| e.command.as_ref()));
        let command = command.and_then(|command| command.value.as_deref());
        let fate = fate(command.unwrap_or("true"));
        let task = Task::new(id.clone(), agent, needs, fate, self.number(), self.now);
        self.counts.launched += 1;
        if let Some(owner) = self.frameworks.get_mut(framework) {
            owner.tasks.insert(id, task);
        }
        Ok(())
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
