//! Under which key a record is kept. Keys are part of the format on disk.

use offerd_core::machine::Record;

pub(crate) const FRAMEWORK_ID: &str = "framework-id";
pub(crate) const JOB: &str = "job/";
pub(crate) const TASK: &str = "task/";

/// Key of the entry that a record writes or removes; of a story, in its own table.
pub(crate) fn of(record: &Record) -> String {
    match record {
        Record::FrameworkId(_) => FRAMEWORK_ID.to_owned(),
        Record::Job(job) => format!("{JOB}{}", job.spec.name),
        Record::JobGone(name) => format!("{JOB}{name}"),
        Record::Task(task) => format!("{TASK}{}", task.id),
        Record::TaskGone(id) => format!("{TASK}{id}"),
        Record::History(why) => why.task.clone(),
    }
}
