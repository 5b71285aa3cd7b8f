//! The machine: one door in, one door out.

mod io;
pub mod ledger;
pub mod view;

use std::sync::Arc;

pub use io::{
    CallId, Effect, Input, Notice, PolicySettings, Reply, Request, Session, Settings, Severity,
    Subscription, Ticket,
};
pub use ledger::{JobRecord, Ledger, Record, TaskRecord};

use crate::Instant;
use crate::policy::Codec;

/// See the module documentation.
#[derive(Debug)]
pub struct Machine {
    #[expect(dead_code, reason = "being written")]
    settings: Settings,
}

impl Machine {
    /// A machine that goes on from what a store remembers. Asks for the first
    /// subscription.
    pub fn new(
        settings: Settings,
        ledger: Ledger,
        codec: Arc<dyn Codec>,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let _ = (ledger, codec, now, effects);
        Self { settings }
    }

    /// Takes one input and appends what is to be done.
    pub fn handle(&mut self, now: Instant, input: Input, effects: &mut Vec<Effect>) {
        let _ = (now, input, effects);
    }

    /// When [`Input::Tick`] is due next.
    pub fn next_deadline(&self) -> Option<Instant> {
        None
    }

    pub fn status(&self) -> view::Status {
        view::Status::default()
    }

    /// Live and ended jobs.
    pub fn jobs(&self) -> Vec<view::JobStatus> {
        Vec::new()
    }

    /// Waiting, live and recently ended tasks.
    pub fn tasks(&self) -> Vec<view::TaskSummary> {
        Vec::new()
    }
}
