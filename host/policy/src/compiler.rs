//! Compiling in a process of its own: a compiler that takes much time or memory,
//! or that a component made on purpose brings down, takes nothing of the host
//! with it.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::limits::{show_bytes, show_duration};

/// Text of an error that is kept of what the compiler says.
const ERROR_TEXT: u64 = 16 << 10;

/// Processor time of the compiler. The largest known honest policy, one in Python
/// of 18 MB, takes 12 s.
const PROCESSOR: Duration = Duration::from_secs(120);

/// Longest wait for a compiler that does nothing, or gets no processor.
const WAIT: Duration = Duration::from_secs(900);

/// Memory that the compiler may write to. The same policy takes 0.5 GiB.
const MEMORY: usize = 4 << 30;

/// Added to that of the host.
const NICENESS: i32 = 10;

/// A program that confines itself ([`confine`]), reads a component from its
/// standard input, compiles it with [`crate::Runtime::compile`] into the cache
/// whose directory is its last argument, and says on its standard error why it
/// can't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Past it the program is killed.
    pub wait: Duration,
}

impl Compiler {
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments,
            wait: WAIT,
        }
    }

    /// Waits until the code is in the cache.
    pub(crate) fn compile(&self, component: &[u8], cache: &Path) -> Result<(), String> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(cache)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let program = self.program.display();
                format!("the compiler {program} can't be started: {error}")
            })?;
        let result = self.talk(&mut child, component);
        if result.is_err() {
            // It may be at work, or be waiting for more.
            let _ = child.kill();
        }
        let status = child
            .wait()
            .map_err(|error| format!("the compiler can't be waited for: {error}"))?;
        verdict(status, result?.trim())
    }

    /// Gives it the component and hears what it says, until it ends or its time
    /// is over.
    fn talk(&self, child: &mut Child, component: &[u8]) -> Result<String, String> {
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let (said, heard) = sync_channel(1);
        thread::scope(|scope| {
            // It ends with the pipes, which end with the child.
            let talking = thread::Builder::new()
                .name("compiler".to_owned())
                .spawn_scoped(scope, move || {
                    // Nobody waits for it after its time.
                    let _ = said.send(exchange(stdin, stderr, component));
                });
            let result = match talking {
                Ok(_) => heard.recv_timeout(self.wait),
                Err(error) => return Err(format!("the compiler can't be watched: {error}")),
            };
            match result {
                Ok(said) => said.map_err(|error| format!("the compiler can't be reached: {error}")),
                Err(_) => {
                    let _ = child.kill();
                    Err(format!(
                        "the compiler was ended, since it took longer than {}",
                        show_duration(self.wait)
                    ))
                }
            }
        })
    }
}

fn exchange(
    stdin: Option<ChildStdin>,
    stderr: Option<ChildStderr>,
    component: &[u8],
) -> io::Result<String> {
    if let Some(mut stdin) = stdin
        && let Err(error) = stdin.write_all(component)
        // It may have ended before it read all; then it says why.
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(error);
    }
    let mut said = Vec::new();
    if let Some(stderr) = stderr {
        stderr.take(ERROR_TEXT).read_to_end(&mut said)?;
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// What its end means.
fn verdict(status: ExitStatus, said: &str) -> Result<(), String> {
    if status.success() {
        return Ok(());
    }
    let signal = status.signal().and_then(Signal::from_named_raw);
    Err(match (signal, said) {
        (Some(Signal::XCPU), _) => format!(
            "the compiler was ended, since it used more than {} of processor time",
            show_duration(PROCESSOR)
        ),
        (_, "") => format!("the compiler ended with {status} and no word"),
        // Such as the standard library's words about memory that it did not get.
        (Some(_), said) => format!(
            "the compiler, which may use {}, ended with {status}: {said}",
            show_bytes(MEMORY)
        ),
        (None, said) => said.to_owned(),
    })
}

/// For the program that compiles: it ends with the process that started it, and
/// gets no more time and memory than a compiler needs.
pub fn confine() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Where cores are scarce, whoever decides comes first.
    rustix::process::nice(NICENESS)?;
    limit(Resource::Cpu, PROCESSOR.as_secs())?;
    limit(Resource::Data, MEMORY as u64)
}

/// Sets a limit, unless there is a lower one.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let limit = Rlimit {
        current: Some(maximum.unwrap_or(most).min(most)),
        maximum,
    };
    Ok(setrlimit(resource, limit)?)
}
