//! What happened to a task, for those who ask, and the words for it.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::ids::TaskHandle;
use crate::task::TaskState;

use super::Machine;
use super::ledger::{KillCause, Killed, Placed};
use super::view::{Step as StepView, TaskSummary, Why};

/// Steps of a task that are remembered: so many of the first and of the latest. What
/// lies between is only counted (a health check that fails and recovers all day).
const FIRST: usize = 25;
const LATEST: usize = 25;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) at: Instant,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    Update {
        state: TaskState,
        message: Option<String>,
    },
    Kill(KillCause, Box<Killed>),
    Replaced,
}

/// Oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Story {
    first: Vec<Step>,
    left_out: u32,
    latest: VecDeque<Step>,
}

impl Story {
    pub(super) fn push(&mut self, step: Step) {
        if self.first.len() < FIRST {
            return self.first.push(step);
        }
        self.latest.push_back(step);
        if self.latest.len() > LATEST {
            self.latest.pop_front();
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// In words, after how it began.
    pub(super) fn told(&self, beginning: StepView) -> Vec<StepView> {
        let mut steps = vec![beginning];
        steps.extend(self.first.iter().map(told));
        if self.left_out > 0 {
            let at = self
                .latest
                .front()
                .map_or(Instant::default(), |step| step.at);
            let text = format!("{} more steps until then are left out", self.left_out);
            steps.push(step_of_host(at, text));
        }
        steps.extend(self.latest.iter().map(told));
        steps
    }
}

/// How a task came into the books.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Beginning {
    Placed {
        at: Instant,
        reason: Option<Arc<str>>,
        placed: Option<Placed>,
    },
    /// It was never placed.
    Waited { since: Instant, attempt: u32 },
}

impl Beginning {
    pub(super) fn told(&self, host: &str) -> StepView {
        match self {
            Self::Placed { at, reason, placed } => {
                let because = reason
                    .as_deref()
                    .map_or(String::new(), |r| format!(": {r}"));
                let text = match placed {
                    Some(placed) => format!("placed on {host}, offer {}{because}", placed.offer),
                    None => format!("launched on {host}{because}"),
                };
                StepView {
                    policy: placed.as_ref().map(|placed| placed.by.policy.clone()),
                    version: placed.as_ref().map(|placed| placed.by.version.clone()),
                    round: placed.as_ref().map(|placed| placed.round),
                    ..step_of_host(*at, text)
                }
            }
            Self::Waited { since, attempt } => {
                let text = match attempt {
                    0 => "it waits".to_owned(),
                    attempt => format!("it waits again, after {attempt} failures"),
                };
                step_of_host(*since, text)
            }
        }
    }
}

/// A task that has ended, for those who ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) summary: TaskSummary,
    pub(super) beginning: Beginning,
    pub(super) story: Story,
}

impl Ended {
    pub(super) fn why(&self) -> Why {
        let summary = &self.summary;
        let verdict = match self.beginning {
            Beginning::Placed { .. } => {
                format!("it ended as {} on {}", summary.state, summary.hostname)
            }
            Beginning::Waited { .. } => {
                format!("it ended before it was placed: {}", summary.reason)
            }
        };
        Why {
            task: summary.id.clone(),
            job: summary.job.clone(),
            state: summary.state.clone(),
            verdict,
            steps: self.story.told(self.beginning.told(&summary.hostname)),
            candidates: Vec::new(),
            nearest: None,
        }
    }
}

impl Machine {
    /// Notes what happened to a task.
    pub(super) fn tell_story(&mut self, handle: TaskHandle, what: What) {
        let at = self.now;
        if let Some(task) = self.tasks.get_mut(handle) {
            task.story.push(Step { at, what });
        }
    }
}

/// A step that is no policy's decision.
pub(super) fn step_of_host(at: Instant, text: String) -> StepView {
    StepView {
        at: at.0 / 1_000_000,
        text,
        policy: None,
        version: None,
        round: None,
    }
}

fn told(step: &Step) -> StepView {
    match &step.what {
        What::Update { state, message } => {
            let message = message.as_deref().filter(|m| !m.is_empty());
            let text = match message {
                Some(message) => format!("{state}: {message}"),
                None => state.to_string(),
            };
            step_of_host(step.at, text)
        }
        What::Kill(cause, killed) => {
            let who = match cause {
                KillCause::Operator => "killed by an operator",
                KillCause::Policy => "killed by its policy",
                KillCause::Unwanted => "killed, since it is not wanted any more",
            };
            let text = match &killed.why {
                Some(why) => format!("{who}: {why}"),
                None => who.to_owned(),
            };
            StepView {
                policy: killed.by.as_ref().map(|(author, _)| author.policy.clone()),
                version: killed.by.as_ref().map(|(author, _)| author.version.clone()),
                round: killed.by.as_ref().map(|(_, round)| *round),
                ..step_of_host(step.at, text)
            }
        }
        What::Replaced => {
            let text = "its agent stayed away; another task took its place".to_owned();
            step_of_host(step.at, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_latest_steps_are_kept() {
        let mut story = Story::default();
        let step = |n: u64| Step {
            at: Instant::from_millis(n),
            what: What::Replaced,
        };
        (1..=200).for_each(|n| story.push(step(n)));
        let steps = story.told(step_of_host(Instant(0), "it began".to_owned()));
        let at: Vec<u64> = steps.iter().map(|step| step.at).collect();
        assert_eq!(at.len(), 1 + FIRST + 1 + LATEST);
        assert_eq!(at[..3], [0, 1, 2]);
        assert_eq!(
            steps[FIRST + 1].text,
            "150 more steps until then are left out"
        );
        assert_eq!(at.last(), Some(&200));
    }
}
