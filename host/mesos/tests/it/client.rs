//! The client under test and what it has told.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use offerd_core::event::Event;
use offerd_core::machine::{Session, Subscription};
use offerd_mesos::convert::FrameworkSettings;
use offerd_mesos::{Client, Settings, Transport, start};
use tokio::sync::{mpsc, watch};

use crate::server::Master;

/// Longer than any test takes on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends a test that hangs. Nothing is measured by it.
pub(crate) async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, test)
        .await
        .unwrap_or_else(|_| panic!("the test did not end within {PATIENCE:?}"))
}

/// Runs a test in time that stands still but for `tokio::time::advance`. (A
/// paused clock alone would jump ahead while a socket is waited for.)
pub(crate) async fn frozen<T>(test: impl Future<Output = T>) -> T {
    tokio::time::pause();
    let start = std::time::Instant::now();
    let guard = async {
        loop {
            let waited = start.elapsed();
            assert!(
                waited < PATIENCE,
                "the test did not end within {PATIENCE:?}"
            );
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        result = test => result,
        never = guard => never,
    }
}

/// In a test with frozen time: lets it pass, in steps that are short beside any
/// time-out, until something has happened.
pub(crate) async fn later<T>(happens: impl Future<Output = T>) -> T {
    let time = async {
        loop {
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        result = happens => result,
        never = time => never,
    }
}

/// Settings with waits too short to be noticed.
pub(crate) fn settings(masters: &[&Master]) -> Settings {
    let framework = FrameworkSettings::new("it", "root", vec!["batch".into(), "web".into()]);
    let mut settings = Settings::new(masters.iter().map(|m| m.address()).collect(), framework);
    settings.backoff = (Duration::from_millis(1), Duration::from_millis(5));
    settings
}

pub(crate) struct Watched {
    pub(crate) client: Client,
    /// What the machine wants SUBSCRIBE to say.
    pub(crate) subscription: watch::Sender<Subscription>,
    out: mpsc::UnboundedReceiver<Vec<Transport>>,
    queue: VecDeque<Transport>,
}

impl Watched {
    pub(crate) fn start(settings: Settings) -> Self {
        let (subscription, wanted) = watch::channel(Subscription::default());
        let (events, out) = mpsc::unbounded_channel();
        let client = start(settings, wanted, events).unwrap();
        Self {
            client,
            subscription,
            out,
            queue: VecDeque::new(),
        }
    }

    pub(crate) async fn next(&mut self) -> Transport {
        while self.queue.is_empty() {
            let batch = self.out.recv().await.expect("the client's task ended");
            self.queue.extend(batch);
        }
        self.queue.pop_front().unwrap()
    }

    pub(crate) async fn event(&mut self) -> (Session, Event) {
        match self.next().await {
            Transport::Event { session, event, .. } => (session, event),
            other => panic!("expected an event, got {other:?}"),
        }
    }

    /// The session of a SUBSCRIBED event, which must come next.
    pub(crate) async fn subscribed(&mut self) -> Session {
        match self.event().await {
            (session, Event::Subscribed { .. }) => session,
            other => panic!("expected SUBSCRIBED, got {other:?}"),
        }
    }

    /// Why the session ended, which must be told next.
    pub(crate) async fn disconnected(&mut self) -> String {
        match self.next().await {
            Transport::Disconnected { reason, .. } => reason,
            other => panic!("expected Disconnected, got {other:?}"),
        }
    }

    /// [`Self::disconnected`] in a test with frozen time, while some passes.
    pub(crate) async fn disconnected_later(&mut self) -> String {
        later(self.disconnected()).await
    }

    /// The next message, which must be a warning.
    pub(crate) async fn warning(&mut self) -> String {
        match self.next().await {
            Transport::Notice {
                warning: true,
                text,
            } => text,
            other => panic!("expected a warning, got {other:?}"),
        }
    }

    /// The next message, which must be fatal; nothing may follow it.
    pub(crate) async fn fatal(&mut self) -> String {
        match self.next().await {
            Transport::Fatal(text) => {
                assert_eq!(self.out.recv().await, None);
                text
            }
            other => panic!("expected a fatal message, got {other:?}"),
        }
    }
}

#[track_caller]
pub(crate) fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "'{part}' is not in: {text}");
}
