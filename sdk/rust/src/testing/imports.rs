//! The contract's imports, answered from the state of a test cluster. The
//! signatures are those that wit-bindgen makes.

use super::STATE;

pub(crate) mod clock {
    pub(crate) fn now() -> f64 {
        super::STATE.with_borrow(|state| state.now)
    }
}

pub(crate) mod random {
    pub(crate) fn next_u32() -> u32 {
        // The high half of a 64-bit linear congruential generator.
        super::STATE.with_borrow_mut(|state| {
            state.random = state
                .random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1442695040888963407);
            u32::try_from(state.random >> 32).unwrap_or(0)
        })
    }

    pub(crate) fn next_f64() -> f64 {
        f64::from(next_u32()) / 4_294_967_296.0
    }
}

pub(crate) mod metrics {
    pub(crate) fn count(name: &str, amount: f64) {
        super::STATE.with_borrow_mut(|state| {
            *state.metrics.entry(name.to_owned()).or_insert(0.0) += amount;
        });
    }

    pub(crate) fn gauge(name: &str, value: f64) {
        super::STATE.with_borrow_mut(|state| {
            state.metrics.insert(name.to_owned(), value);
        });
    }
}

pub(crate) mod logging {
    use crate::log::Level;

    pub(crate) fn log(level: Level, message: &str) {
        super::STATE.with_borrow_mut(|state| state.log.push((level, message.to_owned())));
    }

    pub(crate) fn enabled(_level: Level) -> bool {
        true
    }
}

pub(crate) mod cluster {
    use super::STATE;
    use crate::types::{
        AgentDetails, FrameworkDetails, JobDetails, Limits, Offer, OfferDetails, OperationUpdate,
        Task, TaskDetails,
    };

    pub(crate) fn roles() -> Vec<String> {
        STATE.with_borrow(|state| state.roles.clone())
    }

    pub(crate) fn get_framework() -> FrameworkDetails {
        crate::testing::framework()
    }

    pub(crate) fn get_limits() -> Limits {
        crate::testing::limits()
    }

    pub(crate) fn get_agent(agent: u32) -> Option<AgentDetails> {
        STATE.with_borrow(|state| state.agents.get(agent as usize).cloned())
    }

    pub(crate) fn get_offer(offer: u32) -> Option<OfferDetails> {
        STATE.with_borrow(|state| state.offer_details.get(&offer).cloned())
    }

    pub(crate) fn get_offer_json(_offer: u32) -> Option<String> {
        None
    }

    pub(crate) fn column(name: &str) -> Vec<f64> {
        STATE.with_borrow(|state| {
            let column = state.columns.get(name);
            let own = |offer: &Offer| match name {
                "cpus" => offer.cpus,
                "mem" => offer.mem,
                "disk" => offer.disk,
                "gpus" => offer.gpus,
                _ => 0.0,
            };
            let amount = |offer: &Offer| {
                let set = column.and_then(|column| column.get(&offer.offer));
                set.copied().unwrap_or_else(|| own(offer))
            };
            state.offers.iter().map(amount).collect()
        })
    }

    pub(crate) fn get_job(job: u32) -> Option<JobDetails> {
        STATE.with_borrow(|state| state.jobs.get(job as usize).cloned())
    }

    pub(crate) fn allowed(set: u32, agents: &[u32]) -> Vec<u32> {
        STATE.with_borrow(|state| {
            let Some(waiting) = state.waiting.iter().find(|other| other.set == set) else {
                return Vec::new();
            };
            let unsaid = if waiting.is_constrained() {
                0
            } else {
                u32::MAX
            };
            let allowed = |agent: &u32| {
                if *agent as usize >= state.agents.len() {
                    return 0;
                }
                *state.allowed.get(&(set, *agent)).unwrap_or(&unsaid)
            };
            agents.iter().map(allowed).collect()
        })
    }

    pub(crate) fn tasks() -> Vec<Task> {
        STATE.with_borrow(|state| state.tasks.clone())
    }

    pub(crate) fn tasks_of_job(job: u32) -> Vec<Task> {
        filtered(|task| task.job == job)
    }

    pub(crate) fn tasks_on_agent(agent: u32) -> Vec<Task> {
        filtered(|task| task.agent == agent)
    }

    pub(crate) fn get_task(handle: u32) -> Option<Task> {
        filtered(|task| task.task == handle).pop()
    }

    fn filtered(wanted: impl Fn(&Task) -> bool) -> Vec<Task> {
        STATE.with_borrow(|state| {
            state
                .tasks
                .iter()
                .filter(|task| wanted(task))
                .copied()
                .collect()
        })
    }

    pub(crate) fn get_task_details(task: u32) -> Option<TaskDetails> {
        STATE.with_borrow(|state| state.task_details.get(&task).cloned())
    }

    pub(crate) fn find_task(id: &str) -> Option<u32> {
        STATE.with_borrow(|state| {
            let found = state
                .task_details
                .iter()
                .find(|(_, details)| details.id == id);
            found.map(|(handle, _)| *handle)
        })
    }

    pub(crate) fn operations() -> Vec<OperationUpdate> {
        STATE.with_borrow(|state| state.operations.clone())
    }
}
