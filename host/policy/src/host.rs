//! The host's side of the contract: what a policy imports. Everything here is
//! called by the policy, inside one of its own calls.

use std::sync::Arc;

use offerd_core::ids::{AgentHandle, JobHandle, OfferHandle, SetHandle, TaskHandle};
use offerd_core::offer::Offer;
use offerd_core::policy::Round;
use offerd_core::resource::{Name, Resource};
use offerd_core::{Instant, Milli};
use wasmtime::Result;

use crate::bindings::{clock, cluster, logging, metrics, random, types};
use crate::convert;
use crate::limits::Meter;
use crate::log::{Log, LogLevel};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::random::Random;
use crate::tables::Tables;

/// Longest list of agents that one `allowed` may ask about.
const AGENTS_PER_QUESTION: usize = 100_000;

/// Which function of the policy is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// None, or what a module does when it is made.
    Instantiate,
    Describe,
    Configure,
    Restore,
    Decide,
    Save,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiation",
            Self::Describe => "describe",
            Self::Configure => "configure",
            Self::Restore => "state.restore",
            Self::Decide => "decide",
            Self::Save => "state.save",
        }
    }
}

/// What a store holds beside the guest.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) phase: Phase,
    pub(crate) meter: Meter,
    pub(crate) log: Log,
    metrics: Arc<Metrics>,
    random: Random,
    options: Arc<Options>,
    framework_id: Option<String>,
    /// The clock, in milliseconds; moves between calls only.
    now: f64,
    /// The one that is being decided.
    round: Option<Arc<Round>>,
    tables: Tables,
}

impl Host {
    pub(crate) fn new(
        options: Arc<Options>,
        metrics: Arc<Metrics>,
        instance: u64,
        now: Instant,
    ) -> Self {
        let limits = &options.limits;
        Self {
            phase: Phase::Instantiate,
            meter: Meter::new(limits.memory),
            log: Log::new(
                Arc::clone(&options.log),
                limits.log_lines,
                limits.log_line_bytes,
            ),
            metrics,
            random: Random::new(options.seed, instance),
            framework_id: options.framework.id.clone(),
            now: now.as_millis_f64(),
            round: None,
            tables: Tables::default(),
            options,
        }
    }

    pub(crate) fn begin_call(&mut self, phase: Phase) {
        self.phase = phase;
        self.meter.begin_call();
        self.log.begin_call();
    }

    /// Takes what a round needs to answer questions.
    pub(crate) fn begin_round(&mut self, round: Arc<Round>) {
        self.now = round.now.as_millis_f64();
        if round.delta.framework_id.is_some() {
            self.framework_id.clone_from(&round.delta.framework_id);
        }
        self.tables.apply(&round.delta);
        self.round = Some(round);
    }

    /// Lets go of the offers before the answer leaves: then the machine, which
    /// made them, has the last hold of each, and frees it on its own thread.
    pub(crate) fn end_round(&mut self) {
        self.round = None;
    }

    fn offers(&self) -> &[Arc<Offer>] {
        self.round.as_ref().map_or(&[], |round| &round.offers)
    }

    /// `describe` may only log (wit/), and so may what runs before it.
    fn allow(&self, function: &str) -> Result<()> {
        match self.phase {
            Phase::Instantiate | Phase::Describe => {
                let phase = self.phase.name();
                Err(wasmtime::Error::msg(format!(
                    "{phase} called {function}; only logging may be used in {phase}"
                )))
            }
            Phase::Configure | Phase::Restore | Phase::Decide | Phase::Save => Ok(()),
        }
    }

    fn offer(&self, handle: u32) -> Option<&Offer> {
        // Handles grow with the order of arrival, which is the order here; the
        // search does not rely on it for more than its speed.
        let wanted = OfferHandle(handle);
        let offers = self.offers();
        match offers.binary_search_by_key(&wanted, |o| o.handle) {
            Ok(position) => offers.get(position),
            Err(_) => offers.iter().find(|offer| offer.handle == wanted),
        }
        .map(Arc::as_ref)
    }
}

impl types::Host for Host {}

impl logging::Host for Host {
    fn log(&mut self, level: logging::Level, message: String) -> Result<()> {
        self.log.line(log_level(level), message);
        Ok(())
    }

    fn enabled(&mut self, level: logging::Level) -> Result<bool> {
        Ok(self.log.enabled(log_level(level)))
    }
}

fn log_level(level: logging::Level) -> LogLevel {
    match level {
        logging::Level::Trace => LogLevel::Trace,
        logging::Level::Debug => LogLevel::Debug,
        logging::Level::Info => LogLevel::Info,
        logging::Level::Warn => LogLevel::Warn,
        logging::Level::Error => LogLevel::Error,
    }
}

impl clock::Host for Host {
    fn now(&mut self) -> Result<f64> {
        self.allow("clock.now")?;
        Ok(self.now)
    }
}

impl random::Host for Host {
    fn next_u32(&mut self) -> Result<u32> {
        self.allow("random.next-u32")?;
        Ok(self.random.next_u32())
    }

    fn next_f64(&mut self) -> Result<f64> {
        self.allow("random.next-f64")?;
        Ok(self.random.next_f64())
    }
}

impl metrics::Host for Host {
    fn count(&mut self, name: String, amount: f64) -> Result<()> {
        self.allow("metrics.count")?;
        self.metrics.count(&name, amount);
        Ok(())
    }

    fn gauge(&mut self, name: String, value: f64) -> Result<()> {
        self.allow("metrics.gauge")?;
        self.metrics.gauge(&name, value);
        Ok(())
    }
}

impl cluster::Host for Host {
    fn roles(&mut self) -> Result<Vec<String>> {
        self.allow("cluster.roles")?;
        let roles = self.tables.roles.as_ref().unwrap_or(&self.options.roles);
        let roles = roles.iter();
        Ok(roles.map(|role| role.as_str().to_owned()).collect())
    }

    fn get_framework(&mut self) -> Result<cluster::FrameworkDetails> {
        self.allow("cluster.get-framework")?;
        Ok(cluster::FrameworkDetails {
            id: self.framework_id.clone(),
            name: self.options.framework.name.clone(),
            user: self.options.framework.user.clone(),
        })
    }

    fn get_limits(&mut self) -> Result<cluster::Limits> {
        self.allow("cluster.get-limits")?;
        let (limits, rounds) = (&self.options.limits, &self.options.rounds);
        Ok(cluster::Limits {
            call_deadline: limits.deadline.as_secs_f64() * 1000.0,
            memory: limits.memory.try_into().unwrap_or(u64::MAX),
            offer_lease: rounds.offer_lease.as_secs_f64() * 1000.0,
            offers_per_round: rounds.offers,
            waiting_per_round: rounds.waiting,
            log_lines: limits.log_lines,
        })
    }

    fn get_agent(&mut self, agent: u32) -> Result<Option<cluster::AgentDetails>> {
        self.allow("cluster.get-agent")?;
        let agent = self.tables.agent(AgentHandle(agent));
        Ok(agent.map(convert::to_agent))
    }

    fn get_offer(&mut self, offer: u32) -> Result<Option<cluster::OfferDetails>> {
        self.allow("cluster.get-offer")?;
        Ok(self.offer(offer).map(convert::to_offer))
    }

    fn get_offer_json(&mut self, offer: u32) -> Result<Option<String>> {
        self.allow("cluster.get-offer-json")?;
        let codec = self.options.codec.as_ref();
        let json = codec.zip(self.offer(offer));
        Ok(json.map(|(codec, offer)| codec.offer_json(offer)))
    }

    fn column(&mut self, name: String) -> Result<Vec<f64>> {
        self.allow("cluster.column")?;
        let name = Name::from(name);
        let amount = |offer: &Arc<Offer>| {
            let usable = offer.info.resources.iter().filter(|r| r.is_plain());
            usable
                .filter(|resource| resource.name == name)
                .filter_map(Resource::as_scalar)
                .sum::<Milli>()
                .thousandths()
        };
        Ok(self.offers().iter().map(amount).collect())
    }

    fn get_job(&mut self, job: u32) -> Result<Option<cluster::JobDetails>> {
        self.allow("cluster.get-job")?;
        Ok(self.tables.job(JobHandle(job)).map(convert::to_job))
    }

    fn allowed(&mut self, set: u32, agents: Vec<u32>) -> Result<Vec<u32>> {
        self.allow("cluster.allowed")?;
        if agents.len() > AGENTS_PER_QUESTION {
            return Err(wasmtime::Error::msg(format!(
                "cluster.allowed was asked about {} agents at once; at most {AGENTS_PER_QUESTION}",
                agents.len()
            )));
        }
        Ok(self.tables.allowed(SetHandle(set), &agents))
    }

    fn tasks(&mut self) -> Result<Vec<types::Task>> {
        self.allow("cluster.tasks")?;
        Ok(self.tables.tasks().map(convert::to_task).collect())
    }

    fn tasks_of_job(&mut self, job: u32) -> Result<Vec<types::Task>> {
        self.allow("cluster.tasks-of-job")?;
        let tasks = self.tables.tasks_of_job(JobHandle(job));
        Ok(tasks.map(convert::to_task).collect())
    }

    fn tasks_on_agent(&mut self, agent: u32) -> Result<Vec<types::Task>> {
        self.allow("cluster.tasks-on-agent")?;
        let tasks = self.tables.tasks_on_agent(AgentHandle(agent));
        Ok(tasks.map(convert::to_task).collect())
    }

    fn get_task(&mut self, task: u32) -> Result<Option<types::Task>> {
        self.allow("cluster.get-task")?;
        Ok(self.tables.task(TaskHandle(task)).map(convert::to_task))
    }

    fn get_task_details(&mut self, task: u32) -> Result<Option<cluster::TaskDetails>> {
        self.allow("cluster.get-task-details")?;
        let task = self.tables.known_task(TaskHandle(task));
        Ok(task.map(convert::to_task_details))
    }

    fn find_task(&mut self, id: String) -> Result<Option<u32>> {
        self.allow("cluster.find-task")?;
        Ok(self.tables.find_task(&id).map(|task| task.0))
    }

    fn operations(&mut self) -> Result<Vec<types::OperationUpdate>> {
        self.allow("cluster.operations")?;
        let operations = self.tables.operations();
        Ok(operations.map(convert::to_operation).collect())
    }
}
