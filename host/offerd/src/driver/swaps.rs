//! Changing the code of a policy while it works: loading beside the loop, the cut
//! between two rounds, and the way back. What is judged is in `supervisor`.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use offerd_core::Instant;
use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Input, PolicyChange, Reply};
use offerd_policy::{
    Began, Metrics, PolicyCode, PolicyThread, Replaced, Reply as PolicyReply, Snapshot,
};
use offerd_record::{Code, PolicySetup};
use tokio::sync::{mpsc, oneshot};

use super::canary::{Canary, LoadedCanary};
use super::reload::Configured;
use super::shadows::Shadow;
use super::{Driver, Totals, recording};
use crate::admin::api;
use crate::config;
use crate::fallback::Fallback;
use crate::kept::{Choice, Kept};
use crate::policies::{About, PolicyError, Prepared};
use crate::report::chain;
use crate::supervisor::{Supervisor, Verdict};
use crate::whatif::{Subject, experiment};

/// Switches that are remembered for lists.
const SWITCHES: usize = 50;

/// Code and where it came from.
pub(crate) struct Version {
    pub(crate) about: About,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) has_state: bool,
    /// To start it once more.
    pub(crate) subject: Option<Subject>,
    /// It is the host's own, and decides for want of a better one.
    pub(crate) is_fallback: bool,
    /// When it took over.
    pub(crate) since: Instant,
}

impl Version {
    /// The host's own.
    fn fallback(fallback: Fallback, since: Instant) -> Self {
        Self {
            about: About {
                file: format!("(fallback {})", fallback.name()),
                digest: "none".to_owned(),
                version: String::new(),
                summary: "Decides because the policy cannot.".to_owned(),
            },
            metrics: None,
            has_state: false,
            subject: None,
            is_fallback: true,
            since,
        }
    }
}

/// What came from the thread of a policy. The thread tells a policy from one that had
/// its place before and was in a call when it went.
pub(crate) struct ThreadReply {
    pub(super) policy: PolicyHandle,
    pub(super) thread: ThreadId,
    pub(super) reply: PolicyReply,
}

/// A policy at work.
pub(crate) struct Running {
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    pub(crate) thread: PolicyThread,
    pub(crate) totals: Totals,
    pub(crate) active: Version,
    pub(crate) supervisor: Supervisor,
    pub(super) shadows: Vec<Shadow>,
    pub(super) canary: Option<Canary>,
    /// What decided before, ready to go on.
    previous: Option<(Version, Box<dyn PolicyCode>)>,
    swap: Option<Swap>,
    /// When a swap began whose code has not answered yet.
    held_at: Option<std::time::Instant>,
    fallback: Fallback,
    /// Digest of the configured file.
    pub(super) configured: String,
    pub(super) watched: Option<PathBuf>,
    /// For recordings; `None` if this policy can't be started from a file.
    pub(super) setup: Option<PolicySetup>,
    switches: VecDeque<api::Switch>,
}

/// A change that is under way.
struct Swap {
    /// `None` while it is being loaded.
    next: Option<Version>,
    /// To be kept if it takes over.
    component: Option<Vec<u8>>,
    cause: Cause,
    answer: Option<oneshot::Sender<Reply>>,
}

/// Where code comes from.
enum Source {
    File(PathBuf),
    /// A component that was read before, and from which file.
    Component(PathBuf, Arc<Vec<u8>>),
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

/// What came of loading beside the loop.
pub(crate) enum Loaded {
    /// Other code for a policy.
    Code {
        policy: PolicyHandle,
        result: Result<Prepared, PolicyError>,
    },
    Canary(LoadedCanary),
    Configured(Configured),
}

impl Running {
    pub(crate) fn start(
        policy: Prepared,
        handle: PolicyHandle,
        now: Instant,
        replies: mpsc::UnboundedSender<ThreadReply>,
    ) -> std::io::Result<Self> {
        let thread = PolicyThread::spawn(&policy.name, policy.code, move |reply| {
            // The service is ending if nobody takes it.
            let _ = replies.send(ThreadReply {
                policy: handle,
                thread: std::thread::current().id(),
                reply,
            });
        })?;
        Ok(Self {
            name: policy.name,
            roles: policy.roles,
            thread,
            totals: Totals::default(),
            active: Version {
                about: policy.about,
                metrics: policy.metrics,
                has_state: policy.has_state,
                subject: policy.subject,
                is_fallback: false,
                since: now,
            },
            supervisor: Supervisor::new(policy.budget),
            shadows: Vec::new(),
            canary: None,
            previous: None,
            swap: None,
            held_at: None,
            fallback: policy.fallback,
            configured: policy.configured,
            watched: policy.watched,
            setup: policy.setup,
            switches: VecDeque::new(),
        })
    }

    /// Takes over what its entry says, but for its code.
    pub(super) fn adopt(&mut self, entry: &config::Policy) {
        self.roles.clone_from(&entry.roles);
        self.fallback = entry.fallback;
        self.watched = entry.watch.then(|| entry.file.clone());
        self.supervisor.set_budget(entry.budget);
    }

    /// It decides no more; only its place stays. Its code goes when its last call
    /// ends.
    pub(super) fn retire(&mut self) {
        self.roles.clear();
        self.shadows.clear();
        self.previous = None;
        self.watched = None;
        self.active = Version::fallback(self.fallback, self.active.since);
        // If its mailbox is full, the code stays in memory; nobody calls it.
        let _ = self.thread.replace(Box::new(self.fallback));
    }

    pub(super) fn is_swapping(&self) -> bool {
        self.swap.is_some()
    }

    /// What decides now, for a recording.
    pub(super) fn code(&self, began: Began) -> Code {
        let fallback = self.active.is_fallback.then(|| self.fallback.name());
        recording::code(&self.active.about.digest, fallback, began)
    }

    /// A round was answered.
    pub(super) fn has_answered(&mut self) {
        if self.swap.is_none()
            && let Some(since) = self.held_at.take()
            && let Some(switch) = self.switches.back_mut()
        {
            switch.undecided = since.elapsed().as_secs_f64();
        }
    }

    /// For status pages.
    pub(crate) fn state(&self, now: Instant) -> &'static str {
        if self.active.is_fallback {
            "fallback"
        } else if self.swap.is_some() {
            "swapping"
        } else if self.supervisor.on_trial(now) {
            "trial"
        } else {
            "active"
        }
    }

    pub(crate) fn previous_digest(&self) -> Option<String> {
        let (version, _) = self.previous.as_ref()?;
        Some(version.about.digest.clone())
    }

    pub(crate) fn switches(&self) -> Vec<api::Switch> {
        self.switches.iter().cloned().collect()
    }
}

/// "bin-pack.wasm 0.2.0 (57f60bbe1fa7)".
pub(super) fn shown(about: &About) -> String {
    format!("{} {}", about.file, about.short())
}

pub(super) fn refuse(answer: Option<oneshot::Sender<Reply>>, why: String) {
    if let Some(answer) = answer {
        // The asker may have gone away.
        let _ = answer.send(Reply::Refused(vec![why]));
    }
}

impl Driver {
    /// Position of a policy by its name or one of its roles.
    pub(super) fn policy_named(&self, name: &str) -> Result<usize, String> {
        self.policies
            .iter()
            .position(|policy| policy.name == name && !policy.roles.is_empty())
            .or_else(|| {
                self.policies
                    .iter()
                    .position(|policy| policy.roles.iter().any(|role| role == name))
            })
            .ok_or_else(|| {
                let known: Vec<String> = self
                    .policies
                    .iter()
                    .filter(|policy| !policy.roles.is_empty())
                    .map(|policy| format!("{} ({})", policy.name, policy.roles.join(", ")))
                    .collect();
                format!(
                    "there is no policy or role {name}; there are {}",
                    known.join(", ")
                )
            })
    }

    /// An operator's wish for other code.
    pub(super) fn swap_asked(&mut self, name: &str, file: PathBuf, answer: oneshot::Sender<Reply>) {
        match self.policy_named(name) {
            Ok(position) => self.load(position, file, Cause::Operator, Some(answer)),
            Err(why) => refuse(Some(answer), why),
        }
    }

    /// An operator's wish for the code before.
    pub(super) fn back_asked(
        &mut self,
        name: &str,
        answer: oneshot::Sender<Reply>,
        inputs: &mut Vec<Input>,
    ) {
        match self.policy_named(name) {
            Ok(position) => self.roll_back(position, Cause::Back, Some(answer), inputs),
            Err(why) => refuse(Some(answer), why),
        }
    }

    /// Files may have changed: all configured ones, or one.
    pub(super) fn files_changed(&mut self, file: Option<&PathBuf>) {
        for position in 0..self.policies.len() {
            let Some(path) = self.policies.get(position).and_then(|p| p.watched.clone()) else {
                continue;
            };
            if file.is_none_or(|file| *file == path) {
                self.load(position, path, Cause::File, None);
            }
        }
    }

    pub(super) fn load(
        &mut self,
        position: usize,
        file: PathBuf,
        cause: Cause,
        answer: Option<oneshot::Sender<Reply>>,
    ) {
        self.load_from(position, Source::File(file), cause, answer);
    }

    /// Begins to load code, beside the loop.
    fn load_from(
        &mut self,
        position: usize,
        source: Source,
        cause: Cause,
        answer: Option<oneshot::Sender<Reply>>,
    ) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let Some(loader) = self.loader.clone() else {
            return refuse(answer, format!("policy {} is built in", policy.name));
        };
        if policy.swap.is_some() {
            if matches!(cause, Cause::File) {
                // It is looked at again when this swap is over.
                policy.totals.file_changed = true;
            }
            return refuse(
                answer,
                format!("policy {} is being swapped; try again later", policy.name),
            );
        }
        policy.swap = Some(Swap {
            next: None,
            component: None,
            cause,
            answer,
        });
        let handle = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
        let name = policy.name.clone();
        let loaded = self.loaded.clone();
        tokio::task::spawn_blocking(move || {
            let result = match source {
                Source::File(file) => loader.other(&name, &file),
                Source::Component(file, bytes) => loader.component(&name, &file, bytes.to_vec()),
            };
            // The service is ending if nobody takes it.
            let _ = loaded.send(Loaded::Code {
                policy: handle,
                result,
            });
        });
    }

    /// A shadow takes over, as a file does.
    pub(super) fn promote(
        &mut self,
        position: usize,
        file: PathBuf,
        component: Arc<Vec<u8>>,
        answer: oneshot::Sender<Reply>,
    ) {
        self.load_from(
            position,
            Source::Component(file, component),
            Cause::Promoted,
            Some(answer),
        );
    }

    /// Something is loaded.
    pub(super) fn loaded(&mut self, loaded: Loaded, inputs: &mut Vec<Input>) {
        if self.recording.is_starting() {
            return self.recording.wait(loaded);
        }
        match loaded {
            Loaded::Code { policy, result } => self.code_loaded(policy, result, inputs),
            Loaded::Canary(canary) => self.canary_loaded(canary, inputs),
            Loaded::Configured(configured) => self.configured(configured, inputs),
        }
    }

    /// Code is loaded: it takes over between two rounds.
    fn code_loaded(
        &mut self,
        policy: PolicyHandle,
        result: Result<Prepared, PolicyError>,
        inputs: &mut Vec<Input>,
    ) {
        let position = policy.0 as usize;
        let now = self.clock.now();
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let Some(mut swap) = policy.swap.take() else {
            return;
        };
        let prepared = match result {
            Ok(prepared) => prepared,
            Err(error) => {
                let why = chain(&error);
                tracing::error!(
                    policy = policy.name,
                    "other code for policy {} cannot be used, the one at work goes on: {why}",
                    policy.name
                );
                return refuse(swap.answer, why);
            }
        };
        policy.configured.clone_from(&prepared.configured);
        if matches!(swap.cause, Cause::File) && prepared.about.digest == policy.active.about.digest
        {
            return;
        }
        swap.next = Some(Version {
            about: prepared.about,
            metrics: prepared.metrics,
            has_state: prepared.has_state,
            subject: prepared.subject,
            is_fallback: false,
            since: now,
        });
        swap.component = Some(prepared.component);
        self.begin(position, swap, prepared.code, inputs);
    }

    fn roll_back(
        &mut self,
        position: usize,
        cause: Cause,
        answer: Option<oneshot::Sender<Reply>>,
        inputs: &mut Vec<Input>,
    ) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        if policy.swap.is_some() || self.recording.is_starting() {
            let why = format!("policy {} is being swapped; try again later", policy.name);
            return refuse(answer, why);
        }
        let Some((version, code)) = policy.previous.take() else {
            let why = format!("policy {} has no version before this one", policy.name);
            return refuse(answer, why);
        };
        let swap = Swap {
            next: Some(version),
            component: None,
            cause,
            answer,
        };
        self.begin(position, swap, code, inputs);
    }

    /// The host's own code decides from the next round on.
    fn fall_back(&mut self, position: usize, why: String, inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let fallback = policy.fallback;
        let swap = Swap {
            next: Some(Version::fallback(fallback, now)),
            component: None,
            cause: Cause::Judged(why),
            answer: None,
        };
        self.begin(position, swap, Box::new(fallback), inputs);
    }

    fn begin(
        &mut self,
        position: usize,
        swap: Swap,
        code: Box<dyn PolicyCode>,
        inputs: &mut Vec<Input>,
    ) {
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        if let Err(error) = policy.thread.replace(code) {
            return refuse(swap.answer, error.to_string());
        }
        policy.swap = Some(swap);
        policy.held_at = Some(std::time::Instant::now());
        inputs.push(Input::Policy {
            policy: PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX)),
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
        let now = self.clock.now();
        let numbers = self.machine.policy_numbers(handle);
        let Some(policy) = self.policies.get_mut(position) else {
            return;
        };
        let Some(Swap {
            next: Some(mut next),
            component,
            cause,
            answer,
        }) = policy.swap.take()
        else {
            return;
        };
        let mut change = |change| {
            inputs.push(Input::Policy {
                policy: handle,
                change,
            });
        };
        let old = match replaced.result {
            Ok(old) => old,
            Err(error) => {
                change(PolicyChange::Resume);
                let why = chain(&error);
                tracing::error!(
                    policy = policy.name,
                    "{} cannot take over for policy {}, {} goes on: {why}",
                    shown(&next.about),
                    policy.name,
                    shown(&policy.active.about),
                );
                return refuse(answer, why);
            }
        };
        change(PolicyChange::Replaced);
        inputs.push(Input::Version {
            policy: handle,
            version: next.about.short(),
        });
        if let Err(failure) = &replaced.state {
            tracing::warn!(
                policy = policy.name,
                "what policy {} knew is lost, since it could not be saved: {failure}",
                policy.name
            );
        }
        let fallback = next.is_fallback.then(|| policy.fallback.name());
        let code = recording::code(&next.about.digest, fallback, replaced.began);
        self.recording.code(handle, code);
        next.since = now;
        let before = std::mem::replace(&mut policy.active, next);
        // A shadow of itself is of no use.
        let digest = policy.active.about.digest.clone();
        policy.shadows.retain(|shadow| shadow.digest() != digest);
        let text = format!(
            "policy {}: {} took over from {}, since {}; nobody decided for {:.1} ms",
            policy.name,
            shown(&policy.active.about),
            shown(&before.about),
            cause.text(),
            replaced.pause.as_secs_f64() * 1e3,
        );
        policy.switches.push_back(api::Switch {
            at: now.0 / 1_000_000,
            from: before.about.digest.clone(),
            to: policy.active.about.digest.clone(),
            file: policy.active.about.file.clone(),
            why: cause.text(),
            pause: replaced.pause.as_secs_f64(),
            undecided: 0.0,
        });
        if policy.switches.len() > SWITCHES {
            policy.switches.pop_front();
        }
        let judged = matches!(cause, Cause::Judged(_));
        policy.supervisor.took_over(now, &numbers, !judged);
        // Bad code is no way back; neither is the fallback.
        policy.previous = (!judged && !before.is_fallback).then_some((before, old));
        if judged {
            tracing::error!(policy = policy.name, "{text}");
        } else {
            tracing::info!(policy = policy.name, "{text}");
        }
        let again = std::mem::take(&mut policy.totals.file_changed);
        let watched = policy.watched.clone();
        self.keep_choice(position, component, text, answer);
        if let (true, Some(file)) = (again, watched) {
            self.load(position, file, Cause::File, None);
        }
    }

    /// Makes it last over a restart; then the asker hears that it is done.
    fn keep_choice(
        &self,
        position: usize,
        component: Option<Vec<u8>>,
        text: String,
        answer: Option<oneshot::Sender<Reply>>,
    ) {
        let Some(policy) = self.policies.get(position) else {
            return;
        };
        let kept = self.loader.as_ref().map(|loader| loader.kept().clone());
        let choice = Choice {
            configured: policy.configured.clone(),
            active: policy.active.about.digest.clone(),
            file: policy.active.about.file.clone(),
        };
        // The fallback is for now only: a restart tries the policy again.
        let lasts = !policy.active.is_fallback;
        let name = policy.name.clone();
        tokio::task::spawn_blocking(move || {
            let result = match kept {
                Some(kept) if lasts => kept.choose(&name, &choice, component.as_deref()),
                _ => Ok(()),
            };
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
            let busy = policy.swap.is_some() || self.recording.is_starting();
            if policy.active.is_fallback || busy || self.judge_canary(position, inputs) {
                continue;
            }
            let Some(policy) = self.policies.get_mut(position) else {
                continue;
            };
            let has_previous = policy.previous.is_some();
            match policy.supervisor.judge(now, &numbers) {
                None => {}
                Some(Verdict::RollBack(why) | Verdict::GiveUp(why)) if has_previous => {
                    self.roll_back(position, Cause::Judged(why), None, inputs);
                }
                // It is on trial and there is nothing to go back to.
                Some(Verdict::RollBack(_)) => {}
                Some(Verdict::GiveUp(why)) => self.fall_back(position, why, inputs),
            }
        }
    }

    /// Asks the code at work what would get a waiting task placed, beside the
    /// loop.
    pub(super) fn what_if(&self, task: &str, answer: oneshot::Sender<Option<api::WhatIf>>) {
        let Some(case) = self.machine.experiment(task) else {
            // The asker may have gone away.
            let _ = answer.send(None);
            return;
        };
        let subject = self
            .policies
            .get(case.policy.0 as usize)
            .and_then(|policy| policy.active.subject.clone());
        let Some(subject) = subject else {
            let _ = answer.send(Some(api::WhatIf {
                note: "the host's own code decides; there is no policy to ask".to_owned(),
                ..api::WhatIf::default()
            }));
            return;
        };
        tokio::task::spawn_blocking(move || {
            let _ = answer.send(Some(experiment(&subject, &case)));
        });
    }

    /// Asks policies for what they want to find again.
    pub(super) fn save_states(&self) -> usize {
        let stateful = self.policies.iter().filter(|p| p.active.has_state);
        stateful
            .filter(|policy| policy.thread.save().is_ok())
            .count()
    }

    /// Keeps what a policy saved, beside the loop.
    pub(super) fn saved(&self, handle: PolicyHandle, state: Snapshot) {
        if let Some((kept, name)) = self.kept_for(handle) {
            tokio::task::spawn_blocking(move || keep(&kept, &name, &state));
        }
    }

    /// The same, done when it returns.
    pub(super) fn keep_state(&self, handle: PolicyHandle, state: &Snapshot) {
        if let Some((kept, name)) = self.kept_for(handle) {
            keep(&kept, &name, state);
        }
    }

    fn kept_for(&self, handle: PolicyHandle) -> Option<(Kept, String)> {
        let policy = self.policies.get(handle.0 as usize)?;
        Some((self.loader.as_ref()?.kept().clone(), policy.name.clone()))
    }
}

fn keep(kept: &Kept, name: &str, state: &Snapshot) {
    if let Err(error) = kept.keep_state(name, state) {
        tracing::error!(policy = name, "its state cannot be kept: {error}");
    }
}

/// How often states are saved.
pub(super) const SAVE_EVERY: Duration = Duration::from_secs(60);
