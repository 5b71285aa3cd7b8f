//! Decisions off the hot path: the other calls that a policy may ask for. What
//! they may touch is in `reach`.

use std::sync::Arc;

use crate::call::Call;
use crate::ids::{
    AgentHandle, AgentId, ExecutorId, InverseOfferHandle, OperationId, PolicyHandle, ProviderId,
    RoleHandle,
};
use crate::policy::{Action, Millis};

use super::Machine;
use super::answers::Checking;

/// Most bytes of one message to an executor.
const MESSAGE_LIMIT: usize = 1 << 20;

impl Machine {
    pub(super) fn take_action(
        &mut self,
        checking: &mut Checking,
        action: &Action,
        reason: Option<Arc<str>>,
    ) -> Result<(), String> {
        match action {
            Action::Accept {
                offers,
                operations,
                refuse,
            } => self.accept_operations(checking, offers, operations, *refuse, reason),
            Action::Revive(roles) => self.want_offers(checking, roles, true),
            Action::Suppress(roles) => self.want_offers(checking, roles, false),
            Action::Shutdown { agent, executor } => {
                let executor = ExecutorId::from(executor.as_str());
                self.owns_executor(checking.policy, *agent, &executor)?;
                let agent = self.agent_id(*agent)?;
                self.send(Call::Shutdown { executor, agent });
                Ok(())
            }
            Action::Message {
                agent,
                executor,
                data,
            } => {
                if data.len() > MESSAGE_LIMIT {
                    return Err(format!(
                        "a message of {} bytes; at most {MESSAGE_LIMIT} are allowed",
                        data.len()
                    ));
                }
                let executor = ExecutorId::from(executor.as_str());
                self.owns_executor(checking.policy, *agent, &executor)?;
                let agent = self.agent_id(*agent)?;
                self.send(Call::Message {
                    agent,
                    executor,
                    data: data.clone(),
                });
                Ok(())
            }
            Action::Request(requests) => {
                let mut converted = Vec::new();
                for (agent, resources) in requests {
                    let agent = if *agent == AgentHandle::NONE {
                        None
                    } else {
                        Some(self.agent_id(*agent)?)
                    };
                    converted.push((agent, resources.clone()));
                }
                self.send(Call::Request {
                    requests: converted,
                });
                Ok(())
            }
            Action::Reconcile(tasks) => {
                let mut known = Vec::new();
                for handle in tasks {
                    let task = self
                        .tasks
                        .get(*handle)
                        .ok_or_else(|| format!("task {handle} is not live"))?;
                    if !self.is_own_role(checking.policy, task.role) {
                        return Err(format!("task {} is another policy's", task.record.id));
                    }
                    known.push((task.record.id.clone(), Some(task.record.agent.clone())));
                }
                self.send(Call::Reconcile { tasks: known });
                Ok(())
            }
            Action::ReconcileOperations(queries) => {
                let mut operations = Vec::new();
                for (id, agent, provider) in queries {
                    let id = OperationId::from(id.as_str());
                    self.may_query_operation(checking.policy, &id)?;
                    let known = self.operations.get(&id);
                    let agent = if *agent == AgentHandle::NONE {
                        known.and_then(|entry| entry.agent.clone())
                    } else {
                        Some(self.agent_id(*agent)?)
                    };
                    let provider = provider
                        .as_deref()
                        .map(ProviderId::from)
                        .or_else(|| known.and_then(|entry| entry.provider.clone()));
                    operations.push((id, agent, provider));
                }
                self.send(Call::ReconcileOperations { operations });
                Ok(())
            }
            Action::AcceptInverseOffers { offers, refuse } => {
                self.answer_inverse(checking.policy, offers, *refuse, true)
            }
            Action::DeclineInverseOffers { offers, refuse } => {
                self.answer_inverse(checking.policy, offers, *refuse, false)
            }
            Action::UpdateFramework {
                framework,
                constraints,
            } => self.change_framework(checking, framework.as_ref(), constraints.as_ref()),
            Action::Timer { number, after } => self.set_timer(checking.policy, *number, *after),
            Action::Malformed { what, why } => Err(format!("{what}: {why}")),
        }
    }

    fn agent_id(&self, handle: AgentHandle) -> Result<AgentId, String> {
        let agent = self
            .agents
            .get(handle)
            .ok_or_else(|| format!("there is no agent {handle}"))?;
        Ok(agent.info.id.clone())
    }

    fn want_offers(
        &mut self,
        checking: &Checking,
        roles: &[RoleHandle],
        wants: bool,
    ) -> Result<(), String> {
        for role in roles {
            if !self.is_own_role(checking.policy, *role) {
                return Err(format!("role {role} is not one of this policy's"));
            }
        }
        for role in roles {
            if let Some(state) = self.roles.get_mut(role.0 as usize) {
                state.policy_wants = wants;
                state.revive = wants;
            }
        }
        Ok(())
    }

    /// All or none of them.
    fn answer_inverse(
        &mut self,
        policy: PolicyHandle,
        handles: &[InverseOfferHandle],
        refuse: Millis,
        accept: bool,
    ) -> Result<(), String> {
        for handle in handles {
            self.may_answer_inverse(policy, *handle, accept)?;
        }
        let offers: Vec<_> = handles
            .iter()
            .filter_map(|handle| self.offers.remove_inverse(*handle))
            .map(|offer| offer.info.id.clone())
            .collect();
        let refuse = refuse
            .seconds()
            .unwrap_or(self.settings.refuse_waiting.as_secs_f64());
        self.send(if accept {
            Call::AcceptInverseOffers { offers, refuse }
        } else {
            Call::DeclineInverseOffers { offers, refuse }
        });
        Ok(())
    }
}
