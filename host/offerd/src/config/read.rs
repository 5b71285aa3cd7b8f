//! From the tree of the file to [`Config`], section by section.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::reading::{Bytes, Found, Section, Span};

use super::address::{Listen, parse_listen, parse_master};
use super::policies::{self, RoleAt};
use super::{
    Admin, Config, Credentials, Framework, Limits, Log, LogFormat, Mesos, Offers, Record, Store,
};

/// Long enough for any repair of the host that runs offerd.
const FAILOVER_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The largest time that Mesos takes: nanoseconds in 64 bits.
const LONGEST: Duration = Duration::from_secs(292 * 365 * 24 * 3600);

/// Where the admin API listens if nothing is said: a socket in the store's
/// directory, or this port if there is none.
const ADMIN_SOCKET: &str = "admin.sock";
const ADMIN_PORT: u16 = 5580;

/// A policy needs some memory to start at all.
const LEAST_MEMORY: u64 = 1 << 20;

pub(super) fn config(mut root: Section<'_>, base: &Path) -> Option<Config> {
    let mesos_section = needed(&mut root, "mesos", "write [mesos] with masters");
    let framework_section = needed(
        &mut root,
        "framework",
        "write [framework] with name, user and roles",
    );
    let store_section = needed(&mut root, "store", "write [store] with dir");
    let mesos = mesos_section.and_then(|section| mesos(section, base));
    let (framework, roles) = match framework_section {
        Some(section) => framework(section),
        None => (None, None),
    };
    let store = store_section.and_then(|section| store(section, base));
    let admin_section = root.section("admin");
    let admin = admin(admin_section, store.as_ref(), base);
    let log_section = root.section("log");
    let log = log(log_section);
    let offers_section = root.section("offers");
    let offers = offers(offers_section);
    let limits_section = root.section("limits");
    let limits = limits_section.map_or_else(Limits::default, |mut section| {
        let limits = limits(&mut section, &Limits::default());
        section.finish();
        limits
    });
    let record_section = root.section("record");
    let record = record(record_section, store.as_ref(), base);
    let policy_sections = root.sections("policy");
    let policies = policies::all(policy_sections, &root, roles.as_deref(), &limits, base);
    root.finish();
    Some(Config {
        mesos: mesos?,
        framework: framework?,
        admin: admin?,
        store: store?,
        log,
        offers,
        record,
        policies,
        file: None,
        compiled: None,
    })
}

fn needed<'a>(root: &mut Section<'a>, key: &'static str, hint: &str) -> Option<Section<'a>> {
    if root.any(key).is_none() {
        root.missing(key, hint);
    }
    root.section(key)
}

fn mesos(mut section: Section<'_>, base: &Path) -> Option<Mesos> {
    const HINT: &str = "write the masters' addresses, such as [\"127.0.0.1:5050\"]";
    let list = section.list::<String>("masters");
    if list.is_none() && section.any("masters").is_none() {
        section.missing("masters", HINT);
    }
    let masters = list.map(|list| {
        if list.found.is_empty() {
            list.spot.wrong(format!("no master stands here; {HINT}"));
        }
        list.found
            .into_iter()
            .filter_map(|found| found.check(|text| parse_master(&text)))
            .collect()
    });
    let credentials = section
        .section("credentials")
        .and_then(|section| credentials(section, base));
    let ca = section.section("tls").and_then(|mut section| {
        let ca = section
            .need::<String>("ca", "write a file with the certificates (PEM) to trust")
            .and_then(|found| readable(found, base));
        section.finish();
        ca
    });
    section.finish();
    Some(Mesos {
        masters: masters?,
        credentials,
        ca,
    })
}

fn credentials(mut section: Section<'_>, base: &Path) -> Option<Credentials> {
    let principal = section
        .need::<String>("principal", "write the name that the master knows")
        .and_then(not_empty);
    let secret = section
        .need::<String>(
            "secret_file",
            "write a file that holds the secret, nothing else",
        )
        .and_then(|found| {
            found.check(|file| {
                let path = base.join(file);
                std::fs::read_to_string(&path)
                    .map_err(|error| format!("cannot read the secret {}: {error}", path.display()))
                    .and_then(|text| match text.trim_end_matches(['\r', '\n']) {
                        "" => Err(format!("the secret file {} is empty", path.display())),
                        secret => Ok(secret.to_owned()),
                    })
            })
        });
    section.finish();
    Some(Credentials {
        principal: principal?,
        secret: secret?,
    })
}

/// The framework, and its roles with their places for the policies' checks.
fn framework<'a>(mut section: Section<'a>) -> (Option<Framework>, Option<Vec<RoleAt<'a>>>) {
    let name = section
        .need::<String>("name", "write the name that the master's pages show")
        .and_then(not_empty);
    let user = section
        .need::<String>(
            "user",
            "write the Unix user that tasks run as, such as \"nobody\"",
        )
        .and_then(not_empty);
    let roles = roles(&mut section);
    let framework = Framework {
        name: name.unwrap_or_default(),
        user: user.unwrap_or_default(),
        roles: roles
            .iter()
            .flatten()
            .map(|role| role.value.clone())
            .collect(),
        principal: section.get::<String>("principal").and_then(not_empty),
        failover_timeout: time(&mut section, "failover_timeout", FAILOVER_TIMEOUT),
        checkpoint: section
            .get::<bool>("checkpoint")
            .is_none_or(|found| found.value),
        hostname: section.get::<String>("hostname").and_then(not_empty),
        webui_url: section.get::<String>("webui_url").and_then(not_empty),
        gpu: section.get::<bool>("gpu").is_some_and(|found| found.value),
        labels: section
            .map::<String>("labels")
            .unwrap_or_default()
            .into_iter()
            .map(|(key, found)| (key, found.value))
            .collect(),
    };
    section.finish();
    (Some(framework), roles)
}

fn roles<'a>(section: &mut Section<'a>) -> Option<Vec<RoleAt<'a>>> {
    const HINT: &str = "write the roles to get offers for, such as [\"batch\", \"web\"]";
    if section.any("roles").is_none() {
        section.missing("roles", HINT);
    }
    let list = section.list::<String>("roles")?;
    if list.found.is_empty() {
        list.spot.wrong(format!("no role stands here; {HINT}"));
    }
    let mut roles: Vec<RoleAt<'a>> = Vec::new();
    for role in list.found {
        if let Err(why) = check_role(&role.value) {
            role.spot.wrong(why);
        } else if roles.iter().any(|other| other.value == role.value) {
            role.spot.wrong(format!(
                "the role '{}' stands here twice; Mesos refuses that",
                role.value
            ));
        } else {
            roles.push(role);
        }
    }
    Some(roles)
}

/// What Mesos takes as a role (R20).
pub(crate) fn check_role(role: &str) -> Result<(), String> {
    let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
    let bad_char = |c: char| c.is_whitespace() || c.is_control();
    if role.is_empty() {
        Err("a role must have a name".to_owned())
    } else if role.starts_with('-') || role.contains(bad_char) || role.split('/').any(bad_part) {
        Err(format!(
            "'{role}' is no role; a role has no spaces, does not begin with '-', and its parts \
             between '/' are neither empty nor '.' nor '..'"
        ))
    } else {
        Ok(())
    }
}

/// Without a word a socket in the store's directory: any user of the machine may
/// connect to a port, and whoever connects may run what Mesos runs for the
/// framework.
pub(super) fn admin(
    section: Option<Section<'_>>,
    store: Option<&Store>,
    base: &Path,
) -> Option<Admin> {
    let usual = match store {
        Some(Store::Directory(dir)) => Listen::Unix(dir.join(ADMIN_SOCKET)),
        _ => Listen::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, ADMIN_PORT))),
    };
    let Some(mut section) = section else {
        return Some(Admin { listen: usual });
    };
    let listen = match section.get::<String>("listen") {
        Some(found) => found.check(|text| parse_listen(&text, base)),
        None if section.any("listen").is_some() => None,
        None => Some(usual),
    };
    section.finish();
    listen.map(|listen| Admin { listen })
}

pub(super) fn store(mut section: Section<'_>, base: &Path) -> Option<Store> {
    let dir = section.get::<String>("dir");
    let memory = section.get::<bool>("memory");
    let store = match (dir, memory) {
        (Some(_), Some(memory)) if memory.value => {
            memory
                .spot
                .wrong("a store is either in a directory or in memory; remove one of the two");
            None
        }
        (Some(dir), _) => not_empty(dir).map(|dir| Store::Directory(base.join(dir))),
        (None, Some(memory)) if memory.value => Some(Store::Memory),
        (None, _) => {
            if section.any("dir").is_none() {
                section.missing(
                    "dir",
                    "write the directory where the framework's id, jobs and tasks are kept",
                );
            }
            None
        }
    };
    section.finish();
    store
}

fn log(section: Option<Section<'_>>) -> Log {
    let mut log = Log::default();
    let Some(mut section) = section else {
        return log;
    };
    if let Some(found) = section.get::<String>("format") {
        log.format = found
            .check(|text| match text.as_str() {
                "human" => Ok(LogFormat::Human),
                "json" => Ok(LogFormat::Json),
                _ => Err(format!(
                    "'{text}' is no log format; write \"human\" or \"json\""
                )),
            })
            .unwrap_or(log.format);
    }
    if let Some(found) = section.get::<String>("level") {
        log.level = found
            .check(|text| crate::telemetry::check_level(&text).map(|()| text))
            .unwrap_or(log.level);
    }
    section.finish();
    log
}

fn offers(section: Option<Section<'_>>) -> Offers {
    let seconds = Duration::from_secs;
    let mut offers = Offers {
        lease: seconds(30),
        lease_contended: seconds(1),
        refuse_waiting: seconds(60),
        refuse_idle: seconds(3600),
    };
    let Some(mut section) = section else {
        return offers;
    };
    offers.lease = above_zero(&mut section, "lease", offers.lease);
    offers.lease_contended = above_zero(&mut section, "lease_contended", offers.lease_contended);
    offers.refuse_waiting = time(&mut section, "refuse_waiting", offers.refuse_waiting);
    offers.refuse_idle = time(&mut section, "refuse_idle", offers.refuse_idle);
    section.finish();
    offers
}

/// Of `[limits]`, or of one `[[policy]]`.
pub(super) fn limits(section: &mut Section<'_>, usual: &Limits) -> Limits {
    let memory = section.get::<Bytes>("memory").and_then(|found| {
        found.check(|Bytes(bytes)| match bytes {
            LEAST_MEMORY..=0x1_0000_0000 => Ok(bytes),
            _ => Err("must be from 1MiB to 4GiB, such as \"64MiB\"".to_owned()),
        })
    });
    Limits {
        call_deadline: above_zero(section, "call_deadline", usual.call_deadline),
        memory: memory.unwrap_or(usual.memory),
    }
}

/// On unless nothing is kept anyway.
fn record(section: Option<Section<'_>>, store: Option<&Store>, base: &Path) -> Record {
    let usual = offerd_record::Limits::default();
    let beside = match store {
        Some(Store::Directory(dir)) => Some(dir.join("recordings")),
        _ => None,
    };
    let Some(mut section) = section else {
        return Record {
            folder: beside,
            limits: usual,
        };
    };
    let enabled = section.get::<bool>("enabled").map(|found| found.value);
    let spot = section.spot().clone();
    let folder = section
        .get::<String>("dir")
        .and_then(not_empty)
        .map(|dir| base.join(dir))
        .or(beside);
    if enabled == Some(true) && folder.is_none() {
        spot.wrong("with the store in memory, a recording needs dir = \"...\"");
    }
    let size = |section: &mut Section<'_>, key, usual| {
        section
            .get::<Bytes>(key)
            .map_or(usual, |found| found.value.0)
    };
    let limits = offerd_record::Limits {
        file_bytes: size(&mut section, "file_size", usual.file_bytes),
        file_age: above_zero(&mut section, "file_time", usual.file_age),
        bytes: size(&mut section, "keep_size", usual.bytes),
        age: above_zero(&mut section, "keep_time", usual.age),
    };
    section.finish();
    Record {
        folder: folder.filter(|_| enabled != Some(false)),
        limits,
    }
}

fn time(section: &mut Section<'_>, key: &'static str, usual: Duration) -> Duration {
    section
        .get::<Span>(key)
        .and_then(|found| {
            found.check(|Span(time)| {
                if time > LONGEST {
                    Err("this is longer than Mesos can count (292 years)".to_owned())
                } else {
                    Ok(time)
                }
            })
        })
        .unwrap_or(usual)
}

fn above_zero(section: &mut Section<'_>, key: &'static str, usual: Duration) -> Duration {
    section
        .get::<Span>(key)
        .and_then(|found| {
            found.check(|Span(time)| {
                if time.is_zero() {
                    Err("must be longer than 0".to_owned())
                } else {
                    Ok(time)
                }
            })
        })
        .unwrap_or(usual)
}

fn not_empty(found: Found<'_, String>) -> Option<String> {
    found.check(|text| {
        if text.trim().is_empty() {
            Err("must not be empty".to_owned())
        } else {
            Ok(text)
        }
    })
}

fn readable(found: Found<'_, String>, base: &Path) -> Option<PathBuf> {
    found.check(|file| {
        let path = base.join(file);
        match std::fs::File::open(&path) {
            Ok(_) => Ok(path),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    })
}
