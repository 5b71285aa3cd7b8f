//! Executors that run more than a command: those of task groups, and those that
//! frameworks bring along. They end when the last of their tasks is forgotten.

use mesos_v1 as wire;
use mesos_v1::scheduler as api;
use offerd_core::resource::Resource;

use crate::accept::resources;
use crate::cluster::Cluster;

/// Uses resources of its agent as long as it has tasks.
#[derive(Debug)]
pub(crate) struct Executor {
    pub(crate) resources: Vec<Resource>,
}

impl Cluster {
    /// Does nothing if it runs already.
    pub(crate) fn start_executor(
        &mut self,
        framework: &str,
        agent: usize,
        info: &wire::ExecutorInfo,
        needs: &[wire::Resource],
    ) {
        if let Some(owner) = self.frameworks.get_mut(framework) {
            let key = (agent, info.executor_id.value.clone());
            owner.executors.entry(key).or_insert_with(|| Executor {
                resources: resources(needs),
            });
        }
    }

    /// Ends executors of the framework that have no tasks any more.
    pub(crate) fn end_executors(&mut self, framework: &str) {
        let Some(owner) = self.frameworks.get_mut(framework) else {
            return;
        };
        let tasks = &owner.tasks;
        let ended = owner.executors.extract_if(.., |(agent, id), _| {
            let mine = |executor: &Option<String>| executor.as_ref() == Some(id);
            !tasks
                .values()
                .any(|task| task.agent == *agent && mine(&task.executor))
        });
        let ended: Vec<((usize, String), Executor)> = ended.collect();
        for ((agent, id), executor) in ended {
            self.give_back(agent, executor.resources);
            let agent_id = self.agents.get(agent).map(|agent| wire::AgentId {
                value: agent.id.clone(),
            });
            let failure = api::event::Failure {
                agent_id,
                executor_id: Some(wire::ExecutorId { value: id }),
                status: Some(0),
            };
            self.send(framework, failure_event(failure));
        }
    }
}

/// An executor has ended, or an agent is gone.
pub(crate) fn failure_event(failure: api::event::Failure) -> api::Event {
    api::Event {
        r#type: Some(api::event::Type::Failure as i32),
        failure: Some(failure),
        ..api::Event::default()
    }
}
