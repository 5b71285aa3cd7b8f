//! A canary: other code that really decides, for a part of a policy's demand. It
//! stands in a place of its own without roles; the machine divides demand and
//! offers. It is judged as a policy on trial is.

use offerd_core::ids::{JobName, PolicyHandle};
use offerd_core::machine::{self, Input, PolicySettings, Reply};
use tokio::sync::oneshot;

use super::loading::Loaded;
use super::swaps::{refuse, reply, shown};
use super::{Driver, Running};
use crate::admin::api;
use crate::policies::{Component, PolicyError, Prepared};
use crate::report::chain;
use crate::supervisor::Verdict;

/// What a policy knows of its canary.
pub(super) struct Canary {
    /// Its place among the policies.
    pub(super) place: usize,
    pub(super) share: u32,
    pub(super) jobs: Vec<String>,
    component: Component,
}

/// A canary is loaded.
pub(crate) struct LoadedCanary {
    policy: usize,
    wish: api::CanaryWish,
    result: Result<(Prepared, Component), PolicyError>,
    answer: oneshot::Sender<Reply>,
}

impl Driver {
    /// An operator's wish for a canary.
    pub(super) fn canary_asked(
        &mut self,
        name: &str,
        wish: api::CanaryWish,
        answer: oneshot::Sender<Reply>,
    ) {
        let position = match self.policy_named(name) {
            Ok(position) => position,
            Err(unknown) => return reply(Some(answer), unknown),
        };
        let Some(policy) = self.policies.get(position) else {
            return;
        };
        if let Some(why) = policy.is_starting() {
            return refuse(Some(answer), why);
        }
        if wish.share > 100 {
            let why = format!("a share of {} % is more than all", wish.share);
            return refuse(Some(answer), why);
        }
        if wish.share == 0 && wish.jobs.is_empty() {
            let why = "say what the canary decides for: a share of the tasks, or jobs";
            return refuse(Some(answer), why.to_owned());
        }
        let Some(loader) = self.loader.clone() else {
            return refuse(Some(answer), format!("policy {name} is built in"));
        };
        let name = policy.name.clone();
        let loaded = self.loaded.clone();
        self.with_state(position, move |state| {
            tokio::task::spawn_blocking(move || {
                let result = loader.candidate(&name, &wish.file, state);
                // The service is ending if nobody takes it.
                let _ = loaded.send(Loaded::Canary(LoadedCanary {
                    policy: position,
                    wish,
                    result,
                    answer,
                }));
            });
        });
    }

    /// It is ready: from here on it decides for its part.
    pub(super) fn canary_loaded(&mut self, loaded: LoadedCanary, inputs: &mut Vec<Input>) {
        let LoadedCanary {
            policy: position,
            wish,
            result,
            answer,
        } = loaded;
        let Some(main) = self.policies.get(position) else {
            return;
        };
        if main.roles.is_empty() {
            let why = format!("policy {} is gone", main.name);
            return refuse(Some(answer), why);
        }
        if main.canary.is_some() {
            let why = format!(
                "policy {} has a canary; promote or abort it first",
                main.name
            );
            return refuse(Some(answer), why);
        }
        let (mut prepared, component) = match result {
            Ok(loaded) => loaded,
            Err(error) => return refuse(Some(answer), chain(&error)),
        };
        let name = main.name.clone();
        let text = format!(
            "{} is the canary of policy {name} for {}",
            shown(&prepared.about),
            part(wish.share, &wish.jobs)
        );
        prepared.name = format!("{name}~canary");
        prepared.roles = Vec::new();
        prepared.watched = None;
        if let Some(setup) = &mut prepared.setup {
            setup.name.clone_from(&prepared.name);
        }
        let (by, begins) = match self.settle_in(prepared) {
            Ok(settled) => settled,
            Err(error) => {
                return refuse(Some(answer), format!("no thread for a canary: {error}"));
            }
        };
        let place = by.0 as usize;
        let now = self.clock.now();
        let policy = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
        let usual = self.machine.policy_numbers(policy);
        let own = self.machine.policy_numbers(by);
        if let Some(canary) = self.policies.get_mut(place) {
            canary.supervisor.begins_beside(now, &own, &usual);
        }
        inputs.push(Input::Policies(self.settings()));
        inputs.push(Input::Canary {
            policy,
            canary: Some(machine::Canary {
                by,
                share: wish.share,
                jobs: wish
                    .jobs
                    .iter()
                    .map(|job| JobName::from(job.as_str()))
                    .collect(),
            }),
        });
        inputs.extend(begins);
        if let Some(main) = self.policies.get_mut(position) {
            main.canary = Some(Canary {
                place,
                share: wish.share,
                jobs: wish.jobs,
                component,
            });
        }
        tracing::info!(policy = name, "{text}");
        // The asker may have gone away.
        let _ = answer.send(Reply::Done(vec![text]));
    }

    /// The policies by place, as they are.
    fn settings(&self) -> Vec<PolicySettings> {
        self.policies
            .iter()
            .map(|policy| PolicySettings {
                name: policy.name.clone(),
                roles: policy
                    .roles
                    .iter()
                    .map(|role| role.as_str().into())
                    .collect(),
            })
            .collect()
    }

    /// The policy decides alone again. Gives the file of what its canary was.
    pub(super) fn end_canary(
        &mut self,
        position: usize,
        why: &str,
        inputs: &mut Vec<Input>,
    ) -> Option<String> {
        let policy = self.policies.get_mut(position)?;
        let canary = policy.canary.take()?;
        let name = policy.name.clone();
        inputs.push(Input::Canary {
            policy: PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX)),
            canary: None,
        });
        let file = canary.component.file.display().to_string();
        if let Some(ended) = self.policies.get_mut(canary.place) {
            tracing::info!(
                policy = name,
                "{} is the canary of policy {name} no more: {why}",
                shown(&ended.active.about)
            );
            ended.retire();
        }
        Some(file)
    }

    /// What a canary is, if an operator who names a digest means it.
    pub(super) fn canary_component(&self, position: usize, digest: &str) -> Option<Component> {
        let canary = self.policies.get(position)?.canary.as_ref()?;
        let means = self.means_canary(position, digest);
        means.then(|| canary.component.clone())
    }

    /// A canary that has taken over as a whole ends.
    pub(super) fn end_promoted_canary(&mut self, position: usize, inputs: &mut Vec<Input>) {
        let promoted = |policy: &&Running| {
            let canary = policy.canary.as_ref();
            canary.is_some_and(|canary| canary.component.digest == policy.active.about.digest)
        };
        if self.policies.get(position).filter(promoted).is_some() {
            self.end_canary(position, "it takes over as a whole", inputs);
        }
    }

    /// Whether an operator who names a digest means the canary.
    pub(super) fn means_canary(&self, position: usize, digest: &str) -> bool {
        let Some(policy) = self.policies.get(position) else {
            return false;
        };
        let canary = policy.canary.as_ref();
        let canary = canary.and_then(|canary| self.policies.get(canary.place));
        canary.is_some_and(|canary| {
            canary.active.about.digest.starts_with(digest)
                && (!digest.is_empty() || policy.shadows.is_empty())
        })
    }

    /// Judges a canary that has just answered. True if there is one at this place.
    pub(super) fn judge_canary(&mut self, place: usize, inputs: &mut Vec<Input>) -> bool {
        let is_its = |policy: &Running| {
            policy
                .canary
                .as_ref()
                .is_some_and(|canary| canary.place == place)
        };
        let Some(main) = self.policies.iter().position(is_its) else {
            return false;
        };
        let now = self.clock.now();
        let handle = PolicyHandle(u32::try_from(place).unwrap_or(u32::MAX));
        let numbers = self.machine.policy_numbers(handle);
        let judged = self
            .policies
            .get_mut(place)
            .and_then(|canary| canary.supervisor.judge(now, &numbers, true));
        if let Some(Verdict::RollBack(why) | Verdict::GiveUp(why)) = judged {
            tracing::error!("the canary {} fails: {why}", self.place_name(place));
            self.end_canary(main, &why, inputs);
        }
        true
    }

    fn place_name(&self, place: usize) -> &str {
        self.policies.get(place).map_or("", |policy| &policy.name)
    }

    pub(super) fn canary_status(&self, canary: &Canary) -> Option<api::CanaryStatus> {
        let running = self.policies.get(canary.place)?;
        let handle = PolicyHandle(u32::try_from(canary.place).ok()?);
        Some(api::CanaryStatus {
            file: running.active.about.file.clone(),
            digest: running.active.about.digest.clone(),
            version: running.active.about.version.clone(),
            since: running.active.since.0 / 1_000_000,
            share: canary.share,
            jobs: canary.jobs.clone(),
            strikes: running.supervisor.strikes(),
            numbers: running
                .supervisor
                .since_start(&self.machine.policy_numbers(handle)),
            busy: running.totals.busy.as_secs_f64(),
        })
    }
}

fn part(share: u32, jobs: &[String]) -> String {
    let mut parts = Vec::new();
    if share > 0 {
        parts.push(format!("{share} % of the tasks"));
    }
    if !jobs.is_empty() {
        parts.push(format!("all tasks of {}", jobs.join(", ")));
    }
    parts.join(" and ")
}
