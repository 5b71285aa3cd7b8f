//! A policy at work: its thread, the code that decides, and the way back.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::ThreadId;

use offerd_core::Instant;
use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Input, PolicyChange};
use offerd_policy::{
    Began, CallStats, Metrics, PolicyCode, PolicyThread, Reply as PolicyReply, Snapshot,
};
use offerd_record::{Code, PolicySetup};
use tokio::sync::mpsc;

use super::canary::Canary;
use super::recording;
use super::shadows::Shadow;
use super::swaps::Swap;
use crate::admin::api;
use crate::config;
use crate::fallback::Fallback;
use crate::kept::{Choice, Origin};
use crate::policies::{About, Prepared};
use crate::supervisor::Supervisor;
use crate::whatif::Subject;

/// Switches that are remembered for lists.
const SWITCHES: usize = 50;

/// Code and where it came from.
pub(crate) struct Version {
    pub(crate) about: About,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) has_state: bool,
    /// To start it once more.
    pub(crate) subject: Option<Subject>,
    /// For recordings; `None` if it can't be started from a file.
    pub(super) setup: Option<PolicySetup>,
    /// It is the host's own, and decides for want of a better one.
    pub(crate) is_fallback: bool,
    /// When it took over.
    pub(crate) since: Instant,
}

impl Version {
    /// Takes apart what was made ready.
    pub(super) fn of(prepared: Prepared, since: Instant) -> (Self, Box<dyn PolicyCode>) {
        let version = Self {
            about: prepared.about,
            metrics: prepared.metrics,
            has_state: prepared.has_state,
            subject: prepared.subject,
            setup: prepared.setup,
            // What holds a place is the host's own.
            is_fallback: prepared.is_absent,
            since,
        };
        (version, prepared.code)
    }

    /// The host's own.
    pub(super) fn fallback(fallback: Fallback, since: Instant) -> Self {
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
            setup: None,
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

/// What a policy has used since the start.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(super) busy: std::time::Duration,
    pub(super) restarts: u64,
    pub(super) memory: usize,
    /// Times that other code took over, and how many of them the supervisor wanted.
    pub(super) switches: u64,
    pub(super) judged: u64,
}

impl Totals {
    pub(super) fn add(&mut self, stats: &CallStats) {
        self.busy += stats.duration;
        self.restarts = stats.instance;
        self.memory = stats.memory;
    }
}

/// Something that needs what the policy would save now.
pub(super) type WithState = Box<dyn FnOnce(Option<Snapshot>) + Send>;

pub(crate) struct Running {
    pub(super) handle: PolicyHandle,
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    pub(crate) thread: PolicyThread,
    pub(crate) totals: Totals,
    pub(crate) active: Version,
    pub(crate) supervisor: Supervisor,
    pub(super) shadows: Vec<Shadow>,
    pub(super) canary: Option<Canary>,
    /// What decided before, ready to go on.
    pub(super) previous: Option<(Version, Box<dyn PolicyCode>)>,
    /// What is no way back any more.
    gone: Option<(Version, Box<dyn PolicyCode>)>,
    pub(super) swap: Option<Swap>,
    /// Its file changed during a swap.
    pub(super) file_changed: bool,
    /// Its configured file was another one when the service started.
    pub(super) is_outdated: bool,
    /// It begins anew, for a recording.
    pub(super) renewing: bool,
    /// When a swap began whose code has not answered yet.
    pub(super) held_at: Option<std::time::Instant>,
    pub(super) fallback: Fallback,
    /// What a restart will know of it.
    pub(super) choice: Choice,
    pub(super) watched: Option<PathBuf>,
    /// How it was started last, if from a file.
    pub(super) setup: Option<PolicySetup>,
    /// Its thread was asked for its state, and who waits for that.
    pub(super) saving: bool,
    pub(super) with_state: Vec<WithState>,
    switches: VecDeque<api::Switch>,
    /// The latest code that could not take over.
    pub(super) refused: Option<api::Refused>,
}

impl Running {
    pub(crate) fn start(
        mut policy: Prepared,
        handle: PolicyHandle,
        now: Instant,
        replies: mpsc::UnboundedSender<ThreadReply>,
    ) -> std::io::Result<Self> {
        let name = std::mem::take(&mut policy.name);
        let roles = std::mem::take(&mut policy.roles);
        let choice = std::mem::take(&mut policy.choice);
        let previous = policy.previous.take().map(|it| Version::of(*it, now));
        let (fallback, watched) = (policy.fallback, policy.watched.take());
        let swap = policy.is_absent.then_some(Swap::Starting);
        let mut supervisor = Supervisor::new(policy.budget);
        // One that a restart has interrupted begins anew.
        if let Some(before) = choice.trial {
            supervisor.begin_trial(now, before);
        }
        let is_outdated = policy.is_outdated;
        let (active, code) = Version::of(policy, now);
        let thread = PolicyThread::spawn(&name, code, move |reply| {
            // The service is ending if nobody takes it.
            let _ = replies.send(ThreadReply {
                policy: handle,
                thread: std::thread::current().id(),
                reply,
            });
        })?;
        Ok(Self {
            handle,
            name,
            roles,
            thread,
            totals: Totals::default(),
            setup: active.setup.clone(),
            active,
            supervisor,
            shadows: Vec::new(),
            canary: None,
            previous,
            gone: None,
            swap,
            file_changed: false,
            is_outdated,
            renewing: false,
            held_at: None,
            fallback,
            choice,
            watched,
            saving: false,
            with_state: Vec::new(),
            switches: VecDeque::new(),
            refused: None,
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
        self.swap = None;
        self.active = Version::fallback(self.fallback, self.active.since);
        self.give_state(None);
        // If its mailbox is full, the code stays in memory; nobody calls it.
        let _ = self.thread.replace(Box::new(self.fallback));
    }

    /// It is a policy's or a canary's place, not one where nobody decides any more.
    pub(super) fn is_retired(&self) -> bool {
        self.roles.is_empty()
    }

    /// Says to the machine what decides, and that it may be called.
    pub(crate) fn begins(&self) -> [Input; 2] {
        let change = match self.swap {
            Some(Swap::Starting) => PolicyChange::Absent,
            _ => PolicyChange::Resume,
        };
        let policy = self.handle;
        let version = self.active.about.short();
        [
            Input::Version { policy, version },
            Input::Policy { policy, change },
        ]
    }

    /// Why nothing can be done with its code just now: there is none yet.
    pub(super) fn is_starting(&self) -> Option<String> {
        matches!(self.swap, Some(Swap::Starting)).then(|| {
            format!(
                "policy {} is still being made ready; try again later",
                self.name
            )
        })
    }

    /// Why its code cannot be changed just now.
    pub(super) fn is_busy(&self) -> Option<String> {
        let swapping = || format!("policy {} is being swapped; try again later", self.name);
        self.is_starting()
            .or_else(|| self.swap.is_some().then(swapping))
    }

    /// Nobody decides until the code is exchanged.
    pub(super) fn is_cutting(&self) -> bool {
        matches!(self.swap, Some(Swap::Cutting { .. }))
    }

    /// Whoever waited for its state gets it.
    pub(super) fn give_state(&mut self, state: Option<&Snapshot>) {
        for then in self.with_state.drain(..) {
            then(state.cloned());
        }
    }

    /// What decides now, for a recording.
    pub(super) fn code(&self, began: Began) -> Code {
        let fallback = self.active.is_fallback.then(|| self.fallback.name());
        recording::code(&self.active.about.digest, fallback, began)
    }

    /// How to start what decides now, for a recording.
    pub(super) fn setup(&self, began: Began) -> Option<PolicySetup> {
        let mut setup = self.setup.clone()?;
        setup.code = self.code(began);
        Some(setup)
    }

    /// Whether what decides now was started with other settings than what decided
    /// before.
    pub(super) fn has_other_settings(&self) -> bool {
        let (Some(now), Some(before)) = (&self.active.setup, &self.setup) else {
            return false;
        };
        let same_code = PolicySetup {
            code: before.code.clone(),
            ..now.clone()
        };
        same_code != *before
    }

    /// Code that is not needed any more goes when what decides now has answered: to free
    /// what an instance had holds up whoever takes memory, as a first round does.
    pub(super) fn goes_later(&mut self, gone: Option<(Version, Box<dyn PolicyCode>)>) {
        let before = std::mem::replace(&mut self.gone, gone);
        if before.is_some() {
            tokio::task::spawn_blocking(move || drop(before));
        }
    }

    /// A round was answered.
    pub(super) fn has_answered(&mut self) {
        self.goes_later(None);
        if self.swap.is_none()
            && let Some(since) = self.held_at.take()
            && let Some(switch) = self.switches.back_mut()
        {
            switch.undecided = since.elapsed().as_secs_f64();
        }
    }

    pub(super) fn remember(&mut self, switch: api::Switch, judged: bool) {
        self.totals.switches += 1;
        self.totals.judged += u64::from(judged);
        self.switches.push_back(switch);
        if self.switches.len() > SWITCHES {
            self.switches.pop_front();
        }
    }

    /// For status pages.
    pub(crate) fn state(&self, now: Instant) -> &'static str {
        if matches!(self.swap, Some(Swap::Starting)) {
            "starting"
        } else if self.active.is_fallback {
            "fallback"
        } else if self.swap.is_some() {
            "swapping"
        } else if self.supervisor.on_trial(now) {
            "trial"
        } else {
            "active"
        }
    }

    /// What a roll-back would go to.
    pub(crate) fn previous(&self) -> Option<Origin> {
        let (version, _) = self.previous.as_ref()?;
        Some(version.about.origin())
    }

    pub(crate) fn switches(&self) -> Vec<api::Switch> {
        self.switches.iter().cloned().collect()
    }
}
