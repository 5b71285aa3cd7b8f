//! How far the word of a policy reaches. Roles share agents, so for what runs
//! there it is asked whose it is; nothing of another policy's is touched.

use crate::ids::{
    AgentHandle, ExecutorId, InverseOfferHandle, OperationId, PolicyHandle, Role, RoleHandle,
    TaskId,
};

use super::Machine;
use super::executors::Owner;

impl Machine {
    /// Who decides about what was launched in a role: its policy, but its canary
    /// about what that has launched itself.
    pub(super) fn policy_about(&self, owner: Owner) -> Option<PolicyHandle> {
        let main = self.policy_of(owner.role)?;
        let canary = self.policies_of(owner.role).find(|policy| *policy != main);
        let is_its = |by: &PolicyHandle| owner.launched_by == Some(*by);
        Some(canary.filter(is_its).unwrap_or(main))
    }

    /// `None`: no task that is known was launched in it.
    pub(super) fn policy_of_executor(
        &self,
        agent: AgentHandle,
        executor: &ExecutorId,
    ) -> Option<PolicyHandle> {
        if let Some(owner) = self.executors.owner(agent, executor) {
            return self.policy_about(owner);
        }
        // The executor of a plain command has the id of its task.
        let task = self.tasks.find(&TaskId(executor.0.clone()))?;
        let task = self.tasks.get(task).filter(|task| task.agent == agent)?;
        self.policy_of_task(task)
    }

    /// Whether a policy may end an executor or send messages to it.
    pub(super) fn owns_executor(
        &self,
        policy: PolicyHandle,
        agent: AgentHandle,
        executor: &ExecutorId,
    ) -> Result<(), String> {
        match self.policy_of_executor(agent, executor) {
            Some(owner) if owner == policy => Ok(()),
            Some(_) => Err(self.anothers(agent, executor)),
            None => Err(format!(
                "there is no executor {executor} on agent {} in which a task of this policy was \
                 launched",
                self.hostname(agent)
            )),
        }
    }

    /// Whether a policy may launch tasks in an executor: in its own or a new one.
    pub(super) fn may_use_executor(
        &self,
        policy: PolicyHandle,
        agent: AgentHandle,
        executor: &ExecutorId,
    ) -> Result<(), String> {
        match self.policy_of_executor(agent, executor) {
            Some(owner) if owner != policy => Err(self.anothers(agent, executor)),
            _ => Ok(()),
        }
    }

    fn anothers(&self, agent: AgentHandle, executor: &ExecutorId) -> String {
        let host = self.hostname(agent);
        format!("executor {executor} on agent {host} is another policy's")
    }

    /// Whether a policy may answer an inverse offer. To decline it protects what
    /// runs on the agent, so any policy with tasks there may. To accept it gives up
    /// what runs there, so no other policy may have tasks there. What nobody runs on
    /// concerns nobody, and anyone may answer.
    pub(super) fn may_answer_inverse(
        &self,
        policy: PolicyHandle,
        handle: InverseOfferHandle,
        accept: bool,
    ) -> Result<(), String> {
        let offer = self
            .offers
            .inverse(handle)
            .ok_or_else(|| format!("inverse offer {handle} does not live"))?;
        let (mut own, mut others) = (false, false);
        for task in self.tasks.on_agent(offer.agent) {
            if self.policy_of_task(task) == Some(policy) {
                own = true;
            } else {
                others = true;
            }
        }
        match (accept, own, others) {
            (_, _, false) | (false, true, _) => Ok(()),
            (true, _, true) => Err(format!(
                "inverse offer {handle} can't be accepted: tasks of other policies run there; \
                 without an answer the host declines it"
            )),
            (false, false, true) => Err(format!(
                "inverse offer {handle} concerns other policies: only their tasks run there"
            )),
        }
    }

    /// Whether all of these roles, which `what` speaks of, are a policy's.
    pub(super) fn own_roles<'a>(
        &self,
        policy: PolicyHandle,
        what: &str,
        roles: impl IntoIterator<Item = &'a Role>,
    ) -> Result<(), String> {
        for role in roles {
            let handle = self.role_handle(role);
            if !handle.is_some_and(|handle| self.is_own_role(policy, handle)) {
                let own: Vec<&str> = self.roles_of(policy).map(Role::as_str).collect();
                return Err(format!(
                    "{what}: role {role} is not one of this policy's ({})",
                    own.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Whether a policy may ask for an operation. One that is not known may be of
    /// any role, from before a restart.
    pub(super) fn may_query_operation(
        &self,
        policy: PolicyHandle,
        id: &OperationId,
    ) -> Result<(), String> {
        match self.operations.get(id) {
            Some(entry) if !self.is_own_role(policy, entry.role) => {
                Err(format!("operation {id} is another policy's"))
            }
            _ => Ok(()),
        }
    }

    /// The roles that a policy decides for, or for which it is a canary.
    pub(super) fn roles_of(&self, policy: PolicyHandle) -> impl Iterator<Item = &Role> {
        let main = self.stands_for(policy);
        self.roles
            .iter()
            .filter(move |role| role.policy == main && !role.gone)
            .map(|role| &role.name)
    }

    /// Whether a policy decides for a role, or is the canary of the one that does.
    pub(super) fn is_own_role(&self, policy: PolicyHandle, role: RoleHandle) -> bool {
        self.policy_of(role) == Some(self.stands_for(policy))
    }
}
