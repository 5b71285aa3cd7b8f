//! The store that keeps nothing: the latest record of each key, in this
//! process only.

use std::collections::BTreeMap;

use offerd_core::ids::{FrameworkId, JobName, TaskId};
use offerd_core::machine::{JobRecord, Ledger, Record, TaskRecord};

#[derive(Debug, Default)]
pub(crate) struct Memory {
    framework_id: Option<FrameworkId>,
    jobs: BTreeMap<JobName, JobRecord>,
    tasks: BTreeMap<TaskId, TaskRecord>,
}

impl Memory {
    pub(crate) fn commit(&mut self, records: Vec<Record>) {
        for record in records {
            match record {
                Record::FrameworkId(id) => self.framework_id = Some(id),
                Record::Job(job) => {
                    self.jobs.insert(job.spec.name.clone(), job);
                }
                Record::JobGone(name) => {
                    self.jobs.remove(&name);
                }
                Record::Task(task) => {
                    self.tasks.insert(task.id.clone(), task);
                }
                Record::TaskGone(id) => {
                    self.tasks.remove(&id);
                }
                // The machine remembers the latest ones itself.
                Record::History(_) => {}
            }
        }
    }

    pub(crate) fn load(&self) -> Ledger {
        Ledger {
            framework_id: self.framework_id.clone(),
            jobs: self.jobs.values().cloned().collect(),
            tasks: self.tasks.values().cloned().collect(),
        }
    }
}
