//! The loop: what happens goes into the machine, what it wants is carried out.
//!
//! One task owns the machine. Everything else sends it messages: the client,
//! the policies' threads, the ledger's thread, the admin API, the clock. The
//! driver decides nothing; it keeps the order that the machine gave, and holds
//! back calls and replies until the records before them are on the disk.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use offerd_core::call::Call;
use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{
    CallId, Effect, Input, Machine, Notice, Record, Reply, Session, Severity, Subscription, Ticket,
};
use offerd_core::policy::{Failure, Round};
use offerd_mesos::{Client, Transport};
use offerd_policy::{CallStats, Decided, Reply as PolicyReply};
use offerd_store::CommitError;
use tokio::sync::{mpsc, oneshot, watch};

use crate::admin::{Ask, PolicyNumbers, Snapshot, api};
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::policies::Loader;
use crate::watch::Watch;

mod canary;
mod compare;
mod loading;
mod recording;
mod rehearsal;
mod reload;
mod running;
mod shadows;
mod states;
mod swaps;

pub(crate) use loading::Loaded;
pub(crate) use recording::Recording;
pub(crate) use reload::Reload;
pub(crate) use running::{Running, ThreadReply};
pub(crate) use shadows::{Candidate, ForShadow, ForShadows};

/// Messages taken together before the machine is asked what to do.
const BATCH: usize = 1024;

/// How long the end of the service waits for the states of policies.
const LAST_STATES: std::time::Duration = std::time::Duration::from_secs(2);

/// How long it waits for the master to answer the last calls.
const LAST_CALLS: std::time::Duration = std::time::Duration::from_secs(2);

/// Why the service ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The machine or the client says that going on makes no sense.
    #[error("{0}")]
    Stopped(String),
    /// What cannot be remembered must not be done.
    #[error("the store cannot be written, so nothing more can be done safely")]
    Store(#[source] CommitError),
    #[error("the {0} ended, which is a fault of offerd")]
    Lost(&'static str),
}

/// Fixed facts for the status page.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) framework: String,
    pub(crate) store: String,
}

/// Where the driver's messages come from.
pub(crate) struct Sources {
    pub(crate) transport: mpsc::UnboundedReceiver<Vec<Transport>>,
    pub(crate) policies: mpsc::UnboundedReceiver<ThreadReply>,
    pub(crate) commits: mpsc::UnboundedReceiver<Result<(), CommitError>>,
    pub(crate) asks: mpsc::Receiver<Ask>,
    pub(crate) loaded: mpsc::UnboundedReceiver<Loaded>,
    pub(crate) candidates: mpsc::UnboundedReceiver<Candidate>,
    /// Policy files that changed.
    pub(crate) changed: mpsc::UnboundedReceiver<PathBuf>,
    pub(crate) stop: oneshot::Receiver<()>,
}

pub(crate) struct Driver {
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    pub(crate) client: Client,
    pub(crate) subscription: watch::Sender<Subscription>,
    pub(crate) ledger: Ledger,
    pub(crate) policies: Vec<Running>,
    /// The other end of [`Sources::policies`].
    pub(crate) replies: mpsc::UnboundedSender<ThreadReply>,
    /// `None`: all policies are built in.
    pub(crate) loader: Option<Loader>,
    /// The other end of [`Sources::loaded`].
    pub(crate) loaded: mpsc::UnboundedSender<Loaded>,
    /// Numbers the loads of code.
    pub(crate) loads: u64,
    pub(crate) reload: Reload,
    /// The other end of [`Sources::candidates`].
    pub(crate) candidates: mpsc::UnboundedSender<Candidate>,
    /// What shadows are to see, when the calls that came of it are out.
    pub(crate) for_shadows: ForShadows,
    pub(crate) recording: Recording,
    /// Notices that policy files change, and where it says so.
    pub(crate) watch: Option<Watch>,
    pub(crate) changes: mpsc::UnboundedSender<PathBuf>,
    /// The framework's roles, for those who check jobs.
    pub(crate) roles: watch::Sender<Vec<String>>,
    /// Bytes of the events among the inputs that the machine has not taken yet.
    pub(crate) records: Vec<Bytes>,
    /// Policies whose answers the machine has taken and nobody has judged yet.
    pub(crate) answered: Vec<PolicyHandle>,
    pub(crate) facts: Facts,
    pub(crate) waiting: Waiting,
}

/// What waits for something: commits, and those who asked.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Effects that wait for commits, in order; a commit stands before what
    /// depends on it.
    held: VecDeque<Held>,
    tickets: HashMap<Ticket, oneshot::Sender<Reply>>,
    next_ticket: u64,
}

enum Held {
    Commit,
    Effect(Effect),
    Shadows(Vec<ForShadow>),
}

/// Calls of one session on their way to the client.
#[derive(Debug, Default)]
struct Outgoing {
    session: Option<Session>,
    list: Vec<(CallId, Call)>,
}

impl Outgoing {
    fn send(&mut self, client: &Client) {
        if let Some(session) = self.session
            && !self.list.is_empty()
        {
            client.send(session, std::mem::take(&mut self.list));
        }
    }
}

impl Driver {
    /// Runs until it is told to stop or cannot go on. `effects`: those of the
    /// machine's start.
    pub(crate) async fn run(
        mut self,
        mut effects: Vec<Effect>,
        mut sources: Sources,
    ) -> Result<(), Ended> {
        let mut inputs = Vec::new();
        let mut asks = Vec::new();
        let mut saving = tokio::time::interval(states::SAVE_EVERY);
        saving.reset();
        let mut recording = tokio::time::interval(recording::HAND_OVER);
        recording.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.load_outdated();
        self.carry_out(&mut effects)?;
        loop {
            let deadline = self.machine.next_deadline();
            let timer = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(self.clock.moment(at)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut sources.stop => break,
                Some(done) = sources.commits.recv() => self.committed(done)?,
                reply = sources.policies.recv() => match reply {
                    Some(reply) => self.replied(reply, &mut inputs, &mut effects)?,
                    None => return Err(Ended::Lost("policies' threads")),
                },
                events = sources.transport.recv() => match events {
                    Some(events) => self.take_events(events, &mut inputs)?,
                    None => return Err(Ended::Lost("connection to the master")),
                },
                Some(ask) = sources.asks.recv() => asks.push(ask),
                Some(loaded) = sources.loaded.recv() => self.loaded(loaded, &mut inputs),
                Some(candidate) = sources.candidates.recv() => self.candidate(candidate),
                Some(file) = sources.changed.recv() => self.files_changed(Some(&file)),
                _ = saving.tick() => {
                    self.save_states();
                }
                _ = recording.tick() => self.keep_recording(&mut inputs),
                () = timer => inputs.push(Input::Tick),
            }
            while inputs.len() < BATCH
                && let Ok(events) = sources.transport.try_recv()
            {
                self.take_events(events, &mut inputs)?;
            }
            while let Ok(reply) = sources.policies.try_recv() {
                self.replied(reply, &mut inputs, &mut effects)?;
            }
            for ask in asks.drain(..) {
                self.asked(ask, &mut inputs);
            }
            self.handle(&mut inputs, &mut effects)?;
            let mut answered = std::mem::take(&mut self.answered);
            self.supervise(&answered, &mut inputs);
            answered.clear();
            self.answered = answered;
            self.handle(&mut inputs, &mut effects)?;
            self.show_shadows().await;
        }
        self.finish(&mut sources).await
    }

    /// The machine takes what came, and what it wants is carried out.
    fn handle(&mut self, inputs: &mut Vec<Input>, effects: &mut Vec<Effect>) -> Result<(), Ended> {
        if inputs.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        self.answered
            .extend(inputs.iter().filter_map(|input| match input {
                Input::Answered { policy, .. } => Some(*policy),
                _ => None,
            }));
        self.recording.inputs(now, inputs, &self.records);
        self.records.clear();
        self.machine.handle_all(now, inputs.drain(..), effects);
        self.carry_out(effects)
    }

    /// Waits for what policies want to find again, for the commits that are under
    /// way, and for the answers to the calls that waited for them.
    async fn finish(mut self, sources: &mut Sources) -> Result<(), Ended> {
        let mut saving = self.save_states();
        // A policy may be in a long call: nothing is worth more than a moment.
        let patience = tokio::time::sleep(LAST_STATES);
        tokio::pin!(patience);
        while saving > 0 {
            tokio::select! {
                reply = sources.policies.recv() => match reply {
                    Some(ThreadReply {
                        policy,
                        reply: PolicyReply::Saved(state),
                        ..
                    }) => {
                        saving -= 1;
                        self.saved(policy, state);
                    }
                    // Its round is void.
                    Some(_) => {}
                    None => break,
                },
                () = &mut patience => break,
            }
        }
        if let Some(loader) = &self.loader {
            // It comes, or the thread that writes is gone.
            let _ = loader.kept().settled().await;
        }
        while !self.waiting.held.is_empty() {
            match sources.commits.recv().await {
                Some(done) => self.committed(done)?,
                None => return Err(Ended::Lost("ledger's thread")),
            }
        }
        self.client.close(LAST_CALLS).await;
        Ok(())
    }

    /// A policy's thread has done something. Recordings tell of exchanged code and
    /// saved states where they came, so what came before is taken first.
    fn replied(
        &mut self,
        reply: ThreadReply,
        inputs: &mut Vec<Input>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Ended> {
        let ThreadReply {
            policy: handle,
            thread,
            reply,
        } = reply;
        let place = self.policies.get(handle.0 as usize);
        if place.and_then(|policy| policy.thread.id()) != Some(thread) {
            return Ok(());
        }
        match reply {
            PolicyReply::Decided(decided) => self.decided(handle, *decided, inputs),
            other => {
                self.handle(inputs, effects)?;
                match other {
                    PolicyReply::Replaced(replaced) => self.replaced(handle, replaced, inputs),
                    PolicyReply::Renewed(began) => self.renewed(handle, began, inputs),
                    PolicyReply::Saved(result) => self.saved(handle, result),
                    PolicyReply::Decided(_) => {}
                }
            }
        }
        Ok(())
    }

    fn decided(&mut self, handle: PolicyHandle, decided: Decided, inputs: &mut Vec<Input>) {
        if let Some(policy) = self.policies.get_mut(handle.0 as usize) {
            policy.totals.add(&decided.stats);
            policy.has_answered();
        }
        let Decided {
            round,
            result,
            stats,
        } = decided;
        let result = Arc::new(result);
        self.decided_for_shadows(handle, round, &result, stats.duration);
        inputs.push(Input::Answered {
            policy: handle,
            round,
            result,
        });
    }

    fn asked(&mut self, ask: Ask, inputs: &mut Vec<Input>) {
        // Nobody hears the answer if the asker went away; that is no fault.
        match ask {
            Ask::Operator(request, answer) => {
                self.waiting.next_ticket += 1;
                let ticket = Ticket(self.waiting.next_ticket);
                self.waiting.tickets.insert(ticket, answer);
                inputs.push(Input::Operator { ticket, request });
            }
            Ask::Status(answer) => drop(answer.send(self.status())),
            Ask::Jobs(answer) => drop(answer.send(self.machine.jobs())),
            Ask::Tasks(filter, answer) => drop(answer.send(self.machine.tasks(&filter))),
            Ask::Metrics(answer) => drop(answer.send(self.snapshot())),
            Ask::Swap {
                policy,
                file,
                answer,
            } => self.swap_asked(&policy, file, answer),
            Ask::RollBack { policy, answer } => self.back_asked(&policy, answer, inputs),
            Ask::Why { task, answer } => drop(answer.send(self.machine.why(&task))),
            Ask::WhatIf { task, answer } => self.what_if(&task, answer),
            Ask::Shadow {
                policy,
                file,
                answer,
            } => self.shadow_asked(&policy, file, answer),
            Ask::Promote {
                policy,
                digest,
                answer,
            } => self.promote_asked(&policy, &digest, answer),
            Ask::Abort {
                policy,
                digest,
                answer,
            } => drop(answer.send(self.abort_asked(&policy, &digest, inputs))),
            Ask::Canary {
                policy,
                wish,
                answer,
            } => self.canary_asked(&policy, wish, answer),
            Ask::Reload(answer) => self.reload_asked(answer),
        }
    }

    /// Carries out what needs no disk, and puts the rest behind its commit.
    fn carry_out(&mut self, effects: &mut Vec<Effect>) -> Result<(), Ended> {
        let mut records: Vec<Record> = Vec::new();
        let mut later = Vec::new();
        let mut calls = Outgoing::default();
        for effect in effects.drain(..) {
            match effect {
                Effect::Persist(record) => records.push(record),
                Effect::Invoke { policy, round } => self.invoke(policy, round),
                Effect::Notice(notice) => self.notice(&notice),
                Effect::Stop(why) => return Err(Ended::Stopped(why)),
                Effect::Send { .. } | Effect::Reply { .. } | Effect::Subscription(_) => {
                    if records.is_empty() && self.waiting.held.is_empty() {
                        self.release(effect, &mut calls);
                    } else {
                        later.push(effect);
                    }
                }
            }
        }
        calls.send(&self.client);
        if !records.is_empty() {
            if !self.ledger.commit(records) {
                return Err(Ended::Lost("ledger's thread"));
            }
            self.waiting.held.push_back(Held::Commit);
        }
        self.waiting
            .held
            .extend(later.into_iter().map(Held::Effect));
        Ok(())
    }

    /// The oldest commit is done: lets go of what waited for it.
    fn committed(&mut self, done: Result<(), CommitError>) -> Result<(), Ended> {
        done.map_err(Ended::Store)?;
        // The first is the commit itself.
        self.waiting.held.pop_front();
        let mut calls = Outgoing::default();
        while let Some(held) = self
            .waiting
            .held
            .pop_front_if(|held| !matches!(held, Held::Commit))
        {
            match held {
                Held::Effect(effect) => self.release(effect, &mut calls),
                Held::Shadows(shown) => self.for_shadows.due.extend(shown),
                Held::Commit => {}
            }
        }
        calls.send(&self.client);
        Ok(())
    }

    /// Carries out what waits for nothing any more.
    fn release(&mut self, effect: Effect, calls: &mut Outgoing) {
        match effect {
            Effect::Send { session, id, call } => {
                if calls.session != Some(session) {
                    calls.send(&self.client);
                    calls.session = Some(session);
                }
                calls.list.push((id, call));
            }
            Effect::Reply { ticket, reply } => {
                if let Some(answer) = self.waiting.tickets.remove(&ticket) {
                    // The asker may have gone away.
                    let _ = answer.send(reply);
                }
            }
            Effect::Subscription(subscription) => {
                self.subscription.send_replace(subscription);
            }
            Effect::Persist(_) | Effect::Invoke { .. } | Effect::Notice(_) | Effect::Stop(_) => {}
        }
    }

    fn invoke(&mut self, handle: PolicyHandle, round: Box<Round>) {
        let round = Arc::<Round>::from(round);
        let Some(policy) = self.policies.get(handle.0 as usize) else {
            return;
        };
        let number = round.number;
        if let Err(error) = policy.thread.invoke(Arc::clone(&round)) {
            // The machine must hear of it, or it would wait for ever.
            let failed = PolicyReply::Decided(Box::new(Decided {
                round: number,
                result: Err(Failure::Host(error.to_string())),
                stats: CallStats::default(),
            }));
            if let Some(thread) = policy.thread.id() {
                // The receiver is this driver's own.
                let _ = self.replies.send(ThreadReply {
                    policy: handle,
                    thread,
                    reply: failed,
                });
            }
        }
        self.note_for_shadows(handle, &round);
    }

    fn notice(&self, notice: &Notice) {
        let policy = notice
            .policy
            .and_then(|policy| self.policies.get(policy.0 as usize))
            .map(|policy| policy.name.as_str());
        let task = notice.task.as_ref().map(|task| task.as_str());
        let text = &notice.text;
        match notice.severity {
            Severity::Debug => tracing::debug!(policy, task, "{text}"),
            Severity::Info => tracing::info!(policy, task, "{text}"),
            Severity::Warn => tracing::warn!(policy, task, "{text}"),
            Severity::Error => tracing::error!(policy, task, "{text}"),
        }
    }

    fn status(&self) -> api::Status {
        let now = self.clock.now();
        let status = self.machine.status();
        let policies = status
            .policies
            .into_iter()
            .zip(&self.policies)
            .filter(|(_, running)| !running.is_retired())
            .map(|(view, running)| api::PolicyStatus {
                name: view.name,
                roles: view.roles,
                file: running.active.about.file.clone(),
                digest: running.active.about.digest.clone(),
                version: running.active.about.version.clone(),
                summary: running.active.about.summary.clone(),
                state: running.state(now).to_owned(),
                since: running.active.since.0 / 1_000_000,
                previous: running.previous().map(|origin| origin.digest),
                rounds: view.rounds,
                strikes: running.supervisor.strikes(),
                last_failure: view.last_failure,
                numbers: view.numbers,
                switches: running.switches(),
                took_over: running.totals.switches,
                judged: running.totals.judged,
                refused: running.refused.clone(),
                shadows: running
                    .shadows
                    .iter()
                    .map(shadows::Shadow::status)
                    .collect(),
                canary: running
                    .canary
                    .as_ref()
                    .and_then(|canary| self.canary_status(canary)),
                restarts: running.totals.restarts,
                busy: running.totals.busy.as_secs_f64(),
                memory: running.totals.memory,
            })
            .collect();
        api::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            framework: self.facts.framework.clone(),
            framework_id: status.framework_id,
            subscribed: status.subscribed,
            master: status.master,
            offers_held: status.offers_held,
            tasks_waiting: status.tasks_waiting,
            tasks_live: status.tasks_live,
            roles: status.roles,
            policies,
            counters: status.counters,
            recording: self.recording.is_recording(),
            store: self.facts.store.clone(),
            started: self.clock.started_at().0 / 1_000_000,
            uptime: self.clock.uptime().as_secs_f64(),
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            status: self.status(),
            policies: self
                .policies
                .iter()
                .filter_map(|policy| {
                    let own = policy.active.metrics.as_ref()?.snapshot();
                    Some(PolicyNumbers {
                        policy: policy.name.clone(),
                        own,
                    })
                })
                .collect(),
            jobs: self.machine.job_count(),
        }
    }

    fn take_events(
        &mut self,
        events: Vec<Transport>,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Ended> {
        for event in events {
            inputs.push(match event {
                Transport::Event {
                    session,
                    event,
                    record,
                } => {
                    self.records.push(record);
                    Input::Master { session, event }
                }
                Transport::CallFailed { session, call, why } => {
                    Input::CallFailed { session, call, why }
                }
                Transport::Disconnected { session, reason } => {
                    Input::Disconnected { session, reason }
                }
                Transport::Notice {
                    warning: true,
                    text,
                } => {
                    tracing::warn!("{text}");
                    continue;
                }
                Transport::Notice {
                    warning: false,
                    text,
                } => {
                    tracing::info!("{text}");
                    continue;
                }
                Transport::Fatal(why) => return Err(Ended::Stopped(why)),
            });
        }
        Ok(())
    }
}
