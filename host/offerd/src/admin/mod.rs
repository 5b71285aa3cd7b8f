//! The admin API: HTTP with JSON on a Unix socket or a loopback address.
//!
//! The server asks the driver and never touches the machine; what it answers is
//! described in docs/admin-api.md. The client is what the commands use.

pub mod api;
pub mod client;
pub(crate) mod guard;
mod metrics;
mod query;
pub(crate) mod routes;
pub(crate) mod server;

use std::path::PathBuf;

use offerd_core::machine::view::{JobStatus, TaskFilter, TaskSummary, Why};
use offerd_core::machine::{Reply, Request};
use tokio::sync::{mpsc, oneshot};

pub(crate) use metrics::{PolicyNumbers, Snapshot};

/// Requests that wait for the loop. More of them wait in their connections.
const WAITING: usize = 64;

/// A question to the driver.
#[derive(Debug)]
pub(crate) enum Ask {
    Operator(Request, oneshot::Sender<Reply>),
    Status(oneshot::Sender<api::Status>),
    Jobs(oneshot::Sender<Vec<JobStatus>>),
    Tasks(TaskFilter, oneshot::Sender<Vec<TaskSummary>>),
    Metrics(oneshot::Sender<Snapshot>),
    /// Other code for a policy, named by itself or a role.
    Swap {
        policy: String,
        file: PathBuf,
        answer: oneshot::Sender<Reply>,
    },
    /// The code before.
    RollBack {
        policy: String,
        answer: oneshot::Sender<Reply>,
    },
    /// Why a task is where it is; `None` if nobody knows it.
    Why {
        task: String,
        answer: oneshot::Sender<Option<Why>>,
    },
    /// What would get a waiting task placed; `None` if no such task waits.
    WhatIf {
        task: String,
        answer: oneshot::Sender<Option<api::WhatIf>>,
    },
    /// A candidate that decides beside a policy without effect.
    Shadow {
        policy: String,
        file: PathBuf,
        answer: oneshot::Sender<Reply>,
    },
    /// A shadow takes over. `digest`: how its digest begins; empty for the only
    /// one.
    Promote {
        policy: String,
        digest: String,
        answer: oneshot::Sender<Reply>,
    },
    /// A shadow ends.
    Abort {
        policy: String,
        digest: String,
        answer: oneshot::Sender<Reply>,
    },
    /// Code that decides for a part of a policy's demand.
    Canary {
        policy: String,
        wish: api::CanaryWish,
        answer: oneshot::Sender<Reply>,
    },
    /// Read the configuration again and look at all policy files.
    Reload(Option<oneshot::Sender<Reply>>),
}

/// The driver is gone: the service is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("offerd is stopping")]
pub(crate) struct Stopping;

/// The way to ask the driver.
#[derive(Debug, Clone)]
pub(crate) struct Asker(mpsc::Sender<Ask>);

impl Asker {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    pub(crate) async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Ask,
    ) -> Result<T, Stopping> {
        let (sender, answer) = oneshot::channel();
        self.0.send(question(sender)).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)
    }
}

impl Asker {
    /// Says something that has no answer.
    pub(crate) async fn tell(&self, ask: Ask) -> Result<(), Stopping> {
        self.0.send(ask).await.map_err(|_| Stopping)
    }
}
