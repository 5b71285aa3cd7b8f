//! Writes recordings beside the loop: the loop puts entries into a buffer, a
//! thread compresses and writes them. A crash costs what is in the buffer, which
//! is handed over twice a second.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use offerd_core::Instant;
use offerd_core::machine::Input;

use crate::entry::{Entry, Recorded, Start};
use crate::file::{Head, MAGIC, checksum};
use crate::folder::Folder;

/// A buffer of this size is handed over at once.
const BUFFER: usize = 256 << 10;

/// Larger buffers are not kept for later.
const LARGEST_KEPT: usize = 16 << 20;

/// Bytes that may wait for the disk before entries are dropped, which ends the
/// file: a recording with a hole would be worth nothing.
const BACKLOG: u64 = 256 << 20;

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
    Block(Vec<u8>),
}

/// What both sides know.
#[derive(Debug, Default)]
struct Shared {
    /// Bytes that wait.
    waiting: AtomicU64,
    /// Bytes of the current file.
    written: AtomicU64,
    failed: AtomicBool,
}

/// Takes what happens.
#[derive(Debug)]
pub struct Recorder {
    folder: Folder,
    limits: Limits,
    buffer: Vec<u8>,
    began: Option<Instant>,
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
            file: None,
            packed: Vec::new(),
            done,
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(waiting))?;
        Ok(Self {
            folder,
            limits,
            buffer: Vec::with_capacity(BUFFER * 2),
            began: None,
            shared,
            jobs: Some(jobs),
            empty,
            thread: Some(thread),
        })
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether a new file should begin: this one is large or old enough, or
    /// there is none.
    pub fn wants_start(&self, now: Instant) -> bool {
        let written = self.shared.written.load(Ordering::Relaxed);
        match self.began {
            None => !self.shared.failed.load(Ordering::Relaxed),
            Some(began) => {
                written >= self.limits.file_bytes || now.since(began) >= self.limits.file_age
            }
        }
    }

    /// Begins a file. No round may be open, and all policies must begin anew.
    pub fn start(&mut self, start: Start) {
        self.hand_over();
        let now = start.now;
        self.began = Some(now);
        self.shared.written.store(0, Ordering::Relaxed);
        self.send(Job::Begin(self.folder.file(now.0 / 1_000_000)));
        self.put(&Entry::Start(Box::new(start)));
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
        let buffer = std::mem::take(&mut self.buffer);
        // Writing into a vector does not fail.
        self.buffer = postcard::to_extend(entry, buffer).unwrap_or_default();
        if self.buffer.len() >= BUFFER {
            self.hand_over();
        }
    }

    /// Hands over what there is; to be called twice a second.
    pub fn hand_over(&mut self) {
        if self.shared.failed.load(Ordering::Relaxed) {
            self.began = None;
            self.buffer.clear();
            return;
        }
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
                "the disk is too slow for the recording; it ends here, and another begins when \
                 the disk has caught up"
            );
            self.began = None;
            return;
        }
        self.send(Job::Block(block));
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// Something could not be written; the log says what.
    pub fn finish(mut self) -> io::Result<()> {
        self.end();
        if self.shared.failed.load(Ordering::Relaxed) {
            return Err(io::Error::other("the recording is not complete"));
        }
        Ok(())
    }

    fn end(&mut self) {
        self.hand_over();
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
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
        self.end();
    }
}

/// The thread's side.
struct Writer {
    folder: Folder,
    limits: Limits,
    shared: Arc<Shared>,
    file: Option<File>,
    /// For a block in its form on the disk.
    packed: Vec<u8>,
    done: Sender<Vec<u8>>,
}

impl Writer {
    fn run(mut self, jobs: Receiver<Job>) {
        for job in jobs {
            let result = match job {
                Job::Begin(path) => self.begin(&path),
                Job::Block(mut block) => {
                    let result = self.block(&block);
                    self.shared
                        .waiting
                        .fetch_sub(block.len() as u64, Ordering::Relaxed);
                    block.clear();
                    if block.capacity() <= LARGEST_KEPT {
                        // The recorder is ending if nobody takes it.
                        let _ = self.done.send(block);
                    }
                    result
                }
            };
            if let Err(error) = result {
                tracing::error!(
                    "nothing is recorded any more in {}: {error}",
                    self.folder.path().display()
                );
                self.shared.failed.store(true, Ordering::Relaxed);
                self.file = None;
            }
        }
    }

    fn begin(&mut self, path: &std::path::Path) -> io::Result<()> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(MAGIC)?;
        self.file = Some(file);
        self.folder.clean(self.limits.bytes, self.limits.age)
    }

    fn block(&mut self, block: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let most = Head::LENGTH + lz4_flex::block::get_maximum_output_size(block.len());
        if self.packed.len() < most {
            self.packed.resize(most, 0);
        }
        let (head, packed) = self.packed.split_at_mut(Head::LENGTH);
        let size = lz4_flex::block::compress_into(block, packed).map_err(io::Error::other)?;
        let packed = packed.get(..size).unwrap_or_default();
        let length = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
        let plain = length(block.len())?;
        let numbers = Head {
            packed: length(size)?,
            plain,
            checksum: checksum(plain, packed),
        };
        head.copy_from_slice(&numbers.bytes());
        let whole = self.packed.get(..Head::LENGTH + size).unwrap_or_default();
        file.write_all(whole)?;
        self.shared
            .written
            .fetch_add(whole.len() as u64, Ordering::Relaxed);
        if self.packed.len() > LARGEST_KEPT {
            self.packed = Vec::new();
        }
        Ok(())
    }
}
