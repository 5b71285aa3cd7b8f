//! The configuration file, `offerd.toml`: plain values, fully checked.
//!
//! [`Config::load`] gives a configuration that can be run or every mistake in
//! the file, files that it names included. What the values do is described in
//! docs/configuration.md.

mod address;
mod policies;
mod read;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use address::{Listen, parse_listen, parse_master};
use offerd_mesos::Address;

use crate::fallback::Fallback;
use crate::reading::{Mistakes, Section, Sink, parse_toml};
use crate::supervisor::Budget;

/// Everything that `offerd run` needs to know. Paths are absolute or relative
/// to the working directory.
#[derive(Debug, Clone)]
pub struct Config {
    pub mesos: Mesos,
    pub framework: Framework,
    pub admin: Admin,
    pub store: Store,
    pub log: Log,
    pub offers: Offers,
    pub record: Record,
    /// At least one; no role stands twice, and every role of the framework
    /// stands in one.
    pub policies: Vec<Policy>,
    /// Where this was read, to read it again; `None` if it was no file.
    pub file: Option<PathBuf>,
    /// No setting: where compiled code is kept in place of the store's directory.
    pub compiled: Option<PathBuf>,
}

/// `[mesos]`: where the masters are and how to reach them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mesos {
    /// At least one.
    pub masters: Vec<Address>,
    pub credentials: Option<Credentials>,
    /// Speak TLS, and trust the certificates (PEM) in this file alone.
    pub ca: Option<PathBuf>,
}

/// For HTTP basic authentication.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub principal: String,
    pub secret: String,
}

/// Without the secret.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

/// `[framework]`: what the master is told about this framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framework {
    pub name: String,
    /// Unix user of the tasks (R19).
    pub user: String,
    /// In the order of the file, none twice (R20).
    pub roles: Vec<String>,
    pub principal: Option<String>,
    /// How long the master keeps the tasks of a framework that is away (R18).
    pub failover_timeout: Duration,
    /// Tasks survive a restart of their agent's process (R19).
    pub checkpoint: bool,
    pub hostname: Option<String>,
    pub webui_url: Option<String>,
    /// Announces GPU_RESOURCES (R22).
    pub gpu: bool,
    pub labels: Vec<(String, String)>,
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    pub listen: Listen,
}

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    Directory(PathBuf),
    /// Forgets everything at the end. For measurements and trials.
    Memory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    /// A filter such as `info` or `info,policy=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            level: "info".to_owned(),
        }
    }
}

/// `[offers]`: how offers are treated where a policy leaves it to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    pub lease: Duration,
    pub lease_contended: Duration,
    pub refuse_waiting: Duration,
    pub refuse_idle: Duration,
}

/// `[limits]`: what each policy may use that has no limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For one call.
    pub call_deadline: Duration,
    /// In bytes.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_deadline: Duration::from_millis(250),
            memory: 64 << 20,
        }
    }
}

/// `[record]`: the recording of all that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `None`: nothing is recorded.
    pub folder: Option<PathBuf>,
    pub limits: offerd_record::Limits,
}

/// One `[[policy]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Unique; the file's name without `.wasm` if the file gives none.
    pub name: String,
    pub roles: Vec<String>,
    pub file: PathBuf,
    /// The `config` table as JSON text; `{}` if there is none.
    pub config: String,
    /// A changed file takes over.
    pub watch: bool,
    pub budget: Budget,
    pub fallback: Fallback,
    /// Its own, or those of `[limits]`.
    pub limits: Limits,
}

impl Policy {
    /// Whether an instance of it would be started in the same way.
    pub(crate) fn starts_as(&self, other: &Self) -> bool {
        (&self.file, &self.config, &self.limits) == (&other.file, &other.config, &other.limits)
    }
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn load(path: &Path) -> Result<Self, Mistakes> {
        let name = path.display().to_string();
        let text = read_text(path)?;
        let base = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            file: Some(path.to_owned()),
            ..Self::parse(&name, &text, base)?
        })
    }

    /// Checks a text. `name` stands in messages; relative paths are relative
    /// to `base`.
    pub fn parse(name: &str, text: &str, base: &Path) -> Result<Self, Mistakes> {
        let node = parse_toml(name, text)?;
        let sink = Sink::default();
        let config = Section::root(&sink, &node).and_then(|root| read::config(root, base));
        match config {
            Some(config) if sink.is_empty() => Ok(config),
            _ => Err(sink.into_mistakes(name, text)),
        }
    }

    /// Where policies that took over and what policies saved is kept, if
    /// anywhere.
    pub fn policies_dir(&self) -> Option<PathBuf> {
        match &self.store {
            Store::Directory(dir) => Some(dir.join("policies")),
            Store::Memory => None,
        }
    }

    /// Where the compiled code of policies is kept between runs, if anywhere.
    pub fn compiled_dir(&self) -> Option<PathBuf> {
        match &self.store {
            _ if self.compiled.is_some() => self.compiled.clone(),
            Store::Directory(dir) => Some(dir.join("compiled")),
            Store::Memory => None,
        }
    }
}

/// Only the address of the admin API: what the commands that ask a running
/// offerd need. Other mistakes in the file do not matter to them.
pub fn admin_address(path: &Path) -> Result<Listen, Mistakes> {
    let name = path.display().to_string();
    let text = read_text(path)?;
    let node = parse_toml(&name, &text)?;
    let sink = Sink::default();
    let base = path.parent().unwrap_or(Path::new(""));
    let listen = Section::root(&sink, &node).and_then(|mut root| {
        let store = root.section("store");
        let store = store.and_then(|section| read::store(section, base));
        let section = root.section("admin");
        read::admin(section, store.as_ref(), base)
    });
    match listen {
        Some(admin) => Ok(admin.listen),
        None => Err(sink.into_mistakes(&name, &text)),
    }
}

fn read_text(path: &Path) -> Result<String, Mistakes> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        Mistakes::whole(
            &name,
            format!("cannot read the configuration file: {error}"),
        )
    })?;
    String::from_utf8(bytes)
        .map_err(|_| Mistakes::whole(&name, "this is not a text in UTF-8, as TOML must be"))
}
