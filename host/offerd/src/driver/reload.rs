//! Another configuration while everything goes on: roles and policies come, go
//! and change, and the subscription stays.

use std::path::Path;

use offerd_core::ids::{PolicyHandle, Role};
use offerd_core::machine::{Input, PolicySettings, Reply};
use tokio::sync::oneshot;

use super::loading::Loaded;
use super::swaps::{Cause, Wish, refuse, reply};
use super::{Driver, Running};
use crate::config::Config;
use crate::policies::{Component, Loader, PrepareError, Prepared};
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
    /// Other code for policies whose file or settings are others.
    changed: Vec<Changed>,
    /// The policies as they were when it was read.
    seen: Vec<Known>,
    /// Sections that count from the next start on.
    later: Vec<&'static str>,
}

struct Changed {
    name: String,
    cause: Cause,
    code: (Prepared, Component),
}

/// What a new configuration has led to.
struct Applied {
    done: Vec<String>,
    /// What is still being done.
    swaps: Vec<oneshot::Receiver<Reply>>,
}

/// One configuration is read at a time.
#[derive(Debug, Default)]
pub(crate) struct Reload {
    under_way: bool,
    /// It is to be read once more.
    again: bool,
}

impl Driver {
    /// Reads the configuration again, beside the loop.
    pub(super) fn reload_asked(&mut self, answer: Option<oneshot::Sender<Reply>>) {
        let Some(loader) = self.loader.clone() else {
            return not_reloaded(answer, vec!["all policies are built in".to_owned()]);
        };
        let Some(file) = loader.config().file.clone() else {
            self.files_changed(None);
            let done = vec!["looking at the files of the policies".to_owned()];
            return reply(answer, Reply::Done(done));
        };
        let why = if self.reload.under_way {
            Some("the configuration is being read already; try again later".to_owned())
        } else {
            self.policies.iter().find_map(Running::is_starting)
        };
        if let Some(why) = why {
            self.reload.again |= answer.is_none();
            return refuse(answer, why);
        }
        self.reload.under_way = true;
        let known: Vec<Known> = self.policies.iter().map(Known::of).collect();
        let roles = self.machine.role_names();
        let loaded = self.loaded.clone();
        tokio::task::spawn_blocking(move || {
            let result = read(&loader, &file, known, roles);
            // The service is ending if nobody takes it.
            let _ = loaded.send(Loaded::Configured(Configured { result, answer }));
        });
    }

    /// A configuration is read: it counts from here on, if it can.
    pub(super) fn configured(&mut self, configured: Configured, inputs: &mut Vec<Input>) {
        let Configured { result, answer } = configured;
        self.reload.under_way = false;
        let not_now = result.as_ref().ok().and_then(|new| self.not_now(new));
        if let Some(why) = not_now {
            self.reload.again |= answer.is_none();
            refuse(answer, why);
        } else {
            match result.and_then(|new| self.apply(new, inputs)) {
                Ok(applied) => told_when_done(answer, applied),
                Err(why) => not_reloaded(answer, why),
            }
        }
        self.reload_again();
    }

    /// Why what was read cannot count yet, or not any more.
    fn not_now(&self, new: &New) -> Option<String> {
        let busy = self.policies.iter().find_map(Running::is_busy);
        let is_other = |policy: &&Running| {
            let mut seen = new.seen.iter();
            let seen = seen.find(|seen| seen.at_work && seen.name == policy.name);
            seen.is_some_and(|seen| seen.digest != policy.choice.configured)
        };
        busy.or_else(|| {
            let policy = self.policies.iter().find(is_other)?;
            Some(format!(
                "the file of policy {} has changed meanwhile; try again",
                policy.name
            ))
        })
    }

    /// Somebody wanted it who was not there to hear that it could not be.
    pub(super) fn reload_again(&mut self) {
        let busy = self
            .policies
            .iter()
            .any(|policy| policy.is_busy().is_some());
        if self.reload.again && !self.reload.under_way && !busy {
            self.reload.again = false;
            self.reload_asked(None);
        }
    }

    /// All of it, or nothing.
    fn apply(&mut self, new: New, inputs: &mut Vec<Input>) -> Result<Applied, Vec<String>> {
        let New {
            loader,
            fresh,
            changed,
            later,
            seen: _,
        } = new;
        let config = loader.config().clone();
        let wanted = wanted(
            self.policies.iter().map(|policy| policy.name.as_str()),
            &config,
        );
        self.machine.check_policies(&wanted)?;
        let (mut begun, mut next) = (Vec::new(), self.policies.len());
        for prepared in fresh {
            let position = self.place_of(&prepared.name).unwrap_or(next);
            next = next.max(position + 1);
            let running = self.start_at(position, prepared);
            begun.push(running.map_err(|error| vec![format!("no thread for a policy: {error}")])?);
        }
        let mut done = self.adopt(&config, inputs);
        inputs.push(Input::Policies(wanted));
        for running in begun {
            done.push(format!(
                "policy {} decides for {}",
                running.name,
                running.roles.join(", ")
            ));
            inputs.extend(self.take_place(running));
        }
        self.loader = Some(loader);
        self.roles.send_replace(config.framework.roles.clone());
        let watched = self.policies.iter().filter_map(|p| p.watched.clone());
        self.watch = Watch::start(watched.collect(), self.changes.clone());
        done.extend(later.iter().map(|section| {
            format!("what changed in [{section}] counts when offerd is started again")
        }));
        let mut swaps = Vec::new();
        for Changed { name, cause, code } in changed {
            let at_work = |policy: &Running| policy.name == name && !policy.is_retired();
            if let Some(position) = self.policies.iter().position(at_work) {
                let (answer, swapped) = oneshot::channel();
                let answer = Some(answer);
                self.adopt_code(position, code, Wish { cause, answer });
                swaps.push(swapped);
            }
        }
        Ok(Applied { done, swaps })
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
                Some(entry) if !policy.is_retired() => {
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
                None if !policy.is_retired() => {
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

    /// A policy gets its former place or a new one, and the machine hears of it.
    pub(super) fn settle_in(
        &mut self,
        policy: Prepared,
    ) -> std::io::Result<(PolicyHandle, [Input; 2])> {
        let place = self.place_of(&policy.name);
        let running = self.start_at(place.unwrap_or(self.policies.len()), policy)?;
        Ok((running.handle, self.take_place(running)))
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.policies.iter().position(|policy| policy.name == name)
    }

    /// Starts a policy for a place. Nobody calls it yet.
    fn start_at(&self, position: usize, policy: Prepared) -> std::io::Result<Running> {
        let handle = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
        Running::start(policy, handle, self.clock.now(), self.replies.clone())
    }

    /// New places are taken in their order.
    fn take_place(&mut self, running: Running) -> [Input; 2] {
        let begins = running.begins();
        if let Some(setup) = &running.setup {
            self.recording.policy(running.handle, setup.clone());
        }
        match self.policies.get_mut(running.handle.0 as usize) {
            Some(place) => *place = running,
            None => self.policies.push(running),
        }
        begins
    }
}

fn not_reloaded(answer: Option<oneshot::Sender<Reply>>, why: Vec<String>) {
    for line in &why {
        tracing::error!("the configuration stays as it is: {line}");
    }
    reply(answer, Reply::Refused(why));
}

/// Tells what was done when the swaps among it are over, too.
fn told_when_done(answer: Option<oneshot::Sender<Reply>>, applied: Applied) {
    let Applied { mut done, swaps } = applied;
    tokio::spawn(async move {
        let mut failed = Vec::new();
        for swap in swaps {
            match swap.await {
                Ok(Reply::Done(lines)) => done.extend(lines),
                Ok(Reply::Refused(why)) => failed.extend(why),
                Ok(Reply::Unknown(what)) => failed.push(what),
                Err(_) => failed.push("offerd is stopping".to_owned()),
            }
        }
        if done.is_empty() && failed.is_empty() {
            done.push("the configuration has not changed".to_owned());
        }
        for line in &done {
            tracing::info!("configuration read again: {line}");
        }
        if failed.is_empty() {
            return reply(answer, Reply::Done(done));
        }
        for line in &failed {
            tracing::error!("configuration read again: {line}");
        }
        failed.extend(done.iter().map(|line| format!("done all the same: {line}")));
        reply(answer, Reply::Refused(failed));
    });
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
            at_work: !policy.is_retired(),
            digest: policy.choice.configured.clone(),
        }
    }
}

/// `known`: the policies by place.
fn read(
    loader: &Loader,
    file: &Path,
    known: Vec<Known>,
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
                let code = Component::read(&entry.name, &entry.file);
                let same = code.as_ref().is_ok_and(|code| code.digest == known.digest);
                let cause = if old.starts_as(entry) {
                    Cause::File
                } else {
                    Cause::Entry
                };
                if same && matches!(cause, Cause::File) {
                    continue;
                }
                let code = code.and_then(|code| {
                    let prepared = loader.other(&entry.name, &code, None)?;
                    Ok((prepared, code))
                });
                match code {
                    Ok(code) => changed.push(Changed {
                        name: entry.name.clone(),
                        cause,
                        code,
                    }),
                    Err(error) => failed.push(error),
                }
            }
            _ => match loader.fresh(&entry.name) {
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
        seen: known,
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
        ("record", old.record != new.record),
    ];
    all.into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}
