//! Goes through a recording again: the machine takes the same inputs and makes
//! the same rounds, policies decide once more, and what they decide is compared
//! with what was decided then. The recorded answers are what the machine goes on
//! with, so that one difference does not make a thousand.

mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use offerd_core::Instant;
use offerd_core::ids::PolicyHandle;
use offerd_core::machine::{Effect, Input, Machine};
use offerd_core::policy::{Answer, Codec, Failure, Round};
use offerd_mesos::{ProtobufCodec, convert};
use offerd_policy::{
    LoadError, Options, Policy, PolicyCode, Program, Runtime, RuntimeError, StartError,
};
use offerd_record::{
    Code, ComponentError, Entry, Folder, MachineError, PolicySetup, ReadError, Reader, Recorded,
    Start, redacted_result,
};

pub(crate) use report::shown;
pub use report::{Compared, Difference, Report};

use crate::fallback::Fallback;
use crate::policies::recorded_options;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("policies cannot be run here")]
    Runtime(#[from] RuntimeError),
    #[error("the recording begins with something else than its start")]
    NoStart,
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error("an event in the recording cannot be decoded")]
    Event(#[source] convert::EventError),
    #[error("the code of policy {policy} is not beside the recording")]
    Component {
        policy: String,
        #[source]
        source: ComponentError,
    },
    #[error("the recording names the fallback '{name}' of policy {policy}; there is {}", Fallback::NAMES.join(" and "))]
    Fallback { policy: String, name: String },
    #[error("the policy {} cannot be used", file.display())]
    Load {
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

impl ReplayError {
    /// Whether the file is at fault: others in the same folder may be good.
    fn is_of_one_file(&self) -> bool {
        match self {
            Self::Read(_) | Self::NoStart | Self::Machine(_) | Self::Event(_) => true,
            Self::Runtime(_)
            | Self::Component { .. }
            | Self::Fallback { .. }
            | Self::Load { .. }
            | Self::Start { .. }
            | Self::Unknown { .. } => false,
        }
    }
}

/// What to do with a recording.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Another component to decide in place of the recorded one.
    pub policy: Option<PathBuf>,
    /// For which policy, by its name or a role; the only one if not given.
    pub role: Option<String>,
}

enum Decider {
    Policy(Box<Policy>),
    Fallback(Fallback),
    /// Nobody knows what would be decided: the configuration is not what it was.
    Unknown,
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
    /// Of the current file.
    is_redacted: bool,
    policies: Vec<Running>,
    report: Report,
    /// By the files that were gone through.
    covered: Duration,
    /// Of the current file.
    began: Instant,
    now: Instant,
}

/// Goes through a recording, or through all in a folder.
///
/// # Errors
/// Something in it can't be read or started. In a folder, what is wrong with one
/// file is told in the report.
pub fn replay(path: &Path, wish: &Wish) -> Result<Report, ReplayError> {
    let is_folder = path.is_dir();
    let (folder, files) = files(path)?;
    let mut replay = Replay {
        wish,
        runtime: Runtime::new(None)?,
        folder,
        programs: BTreeMap::new(),
        codec: Arc::new(ProtobufCodec),
        machine: None,
        is_redacted: false,
        policies: Vec::new(),
        report: Report::default(),
        covered: Duration::ZERO,
        began: Instant::default(),
        now: Instant::default(),
    };
    let started = Stopwatch::now();
    let mut starting = Duration::ZERO;
    for file in files {
        let gone_through = replay.file(&file, &mut starting);
        replay.end_file();
        match gone_through {
            Err(error) if is_folder && error.is_of_one_file() => {
                let why = format!("{}: {}", file.display(), crate::report::chain(&error));
                replay.report.unread.push(why);
            }
            other => other?,
        }
    }
    let mut report = replay.report;
    report.recorded = replay.covered.as_secs_f64();
    report.took = started.elapsed().saturating_sub(starting).as_secs_f64();
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
    /// Adds to `starting` what compiling and starting policies took.
    fn file(&mut self, file: &Path, starting: &mut Duration) -> Result<(), ReplayError> {
        let mut reader = Reader::open(file)?;
        while let Some(entry) = reader.next_entry()? {
            let started = Stopwatch::now();
            let starts = matches!(
                entry,
                Entry::Start(_) | Entry::Code { .. } | Entry::Policy { .. }
            );
            self.entry(entry)?;
            if starts {
                *starting += started.elapsed();
            }
        }
        self.report.cut_off = reader.is_cut_off();
        Ok(())
    }

    /// Keeps what was compared.
    fn end_file(&mut self) {
        for running in std::mem::take(&mut self.policies) {
            self.report.add(running.compared);
        }
        self.machine = None;
        self.covered += self.now.since(self.began);
        self.began = self.now;
    }

    fn entry(&mut self, entry: Entry<'static>) -> Result<(), ReplayError> {
        match entry {
            Entry::Start(start) => self.start(*start),
            Entry::Inputs { now, inputs } => self.inputs(now, inputs),
            Entry::Code { policy, code } => self.code(policy, &code),
            Entry::Policy { policy, setup } => self.policy(policy, *setup),
            Entry::Saved { policy, ended } => {
                if let Some(running) = self.policies.get_mut(policy.0 as usize)
                    && let Decider::Policy(policy) = &mut running.decider
                {
                    // What it saves counts only if it is restarted.
                    let _ = policy.save();
                    if ended && !running.is_other {
                        policy.end_instance();
                    }
                }
                Ok(())
            }
        }
    }

    fn start(&mut self, start: Start) -> Result<(), ReplayError> {
        let machine = start.machine()?.with_codec(Arc::clone(&self.codec));
        self.is_redacted = start.redacted;
        self.began = start.now;
        self.now = start.now;
        let names: Vec<&str> = start.policies.iter().map(|p| p.name.as_str()).collect();
        let other = match (&self.wish.policy, &self.wish.role) {
            (None, _) => None,
            (Some(_), None) if names.len() == 1 => Some(0),
            (Some(_), role) => {
                let name = role.clone().unwrap_or_default();
                let found = machine.policy_named(&name);
                Some(found.ok_or_else(|| ReplayError::Unknown {
                    name,
                    known: names.join(", "),
                })?)
            }
        };
        self.machine = Some(machine);
        for (position, setup) in start.policies.into_iter().enumerate() {
            let running = self.running(setup, other == Some(position))?;
            self.policies.push(running);
        }
        Ok(())
    }

    /// A policy begins while others work, or has got other settings.
    fn policy(&mut self, place: PolicyHandle, setup: PolicySetup) -> Result<(), ReplayError> {
        let before = self.policies.get(place.0 as usize);
        let is_other = before.is_some_and(|b| b.is_other && b.setup.name == setup.name);
        let running = self.running(setup, is_other)?;
        match self.policies.get_mut(place.0 as usize) {
            Some(before) => {
                let ended = std::mem::replace(before, running);
                self.report.add(ended.compared);
            }
            None => self.policies.push(running),
        }
        Ok(())
    }

    fn running(&mut self, setup: PolicySetup, is_other: bool) -> Result<Running, ReplayError> {
        let (decider, now) = if is_other {
            self.other(&setup)?
        } else {
            (
                self.recorded(&setup, &setup.code)?,
                setup.code.digest.clone(),
            )
        };
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

    /// The one that was asked for, and its digest. It begins without state.
    fn other(&self, setup: &PolicySetup) -> Result<(Decider, String), ReplayError> {
        let Some(file) = &self.wish.policy else {
            return Ok((Decider::Unknown, String::new()));
        };
        let program = self
            .runtime
            .load(file)
            .map_err(|source| ReplayError::Load {
                file: file.clone(),
                source: Box::new(source),
            })?;
        let code = Code {
            state: None,
            instance: 0,
            ..setup.code.clone()
        };
        let policy = self.begin(setup, &code, &program)?;
        Ok((policy, program.digest().to_owned()))
    }

    /// The one that decided then.
    fn recorded(&mut self, setup: &PolicySetup, code: &Code) -> Result<Decider, ReplayError> {
        if let Some(name) = &code.fallback {
            let fallback = Fallback::from_name(name).ok_or_else(|| ReplayError::Fallback {
                policy: setup.name.clone(),
                name: name.clone(),
            })?;
            return Ok(Decider::Fallback(fallback));
        }
        if setup.redacted {
            return Ok(Decider::Unknown);
        }
        let program = match self.programs.get(&code.digest) {
            Some(program) => program.clone(),
            None => {
                let program = self.load(setup, &code.digest)?;
                self.programs.insert(code.digest.clone(), program.clone());
                program
            }
        };
        self.begin(setup, code, &program)
    }

    fn load(&self, setup: &PolicySetup, digest: &str) -> Result<Program, ReplayError> {
        let bytes = self
            .folder
            .component(digest)
            .map_err(|source| ReplayError::Component {
                policy: setup.name.clone(),
                source,
            })?;
        let program = self.runtime.load_bytes(digest, &bytes);
        program.map_err(|source| ReplayError::Load {
            file: PathBuf::from(digest),
            source: Box::new(source),
        })
    }

    fn begin(
        &self,
        setup: &PolicySetup,
        code: &Code,
        program: &Program,
    ) -> Result<Decider, ReplayError> {
        let options = Options {
            codec: Some(Arc::clone(&self.codec)),
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
        let setup = running.setup.clone();
        let decider = match running.is_other {
            true => None,
            false => Some(self.recorded(&setup, code)?),
        };
        let Some(running) = self.policies.get_mut(policy.0 as usize) else {
            return Ok(());
        };
        let mut next = Compared {
            policy: setup.name,
            then: code.digest.clone(),
            now: running.compared.now.clone(),
            ..Compared::default()
        };
        if let Some(decider) = decider {
            running.decider = decider;
            next.now.clone_from(&next.then);
        }
        let before = std::mem::replace(&mut running.compared, next);
        self.report.add(before);
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
                        result: result.into_owned().into(),
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
        let by_chance = matches!(then, Err(Failure::Deadline(_) | Failure::Host(_)));
        let mut now = match &mut running.decider {
            Decider::Unknown => return running.compared.skip(then),
            decider if by_chance && !running.is_other => {
                if let Decider::Policy(policy) = decider {
                    policy.end_instance();
                }
                return running.compared.skip(then);
            }
            Decider::Policy(policy) => policy.decide(Arc::new(round)).result,
            Decider::Fallback(fallback) => fallback.decide(Arc::new(round)).result,
        };
        if self.is_redacted {
            now = redacted_result(&now, &*self.codec);
        }
        let at = self.now.0 / 1_000_000;
        running.compared.round(number, at, then, &now);
        // An instance that lives on, though it did not then, knows too much.
        if then.as_ref().is_err_and(Failure::ends_instance)
            && !running.is_other
            && let Decider::Policy(policy) = &mut running.decider
        {
            policy.end_instance();
        }
    }
}
