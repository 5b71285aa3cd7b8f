//! The program as users run it.

use std::ffi::OsStr;
use std::future::Future;
use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::PATIENCE;

/// Ends a wait for what never comes.
pub(crate) async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// `offerd` in a folder, with nothing of the environment's.
pub(crate) fn offerd(dir: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offerd"));
    command
        .args(arguments)
        .current_dir(dir)
        .env_remove("OFFERD_ADMIN")
        .env_remove("OFFERD_LOG")
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Status, standard output and standard error of a command that ends by itself.
pub(crate) async fn output(dir: &Path, arguments: &[impl AsRef<OsStr>]) -> (i32, String, String) {
    let ended = within("the end of a command", offerd(dir, arguments).output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = ended.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// `offerd run` at work.
pub(crate) struct Running {
    child: Child,
    /// Address of its admin API.
    pub(crate) admin: String,
}

impl Running {
    /// With the `offerd.toml` of a folder.
    pub(crate) async fn start(dir: &Path) -> Self {
        let mut child = offerd(dir, &["run", "--config", "offerd.toml"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let admin = within("the address of the admin API", async {
            let mut said = String::new();
            loop {
                let line = lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("offerd ended:\n{said}"));
                if let Some((_, address)) = line.split_once("the admin API is at ") {
                    break address.to_owned();
                }
                said += &line;
                said.push('\n');
            }
        })
        .await;
        // Somebody must read on, or its log blocks.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, admin }
    }

    /// Without a last word.
    pub(crate) async fn kill(mut self) {
        within("the end of a program", self.child.kill())
            .await
            .unwrap();
    }

    pub(crate) async fn signal(&self, name: &str) {
        signal(&self.child, name).await;
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM").await;
        ends_well(&mut self.child).await;
    }
}

/// Sends a signal: `TERM`, `INT`, `HUP`.
pub(crate) async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status().await;
    assert!(sent.unwrap().success());
}

/// Waits for a program's end with status 0.
pub(crate) async fn ends_well(child: &mut Child) {
    let status = within("the end of a program", child.wait()).await.unwrap();
    assert!(status.success(), "{status}");
}
