//! Executors that policies wrote, and whose they are. An executor can outlive the
//! tasks that were launched in it, so this is remembered beside them.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::ids::{AgentHandle, ExecutorId, PolicyHandle, RoleHandle};

/// Most executors that are remembered; beyond, the oldest are forgotten. (Mesos
/// tells when one ends, but not for certain.)
const KEPT: usize = 10_000;

/// On whose word the tasks in an executor were launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) role: RoleHandle,
    /// `None` after a restart.
    pub(super) launched_by: Option<PolicyHandle>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Executors {
    owners: BTreeMap<(AgentHandle, ExecutorId), Owner>,
    oldest: VecDeque<(AgentHandle, ExecutorId)>,
}

impl Executors {
    /// A task was launched in it; the first one tells whose it is.
    pub(super) fn note(&mut self, agent: AgentHandle, executor: ExecutorId, owner: Owner) {
        let key = (agent, executor);
        if self.owners.contains_key(&key) {
            return;
        }
        self.owners.insert(key.clone(), owner);
        self.oldest.push_back(key);
        while self.owners.len() > KEPT
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.owners.remove(&oldest);
        }
    }

    pub(super) fn owner(&self, agent: AgentHandle, executor: &ExecutorId) -> Option<Owner> {
        self.owners.get(&(agent, executor.clone())).copied()
    }

    /// It has ended, or with `None` all of the agent's.
    pub(super) fn forget(&mut self, agent: AgentHandle, executor: Option<&ExecutorId>) {
        let ended = |key: &(AgentHandle, ExecutorId)| {
            key.0 == agent && executor.is_none_or(|executor| key.1 == *executor)
        };
        self.owners.retain(|key, _| !ended(key));
        self.oldest.retain(|key| !ended(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner {
        role: RoleHandle(0),
        launched_by: None,
    };

    #[test]
    fn the_first_owner_stays_until_the_executor_has_ended() {
        let mut executors = Executors::default();
        let other = Owner {
            role: RoleHandle(1),
            ..OWNER
        };
        let (agent, pod) = (AgentHandle(0), ExecutorId::from("pod"));
        executors.note(agent, pod.clone(), OWNER);
        executors.note(agent, pod.clone(), other);
        executors.note(AgentHandle(1), pod.clone(), other);
        assert_eq!(executors.owner(agent, &pod), Some(OWNER));
        executors.forget(agent, Some(&pod));
        assert_eq!(executors.owner(agent, &pod), None);
        assert_eq!(executors.owner(AgentHandle(1), &pod), Some(other));
        executors.forget(AgentHandle(1), None);
        assert_eq!(executors.owner(AgentHandle(1), &pod), None);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut executors = Executors::default();
        for number in 0..=KEPT {
            executors.note(AgentHandle(0), number.to_string().into(), OWNER);
        }
        assert_eq!(executors.owner(AgentHandle(0), &"0".into()), None);
        assert_eq!(executors.owner(AgentHandle(0), &"1".into()), Some(OWNER));
        assert_eq!(executors.oldest.len(), KEPT);
    }
}
