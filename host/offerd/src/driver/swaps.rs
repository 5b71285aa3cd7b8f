//! Changing the code of a policy while it works: who wants it, the cut between two rounds,
//! and the way back. How code is loaded is in `loading`, how it is tried in `rehearsal`, and
//! how it is judged in `supervisor`.

use std::path::{Path, PathBuf};

use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Input, PolicyChange, Reply};
use offerd_core::policy::Failure;
use offerd_policy::{PolicyCode, Replaced};
use tokio::sync::oneshot;

use super::Driver;
use super::loading::{Loaded, Source};
use super::running::Version;
use crate::admin::api;
use crate::kept::Choice;
use crate::policies::{About, Component, Prepared};
use crate::report::chain;
use crate::supervisor::Verdict;

/// A change that is under way. It ends in `Driver::swap_over`.
pub(super) enum Swap {
    /// The first code, which was too large to wait for it when the service started.
    Starting,
    /// The code is being loaded, or rehearses; `load` tells this load from one that was
    /// given up.
    Loading { load: u64, wish: Wish },
    /// The code that decides is exchanged between two rounds.
    Cutting {
        next: Box<Version>,
        /// To be kept if it takes over; `None`: it is.
        component: Option<Component>,
        wish: Wish,
    },
}

/// Who wants it, and who wants to hear of it.
pub(super) struct Wish {
    pub(super) cause: Cause,
    pub(super) answer: Option<oneshot::Sender<Reply>>,
}

impl Wish {
    pub(super) fn refuse(self, why: String) {
        refuse(self.answer, why);
    }
}

/// Why code is changed.
#[derive(Debug, Clone)]
pub(super) enum Cause {
    Operator,
    /// The configured file has changed.
    File,
    /// Its entry in the configuration has.
    Entry,
    /// An operator wants a shadow or the canary.
    Promoted,
    /// An operator wants the one before.
    Back,
    /// The supervisor does.
    Judged(String),
}

impl Cause {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Operator => "an operator asked for it".to_owned(),
            Self::File => "its file changed".to_owned(),
            Self::Entry => "its entry in the configuration changed".to_owned(),
            Self::Promoted => "an operator promoted it".to_owned(),
            Self::Back => "an operator asked for the one before".to_owned(),
            Self::Judged(why) => why.clone(),
        }
    }
}

/// "bin-pack.wasm 0.2.0 (57f60bbe1fa7)".
pub(super) fn shown(about: &About) -> String {
    format!("{} {}", about.file, about.short())
}

pub(super) fn reply(answer: Option<oneshot::Sender<Reply>>, reply: Reply) {
    if let Some(answer) = answer {
        // The asker may have gone away.
        let _ = answer.send(reply);
    }
}

pub(super) fn refused(why: String) -> Reply {
    Reply::Refused(vec![why])
}

pub(super) fn refuse(answer: Option<oneshot::Sender<Reply>>, why: String) {
    reply(answer, refused(why));
}

impl Driver {
    /// Position of a policy by its name or one of its roles; or what to say.
    pub(super) fn policy_named(&self, name: &str) -> Result<usize, Reply> {
        let at_work = || self.policies.iter().filter(|policy| !policy.is_retired());
        let found = at_work()
            .find(|policy| policy.name == name)
            .or_else(|| at_work().find(|policy| policy.roles.iter().any(|role| role == name)));
        found.map(|policy| policy.handle.0 as usize).ok_or_else(|| {
            let known: Vec<String> = at_work()
                .map(|policy| format!("{} ({})", policy.name, policy.roles.join(", ")))
                .collect();
            Reply::Unknown(format!(
                "there is no policy or role {name}; there are {}",
                known.join(", ")
            ))
        })
    }

    /// An operator's wish for other code.
    pub(super) fn swap_asked(&mut self, name: &str, file: PathBuf, answer: oneshot::Sender<Reply>) {
        match self.policy_named(name) {
            Ok(position) => {
                let wish = Wish {
                    cause: Cause::Operator,
                    answer: Some(answer),
                };
                self.load(position, Source::File(file), wish);
            }
            Err(unknown) => reply(Some(answer), unknown),
        }
    }

    /// An operator's wish for the code before.
    pub(super) fn back_asked(
        &mut self,
        name: &str,
        answer: oneshot::Sender<Reply>,
        inputs: &mut Vec<Input>,
    ) {
        let position = match self.policy_named(name) {
            Ok(position) => position,
            Err(unknown) => return reply(Some(answer), unknown),
        };
        if self.is_renewing(position) {
            let policy = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
            return self.recording.wait(Loaded::Back { policy, answer });
        }
        let wish = Wish {
            cause: Cause::Back,
            answer: Some(answer),
        };
        self.roll_back(position, wish, inputs);
    }

    /// Files may have changed: all configured ones, or one.
    pub(super) fn files_changed(&mut self, file: Option<&PathBuf>) {
        for position in 0..self.policies.len() {
            let Some(path) = self.policies.get(position).and_then(|p| p.watched.clone()) else {
                continue;
            };
            if file.is_none_or(|file| *file == path) {
                self.file_changed(position, path);
            }
        }
    }

    fn file_changed(&mut self, position: usize, file: PathBuf) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        if policy.swap.is_some() {
            // It is looked at when this swap is over.
            policy.file_changed = true;
            return;
        }
        let wish = Wish {
            cause: Cause::File,
            answer: None,
        };
        self.load(position, Source::File(file), wish);
    }

    /// A candidate takes over, as a file does.
    pub(super) fn promote(
        &mut self,
        position: usize,
        component: Component,
        answer: oneshot::Sender<Reply>,
    ) {
        let wish = Wish {
            cause: Cause::Promoted,
            answer: Some(answer),
        };
        self.load(position, Source::Component(component), wish);
    }

    /// What was started for want of the configured file is exchanged for that.
    pub(super) fn load_outdated(&mut self) {
        for position in 0..self.policies.len() {
            let policy = self.policies.get(position);
            let name = policy
                .filter(|policy| policy.is_outdated)
                .map(|policy| &policy.name);
            let file = name.and_then(|name| self.loader.as_ref()?.configured_file(name));
            if let Some(file) = file.map(Path::to_owned) {
                self.file_changed(position, file);
            }
        }
    }

    /// Goes back to the code before. What is only being loaded is given up for it.
    pub(super) fn roll_back(&mut self, position: usize, wish: Wish, inputs: &mut Vec<Input>) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let gives_way = matches!(policy.swap, Some(Swap::Loading { .. }));
        if let Some(why) = policy.is_busy().filter(|_| !gives_way) {
            return wish.refuse(why);
        }
        let Some((version, code)) = policy.previous.take() else {
            let name = &policy.name;
            return wish.refuse(match policy.choice.previous {
                Some(_) => format!(
                    "the version before this one of policy {name} is not ready; try again later"
                ),
                None => format!("policy {name} has no version before this one"),
            });
        };
        if let Some(Swap::Loading { wish, .. }) = policy.swap.take() {
            wish.refuse(format!(
                "policy {} goes back to the version before instead",
                policy.name
            ));
        }
        self.cut(position, version, None, code, wish, inputs);
    }

    /// The host's own code decides from the next round on.
    fn fall_back(&mut self, position: usize, why: String, inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        if let Some(Swap::Loading { wish, .. }) = policy.swap.take() {
            wish.refuse(format!("the fallback decides for policy {}", policy.name));
        }
        let fallback = policy.fallback;
        let wish = Wish {
            cause: Cause::Judged(why),
            answer: None,
        };
        let next = Version::fallback(fallback, now);
        self.cut(position, next, None, Box::new(fallback), wish, inputs);
    }

    /// Begins the exchange: no more rounds until it is made.
    pub(super) fn cut(
        &mut self,
        position: usize,
        next: Version,
        component: Option<Component>,
        code: Box<dyn PolicyCode>,
        wish: Wish,
        inputs: &mut Vec<Input>,
    ) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        if let Err(error) = policy.thread.replace(code) {
            tracing::error!(
                policy = policy.name,
                "{} cannot take over for policy {}: {error}",
                shown(&next.about),
                policy.name
            );
            return self.fails(position, error.to_string(), wish);
        }
        policy.swap = Some(Swap::Cutting {
            next: Box::new(next),
            component,
            wish,
        });
        policy.held_at = Some(std::time::Instant::now());
        inputs.push(Input::Policy {
            policy: policy.handle,
            change: PolicyChange::Hold,
        });
    }

    /// The cut has been made, or could not be.
    pub(super) fn replaced(
        &mut self,
        handle: PolicyHandle,
        replaced: Replaced,
        inputs: &mut Vec<Input>,
    ) {
        let position = handle.0 as usize;
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let is_cut = |swap: &mut Swap| matches!(swap, Swap::Cutting { .. });
        let Some(Swap::Cutting {
            next,
            component,
            wish,
        }) = policy.swap.take_if(is_cut)
        else {
            return;
        };
        // It was asked for its state, whatever came of it.
        let ended = replaced.state.as_ref().is_err_and(Failure::ends_instance);
        self.recording.saved(handle, ended);
        if let Err(failure) = &replaced.state {
            tracing::warn!(
                policy = policy.name,
                "what policy {} knew is lost, since it could not be saved: {failure}",
                policy.name
            );
        }
        match &replaced.result {
            Ok(()) => self.took_over(position, *next, component, replaced, wish, inputs),
            Err(error) => {
                let why = chain(error);
                tracing::error!(
                    policy = policy.name,
                    "{} cannot take over for policy {}, {} goes on: {why}",
                    shown(&next.about),
                    policy.name,
                    shown(&policy.active.about),
                );
                // For the supervisor it is none any more, or it would try for ever.
                if matches!(wish.cause, Cause::Back) {
                    policy.previous = Some((*next, replaced.other));
                }
                inputs.push(Input::Policy {
                    policy: handle,
                    change: PolicyChange::Resume,
                });
                self.fails(position, why, wish);
            }
        }
    }

    /// Other code decides from the next round on.
    fn took_over(
        &mut self,
        position: usize,
        mut next: Version,
        component: Option<Component>,
        replaced: Replaced,
        wish: Wish,
        inputs: &mut Vec<Input>,
    ) {
        let now = self.clock.now();
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let handle = policy.handle;
        let numbers = self.machine.policy_numbers(handle);
        inputs.push(Input::Policy {
            policy: handle,
            change: PolicyChange::Replaced,
        });
        inputs.push(Input::Version {
            policy: handle,
            version: next.about.short(),
        });
        next.since = now;
        let before = std::mem::replace(&mut policy.active, next);
        let state = replaced.began.state.clone();
        if policy.has_other_settings() {
            policy.setup.clone_from(&policy.active.setup);
            if let Some(setup) = policy.setup(replaced.began) {
                self.recording.policy(handle, setup);
            }
        } else {
            self.recording.code(handle, policy.code(replaced.began));
        }
        // A shadow of itself is of no use.
        let digest = policy.active.about.digest.clone();
        policy.shadows.retain(|shadow| shadow.digest() != digest);
        let text = format!(
            "policy {}: {} took over from {}, since {}; nobody decided for {:.1} ms",
            policy.name,
            shown(&policy.active.about),
            shown(&before.about),
            wish.cause.text(),
            replaced.pause.as_secs_f64() * 1e3,
        );
        let judged = matches!(wish.cause, Cause::Judged(_));
        let switch = api::Switch {
            at: now.0 / 1_000_000,
            from: before.about.digest.clone(),
            to: digest,
            file: policy.active.about.file.clone(),
            why: wish.cause.text(),
            pause: replaced.pause.as_secs_f64(),
            undecided: 0.0,
        };
        policy.remember(switch, judged);
        policy.supervisor.took_over(now, &numbers, !judged);
        // Bad code is no way back by itself; from the fallback it is one for operators.
        let is_way_back = !before.is_fallback && (!judged || policy.active.is_fallback);
        let way_back = is_way_back.then_some((before, replaced.other));
        let gone = std::mem::replace(&mut policy.previous, way_back);
        policy.goes_later(gone);
        if judged {
            tracing::error!(policy = policy.name, "{text}");
        } else {
            tracing::info!(policy = policy.name, "{text}");
        }
        if let Some(state) = state {
            self.keep_state(position, state);
        }
        self.end_promoted_canary(position, inputs);
        self.keep_choice(position, component, text, wish.answer);
        self.swap_over(position);
    }

    /// The one at work goes on.
    pub(super) fn fails(&mut self, position: usize, why: String, wish: Wish) {
        let at = self.clock.now().0 / 1_000_000;
        if let Some(policy) = self.policies.get_mut(position) {
            let why = why.clone();
            policy.refused = Some(api::Refused { at, why });
        }
        wish.refuse(why);
        self.swap_over(position);
    }

    /// A swap has ended, whatever came of it: the file may have changed meanwhile.
    pub(super) fn swap_over(&mut self, position: usize) {
        self.keep_changes(position);
        self.go_on(position);
    }

    pub(super) fn go_on(&mut self, position: usize) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        if std::mem::take(&mut policy.file_changed)
            && let Some(file) = policy.watched.clone()
        {
            self.file_changed(position, file);
        }
        self.reload_again();
    }

    /// Makes it last over a restart; then the asker hears that it is done.
    fn keep_choice(
        &mut self,
        position: usize,
        component: Option<Component>,
        text: String,
        answer: Option<oneshot::Sender<Reply>>,
    ) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        // The fallback is for now only: a restart tries the policy again.
        if !policy.active.is_fallback {
            policy.choice = Choice {
                configured: policy.choice.configured.clone(),
                active: policy.active.about.origin(),
                previous: policy.previous(),
                trial: policy.supervisor.trial(),
            };
        }
        let (name, choice) = (policy.name.clone(), policy.choice.clone());
        let done = move |result: std::io::Result<()>| {
            let mut done = vec![text];
            if let Err(error) = result {
                let why = format!("policy {name}: a restart will not remember this: {error}");
                tracing::error!(policy = name, "{why}");
                done.push(why);
            }
            if let Some(answer) = answer {
                // The asker may have gone away.
                let _ = answer.send(Reply::Done(done));
            }
        };
        let Some(loader) = &self.loader else {
            return done(Ok(()));
        };
        let name = policy.name.clone();
        loader.kept().later(move |kept| {
            let bytes = component
                .as_ref()
                .map(|component| component.bytes.as_slice());
            done(kept.choose(&name, &choice, bytes));
        });
    }

    /// Remembers which configured file was looked at, also if it was refused, and that
    /// a trial is over.
    fn keep_changes(&self, position: usize) {
        let (Some(policy), Some(loader)) = (self.policies.get(position), &self.loader) else {
            return;
        };
        let (name, choice) = (policy.name.clone(), policy.choice.clone());
        loader.kept().later(move |kept| {
            if kept.choice(&name).as_ref() != Some(&choice)
                && let Err(error) = kept.choose(&name, &choice, None)
            {
                tracing::error!(policy = name, "a restart will look again: {error}");
            }
        });
    }

    /// Judges the policies that have just answered.
    pub(super) fn supervise(&mut self, answered: &[PolicyHandle], inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        for handle in answered {
            let numbers = self.machine.policy_numbers(*handle);
            let position = handle.0 as usize;
            let Some(policy) = self.policies.get_mut(position) else {
                continue;
            };
            let busy = policy.is_cutting() || policy.renewing || self.recording.is_starting();
            if policy.active.is_fallback || busy || self.judge_canary(position, inputs) {
                continue;
            }
            let Some(policy) = self.policies.get_mut(position) else {
                continue;
            };
            let has_previous = policy.previous.is_some();
            let verdict = policy.supervisor.judge(now, &numbers, has_previous);
            let is_over = policy.supervisor.trial().is_none();
            if is_over && policy.choice.trial.take().is_some() {
                self.keep_changes(position);
            }
            match verdict {
                None => {}
                Some(Verdict::GiveUp(why)) if !has_previous => {
                    self.fall_back(position, why, inputs);
                }
                Some(Verdict::RollBack(why) | Verdict::GiveUp(why)) => {
                    let wish = Wish {
                        cause: Cause::Judged(why),
                        answer: None,
                    };
                    self.roll_back(position, wish, inputs);
                }
            }
        }
    }

    /// Begins the swap to what a new configuration wants.
    pub(super) fn adopt_code(&mut self, position: usize, code: (Prepared, Component), wish: Wish) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let (_, component) = &code;
        policy.choice.configured.clone_from(&component.digest);
        self.rehearse(position, code, wish);
    }
}
