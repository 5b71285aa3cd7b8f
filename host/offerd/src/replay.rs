//! Goes through a recording again: the machine takes the same inputs and makes
//! the same rounds, policies decide once more, and what they decide is compared
//! with what was decided then. The recorded answers are what the machine goes on
//! with, so that one difference does not make a thousand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Effect, Input, Machine};
use offerd_core::policy::{Answer, Failure, Round};
use offerd_core::{Instant, policy::Codec};
use offerd_mesos::{ProtobufCodec, convert};
use offerd_policy::{
    LoadError, Options, Policy, PolicyCode, Program, Runtime, RuntimeError, StartError,
};
use offerd_record::{Code, Entry, Folder, PolicySetup, ReadError, Reader, Recorded, Start};
use serde::Serialize;

use crate::fallback::Fallback;
use crate::policies::{Silence, recorded_options};

/// Differences that are described; the rest is counted.
const TOLD: usize = 5;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("policies cannot be run here")]
    Runtime(#[from] RuntimeError),
    #[error("the recording begins with something else than its start")]
    NoStart,
    #[error("the machine in the recording is of another version of offerd ({version}): {why}")]
    Machine { version: String, why: String },
    #[error("an event in the recording cannot be decoded")]
    Event(#[source] convert::EventError),
    #[error(
        "the component {digest} of policy {policy} is not beside the recording ({})",
        path.display()
    )]
    Component {
        policy: String,
        digest: String,
        path: PathBuf,
        #[source]
        source: Box<LoadError>,
    },
    #[error("the policy {} cannot be used", file.display())]
    Other {
        file: PathBuf,
        #[source]
        source: Box<LoadError>,
    },
    #[error("policy {policy} does not start")]
    Start {
        policy: String,
        #[source]
        source: StartError,
    },
    #[error("the recording has no policy or role {name}; it has {known}")]
    Unknown { name: String, known: String },
}

/// What to do with a recording.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Another component to decide in place of the recorded one.
    pub policy: Option<PathBuf>,
    /// For which policy, by its name or a role; the only one if not given.
    pub role: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Seconds that the recording covers.
    pub recorded: f64,
    /// Seconds that going through it took.
    pub took: f64,
    pub events: u64,
    /// The writer died before the end of the last file.
    pub cut_off: bool,
    pub policies: Vec<Compared>,
}

/// One policy's decisions, then and now.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Compared {
    pub policy: String,
    /// Digest of what decided then and of what decides now.
    pub then: String,
    pub now: String,
    pub rounds: u64,
    pub identical: u64,
    /// Rounds in which the recorded instance was stopped by a limit, which need
    /// not happen again.
    pub stopped: u64,
    /// Tasks placed, then and now.
    pub placed_then: u64,
    pub placed_now: u64,
    pub differences: Vec<Difference>,
}

impl Compared {
    pub fn different(&self) -> u64 {
        self.rounds - self.identical - self.stopped
    }
}

/// A round that was decided otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    pub round: u32,
    /// Milliseconds since the epoch.
    pub at: u64,
    pub then: String,
    pub now: String,
}

enum Decider {
    Policy(Box<Policy>),
    Fallback(Fallback),
}

impl Decider {
    fn decide(&mut self, round: Arc<Round>) -> Result<Answer, Failure> {
        match self {
            Self::Policy(policy) => policy.decide(round).result,
            Self::Fallback(fallback) => fallback.decide(round).result,
        }
    }
}

struct Running {
    setup: PolicySetup,
    decider: Decider,
    /// It is not the recorded one.
    is_other: bool,
    pending: Option<Round>,
    compared: Compared,
}

struct Replay<'a> {
    wish: &'a Wish,
    folder: Folder,
    runtime: Runtime,
    programs: BTreeMap<String, Program>,
    codec: Arc<dyn Codec>,
    machine: Option<Machine>,
    policies: Vec<Running>,
    report: Report,
    began: Option<Instant>,
    now: Instant,
}

/// Goes through a recording, or through all in a folder.
///
/// # Errors
/// Something in it can't be read or started.
pub fn replay(path: &Path, wish: &Wish) -> Result<Report, ReplayError> {
    let (folder, files) = files(path)?;
    let mut replay = Replay {
        wish,
        runtime: Runtime::new(None)?,
        folder,
        programs: BTreeMap::new(),
        codec: Arc::new(ProtobufCodec),
        machine: None,
        policies: Vec::new(),
        report: Report::default(),
        began: None,
        now: Instant::default(),
    };
    let mut took = Duration::ZERO;
    for file in files {
        let mut reader = Reader::open(&file)?;
        while let Some(entry) = reader.next_entry()? {
            // Compiling and starting is not what is measured.
            let started = Stopwatch::now();
            let counts = !matches!(
                entry,
                Entry::Start(_) | Entry::Code { .. } | Entry::Policy { .. }
            );
            replay.entry(entry)?;
            if counts {
                took += started.elapsed();
            }
        }
        replay.report.cut_off = reader.is_cut_off();
    }
    replay.keep_comparisons();
    let mut report = replay.report;
    report.recorded = replay
        .now
        .since(replay.began.unwrap_or(replay.now))
        .as_secs_f64();
    report.took = took.as_secs_f64();
    Ok(report)
}

fn files(path: &Path) -> Result<(Folder, Vec<PathBuf>), ReplayError> {
    if path.is_dir() {
        let folder = Folder::new(path);
        let found = folder.list().map_err(|source| ReadError::Io {
            path: path.to_owned(),
            source,
        })?;
        return Ok((folder, found.into_iter().map(|found| found.path).collect()));
    }
    let folder = Folder::new(path.parent().unwrap_or(Path::new("")));
    Ok((folder, vec![path.to_owned()]))
}

impl Replay<'_> {
    fn entry(&mut self, entry: Entry<'static>) -> Result<(), ReplayError> {
        match entry {
            Entry::Start(start) => self.start(*start),
            Entry::Inputs { now, inputs } => self.inputs(now, inputs),
            Entry::Code { policy, code } => self.code(policy, &code),
            Entry::Policy { policy, setup } => self.policy(policy, *setup),
            Entry::Saved { policy } => {
                if let Some(running) = self.policies.get_mut(policy.0 as usize)
                    && let Decider::Policy(policy) = &mut running.decider
                {
                    // What it saves counts only if it is restarted.
                    let _ = policy.save();
                }
                Ok(())
            }
        }
    }

    fn start(&mut self, start: Start) -> Result<(), ReplayError> {
        let machine: Machine =
            postcard::from_bytes(&start.machine).map_err(|error| ReplayError::Machine {
                version: start.version.clone(),
                why: error.to_string(),
            })?;
        self.machine = Some(machine.with_codec(Arc::clone(&self.codec)));
        self.keep_comparisons();
        self.began.get_or_insert(start.now);
        self.now = start.now;
        let names: Vec<&str> = start.policies.iter().map(|p| p.name.as_str()).collect();
        let other = match (&self.wish.policy, &self.wish.role) {
            (None, _) => None,
            (Some(_), None) if names.len() == 1 => Some(0),
            (Some(_), role) => {
                let name = role.clone().unwrap_or_default();
                let found = self.machine.as_ref().and_then(|m| m.policy_named(&name));
                Some(found.ok_or_else(|| ReplayError::Unknown {
                    name,
                    known: names.join(", "),
                })?)
            }
        };
        for (position, setup) in start.policies.into_iter().enumerate() {
            let running = self.running(setup, other == Some(position))?;
            self.policies.push(running);
        }
        Ok(())
    }

    /// A policy begins while others work.
    fn policy(&mut self, place: PolicyHandle, setup: PolicySetup) -> Result<(), ReplayError> {
        let running = self.running(setup, false)?;
        match self.policies.get_mut(place.0 as usize) {
            Some(before) => {
                let ended = std::mem::replace(before, running);
                self.keep_comparison(ended.compared);
            }
            None => self.policies.push(running),
        }
        Ok(())
    }

    fn running(&mut self, setup: PolicySetup, is_other: bool) -> Result<Running, ReplayError> {
        let (decider, now) = self.decider(&setup, &setup.code, is_other)?;
        Ok(Running {
            compared: Compared {
                policy: setup.name.clone(),
                then: setup.code.digest.clone(),
                now,
                ..Compared::default()
            },
            setup,
            decider,
            is_other,
            pending: None,
        })
    }

    /// Adds what was compared to the report.
    fn keep_comparisons(&mut self) {
        for running in std::mem::take(&mut self.policies) {
            self.keep_comparison(running.compared);
        }
    }

    fn keep_comparison(&mut self, new: Compared) {
        // A place where nothing has decided.
        if new.rounds == 0 {
            return;
        }
        let same = |known: &&mut Compared| known.policy == new.policy && known.now == new.now;
        match self.report.policies.iter_mut().find(same) {
            Some(known) => {
                known.rounds += new.rounds;
                known.identical += new.identical;
                known.stopped += new.stopped;
                known.placed_then += new.placed_then;
                known.placed_now += new.placed_now;
                known.differences.extend(new.differences);
                known.differences.truncate(TOLD);
            }
            None => self.report.policies.push(new),
        }
    }

    /// What decides, and its digest.
    fn decider(
        &mut self,
        setup: &PolicySetup,
        code: &Code,
        is_other: bool,
    ) -> Result<(Decider, String), ReplayError> {
        if let (Some(file), true) = (&self.wish.policy, is_other) {
            let program = self
                .runtime
                .load(file)
                .map_err(|source| ReplayError::Other {
                    file: file.clone(),
                    source: Box::new(source),
                })?;
            let fresh = Code {
                state: None,
                instance: 0,
                ..code.clone()
            };
            let policy = self.begin(setup, &fresh, &program)?;
            return Ok((policy, program.digest().to_owned()));
        }
        let fallback = code.fallback.as_deref().and_then(Fallback::from_name);
        if let Some(fallback) = fallback {
            return Ok((Decider::Fallback(fallback), code.digest.clone()));
        }
        let program = match self.programs.get(&code.digest) {
            Some(program) => program.clone(),
            None => {
                let path = self.folder.component(&code.digest);
                let program =
                    self.runtime
                        .load(&path)
                        .map_err(|source| ReplayError::Component {
                            policy: setup.name.clone(),
                            digest: code.digest.clone(),
                            path,
                            source: Box::new(source),
                        })?;
                self.programs.insert(code.digest.clone(), program.clone());
                program
            }
        };
        Ok((self.begin(setup, code, &program)?, code.digest.clone()))
    }

    fn begin(
        &self,
        setup: &PolicySetup,
        code: &Code,
        program: &Program,
    ) -> Result<Decider, ReplayError> {
        let options = Options {
            codec: Some(Arc::clone(&self.codec)),
            log: Arc::new(Silence),
            ..recorded_options(setup, code, program)
        };
        let policy = Policy::start(program, options).map_err(|source| ReplayError::Start {
            policy: setup.name.clone(),
            source,
        })?;
        Ok(Decider::Policy(Box::new(policy)))
    }

    fn code(&mut self, policy: PolicyHandle, code: &Code) -> Result<(), ReplayError> {
        let Some(running) = self.policies.get(policy.0 as usize) else {
            return Ok(());
        };
        if running.is_other {
            return Ok(());
        }
        let setup = running.setup.clone();
        let (decider, _) = self.decider(&setup, code, false)?;
        if let Some(running) = self.policies.get_mut(policy.0 as usize) {
            running.decider = decider;
        }
        Ok(())
    }

    fn inputs(
        &mut self,
        now: Instant,
        recorded: Vec<Recorded<'static>>,
    ) -> Result<(), ReplayError> {
        self.now = now;
        let mut inputs = Vec::with_capacity(recorded.len());
        for input in recorded {
            inputs.push(match input {
                Recorded::Event { session, record } => {
                    self.report.events += 1;
                    let event = convert::event(&record).map_err(ReplayError::Event)?;
                    Input::Master { session, event }
                }
                Recorded::Disconnected { session, reason } => Input::Disconnected {
                    session,
                    reason: reason.into_owned(),
                },
                Recorded::CallFailed { session, call, why } => Input::CallFailed {
                    session,
                    call,
                    why: why.into_owned(),
                },
                Recorded::Answered {
                    policy,
                    round,
                    result,
                } => {
                    self.compare(policy, &result);
                    Input::Answered {
                        policy,
                        round,
                        result: result.into_owned(),
                    }
                }
                Recorded::Operator { ticket, request } => Input::Operator {
                    ticket,
                    request: request.into_owned(),
                },
                Recorded::Policy { policy, change } => Input::Policy { policy, change },
                Recorded::Version { policy, version } => Input::Version {
                    policy,
                    version: version.into_owned(),
                },
                Recorded::Policies(wanted) => Input::Policies(wanted.into_owned()),
                Recorded::Canary { policy, canary } => Input::Canary {
                    policy,
                    canary: canary.into_owned(),
                },
                Recorded::Tick => Input::Tick,
            });
        }
        let machine = self.machine.as_mut().ok_or(ReplayError::NoStart)?;
        let mut effects = Vec::new();
        machine.handle_all(now, inputs, &mut effects);
        for effect in effects {
            if let Effect::Invoke { policy, round } = effect
                && let Some(running) = self.policies.get_mut(policy.0 as usize)
            {
                running.pending = Some(*round);
            }
        }
        Ok(())
    }

    /// A round was answered then; it is decided again.
    fn compare(&mut self, policy: PolicyHandle, then: &Result<Answer, Failure>) {
        let Some(running) = self.policies.get_mut(policy.0 as usize) else {
            return;
        };
        // The round of the first answer may have begun before the file.
        let Some(round) = running.pending.take() else {
            return;
        };
        let number = round.number;
        let now = running.decider.decide(Arc::new(round));
        let compared = &mut running.compared;
        compared.rounds += 1;
        compared.placed_then += placed(then);
        compared.placed_now += placed(&now);
        let same = match (then, &now) {
            (Ok(then), Ok(now)) => bytes(then) == bytes(now),
            (Err(Failure::Guest(_)), Err(Failure::Guest(_)))
            | (Err(Failure::Trap(_)), Err(Failure::Trap(_))) => true,
            _ => false,
        };
        let stopped = matches!(then, Err(Failure::Trap(_) | Failure::Host(_)));
        if same {
            compared.identical += 1;
        } else if stopped {
            compared.stopped += 1;
        } else if compared.differences.len() < TOLD {
            compared.differences.push(Difference {
                round: number,
                at: self.now.0 / 1_000_000,
                then: shown(then),
                now: shown(&now),
            });
        }
        if stopped
            && !running.is_other
            && let Decider::Policy(policy) = &mut running.decider
        {
            policy.end_instance();
        }
    }
}

fn bytes(answer: &Answer) -> Vec<u8> {
    postcard::to_allocvec(answer).unwrap_or_default()
}

fn placed(result: &Result<Answer, Failure>) -> u64 {
    result.as_ref().map_or(0, |answer| {
        answer.placements.iter().map(|p| u64::from(p.count)).sum()
    })
}

/// An answer in a few words.
pub(crate) fn shown(result: &Result<Answer, Failure>) -> String {
    match result {
        Ok(answer) => {
            let placements: Vec<String> = answer
                .placements
                .iter()
                .take(10)
                .map(|p| format!("{} of set {} on offer {}", p.count, p.set, p.offer))
                .collect();
            format!(
                "{} placements ({}), {} declines, {} kills, {} actions, the rest {}",
                answer.placements.len(),
                placements.join(", "),
                answer.declines.len(),
                answer.kills.len(),
                answer.actions.len(),
                if answer.rest.is_some() {
                    "declined"
                } else {
                    "held"
                },
            )
        }
        Err(failure) => failure.to_string(),
    }
}
