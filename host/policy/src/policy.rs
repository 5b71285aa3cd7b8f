//! A policy that goes on after its instances die: the piece that the host runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use offerd_core::policy::{Answer, Failure, Round};

use crate::instance::{Instance, Used};
use crate::metrics::Metrics;
use crate::options::{Description, Options, Snapshot, StartError};
use crate::program::Program;

/// What decides: a policy in WebAssembly ([`Policy`]), or Rust code in the same
/// place (benchmarks, tests, simulations).
pub trait PolicyCode: Send {
    /// One round, which others may look at meanwhile.
    fn decide(&mut self, round: Arc<Round>) -> Decided;

    /// State that outlives an instance; `None` if the policy has none.
    fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        Ok(None)
    }

    /// Gets ready to take over, between two rounds, from code that saved `state`.
    ///
    /// # Errors
    /// It cannot use that state, and must not be put to work.
    fn take_over(&mut self, _state: Option<Snapshot>) -> Result<(), StartError> {
        Ok(())
    }

    /// Begins anew between two rounds, with its own state.
    ///
    /// # Errors
    /// It does not start again.
    fn renew(&mut self) -> Result<(), StartError> {
        Ok(())
    }

    /// How the code that decides now began.
    fn began(&self) -> Began {
        Began::default()
    }
}

/// How an instance began: what it takes to begin another one like it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Began {
    /// Counts the instances of a policy.
    pub instance: u64,
    pub state: Option<Snapshot>,
}

/// Outcome of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// Number of the round.
    pub round: u32,
    pub result: Result<Answer, Failure>,
    pub stats: CallStats,
}

/// What a call took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallStats {
    pub duration: Duration,
    pub log_lines: u32,
    pub log_lines_dropped: u32,
    /// Bytes of linear memory that the policy has.
    pub memory: usize,
    /// The instance that decided: 0 is the first, each restart adds one.
    pub instance: u64,
}

/// A policy in WebAssembly. A trap ends its instance; the next round makes a new
/// one, which is configured and given the state that was saved last.
#[derive(Debug)]
pub struct Policy {
    program: Program,
    options: Arc<Options>,
    metrics: Arc<Metrics>,
    description: Description,
    instance: Option<Instance>,
    /// Number of the current instance.
    number: u64,
    /// Whether the first instance has not decided anything yet.
    fresh: bool,
    saved: Option<Snapshot>,
    /// What the current instance was given.
    given: Option<Snapshot>,
}

impl Policy {
    /// Describes, configures and restores an instance. Blocks, up to
    /// `limits.startup` for each of these.
    pub fn start(program: &Program, options: Options) -> Result<Self, StartError> {
        let mut options = Arc::new(options);
        let saved = Arc::make_mut(&mut options).state.take();
        let metrics = Arc::new(Metrics::default());
        let now = options.now;
        let number = options.instance;
        let instance = Instance::start(program, &options, &metrics, number, now, saved.as_ref())?;
        Ok(Self {
            program: program.clone(),
            description: instance.description().clone(),
            options,
            metrics,
            instance: Some(instance),
            number,
            fresh: true,
            given: saved.clone(),
            saved,
        })
    }

    /// Ends the instance, as a trap does: the next round makes another one.
    pub fn end_instance(&mut self) {
        self.instance = None;
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Its counters and gauges, to be kept and shown elsewhere.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// A new instance with a state.
    fn restart(
        &mut self,
        now: offerd_core::Instant,
        state: Option<&Snapshot>,
    ) -> Result<(), StartError> {
        self.number += 1;
        self.instance = None;
        self.instance = Some(Instance::start(
            &self.program,
            &self.options,
            &self.metrics,
            self.number,
            now,
            state,
        )?);
        self.given = state.cloned();
        Ok(())
    }

    fn decide_inner(&mut self, round: Arc<Round>) -> (Result<Answer, Failure>, Used) {
        self.fresh = false;
        if self.instance.is_none() {
            let saved = self.saved.take();
            let started = self.restart(round.now, saved.as_ref());
            self.saved = saved;
            if let Err(error) = started {
                return (Err(failed_start(&error)), Used::default());
            }
        }
        let Some(instance) = &mut self.instance else {
            return (
                Err(Failure::Host("there is no instance".to_owned())),
                Used::default(),
            );
        };
        let (result, used) = instance.decide(round);
        if result.as_ref().is_err_and(Failure::ends_instance) {
            self.instance = None;
        }
        (result, used)
    }
}

impl PolicyCode for Policy {
    fn decide(&mut self, round: Arc<Round>) -> Decided {
        let started = Instant::now();
        let number = round.number;
        let (result, used) = self.decide_inner(round);
        Decided {
            round: number,
            result,
            stats: CallStats {
                duration: started.elapsed(),
                log_lines: used.log_lines,
                log_lines_dropped: used.log_lines_dropped,
                memory: used.memory,
                instance: self.number,
            },
        }
    }

    /// Without an instance (it ended in the last round) this is what was saved
    /// before.
    fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        if let Some(instance) = &mut self.instance {
            match instance.save() {
                Ok(saved) => self.saved = saved,
                Err(failure) => {
                    if failure.ends_instance() {
                        self.instance = None;
                    }
                    return Err(failure);
                }
            }
        }
        Ok(self.saved.clone())
    }

    /// A policy that was at work before gets a new instance. If that cannot use
    /// the state, which other code saved, or ends over it, it goes on with its own
    /// last one.
    fn take_over(&mut self, state: Option<Snapshot>) -> Result<(), StartError> {
        if self.fresh
            && let Some(instance) = &mut self.instance
        {
            if let Some(state) = &state
                && let Err(error) = instance.restore(state)
            {
                // Nobody knows what is in it now.
                self.instance = None;
                self.fresh = false;
                return Err(error);
            }
            self.given.clone_from(&state);
            self.saved = state;
            return Ok(());
        }
        let now = self.options.now;
        match self.restart(now, state.as_ref()) {
            Ok(()) => {
                self.saved = state;
                Ok(())
            }
            Err(
                StartError::Restore { .. } | StartError::Stopped { .. } | StartError::Late { .. },
            ) if state.is_some() => {
                let own = self.saved.take();
                let renewed = self.restart(now, own.as_ref());
                self.saved = own;
                renewed
            }
            Err(error) => Err(error),
        }
    }

    fn renew(&mut self) -> Result<(), StartError> {
        if self.fresh {
            return Ok(());
        }
        // What it could not save is what was saved before.
        let _ = self.save();
        let saved = self.saved.take();
        let result = self.restart(self.options.now, saved.as_ref());
        self.saved = saved;
        self.fresh = result.is_ok();
        result
    }

    fn began(&self) -> Began {
        Began {
            instance: self.number,
            state: self.given.clone(),
        }
    }
}

fn failed_start(error: &StartError) -> Failure {
    let text = format!("a new instance did not start: {error}");
    match error {
        StartError::Host { .. } => Failure::Host(text),
        StartError::Late { .. } => Failure::Deadline(text),
        StartError::Configure { .. } | StartError::Restore { .. } | StartError::Stopped { .. } => {
            Failure::Trap(text)
        }
    }
}
