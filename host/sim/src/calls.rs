//! What calls do. All of them are answered with 202 before they are carried
//! out; what goes wrong is told by events, or not at all (R6).

use std::collections::BTreeSet;
use std::time::Duration;

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use mesos_v1::task_status::Reason;
use mesos_v1::{OperationState, TaskState};
use offerd_core::amount::Milli;
use offerd_core::call::Operation;
use offerd_core::resource::{Amounts, Pool, Resource};
use offerd_mesos::convert::resource;

use crate::cluster::{Cluster, Filter};
use crate::tasks::{Task, fate, master_status, update_event};

/// What a refusal without a filter means, as in Mesos.
const DEFAULT_REFUSE: f64 = 5.0;

/// Longest filter: a year.
const LONGEST_REFUSE: f64 = 365.0 * 86_400.0;

fn resources(list: &[wire::Resource]) -> Vec<Resource> {
    list.iter()
        .filter_map(|r| resource(r.clone()).ok())
        .collect()
}

impl Cluster {
    /// Carries out a call that the HTTP side has checked.
    pub(crate) fn call(&mut self, framework: &str, call: api::Call) {
        let kind = call
            .r#type
            .and_then(|kind| Type::try_from(kind).ok())
            .unwrap_or(Type::Unknown);
        *self
            .counts
            .calls
            .entry(kind.as_str_name().to_owned())
            .or_default() += 1;
        match kind {
            Type::Teardown => self.remove_framework(framework),
            Type::Accept => {
                if let Some(accept) = call.accept {
                    self.accept(framework, accept);
                }
            }
            Type::Decline => {
                let decline = call.decline.unwrap_or_default();
                let refuse = decline.filters.and_then(|filters| filters.refuse_seconds);
                for id in decline.offer_ids {
                    if let Some(offer) = self.take_offer(framework, &id.value) {
                        let left = offer.resources;
                        self.leave(framework, offer.agent, &offer.role, left, refuse);
                    }
                }
            }
            Type::Revive => self.revive(framework, call.revive.unwrap_or_default().roles),
            Type::Suppress => {
                let roles = call.suppress.unwrap_or_default().roles;
                if let Some(framework) = self.frameworks.get_mut(framework) {
                    let roles = if roles.is_empty() {
                        framework.roles.clone()
                    } else {
                        roles
                    };
                    // One role that is not the framework's spoils the call.
                    if roles.iter().all(|role| framework.roles.contains(role)) {
                        framework.suppressed.extend(roles);
                    }
                }
            }
            Type::Kill => {
                let kill = call.kill.unwrap_or_default();
                self.kill(
                    framework,
                    &kill.task_id.value,
                    kill.agent_id.map(|id| id.value),
                );
            }
            Type::Acknowledge => {
                let acknowledge = call.acknowledge.unwrap_or_default();
                self.acknowledge(framework, &acknowledge.task_id.value, acknowledge.uuid);
            }
            Type::AcknowledgeOperationStatus => {
                let uuid = call.acknowledge_operation_status.unwrap_or_default().uuid;
                *self.counts.acknowledged.entry(uuid).or_default() += 1;
            }
            Type::Reconcile => {
                let tasks = call.reconcile.unwrap_or_default().tasks;
                self.reconcile(framework, tasks);
            }
            Type::UpdateFramework => {
                let update = call.update_framework.unwrap_or_default();
                if let Some(framework) = self.frameworks.get_mut(framework) {
                    framework.roles.clone_from(&update.framework_info.roles);
                    framework.suppressed = update.suppressed_roles.into_iter().collect();
                }
            }
            // Taken and without effect here.
            Type::Unknown
            | Type::Subscribe
            | Type::AcceptInverseOffers
            | Type::DeclineInverseOffers
            | Type::Shutdown
            | Type::ReconcileOperations
            | Type::Message
            | Type::Request => {}
        }
    }

    fn take_offer(&mut self, framework: &str, id: &str) -> Option<crate::cluster::Offer> {
        let mine = self
            .offers
            .get(id)
            .is_some_and(|offer| offer.framework == framework);
        if mine { self.offers.remove(id) } else { None }
    }

    /// Gives resources back and hides their like for a while.
    fn leave(
        &mut self,
        framework: &str,
        agent: usize,
        role: &str,
        left: Vec<Resource>,
        refuse: Option<f64>,
    ) {
        let refused = Amounts::usable(&left);
        self.give_back(agent, left);
        let seconds = match refuse {
            Some(seconds) if seconds >= 0.0 => seconds.min(LONGEST_REFUSE),
            _ => DEFAULT_REFUSE,
        };
        if seconds > 0.0
            && let Some(framework) = self.frameworks.get_mut(framework)
        {
            let until = self.now + Duration::from_secs_f64(seconds).max(self.interval);
            framework.filters.push(Filter {
                agent,
                role: role.to_owned(),
                refused,
                until,
            });
        }
    }

    fn revive(&mut self, framework: &str, roles: Vec<String>) {
        if let Some(framework) = self.frameworks.get_mut(framework) {
            let roles = if roles.is_empty() {
                framework.roles.clone()
            } else {
                roles
            };
            if !roles.iter().all(|role| framework.roles.contains(role)) {
                return;
            }
            framework.suppressed.retain(|role| !roles.contains(role));
            framework
                .filters
                .retain(|filter| !roles.contains(&filter.role));
            self.next_allocation = self.now;
        }
    }

    fn kill(&mut self, framework: &str, task: &str, agent: Option<String>) {
        let Some(owner) = self.frameworks.get(framework) else {
            return;
        };
        let Some(entry) = owner.tasks.get(task) else {
            let state = if owner.partition_aware() {
                TaskState::TaskUnknown
            } else {
                TaskState::TaskLost
            };
            let reason = Some(Reason::Reconciliation);
            let text = "Reconciliation: Task is unknown";
            let status = master_status(task, agent, state, reason, text);
            return self.send(framework, update_event(status));
        };
        if !entry.is_terminal() && entry.state != TaskState::TaskKilling {
            self.task_becomes(framework, task, TaskState::TaskKilling, None);
        }
    }

    fn reconcile(&mut self, framework: &str, tasks: Vec<api::call::reconcile::Task>) {
        let Some(owner) = self.frameworks.get(framework) else {
            return;
        };
        let answer = |task: &Task| {
            let agent = self.agents.get(task.agent);
            let here = agent.is_none_or(|agent| agent.present);
            let state = if here {
                task.state
            } else {
                TaskState::TaskUnreachable
            };
            let text = "Reconciliation: Latest task state";
            let agent = agent.map(|agent| agent.id.clone());
            master_status(&task.id, agent, state, Some(Reason::Reconciliation), text)
        };
        let answers: Vec<wire::TaskStatus> = if tasks.is_empty() {
            owner.tasks.values().map(answer).collect()
        } else {
            tasks
                .into_iter()
                .map(|asked| match owner.tasks.get(&asked.task_id.value) {
                    Some(task) => answer(task),
                    None => {
                        let agent = asked.agent_id.map(|id| id.value);
                        let registered = self
                            .agents
                            .iter()
                            .any(|a| Some(&a.id) == agent.as_ref() && a.present);
                        let (state, text) = match (owner.partition_aware(), registered) {
                            (false, _) => (TaskState::TaskLost, "Reconciliation: Task is unknown"),
                            (true, true) => (
                                TaskState::TaskGone,
                                "Reconciliation: Task is unknown to the agent",
                            ),
                            (true, false) => {
                                (TaskState::TaskUnknown, "Reconciliation: Task is unknown")
                            }
                        };
                        let reason = Some(Reason::Reconciliation);
                        master_status(&asked.task_id.value, agent, state, reason, text)
                    }
                })
                .collect()
        };
        for status in answers {
            self.send(framework, update_event(status));
        }
    }

    fn accept(&mut self, framework: &str, accept: api::call::Accept) {
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
        let mut places = BTreeSet::new();
        for id in ids {
            if !seen.insert(&id.value) {
                return Err(format!("Duplicate offer {} in offer list", id.value));
            }
            match self
                .offers
                .get(&id.value)
                .filter(|offer| offer.framework == framework)
            {
                Some(offer) => places.insert((offer.agent, &offer.role)),
                None => return Err(format!("Offer {} is no longer valid", id.value)),
            };
        }
        if places.len() > 1 {
            return Err("Aggregated offers must belong to one single agent and role".to_owned());
        }
        Ok(())
    }

    /// An ACCEPT that came to nothing: each of its tasks is lost.
    fn spoil(&mut self, framework: &str, operations: &[wire::offer::Operation], why: &str) {
        let dropped = self
            .frameworks
            .get(framework)
            .is_some_and(|f| f.partition_aware());
        let state = if dropped {
            TaskState::TaskDropped
        } else {
            TaskState::TaskLost
        };
        let text = format!("Task launched with invalid offers: {why}");
        for operation in operations {
            for task in infos(operation) {
                let agent = Some(task.agent_id.value.clone());
                let id = &task.task_id.value;
                let status = master_status(id, agent, state, Some(Reason::InvalidOffers), &text);
                self.send(framework, update_event(status));
            }
            if let Some(id) = &operation.id {
                self.operation_status(framework, id, OperationState::OperationError, why, None);
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
        if operation.launch.is_some() || operation.launch_group.is_some() {
            let executor = operation.launch_group.as_ref().map(|group| &group.executor);
            let executor = executor.map(|executor| resources(&executor.resources));
            if let Some(needs) = executor
                && let Err(shortage) = pool.take(&needs)
            {
                for task in infos(&operation) {
                    self.task_error(framework, task, &shortage.to_string());
                }
                return;
            }
            for task in infos(&operation) {
                self.launch(framework, agent, pool, task);
            }
            return;
        }
        let id = operation.id.clone();
        let done = match core_operation(&operation) {
            Some(operation) => pool.convert(&operation).map_err(|error| error.to_string()),
            None => Err("the operation has no body".to_owned()),
        };
        let Some(id) = id else { return };
        match done {
            // Without a resource provider there is nobody to do these.
            Ok(()) if operation.create_disk.is_some() || operation.destroy_disk.is_some() => {
                let text = "no resource provider";
                self.operation_status(framework, &id, OperationState::OperationFailed, text, None);
            }
            Ok(()) => {
                let state = OperationState::OperationFinished;
                self.operation_status(framework, &id, state, "", Some(agent));
            }
            Err(why) => {
                self.operation_status(framework, &id, OperationState::OperationError, &why, None);
            }
        }
    }

    fn operation_status(
        &mut self,
        framework: &str,
        id: &wire::OperationId,
        state: OperationState,
        message: &str,
        agent: Option<usize>,
    ) {
        // Only what an agent says is to be acknowledged.
        let uuid = agent.map(|_| self.uuid());
        if let Some(uuid) = &uuid {
            self.counts.updates.insert(uuid.clone());
        }
        let agent = agent.and_then(|agent| self.agents.get(agent));
        let status = wire::OperationStatus {
            operation_id: Some(id.clone()),
            state: state as i32,
            message: (!message.is_empty()).then(|| message.to_owned()),
            uuid: uuid.map(|value| wire::Uuid { value }),
            agent_id: agent.map(|agent| wire::AgentId {
                value: agent.id.clone(),
            }),
            ..wire::OperationStatus::default()
        };
        self.send(
            framework,
            api::Event {
                r#type: Some(api::event::Type::UpdateOperationStatus as i32),
                update_operation_status: Some(api::event::UpdateOperationStatus { status }),
                ..api::Event::default()
            },
        );
    }

    fn task_error(&mut self, framework: &str, task: &wire::TaskInfo, why: &str) {
        let agent = Some(task.agent_id.value.clone());
        let reason = Some(Reason::TaskInvalid);
        let id = &task.task_id.value;
        let status = master_status(id, agent, TaskState::TaskError, reason, why);
        self.send(framework, update_event(status));
    }

    fn launch(&mut self, framework: &str, agent: usize, pool: &mut Pool, info: &wire::TaskInfo) {
        let id = info.task_id.value.clone();
        let needs = resources(&info.resources);
        let known = self
            .frameworks
            .get(framework)
            .is_some_and(|f| f.tasks.contains_key(&id));
        let wrong = if known {
            Some(format!("Task has duplicate ID: {id}"))
        } else if needs.is_empty() {
            Some("Task uses no resources".to_owned())
        } else if info.command.is_none() && info.executor.is_none() {
            Some("Task should have at least one (but not both) of CommandInfo or ExecutorInfo present".to_owned())
        } else {
            pool.take(&needs).err().map(|_| {
                format!(
                    "Total resources required by task and its executor is more than available: {id}"
                )
            })
        };
        if let Some(why) = wrong {
            return self.task_error(framework, info, &why);
        }
        let command = info
            .command
            .as_ref()
            .and_then(|command| command.value.as_deref());
        let task = Task::new(
            id.clone(),
            agent,
            needs,
            fate(command.unwrap_or("true")),
            self.now,
        );
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

/// The operation as the arithmetic knows it; `None` if it has no body.
fn core_operation(operation: &wire::offer::Operation) -> Option<Operation> {
    let id = None;
    let one = |r: &wire::Resource| resource(r.clone()).ok();
    if let Some(reserve) = &operation.reserve {
        let source = resources(&reserve.source);
        return Some(Operation::Reserve {
            id,
            source,
            resources: resources(&reserve.resources),
        });
    }
    if let Some(unreserve) = &operation.unreserve {
        return Some(Operation::Unreserve {
            id,
            resources: resources(&unreserve.resources),
        });
    }
    if let Some(create) = &operation.create {
        return Some(Operation::Create {
            id,
            volumes: resources(&create.volumes),
        });
    }
    if let Some(destroy) = &operation.destroy {
        return Some(Operation::Destroy {
            id,
            volumes: resources(&destroy.volumes),
        });
    }
    if let Some(grow) = &operation.grow_volume {
        let (volume, addition) = (one(&grow.volume)?, one(&grow.addition)?);
        return Some(Operation::GrowVolume {
            id,
            volume,
            addition,
        });
    }
    if let Some(shrink) = &operation.shrink_volume {
        let subtract = Milli::from_units(shrink.subtract.value)?;
        return Some(Operation::ShrinkVolume {
            id,
            volume: one(&shrink.volume)?,
            subtract,
        });
    }
    if let Some(destroy) = &operation.destroy_disk {
        return Some(Operation::DestroyDisk {
            id,
            source: one(&destroy.source)?,
        });
    }
    // To the pool both disk operations are the same: the source goes.
    let create = operation.create_disk.as_ref()?;
    Some(Operation::DestroyDisk {
        id,
        source: one(&create.source)?,
    })
}
