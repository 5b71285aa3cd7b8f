//! A thread for each policy: a slow policy delays nobody but itself.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use offerd_core::policy::{Failure, Round};

use crate::options::{Snapshot, StartError};
use crate::policy::{Began, Decided, PolicyCode};

/// Requests that can wait for a policy. The machine sends a round when the last
/// one has been answered, so one round, one save and some room.
const MAILBOX: usize = 4;

/// The guest's stack, wasmtime's frames, and conversions with room to spare.
const STACK: usize = 4 * 1024 * 1024;

/// What comes back from the policy's thread.
#[derive(Debug)]
pub enum Reply {
    Decided(Box<Decided>),
    Saved(Result<Option<Snapshot>, Failure>),
    Replaced(Replaced),
    Renewed(Result<Began, StartError>),
}

/// What came of [`PolicyThread::replace`].
pub struct Replaced {
    /// The new code decides now, or why the one before goes on.
    pub result: Result<(), StartError>,
    /// The code that does not decide: the one before, or the one that could not
    /// take over.
    pub other: Box<dyn PolicyCode>,
    /// What the code before had saved, for the one that takes over; or why it
    /// could not.
    pub state: Result<Option<Snapshot>, Failure>,
    /// How the code that decides now began.
    pub began: Began,
    /// For how long nobody could decide.
    pub pause: Duration,
}

impl std::fmt::Debug for Replaced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replaced")
            .field("result", &self.result)
            .field("pause", &self.pause)
            .finish_non_exhaustive()
    }
}

/// The request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// More requests than a policy may have: a fault of the caller.
    #[error("the policy's thread has {MAILBOX} requests waiting already")]
    Full,
    /// The thread has ended, which only a panic in the host can cause.
    #[error("the policy's thread has ended")]
    Ended,
}

enum Request {
    Decide(Arc<Round>),
    Save,
    Replace(Box<dyn PolicyCode>),
    Renew,
}

/// A policy on a thread of its own. When it is dropped, the thread ends after
/// the call that it is in.
#[derive(Debug)]
pub struct PolicyThread {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

/// A thread with room for what policies need.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(format!("policy-{name}"))
        .stack_size(STACK)
        .spawn(run)
}

impl PolicyThread {
    /// `reply` is called on the policy's thread, once for each request that was
    /// taken, in their order; it must not block for long.
    pub fn spawn(
        name: &str,
        code: Box<dyn PolicyCode>,
        reply: impl Fn(Reply) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (requests, mailbox) = sync_channel(MAILBOX);
        let thread = spawn(name, move || run(code, &mailbox, reply))?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// The thread on which `reply` is called.
    pub fn id(&self) -> Option<ThreadId> {
        self.thread.as_ref().map(|thread| thread.thread().id())
    }

    /// Asks for a decision. Never blocks.
    pub fn invoke(&self, round: Arc<Round>) -> Result<(), InvokeError> {
        self.send(Request::Decide(round))
    }

    /// Asks for the policy's state. Never blocks.
    pub fn save(&self) -> Result<(), InvokeError> {
        self.send(Request::Save)
    }

    /// Asks for other code to take over from the next round on, with the state
    /// of the one before. Never blocks.
    pub fn replace(&self, code: Box<dyn PolicyCode>) -> Result<(), InvokeError> {
        self.send(Request::Replace(code))
    }

    /// Asks the code to begin anew from the next round on, with its own state.
    /// Never blocks.
    pub fn renew(&self) -> Result<(), InvokeError> {
        self.send(Request::Renew)
    }

    /// Ends the thread after the requests that it has, and waits for it.
    pub fn stop(mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been reported where it happened.
            let _ = thread.join();
        }
    }

    fn send(&self, request: Request) -> Result<(), InvokeError> {
        let requests = self.requests.as_ref().ok_or(InvokeError::Ended)?;
        requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => InvokeError::Full,
            TrySendError::Disconnected(_) => InvokeError::Ended,
        })
    }
}

fn run(mut code: Box<dyn PolicyCode>, mailbox: &Receiver<Request>, reply: impl Fn(Reply)) {
    for request in mailbox {
        reply(match request {
            Request::Decide(round) => Reply::Decided(Box::new(code.decide(round))),
            Request::Save => Reply::Saved(code.save()),
            Request::Renew => Reply::Renewed(code.renew().map(|()| code.began())),
            Request::Replace(next) => Reply::Replaced(replace(&mut code, next)),
        });
    }
}

fn replace(code: &mut Box<dyn PolicyCode>, mut next: Box<dyn PolicyCode>) -> Replaced {
    let started = Instant::now();
    let state = code.save();
    // Code that cannot save has nothing to give: the next one learns what is
    // from the tables.
    let given = state.as_ref().ok().cloned().flatten();
    let result = next.take_over(given);
    if result.is_ok() {
        std::mem::swap(code, &mut next);
    }
    Replaced {
        result,
        other: next,
        state,
        began: code.began(),
        pause: started.elapsed(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use offerd_core::policy::Answer;

    use super::*;
    use crate::policy::CallStats;
    use crate::testing::round;

    /// Answers when it is told to.
    struct Slow(std::sync::mpsc::Receiver<()>);

    impl PolicyCode for Slow {
        fn decide(&mut self, round: Arc<Round>) -> Decided {
            let _ = self.0.recv();
            Decided {
                round: round.number,
                result: Ok(Answer::default()),
                stats: CallStats::default(),
            }
        }
    }

    #[test]
    fn replies_come_in_order_and_a_full_mailbox_does_not_block() {
        let (go, wait) = channel();
        let (replies, received) = channel();
        let thread = PolicyThread::spawn("slow", Box::new(Slow(wait)), move |reply| {
            let _ = replies.send(reply);
        })
        .unwrap();
        let mut taken = 0;
        let error = loop {
            match thread.invoke(Arc::new(round(taken + 1))) {
                Ok(()) => taken += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error, InvokeError::Full);
        assert!(taken >= u32::try_from(MAILBOX).unwrap());
        for number in 1..=taken {
            go.send(()).unwrap();
            match received.recv().unwrap() {
                Reply::Decided(decided) => assert_eq!(decided.round, number),
                other => panic!("{other:?}"),
            }
        }
        thread.save().unwrap();
        assert!(matches!(received.recv().unwrap(), Reply::Saved(Ok(None))));
        thread.stop();
        assert!(
            received.recv().is_err(),
            "the thread and its closure are gone"
        );
    }
}
