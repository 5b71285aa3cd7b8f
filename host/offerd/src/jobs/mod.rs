//! Job files: what users write to have work done. Checked here completely, so
//! that the machine only sees jobs that Mesos would take.
//!
//! The format is described in docs/jobs.md. The same rules hold for the JSON
//! form of the admin API.

mod read;

pub(crate) use read::check_scale;

#[cfg(test)]
mod tests;

use offerd_core::job::JobSpec;

use crate::reading::{Mistakes, Section, Sink, parse_json, parse_toml};

/// The two ways to write jobs. The keys are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `[[job]]` tables.
    Toml,
    /// `{"job": [{...}, ...]}`
    Json,
}

/// Reads all jobs of a text, or says everything that is wrong. `name` stands
/// in messages. `roles`: those of the framework, if they are known.
pub fn parse(
    name: &str,
    text: &str,
    format: Format,
    roles: Option<&[String]>,
) -> Result<Vec<JobSpec>, Mistakes> {
    let node = match format {
        Format::Toml => parse_toml(name, text)?,
        Format::Json => parse_json(name, text)?,
    };
    let sink = Sink::default();
    let jobs = Section::root(&sink, &node)
        .map(|root| read::jobs(root, roles))
        .unwrap_or_default();
    if sink.is_empty() {
        Ok(jobs)
    } else {
        Err(sink.into_mistakes(name, text))
    }
}
