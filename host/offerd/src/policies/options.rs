//! How instances are started: as the configuration says, or as a recording does.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use offerd_policy::{
    Framework, Limits, LogLevel, LogSink, Options, Program, RoundLimits, Snapshot,
};
use offerd_record::{Code, PolicySetup, State};

use super::loader::Surroundings;
use crate::config::{self, Config};
use crate::fallback::Fallback;

pub(super) fn options(
    digest: &str,
    config: &Config,
    policy: &config::Policy,
    around: &Surroundings,
) -> Options {
    let mut own = std::hash::DefaultHasher::new();
    policy.name.hash(&mut own);
    Options {
        config: policy.config.clone(),
        roles: around.roles.clone(),
        framework: Framework {
            id: around.framework_id.as_ref().map(ToString::to_string),
            name: config.framework.name.clone(),
            user: config.framework.user.clone(),
        },
        limits: Limits {
            deadline: policy.limits.call_deadline,
            memory: usize::try_from(policy.limits.memory).unwrap_or(usize::MAX),
            ..Limits::default()
        },
        rounds: around.rounds.clone(),
        // Each policy has numbers of its own.
        seed: around.seed ^ own.finish(),
        now: around.now,
        codec: Some(Arc::clone(&around.codec)),
        ..Options::with_digest(&policy.name, digest)
    }
}

/// For a recording, while the host's own code holds the place.
pub(super) fn setup_of_host(options: &Options, fallback: Fallback) -> PolicySetup {
    let mut setup = setup(options, "none");
    setup.code.fallback = Some(fallback.name().to_owned());
    setup
}

/// For a recording: what it takes to start a policy in the same way.
pub(super) fn setup(options: &Options, digest: &str) -> PolicySetup {
    PolicySetup {
        name: options.name.clone(),
        config: options.config.clone(),
        roles: options.roles.clone(),
        framework_id: options.framework.id.clone(),
        framework: options.framework.name.clone(),
        user: options.framework.user.clone(),
        deadline: options.limits.deadline,
        memory: u64::try_from(options.limits.memory).unwrap_or(u64::MAX),
        offer_lease: options.rounds.offer_lease,
        offers_per_round: options.rounds.offers,
        waiting_per_round: options.rounds.waiting,
        log_levels: Silence::like(&*options.log).0,
        seed: options.seed,
        now: options.now,
        redacted: false,
        code: Code {
            digest: digest.to_owned(),
            fallback: None,
            instance: options.instance,
            state: options.state.as_ref().map(|state| State {
                version: state.version,
                data: state.data.clone(),
            }),
        },
    }
}

/// How many times as long calls may take in a replay: the machine may be slower.
const REPLAY_PATIENCE: u32 = 100;

/// The options that a recording tells of.
pub(crate) fn recorded_options(setup: &PolicySetup, code: &Code, program: &Program) -> Options {
    Options {
        config: setup.config.clone(),
        roles: setup.roles.clone(),
        framework: Framework {
            id: setup.framework_id.clone(),
            name: setup.framework.clone(),
            user: setup.user.clone(),
        },
        limits: Limits {
            deadline: setup.deadline,
            memory: usize::try_from(setup.memory).unwrap_or(usize::MAX),
            patience: REPLAY_PATIENCE,
            ..Limits::default()
        },
        rounds: RoundLimits {
            offer_lease: setup.offer_lease,
            offers: setup.offers_per_round,
            waiting: setup.waiting_per_round,
        },
        seed: setup.seed,
        instance: code.instance,
        now: setup.now,
        state: code.state.as_ref().map(|state| Snapshot {
            version: state.version,
            data: state.data.clone(),
        }),
        log: Arc::new(Silence(setup.log_levels)),
        ..Options::new(&setup.name, program)
    }
}

/// Lines of policies in experiments and replays are nobody's concern. What asks
/// whether they are kept is told so for these levels, from the lowest.
#[derive(Debug)]
pub(crate) struct Silence([bool; LogLevel::ALL.len()]);

impl Silence {
    /// Tells the same as another log.
    pub(crate) fn like(other: &dyn LogSink) -> Self {
        Self(LogLevel::ALL.map(|level| other.enabled(level)))
    }
}

impl Default for Silence {
    /// As a host tells that was not told otherwise.
    fn default() -> Self {
        Self(LogLevel::ALL.map(|level| level >= LogLevel::Info))
    }
}

impl LogSink for Silence {
    fn enabled(&self, level: LogLevel) -> bool {
        let mut levels = LogLevel::ALL.iter().zip(self.0);
        levels.any(|(known, kept)| *known == level && kept)
    }
    fn line(&self, _: LogLevel, _: &str) {}
    fn dropped(&self, _: u32) {}
}
