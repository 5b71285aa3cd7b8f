//! Compiling in a process of its own: a compiler that takes much memory, or that
//! a component made on purpose brings down, takes nothing of the host with it.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Text of an error that is kept of what the compiler says.
const ERROR_TEXT: u64 = 16 << 10;

/// A program that reads a component from its standard input, compiles it with
/// [`crate::Runtime::load_bytes`] into the cache whose directory is its last
/// argument, and says on its standard error why it can't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

impl Compiler {
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
        let result = talk(&mut child, component);
        if result.is_err() {
            // It may be waiting for more.
            let _ = child.kill();
        }
        let status = child
            .wait()
            .map_err(|error| format!("the compiler can't be waited for: {error}"))?;
        let said = result.map_err(|error| format!("the compiler can't be reached: {error}"))?;
        if status.success() {
            return Ok(());
        }
        Err(match said.trim() {
            "" => format!("the compiler ended with {status} and no word"),
            said => said.to_owned(),
        })
    }
}

/// Gives it the component and hears what it says.
fn talk(child: &mut Child, component: &[u8]) -> std::io::Result<String> {
    if let Some(mut stdin) = child.stdin.take()
        && let Err(error) = stdin.write_all(component)
        // It may have ended before it read all; then it says why.
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        return Err(error);
    }
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(ERROR_TEXT).read_to_end(&mut said)?;
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}
