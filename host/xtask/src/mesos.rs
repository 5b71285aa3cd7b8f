//! The real Mesos of tests/mesos-local.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run;

/// What is needed to run it.
#[derive(Debug)]
pub(crate) struct Installed {
    /// tests/mesos-local.
    folder: PathBuf,
    /// Where the library and its helpers are: `$MESOS_LOCAL_HOME`, or with what else is
    /// built.
    home: PathBuf,
}

/// Installs it if it is not there.
pub(crate) fn set_up(root: &Path) -> Result<Installed> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("a real Mesos can only be set up on Linux x86-64");
    }
    let installed = Installed {
        folder: root.join("tests/mesos-local"),
        home: std::env::var_os("MESOS_LOCAL_HOME")
            .filter(|home| !home.is_empty())
            .map_or_else(|| root.join("target/mesos-local"), PathBuf::from),
    };
    eprintln!("Setting up the real Mesos (a minute the first time) ...");
    let mut set_up = Command::new("bash");
    set_up.arg(installed.folder.join("setup.sh"));
    run(set_up.env("MESOS_LOCAL_HOME", &installed.home))
        .context("tests/mesos-local/setup.sh could not set up Mesos")?;
    Ok(installed)
}

impl Installed {
    fn program(&self) -> PathBuf {
        self.folder.join("mesos-local")
    }

    /// Tells tests where it is.
    pub(crate) fn tell(&self, tests: &mut Command) {
        tests
            .env("OFFERD_MESOS_LOCAL", self.program())
            .env("MESOS_LOCAL_HOME", &self.home);
    }

    /// Runs its own tests: what others are compared with must be right itself.
    pub(crate) fn smoke_test(&self) -> Result<()> {
        eprintln!("Testing {} ...", self.folder.display());
        let mut tests = Command::new("python3");
        tests
            .arg(self.folder.join("test/smoke_test.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("MESOS_LOCAL_HOME", &self.home);
        run(&mut tests)
    }

    pub(crate) fn start(&self) -> Result<Cluster> {
        Cluster::start(Command::new(self.program()).env("MESOS_LOCAL_HOME", &self.home))
    }
}

/// A running cluster; ends when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    child: Child,
    /// HOST:PORT of the master.
    pub(crate) address: String,
}

impl Cluster {
    fn start(program: &mut Command) -> Result<Self> {
        let mut child = program
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
            .context("tests/mesos-local/mesos-local can't be started")?;
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
