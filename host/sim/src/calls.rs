//! What calls do. All of them are answered with 202 before they are carried
//! out; what goes wrong is told by events, or not at all (R6). ACCEPT and what
//! is in it are in `accept` and `operations`.

use std::time::Duration;

use mesos_v1 as wire;
use mesos_v1::TaskState;
use mesos_v1::scheduler as api;
use mesos_v1::scheduler::call::Type;
use mesos_v1::task_status::Reason;
use offerd_core::Instant;
use offerd_core::resource::{Amounts, Resource};

use crate::checks;
use crate::cluster::{Cluster, Filter};
use crate::tasks::{Task, master_status, update_event};

/// What a refusal without a filter means, as in Mesos.
const DEFAULT_REFUSE: f64 = 5.0;

/// Longest filter: a year.
const LONGEST_REFUSE: f64 = 365.0 * 86_400.0;

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
            Type::Suppress => self.suppress(framework, call.suppress.unwrap_or_default().roles),
            Type::Kill => {
                let kill = call.kill.unwrap_or_default();
                let agent = kill.agent_id.map(|id| id.value);
                self.kill(framework, &kill.task_id.value, agent);
            }
            Type::Acknowledge => {
                let acknowledge = call.acknowledge.unwrap_or_default();
                self.acknowledge(framework, &acknowledge.task_id.value, acknowledge.uuid);
            }
            Type::AcknowledgeOperationStatus => {
                let acknowledge = call.acknowledge_operation_status.unwrap_or_default();
                self.acknowledge_operation(framework, acknowledge);
            }
            Type::Reconcile => {
                let tasks = call.reconcile.unwrap_or_default().tasks;
                self.reconcile(framework, tasks);
            }
            Type::ReconcileOperations => {
                let operations = call.reconcile_operations.unwrap_or_default().operations;
                self.reconcile_operations(framework, operations);
            }
            Type::AcceptInverseOffers => {
                let answer = call.accept_inverse_offers.unwrap_or_default();
                let refuse = answer.filters.and_then(|filters| filters.refuse_seconds);
                self.answer_inverse_offers(framework, &answer.inverse_offer_ids, refuse);
            }
            Type::DeclineInverseOffers => {
                let answer = call.decline_inverse_offers.unwrap_or_default();
                let refuse = answer.filters.and_then(|filters| filters.refuse_seconds);
                self.answer_inverse_offers(framework, &answer.inverse_offer_ids, refuse);
            }
            Type::UpdateFramework => {
                let update = call.update_framework.unwrap_or_default();
                self.update_framework(framework, update);
            }
            // Taken and without effect here: there are no executors of the
            // framework's own, and real allocators ignore REQUEST too.
            Type::Unknown | Type::Subscribe | Type::Shutdown | Type::Message | Type::Request => {}
        }
    }

    pub(crate) fn take_offer(
        &mut self,
        framework: &str,
        id: &str,
    ) -> Option<crate::cluster::Offer> {
        let mine = self
            .offers
            .get(id)
            .is_some_and(|offer| offer.framework == framework);
        if mine { self.offers.remove(id) } else { None }
    }

    /// When a filter made now ends; `None` if there is to be none (R26).
    pub(crate) fn filter_end(&self, refuse: Option<f64>) -> Option<Instant> {
        let seconds = match refuse {
            Some(seconds) if seconds >= 0.0 => seconds.min(LONGEST_REFUSE),
            _ => DEFAULT_REFUSE,
        };
        let filter = Duration::from_secs_f64(seconds).max(self.interval);
        (seconds > 0.0).then(|| self.now + filter)
    }

    /// Gives resources back and hides their like for a while.
    pub(crate) fn leave(
        &mut self,
        framework: &str,
        agent: usize,
        role: &str,
        left: Vec<Resource>,
        refuse: Option<f64>,
    ) {
        let refused = Amounts::usable(&left);
        self.give_back(agent, left);
        let until = self.filter_end(refuse);
        if let Some(until) = until
            && let Some(framework) = self.frameworks.get_mut(framework)
        {
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
            framework.inverse_filters.clear();
            self.next_allocation = self.now;
        }
    }

    fn suppress(&mut self, framework: &str, roles: Vec<String>) {
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

    /// What the answer to UPDATE_FRAMEWORK says if it can't be.
    pub(crate) fn check_update(
        &self,
        framework: &str,
        update: &api::call::UpdateFramework,
    ) -> Result<(), String> {
        let info = &update.framework_info;
        checks::framework(info, &update.suppressed_roles)
            .map_err(|why| format!("Supplied FrameworkInfo is not valid: {why}"))?;
        let Some(framework) = self.frameworks.get(framework) else {
            return Ok(());
        };
        checks::update(&framework.info, info)
            .map_err(|why| format!("FrameworkInfo update is not valid: {why}"))
    }

    /// UPDATE_FRAMEWORK replaces all that it can replace (R21).
    fn update_framework(&mut self, id: &str, update: api::call::UpdateFramework) {
        let Some(framework) = self.frameworks.get_mut(id) else {
            return;
        };
        framework.roles.clone_from(&update.framework_info.roles);
        framework.suppressed = update.suppressed_roles.into_iter().collect();
        framework.info = update.framework_info;
        let roles = framework.roles.clone();
        let gone: Vec<String> = self
            .offers
            .iter()
            .filter(|(_, offer)| offer.framework == id && !roles.contains(&offer.role))
            .map(|(id, _)| id.clone())
            .collect();
        for offer in gone {
            self.rescind(&offer);
        }
        self.next_allocation = self.now;
    }

    fn kill(&mut self, framework: &str, task: &str, agent: Option<String>) {
        let Some(owner) = self.frameworks.get(framework) else {
            return;
        };
        let here = |task: &&Task| self.agents.get(task.agent).is_some_and(|a| a.present);
        let Some(entry) = owner.tasks.get(task).filter(here) else {
            let status = self.reconciled(framework, task, agent);
            return self.send_all(framework, status);
        };
        if !entry.is_terminal() {
            self.stop_task(framework, task, None);
        }
    }

    /// What is known of a task, as an answer to who asked.
    fn reconciled(
        &self,
        framework: &str,
        id: &str,
        agent: Option<String>,
    ) -> Option<wire::TaskStatus> {
        let owner = self.frameworks.get(framework)?;
        let for_aware = |state| {
            if owner.partition_aware() {
                state
            } else {
                TaskState::TaskLost
            }
        };
        let task = owner.tasks.get(id);
        let (state, agent, text) = match task {
            Some(task) => {
                let agent = self.agents.get(task.agent)?;
                let (state, text) = if agent.present {
                    (task.told, "Latest task state")
                } else {
                    (for_aware(TaskState::TaskUnreachable), "Task is unreachable")
                };
                (state, Some(agent.id.clone()), text)
            }
            None => {
                let known = |id: &String| self.agents.iter().any(|a| a.id == *id && a.present);
                let (state, text) = if agent.as_ref().is_some_and(known) {
                    (TaskState::TaskGone, "Task is unknown to the agent")
                } else {
                    (TaskState::TaskUnknown, "Task is unknown")
                };
                (for_aware(state), agent, text)
            }
        };
        let text = format!("Reconciliation: {text}");
        let reason = Some(Reason::Reconciliation);
        let mut status = master_status(self.now, id, agent, state, reason, &text);
        status.container_status = task.and_then(Task::container);
        Some(status)
    }

    fn reconcile(&mut self, framework: &str, tasks: Vec<api::call::reconcile::Task>) {
        let Some(owner) = self.frameworks.get(framework) else {
            return;
        };
        let answers: Vec<wire::TaskStatus> = if tasks.is_empty() {
            let ids = owner.tasks.keys();
            ids.filter_map(|id| self.reconciled(framework, id, None))
                .collect()
        } else {
            tasks
                .into_iter()
                .filter_map(|asked| {
                    let agent = asked.agent_id.map(|id| id.value);
                    self.reconciled(framework, &asked.task_id.value, agent)
                })
                .collect()
        };
        self.send_all(framework, answers);
    }

    fn send_all(&mut self, framework: &str, statuses: impl IntoIterator<Item = wire::TaskStatus>) {
        for status in statuses {
            self.send(framework, update_event(status));
        }
    }
}
