//! One instance of a policy: a store, the functions in it, and a deadline
//! around each call. It is made once and thrown away after the first trap.

use std::sync::Arc;

use offerd_core::Instant;
use offerd_core::policy::{Answer, Failure, Round};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};

use crate::bindings::{self, WitSnapshot, types};
use crate::convert::{Excess, fill_round, from_answer};
use crate::failure::{Stop, deadline, explain, transfer};
use crate::host::{Host, Phase};
use crate::limits::{SNAPSHOT_BYTES, show_bytes};
use crate::metrics::Metrics;
use crate::options::{Description, Options, Snapshot, StartError};
use crate::program::Program;
use crate::text;
use crate::ticker::Ticker;

/// What wasmtime says when a component has more instances, tables or memories than
/// the limit; the error has no type of its own.
const TOO_MANY: &str = "resource limit exceeded";

/// Longest error text of a guest that is kept.
const ERROR_BYTES: usize = 8 * 1024;

/// What a policy says of itself stands in lists.
const NAME_BYTES: usize = 100;
const SUMMARY_BYTES: usize = 400;

/// A policy at work. After a call returned a failure that
/// [ends it](Failure::ends_instance) it must be dropped.
pub(crate) struct Instance {
    store: Store<Host>,
    program: Program,
    options: Arc<Options>,
    description: Description,
    decide: TypedFunc<(Arc<types::Round>,), (Result<types::Answer, String>,)>,
    save: Option<Fallible<(), WitSnapshot>>,
    restore: Option<Fallible<(WitSnapshot,), ()>>,
    /// Kept for its vectors.
    round: Arc<types::Round>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("options", &self.options)
            .field("host", self.store.data())
            .finish_non_exhaustive()
    }
}

/// What a call used, beside its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Used {
    pub(crate) log_lines: u32,
    pub(crate) log_lines_dropped: u32,
    pub(crate) memory: usize,
}

impl Instance {
    /// Makes an instance, describes and configures it, and gives it `state`.
    /// `number` counts the instances of one policy.
    pub(crate) fn start(
        program: &Program,
        options: &Arc<Options>,
        metrics: &Arc<Metrics>,
        number: u64,
        now: Instant,
        state: Option<&Snapshot>,
    ) -> Result<Self, StartError> {
        let policy = || options.name.clone();
        let (mut store, functions) = make(program, options, metrics, number, now)?;
        let description = functions.describe(program, options, &mut store)?;

        let configured = call(
            program,
            options,
            &mut store,
            Phase::Configure,
            &functions.configure,
            (options.config.clone(),),
        );
        match configured {
            Ok((Ok(()),)) => {}
            Ok((Err(text),)) => {
                return Err(StartError::Configure {
                    policy: policy(),
                    text: text::lines(text, ERROR_BYTES),
                });
            }
            Err(stop) => return Err(stop.at_start(policy())),
        }

        let mut instance = Self {
            store,
            program: program.clone(),
            options: Arc::clone(options),
            description,
            decide: functions.decide,
            save: functions.save,
            restore: functions.restore,
            round: Arc::new(types::Round {
                number: 0,
                now: 0.0,
                offers: Vec::new(),
                waiting: Vec::new(),
                updates: Vec::new(),
                rescinded: Vec::new(),
                events: Vec::new(),
            }),
        };
        if let Some(state) = state {
            instance.restore(state)?;
        }
        Ok(instance)
    }

    /// Gives it what an earlier instance saved. Only before its first round.
    pub(crate) fn restore(&mut self, state: &Snapshot) -> Result<(), StartError> {
        let policy = || self.options.name.clone();
        let Some(restore) = &self.restore else {
            tracing::warn!(
                policy = self.options.name,
                "state was saved for this policy by a build that exports state; this build does \
                 not, so the state is not used"
            );
            return Ok(());
        };
        let snapshot = WitSnapshot {
            version: state.version,
            data: state.data.clone(),
        };
        let restored = call(
            &self.program,
            &self.options,
            &mut self.store,
            Phase::Restore,
            restore,
            (snapshot,),
        );
        match restored {
            Ok((Ok(()),)) => Ok(()),
            Ok((Err(text),)) => Err(StartError::Restore {
                policy: policy(),
                version: state.version,
                bytes: state.data.len(),
                text: text::lines(text, ERROR_BYTES),
            }),
            Err(stop) => Err(stop.at_start(policy())),
        }
    }

    pub(crate) fn description(&self) -> &Description {
        &self.description
    }

    pub(crate) fn decide(&mut self, round: Arc<Round>) -> (Result<Answer, Failure>, Used) {
        let result = self.decide_inner(round);
        self.store.data_mut().end_round();
        (result, self.used())
    }

    fn decide_inner(&mut self, round: Arc<Round>) -> Result<Answer, Failure> {
        let number = round.number;
        // Nobody else has it: wasmtime drops its copy before a call returns.
        let Some(out) = Arc::get_mut(&mut self.round) else {
            return Err(Failure::Host("the last round is still in use".to_owned()));
        };
        fill_round(&round, out);
        self.store.data_mut().begin_round(round);
        let (answer,) = call(
            &self.program,
            &self.options,
            &mut self.store,
            Phase::Decide,
            &self.decide,
            (Arc::clone(&self.round),),
        )
        .map_err(|stop| stop.of_round(number).failure())?;
        let answer = answer.map_err(|text| Failure::Guest(text::lines(text, ERROR_BYTES)))?;
        let limit = self.options.limits.decisions;
        from_answer(answer, limit).map_err(|Excess { list, length }| {
            Failure::Trap(format!(
                "round {number}: the answer has {length} {list}; at most {limit}"
            ))
        })
    }

    /// `None`: the policy exports no state.
    pub(crate) fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        let Some(save) = &self.save else {
            return Ok(None);
        };
        let (saved,) = call(
            &self.program,
            &self.options,
            &mut self.store,
            Phase::Save,
            save,
            (),
        )
        .map_err(Stop::failure)?;
        let WitSnapshot { version, data } =
            saved.map_err(|text| Failure::Guest(text::lines(text, ERROR_BYTES)))?;
        if data.len() > SNAPSHOT_BYTES {
            return Err(Failure::Guest(format!(
                "state of {} is over the limit of {}",
                show_bytes(data.len()),
                show_bytes(SNAPSHOT_BYTES)
            )));
        }
        Ok(Some(Snapshot { version, data }))
    }

    fn used(&self) -> Used {
        let host = self.store.data();
        let (log_lines, log_lines_dropped) = host.log.counts();
        Used {
            log_lines,
            log_lines_dropped,
            memory: host.meter.memory(),
        }
    }
}

/// Describes a program without putting it to work.
pub(crate) fn describe(program: &Program, options: &Options) -> Result<Description, StartError> {
    let options = Arc::new(options.clone());
    let metrics = Arc::new(Metrics::default());
    let (mut store, functions) = make(program, &options, &metrics, 0, options.now)?;
    functions.describe(program, &options, &mut store)
}

/// An export that can say no.
type Fallible<P, R> = TypedFunc<P, (Result<R, String>,)>;

/// The exports of an instance.
struct Functions {
    describe: TypedFunc<(), (bindings::Description,)>,
    configure: Fallible<(String,), ()>,
    decide: Fallible<(Arc<types::Round>,), types::Answer>,
    save: Option<Fallible<(), WitSnapshot>>,
    restore: Option<Fallible<(WitSnapshot,), ()>>,
}

impl Functions {
    fn describe(
        &self,
        program: &Program,
        options: &Options,
        store: &mut Store<Host>,
    ) -> Result<Description, StartError> {
        let (description,) = call(program, options, store, Phase::Describe, &self.describe, ())
            .map_err(|stop| stop.at_start(options.name.clone()))?;
        Ok(Description {
            name: text::one_line(description.name, NAME_BYTES),
            version: text::one_line(description.version, NAME_BYTES),
            summary: text::one_line(description.summary, SUMMARY_BYTES),
        })
    }
}

/// A store with an instance in it, before its first call.
fn make(
    program: &Program,
    options: &Arc<Options>,
    metrics: &Arc<Metrics>,
    number: u64,
    now: Instant,
) -> Result<(Store<Host>, Functions), StartError> {
    let host = Host::new(Arc::clone(options), Arc::clone(metrics), number, now);
    let mut store = Store::new(program.engine(), host);
    store.limiter(|host| &mut host.meter);
    let time = options.limits.startup;
    store.set_epoch_deadline(Ticker::ticks(time.saturating_mul(options.limits.patience)));
    let found = {
        let _ticking = program.ticker().tick();
        instantiate(program, &mut store)
    };
    match found {
        Ok(functions) => Ok((store, functions)),
        Err(error) => {
            let policy = options.name.clone();
            let host = store.data();
            // A start function that traps, too little memory and too many
            // instances are the policy's fault; the rest is not.
            if error.is::<wasmtime::Trap>()
                || host.meter.refused().is_some()
                || error.root_cause().to_string().contains(TOO_MANY)
            {
                Err(explain(&error, host, &options.limits).at_start(policy))
            } else {
                let text = format!("{error:#}");
                Err(StartError::Host { policy, text })
            }
        }
    }
}

fn instantiate(program: &Program, store: &mut Store<Host>) -> wasmtime::Result<Functions> {
    let exports = program.exports();
    let instance = program.pre().instantiate(&mut *store)?;
    let mut functions = Functions {
        describe: instance.get_typed_func(&mut *store, exports.describe)?,
        configure: instance.get_typed_func(&mut *store, exports.configure)?,
        decide: instance.get_typed_func(&mut *store, exports.decide)?,
        save: None,
        restore: None,
    };
    if let Some(state) = &exports.state {
        functions.save = Some(instance.get_typed_func(&mut *store, state.save)?);
        functions.restore = Some(instance.get_typed_func(&mut *store, state.restore)?);
    }
    Ok(functions)
}

/// One call under its limits. After an error the instance is dead.
fn call<P, R>(
    program: &Program,
    options: &Options,
    store: &mut Store<Host>,
    phase: Phase,
    function: &TypedFunc<P, R>,
    arguments: P,
) -> Result<R, Stop>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let limits = &options.limits;
    store.data_mut().begin_call(phase);
    let time = deadline(phase, limits).saturating_mul(limits.patience);
    store.set_epoch_deadline(Ticker::ticks(time));
    store.set_hostcall_fuel(transfer(phase, limits));
    let result = {
        let _ticking = program.ticker().tick();
        function.call(&mut *store, arguments)
    };
    store.data_mut().log.end_call();
    result.map_err(|error| explain(&error, store.data(), limits))
}
