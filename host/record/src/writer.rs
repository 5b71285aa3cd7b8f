//! Writes recordings beside the loop. The loop turns entries into bytes in a
//! buffer; a thread compresses and writes them, and waits for the disk. A crash
//! costs what is in the buffer, which is handed over twice a second; a power failure
//! also what the thread has not waited for, which is as much again.
//!
//! What cannot be written ends the file. The next one begins after a pause, which
//! grows while that fails too.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Stopwatch};

use bytes::Bytes;
use offerd_core::Instant;
use offerd_core::machine::Input;

use crate::entry::{Entry, Recorded, Start};
use crate::folder::Folder;
use crate::output::{LARGEST_KEPT, Output};

/// A buffer of this size is handed over at once.
pub(crate) const BUFFER: usize = 256 << 10;

/// Bytes that may wait for the disk before entries are dropped, which ends the
/// file: a recording with a hole would be worth nothing.
const BACKLOG: u64 = 256 << 20;

/// How long what was written may wait until the disk surely has it.
const SYNC: Duration = Duration::from_millis(500);

/// First and longest pause after something could not be written. A file that
/// lasted for the longest one was a good one.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// When a new file begins, and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one file, compressed.
    pub file_bytes: u64,
    pub file_age: Duration,
    /// Of all files.
    pub bytes: u64,
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            file_age: Duration::from_secs(3600),
            bytes: 1 << 30,
            age: Duration::from_secs(25 * 3600),
        }
    }
}

enum Job {
    /// A new file with this name.
    Begin(PathBuf),
    /// Components that the file names.
    Names(Vec<String>),
    Block(Vec<u8>),
}

/// What both sides know.
#[derive(Debug, Default)]
struct Shared {
    /// Bytes that wait.
    waiting: AtomicU64,
    /// Bytes of the current file.
    written: AtomicU64,
    /// The current file has ended before its time.
    failed: AtomicBool,
}

/// Takes what happens.
#[derive(Debug)]
pub struct Recorder {
    folder: Folder,
    limits: Limits,
    buffer: Vec<u8>,
    /// When the current file began; `None`: there is none.
    began: Option<Instant>,
    /// No file begins before that.
    not_before: Instant,
    /// Files that have failed since the last good one.
    failures: u32,
    shared: Arc<Shared>,
    jobs: Option<Sender<Job>>,
    /// Buffers that were written, to be filled again: fresh memory is dear.
    empty: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

impl Recorder {
    /// Writes nothing until it is told how all began.
    ///
    /// # Errors
    /// The folder can't be made or the thread not started.
    pub fn new(folder: Folder, limits: Limits) -> io::Result<Self> {
        folder.make()?;
        let shared = Arc::new(Shared::default());
        let (jobs, waiting) = channel::<Job>();
        let (done, empty) = channel();
        let writer = Writer {
            folder: folder.clone(),
            limits,
            shared: Arc::clone(&shared),
            output: None,
            sync_at: None,
            done,
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(&waiting))?;
        Ok(Self {
            folder,
            limits,
            buffer: Vec::with_capacity(BUFFER * 2),
            began: None,
            not_before: Instant::default(),
            failures: 0,
            shared,
            jobs: Some(jobs),
            empty,
            thread: Some(thread),
        })
    }

    /// Whether what happens now will stand in a file.
    pub fn is_recording(&self) -> bool {
        self.began.is_some()
    }

    /// Whether a new file should begin: this one is large or old enough, or
    /// there is none.
    pub fn wants_start(&self, now: Instant) -> bool {
        let written = self.shared.written.load(Ordering::Relaxed);
        match self.began {
            // Nor while the disk still is busy with the last one.
            None => {
                let waiting = self.shared.waiting.load(Ordering::Relaxed);
                now >= self.not_before && waiting < BACKLOG / 2
            }
            Some(began) => {
                written >= self.limits.file_bytes || now.since(began) >= self.limits.file_age
            }
        }
    }

    /// Begins a file. No round may be open, and all policies must begin anew.
    pub fn start(&mut self, start: Start) {
        self.flush();
        let now = start.now;
        self.began = Some(now);
        self.shared.written.store(0, Ordering::Relaxed);
        self.send(Job::Begin(self.folder.file(now.0 / 1_000_000)));
        self.put(&Entry::Start(Box::new(start)));
        // A file is worth nothing until its start is in it.
        self.flush();
    }

    /// Inputs that the machine takes together; `records` are the bytes of the
    /// events among them, in order.
    pub fn inputs(&mut self, now: Instant, inputs: &[Input], records: &[Bytes]) {
        if self.began.is_none() {
            return;
        }
        let mut records = records.iter();
        let inputs = inputs
            .iter()
            .map(|input| Recorded::of(input, || records.next().cloned().unwrap_or_default()))
            .collect();
        self.put(&Entry::Inputs { now, inputs });
    }

    /// Anything else.
    pub fn put(&mut self, entry: &Entry<'_>) {
        if self.began.is_none() {
            return;
        }
        let names = entry.components();
        if !names.is_empty() {
            self.send(Job::Names(names.into_iter().map(str::to_owned).collect()));
        }
        let buffer = std::mem::take(&mut self.buffer);
        // Writing into a vector does not fail.
        self.buffer = postcard::to_extend(entry, buffer).unwrap_or_default();
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
    }

    /// Hands over what there is; to be called twice a second.
    pub fn hand_over(&mut self, now: Instant) {
        self.flush();
        if self.shared.failed.swap(false, Ordering::Relaxed) {
            self.give_up(now);
        }
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let empty = self.empty.try_recv();
        let empty = empty.unwrap_or_else(|_| Vec::with_capacity(BUFFER * 2));
        let block = std::mem::replace(&mut self.buffer, empty);
        let waiting = &self.shared.waiting;
        let length = block.len() as u64;
        if waiting.fetch_add(length, Ordering::Relaxed) + length > BACKLOG {
            waiting.fetch_sub(length, Ordering::Relaxed);
            tracing::error!(
                "the disk of {} is too slow for the recording, which ends here",
                self.folder.path().display()
            );
            self.began = None;
            self.shared.failed.store(true, Ordering::Relaxed);
            return;
        }
        self.send(Job::Block(block));
    }

    /// The file has ended before its time.
    fn give_up(&mut self, now: Instant) {
        let (first, longest) = PAUSE;
        if self.began.is_some_and(|began| now.since(began) > longest) {
            self.failures = 0;
        }
        let pause = first
            .saturating_mul(1 << self.failures.min(16))
            .min(longest);
        self.failures += 1;
        self.began = None;
        self.buffer.clear();
        self.not_before = now + pause;
        tracing::error!(
            "nothing is recorded in {} for {} s; then it is tried again",
            self.folder.path().display(),
            pause.as_secs()
        );
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The thread ends only with this recorder.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Recorder {
    /// Waits until all is written.
    fn drop(&mut self) {
        self.flush();
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Writer {
    folder: Folder,
    limits: Limits,
    shared: Arc<Shared>,
    /// What comes while there is none belongs to a file that has failed.
    output: Option<Output>,
    /// When the disk is waited for.
    sync_at: Option<Stopwatch>,
    done: Sender<Vec<u8>>,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let next = match self.sync_at {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => jobs.recv_timeout(at.saturating_duration_since(Stopwatch::now())),
            };
            let mut result = Ok(());
            let ends = match next {
                Ok(job) => {
                    result = self.work(job);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            let is_time = self
                .sync_at
                .is_some_and(|at| ends || at <= Stopwatch::now());
            if result.is_ok() && is_time {
                result = self.sync();
            }
            if let Err(error) = result {
                tracing::error!(
                    "the recording in {} ends before its time: {error}",
                    self.folder.path().display()
                );
                self.output = None;
                self.sync_at = None;
                self.shared.failed.store(true, Ordering::Relaxed);
            }
            if ends {
                return;
            }
        }
    }

    fn work(&mut self, job: Job) -> io::Result<()> {
        match job {
            Job::Begin(path) => self.begin(&path),
            Job::Names(digests) => {
                for digest in digests {
                    if let Err(error) = self.folder.mark_component(&digest) {
                        tracing::warn!("the recording names the component {digest}: {error}");
                    }
                }
                Ok(())
            }
            Job::Block(mut block) => {
                let result = self.block(&block);
                let length = block.len() as u64;
                self.shared.waiting.fetch_sub(length, Ordering::Relaxed);
                block.clear();
                if block.capacity() <= LARGEST_KEPT {
                    // The recorder is ending if nobody takes it.
                    let _ = self.done.send(block);
                }
                result
            }
        }
    }

    fn begin(&mut self, path: &Path) -> io::Result<()> {
        if self.sync_at.is_some() {
            self.sync()?;
        }
        self.output = None;
        self.folder.make()?;
        self.output = Some(Output::create(path)?);
        // What can't be removed is tried again with the next file.
        if let Err(error) = self.folder.clean(self.limits.bytes, self.limits.age) {
            tracing::warn!(
                "old recordings in {} cannot be removed: {error}",
                self.folder.path().display()
            );
        }
        Ok(())
    }

    fn block(&mut self, block: &[u8]) -> io::Result<()> {
        if let Some(output) = &mut self.output {
            let written = output.block(block)?;
            self.shared.written.fetch_add(written, Ordering::Relaxed);
            self.sync_at.get_or_insert_with(|| Stopwatch::now() + SYNC);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_at = None;
        self.output.as_ref().map_or(Ok(()), Output::sync)
    }
}
