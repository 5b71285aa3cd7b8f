//! The client: one subscription and one connection for calls at a time, made
//! again whenever either of them breaks (R12).
//!
//! Events go out through an unbounded channel on purpose: the stream must
//! always be read (R10), and what the machine has not taken yet waits here and
//! not in the master.

mod address;
mod answers;
mod backoff;
mod calls;
mod connection;
mod session;
mod subscribe;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use offerd_core::call::Call;
use offerd_core::event::Event;
use offerd_core::ids::FrameworkId;
use offerd_core::machine::{CallId, Session, Subscription};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use address::{Address, AddressError};
pub use connection::TlsError;

use crate::convert::FrameworkSettings;
use backoff::Backoff;
use connection::Connector;
use subscribe::Ended;

/// Redirects that are followed in a row before the client waits (R7).
const REDIRECTS: u32 = 5;

/// How to reach the masters and what to say to them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Tried in turn; a master that does not lead redirects to the leader.
    pub masters: Vec<Address>,
    pub framework: FrameworkSettings,
    /// Principal and secret for Basic authentication.
    pub credentials: Option<(String, String)>,
    /// Speak TLS, and trust the certificates in this PEM file.
    pub tls_ca: Option<PathBuf>,
    /// Longest record of the stream in bytes.
    pub record_limit: usize,
    /// Missed heartbeats after which the subscription counts as dead (R9).
    pub missed_heartbeats: u32,
    /// First and longest wait between attempts.
    pub backoff: (Duration, Duration),
    /// For a connection to be made and a subscription to be answered.
    pub connect_timeout: Duration,
    /// While calls wait for answers and none comes, the connection counts as
    /// dead after this.
    pub answer_timeout: Duration,
}

impl Settings {
    pub fn new(masters: Vec<Address>, framework: FrameworkSettings) -> Self {
        Self {
            masters,
            framework,
            credentials: None,
            tls_ca: None,
            // A burst of 200,000 offers is about 100 MiB.
            record_limit: 256 << 20,
            missed_heartbeats: 5,
            backoff: (Duration::from_millis(250), Duration::from_secs(15)),
            connect_timeout: Duration::from_secs(10),
            // A master that is busy answers late, but it answers.
            answer_timeout: Duration::from_secs(30),
        }
    }
}

/// What the client tells its user.
#[derive(Debug, Clone, PartialEq)]
pub enum Transport {
    Event {
        session: Session,
        event: Event,
        /// The event as the master sent it.
        record: Bytes,
    },
    /// The master refused a call of a live session.
    CallFailed {
        session: Session,
        call: CallId,
        why: String,
    },
    /// The session is over; calls without an answer may or may not have been
    /// taken. A new one is being made.
    Disconnected { session: Session, reason: String },
    /// For people: what the client is doing.
    Notice { warning: bool, text: String },
    /// The masters refuse what is configured; trying again would not help.
    Fatal(String),
}

/// Calls for the client's task.
#[derive(Debug)]
struct Batch {
    session: Session,
    calls: Vec<(CallId, Call)>,
}

/// A running client. Dropping it ends its connections without a word to the
/// master: the tasks go on. Calls that are not sent yet are lost; see
/// [`Client::close`].
#[derive(Debug)]
pub struct Client {
    calls: mpsc::UnboundedSender<Batch>,
    task: Task,
}

/// Ends the client's task with the client.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    /// Sends calls in order, after all earlier ones. They are dropped if their
    /// session is over.
    pub fn send(&self, session: Session, calls: Vec<(CallId, Call)>) {
        // The task only ends with the client or after a fatal message.
        let _ = self.calls.send(Batch { session, calls });
    }

    /// Ends the client when the master has answered all calls that it was given,
    /// or after `limit`. Without a session nothing is waited for.
    pub async fn close(self, limit: Duration) {
        let Self { calls, mut task } = self;
        drop(calls);
        // What has no answer by then is as if the connection had broken.
        let _ = tokio::time::timeout(limit, &mut task.0).await;
    }
}

/// Starts the client on the current tokio runtime.
///
/// # Errors
/// The CA file can't be used.
pub fn start(
    settings: Settings,
    subscription: watch::Receiver<Subscription>,
    out: mpsc::UnboundedSender<Vec<Transport>>,
) -> Result<Client, TlsError> {
    let connector = Connector::new(settings.tls_ca.as_deref(), settings.connect_timeout)?;
    let (calls, batches) = mpsc::unbounded_channel();
    let worker = Worker {
        settings,
        connector,
        subscription,
        out,
        session: Session(0),
        framework: None,
        told: HashSet::new(),
    };
    let task = Task(tokio::spawn(worker.run(batches)));
    Ok(Client { calls, task })
}

/// The client's task.
struct Worker {
    settings: Settings,
    connector: Connector,
    subscription: watch::Receiver<Subscription>,
    out: mpsc::UnboundedSender<Vec<Transport>>,
    /// Number of the latest session.
    session: Session,
    /// The id of the latest SUBSCRIBED. The machine learns it later than this
    /// task does, and a SUBSCRIBE without it would make a new framework (R14).
    framework: Option<FrameworkId>,
    /// Notices that were given.
    told: HashSet<String>,
}

impl Worker {
    async fn run(mut self, mut batches: mpsc::UnboundedReceiver<Batch>) {
        let mut backoff = Backoff::new(self.settings.backoff);
        let mut ever_subscribed = false;
        let mut next = 0;
        let mut redirect: Option<Address> = None;
        let mut redirects = 0;
        loop {
            let master = match redirect.take() {
                Some(leader) => leader,
                None => match self.settings.masters.get(next) {
                    Some(master) => master.clone(),
                    None => return self.tell(Transport::Fatal("no master is configured".into())),
                },
            };
            let opened = tokio::select! {
                opened = self.open(&master) => opened,
                () = closed(&mut batches) => return,
            };
            let ended = match opened {
                Ok(opened) => self.run_session(opened, &mut batches).await,
                Err(ended) => ended,
            };
            let why = match ended {
                Ended::Redirect(leader) if redirects < REDIRECTS => {
                    redirects += 1;
                    redirect = Some(leader);
                    continue;
                }
                Ended::Redirect(leader) => {
                    format!("{master} redirects to {leader}, and so on without end")
                }
                Ended::Refused(why) if !ever_subscribed => {
                    return self.tell(Transport::Fatal(format!("master {master}: {why}")));
                }
                Ended::Refused(why) | Ended::Unavailable(why) => format!("master {master}: {why}"),
                Ended::Session { reason, steady } => {
                    ever_subscribed = true;
                    if steady {
                        backoff.reset();
                    }
                    let session = self.session;
                    self.tell(Transport::Disconnected { session, reason });
                    // The same master first: most often only the connection broke.
                    redirect = Some(master);
                    redirects = 0;
                    if !pause(&mut backoff, &mut batches).await {
                        return;
                    }
                    continue;
                }
                Ended::Abandoned => return,
            };
            redirects = 0;
            next = (next + 1) % self.settings.masters.len();
            let text = format!("{why}; trying again");
            self.tell(Transport::Notice {
                warning: true,
                text,
            });
            if !pause(&mut backoff, &mut batches).await {
                return;
            }
        }
    }

    fn tell(&self, message: Transport) {
        // If nobody listens any more, the client is being dropped.
        let _ = self.out.send(vec![message]);
    }
}

/// Waits for the next attempt; false: the client was closed meanwhile.
async fn pause(backoff: &mut Backoff, batches: &mut mpsc::UnboundedReceiver<Batch>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(backoff.next_wait()) => true,
        () = closed(batches) => false,
    }
}

/// Until the client is closed. Calls that come without a session are of one that
/// is over.
async fn closed(batches: &mut mpsc::UnboundedReceiver<Batch>) {
    while batches.recv().await.is_some() {}
}
