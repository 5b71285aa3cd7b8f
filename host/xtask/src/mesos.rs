//! The real Mesos of tests/mesos-local.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run;

/// Installs it if it is not there, and gives the program that starts it.
pub(crate) fn set_up(root: &Path) -> Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("a real Mesos can only be set up on Linux x86-64");
    }
    let folder = root.join("tests/mesos-local");
    eprintln!("Setting up the real Mesos (a minute the first time) ...");
    run(Command::new("bash").arg(folder.join("setup.sh")))
        .context("tests/mesos-local/setup.sh could not set up Mesos")?;
    Ok(folder.join("mesos-local"))
}

/// A running cluster; ends when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    child: Child,
    /// HOST:PORT of the master.
    pub(crate) address: String,
}

impl Cluster {
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .args([
                "--port",
                "0",
                "--agents",
                "2",
                "--until-stdin-closes",
                "--log",
                "/dev/null",
            ])
            .env("MESOS_ALLOCATION_INTERVAL", "200ms")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} can't be started", program.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once(','))
            .map(|(address, _)| address.to_owned());
        let Some(address) = address else {
            let _ = child.kill();
            bail!("the real Mesos did not start; it said '{}'", line.trim());
        };
        Ok(Self { child, address })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It ends itself, with its tasks, when its standard input closes.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
