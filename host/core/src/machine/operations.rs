//! Operations with an id: whose they are, and what became of them.

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::ids::{AgentHandle, AgentId, OperationId, PolicyHandle, ProviderId, RoleHandle};
use crate::policy::{OperationView, PolicyEvent};
use crate::task::{OperationState, OperationStatus};

use super::{CallId, Machine, Session};

/// An operation with an id that has not ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OperationEntry {
    /// Of the offer. Whoever decides for it hears of the operation, so that a swap
    /// or a canary's end loses no word.
    pub(super) role: RoleHandle,
    pub(super) agent: Option<AgentId>,
    pub(super) provider: Option<ProviderId>,
    /// The call that asked for it.
    pub(super) call: Option<(Session, CallId)>,
    /// The latest status; `None` before the first one.
    view: Option<OperationView>,
}

impl Machine {
    pub(super) fn on_operation_update(&mut self, status: OperationStatus) {
        let agent = match &status.agent {
            Some(id) => self.agents.see_id(id).0,
            None => AgentHandle::NONE,
        };
        let view = OperationView {
            operation: status.operation.as_ref().map(ToString::to_string),
            state: status.state.0,
            message: status.message.clone(),
            agent,
            provider: status.provider.as_ref().map(ToString::to_string),
            converted: status.converted.clone(),
        };
        let known = status.operation.as_ref();
        let known = known.and_then(|id| self.operations.get_mut(id));
        let role = known.map(|entry| {
            entry.view = Some(view.clone());
            entry.role
        });
        if let Some(id) = &status.operation
            && status.state.is_terminal()
        {
            self.operations.remove(id);
        }
        // One that is in no book, from before a restart, may be of any role.
        let told: Vec<PolicyHandle> = match role {
            Some(role) => self.policies_of(role).collect(),
            None => self.policies.iter().map(|policy| policy.handle).collect(),
        };
        for policy in told {
            if let Some(policy) = self.policy_mut(policy) {
                policy.meet(agent, false);
                policy.operations.push(view.clone());
                policy.tell(PolicyEvent::Operation(view.clone()));
            }
        }
        // R31: only with an id and a uuid, and for agent operations with the
        // agent's id.
        if let (Some(operation), Some(uuid)) = (status.operation, status.uuid) {
            self.send(Call::AcknowledgeOperation {
                agent: status.agent,
                provider: status.provider,
                operation,
                uuid,
            });
        }
    }

    /// The master did not take a call: what it asked for does not come to pass.
    pub(super) fn operations_refused(&mut self, call: (Session, CallId), why: &str) {
        let lost = self
            .operations
            .iter()
            .filter(|(_, entry)| entry.call == Some(call) && entry.view.is_none());
        let mut lost: Vec<OperationStatus> = lost
            .map(|(id, entry)| OperationStatus {
                operation: Some(id.clone()),
                state: OperationState::DROPPED,
                message: Some(format!("never begun: {why}")),
                agent: entry.agent.clone(),
                provider: entry.provider.clone(),
                converted: Vec::new(),
                uuid: None,
            })
            .collect();
        // The same order in each run, for recordings.
        lost.sort_by(|a, b| a.operation.cmp(&b.operation));
        for status in lost {
            self.on_operation_update(status);
        }
    }

    /// The latest status of each operation of a policy's roles that has not ended.
    pub(super) fn operations_of(&self, policy: PolicyHandle) -> Vec<OperationView> {
        let mut views: Vec<OperationView> = self
            .operations
            .values()
            .filter(|entry| self.is_own_role(policy, entry.role))
            .filter_map(|entry| entry.view.clone())
            .collect();
        // The same order in each run, for recordings.
        views.sort_by(|a, b| a.operation.cmp(&b.operation));
        views
    }

    /// Enters a new operation, if its id is free.
    pub(super) fn new_operation(
        &mut self,
        role: RoleHandle,
        id: &str,
        agent: &AgentId,
        provider: Option<ProviderId>,
    ) -> Result<OperationId, String> {
        if id.is_empty() || id.len() > 255 {
            return Err(format!("operation id '{id}' must have 1 to 255 bytes"));
        }
        let id = OperationId::from(id);
        if self.operations.contains_key(&id) {
            return Err(format!("operation id '{id}' is in use"));
        }
        self.operations.insert(
            id.clone(),
            OperationEntry {
                role,
                agent: Some(agent.clone()),
                provider,
                // The next one: it is sent when all of it is planned.
                call: self
                    .session
                    .map(|session| (session, CallId(self.next_call))),
                view: None,
            },
        );
        Ok(id)
    }
}
