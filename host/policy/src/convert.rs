//! Between the domain types and those that cross the border. Each conversion
//! stands here once; values from a policy are untrusted and are checked on the
//! way in.

mod action;
mod answer;
mod resource;
mod round;
mod views;

pub(crate) use answer::{Excess, from_answer};
pub(crate) use round::fill_round;
pub(crate) use views::{to_agent, to_job, to_offer, to_operation, to_task, to_task_details};

/// Mesos's numbers are small and not negative; should one ever be negative, it
/// is shown as `none-handle`.
fn number(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn optional_number(value: Option<i32>) -> u32 {
    value.map_or(u32::MAX, number)
}

/// Nanoseconds as the contract's milliseconds.
fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}
