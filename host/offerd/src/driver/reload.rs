//! Another configuration while everything goes on: roles and policies come, go
//! and change, and the subscription stays.

use std::path::Path;

use offerd_core::ids::{PolicyHandle, Role};
use offerd_core::machine::{Input, PolicyChange, PolicySettings, Reply};
use tokio::sync::oneshot;

use super::swaps::{Cause, Loaded};
use super::{Driver, Running};
use crate::config::Config;
use crate::kept;
use crate::policies::{Loader, PrepareError, Prepared};
use crate::report::chain;
use crate::watch::Watch;

/// A configuration that was read, with all that is new in it.
pub(crate) struct Configured {
    result: Result<New, Vec<String>>,
    answer: Option<oneshot::Sender<Reply>>,
}

struct New {
    loader: Loader,
    /// Policies that were not there.
    fresh: Vec<Prepared>,
    /// Names of those whose file or settings are others.
    changed: Vec<(String, Cause)>,
    /// Sections that count from the next start on.
    later: Vec<&'static str>,
}

impl Driver {
    /// Reads the configuration again, beside the loop.
    pub(super) fn reload_asked(&mut self, answer: Option<oneshot::Sender<Reply>>) {
        let Some(loader) = self.loader.clone() else {
            return self.not_reloaded(answer, vec!["all policies are built in".to_owned()]);
        };
        let Some(file) = loader.config().file.clone() else {
            self.files_changed(None);
            let done = vec!["looking at the files of the policies".to_owned()];
            return reply(answer, Reply::Done(done));
        };
        let known: Vec<Known> = self.policies.iter().map(Known::of).collect();
        let roles = self.machine.role_names();
        let loaded = self.loaded.clone();
        tokio::task::spawn_blocking(move || {
            let result = read(&loader, &file, &known, roles);
            // The service is ending if nobody takes it.
            let _ = loaded.send(Loaded::Configured(Configured { result, answer }));
        });
    }

    /// A configuration is read: it counts from here on, if it can.
    pub(super) fn configured(&mut self, configured: Configured, inputs: &mut Vec<Input>) {
        let Configured { result, answer } = configured;
        let New {
            loader,
            fresh,
            changed,
            later,
        } = match result {
            Ok(new) => new,
            Err(why) => return self.not_reloaded(answer, why),
        };
        let config = loader.config().clone();
        let swapping = self.policies.iter().find(|policy| policy.is_swapping());
        if let Some(policy) = swapping {
            let why = format!("policy {} is being swapped; try again later", policy.name);
            return self.not_reloaded(answer, vec![why]);
        }
        let wanted = wanted(
            self.policies.iter().map(|policy| policy.name.as_str()),
            &config,
        );
        if let Err(why) = self.machine.check_policies(&wanted) {
            return self.not_reloaded(answer, why);
        }
        let mut done = self.adopt(&config, inputs);
        let mut begun = Vec::new();
        for prepared in fresh {
            done.push(format!(
                "policy {} decides for {}",
                prepared.name,
                prepared.roles.join(", ")
            ));
            match self.settle_in(prepared) {
                Ok(handle) => begun.push(handle),
                Err(error) => return self.not_reloaded(answer, vec![error.to_string()]),
            }
        }
        inputs.push(Input::Policies(wanted));
        for policy in begun {
            inputs.extend(self.begins(policy));
        }
        self.loader = Some(loader);
        self.roles.send_replace(config.framework.roles.clone());
        let watched = self.policies.iter().filter_map(|p| p.watched.clone());
        self.watch = Watch::start(watched.collect(), self.changes.clone());
        // What has changed takes over as a changed file does.
        for (name, cause) in changed {
            let policies = self.policies.iter();
            let entry = config.policies.iter().find(|policy| policy.name == name);
            if let (Some(position), Some(entry)) = (
                policies
                    .zip(0..)
                    .find_map(|(p, at)| (p.name == name).then_some(at)),
                entry,
            ) {
                done.push(format!("policy {name} is swapped, since {}", cause.text()));
                self.load(position, entry.file.clone(), cause, None);
            }
        }
        done.extend(later.iter().map(|section| {
            format!("what changed in [{section}] counts when offerd is started again")
        }));
        if done.is_empty() {
            done.push("the configuration has not changed".to_owned());
        }
        for line in &done {
            tracing::info!("configuration read again: {line}");
        }
        reply(answer, Reply::Done(done));
    }

    /// Brings the policies at work in line with their entries; those without one
    /// retire.
    fn adopt(&mut self, config: &Config, inputs: &mut Vec<Input>) -> Vec<String> {
        let mut done = Vec::new();
        for position in 0..self.policies.len() {
            let Some(policy) = self.policies.get_mut(position) else {
                continue;
            };
            let entry = config
                .policies
                .iter()
                .find(|entry| entry.name == policy.name);
            match entry {
                Some(entry) if !policy.roles.is_empty() => {
                    if policy.roles != entry.roles {
                        done.push(format!(
                            "policy {} decides for {} in place of {}",
                            policy.name,
                            entry.roles.join(", "),
                            policy.roles.join(", ")
                        ));
                    }
                    policy.adopt(entry);
                }
                None if !policy.roles.is_empty() => {
                    done.push(format!("policy {} is gone", policy.name));
                    self.end_canary(position, "its policy is gone", inputs);
                    if let Some(policy) = self.policies.get_mut(position) {
                        policy.retire();
                    }
                }
                _ => {}
            }
        }
        done
    }

    /// A policy begins, in its former place or in a new one.
    pub(super) fn settle_in(&mut self, policy: Prepared) -> std::io::Result<PolicyHandle> {
        let known = self.policies.iter().position(|p| p.name == policy.name);
        let position = known.unwrap_or(self.policies.len());
        let handle = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
        let now = self.clock.now();
        let running = Running::start(policy, handle, now, self.replies.clone())?;
        if let Some(setup) = &running.setup {
            self.recording.policy(handle, setup.clone());
        }
        match self.policies.get_mut(position) {
            Some(place) => *place = running,
            None => self.policies.push(running),
        }
        Ok(handle)
    }

    /// Says to the machine what decides in a place, and that it may be called.
    pub(super) fn begins(&self, policy: PolicyHandle) -> [Input; 2] {
        let running = self.policies.get(policy.0 as usize);
        let version = running.map_or_else(String::new, |running| running.active.about.short());
        [
            Input::Version { policy, version },
            Input::Policy {
                policy,
                change: PolicyChange::Resume,
            },
        ]
    }

    fn not_reloaded(&self, answer: Option<oneshot::Sender<Reply>>, why: Vec<String>) {
        for line in &why {
            tracing::error!("the configuration stays as it is: {line}");
        }
        reply(answer, Reply::Refused(why));
    }
}

fn reply(answer: Option<oneshot::Sender<Reply>>, reply: Reply) {
    if let Some(answer) = answer {
        // The asker may have gone away.
        let _ = answer.send(reply);
    }
}

/// For the machine: all policies by place, whoever has no entry without roles, and
/// new ones at the end.
fn wanted<'a>(known: impl Iterator<Item = &'a str>, config: &Config) -> Vec<PolicySettings> {
    let settings = |name: &str, roles: &[String]| PolicySettings {
        name: name.to_owned(),
        roles: roles.iter().map(|role| Role::from(role.as_str())).collect(),
    };
    let known: Vec<&str> = known.collect();
    let entry = |name: &str| config.policies.iter().find(|entry| entry.name == name);
    let old = known
        .iter()
        .map(|name| settings(name, entry(name).map_or(&[][..], |entry| &entry.roles)));
    let new = config
        .policies
        .iter()
        .filter(|entry| !known.contains(&entry.name.as_str()))
        .map(|entry| settings(&entry.name, &entry.roles));
    old.chain(new).collect()
}

/// What reading must know of a policy.
struct Known {
    name: String,
    at_work: bool,
    /// Digest of its configured file as it was.
    digest: String,
}

impl Known {
    fn of(policy: &Running) -> Self {
        Self {
            name: policy.name.clone(),
            at_work: !policy.roles.is_empty(),
            digest: policy.configured.clone(),
        }
    }
}

/// `known`: the policies by place.
fn read(
    loader: &Loader,
    file: &Path,
    known: &[Known],
    mut roles: Vec<Role>,
) -> Result<New, Vec<String>> {
    let config = Config::load(file).map_err(|mistakes| {
        mistakes
            .to_string()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    })?;
    let names = known.iter().map(|known| known.name.as_str());
    for policy in wanted(names, &config) {
        for role in policy.roles {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
    }
    let before = loader.config().clone();
    let later = sections(&before, &config);
    let loader = loader.with(config, roles);
    let (mut fresh, mut changed, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &loader.config().policies {
        let at_work = known
            .iter()
            .find(|known| known.at_work && known.name == entry.name);
        let old = before.policies.iter().find(|old| old.name == entry.name);
        match (old, at_work) {
            (Some(old), Some(known)) => {
                let content = || std::fs::read(&entry.file);
                if (&old.file, &old.config) != (&entry.file, &entry.config) {
                    changed.push((entry.name.clone(), Cause::Entry));
                } else if content().is_ok_and(|bytes| kept::digest(&bytes) != known.digest) {
                    changed.push((entry.name.clone(), Cause::File));
                }
            }
            _ => match loader.first(entry) {
                Ok(prepared) => fresh.push(prepared),
                Err(error) => failed.push(error),
            },
        }
    }
    if !failed.is_empty() {
        return Err(vec![chain(&PrepareError::Policies(failed))]);
    }
    Ok(New {
        loader,
        fresh,
        changed,
        later,
    })
}

/// Names of sections that differ and are only looked at when the service starts.
fn sections(old: &Config, new: &Config) -> Vec<&'static str> {
    let mut framework = new.framework.clone();
    framework.roles.clone_from(&old.framework.roles);
    let all = [
        ("mesos", old.mesos != new.mesos),
        ("framework", old.framework != framework),
        ("admin", old.admin != new.admin),
        ("store", old.store != new.store),
        ("log", old.log != new.log),
        ("offers", old.offers != new.offers),
        ("limits", old.limits != new.limits),
        ("record", old.record != new.record),
    ];
    all.into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}
