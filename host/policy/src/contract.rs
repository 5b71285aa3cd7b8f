//! Compares a component with the contract before it is compiled, and says all
//! that does not fit at once, in the words of WIT. wasmtime checks the same
//! again when it links; this is for the people who read the messages.

mod surface;
mod types;
mod weight;

use std::fmt;

use self::surface::{Function, Item, Surface};
use crate::bindings::COMPONENT_TYPE;
use crate::limits::{INSTANCE_BYTES, show_bytes};
use crate::program::LoadError;

/// The package of the contract.
const PACKAGE: &str = "offerd:policy";
/// Versions with the same beginning are compatible, as in semver below 1.0.
const TRACK: &str = "0.1.";
/// Most problems that are told; a component made for another version of the
/// contract can have many.
const TOLD: usize = 20;
/// The optional export.
pub(crate) const STATE: &str = "offerd:policy/state@0.1.0";

/// The versions of the contract that this host has.
pub(crate) fn speaks() -> String {
    format!("{PACKAGE}@{TRACK}x")
}

/// Package and version of an interface of the contract: `offerd:policy@0.1.0`.
pub(crate) fn version(name: &str) -> Option<String> {
    let interface = Interface::parse(name).filter(|i| i.package == PACKAGE)?;
    Some(format!("{PACKAGE}@{}", interface.version?))
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is made for another version of the contract.
    Version { found: Vec<String> },
    /// It imports WASI interfaces.
    Wasi { interfaces: Vec<String> },
    /// It imports something that no contract has.
    Unknown { kind: &'static str, name: String },
    /// It imports a function that the contract does not have.
    UnknownFunction { interface: String, name: String },
    /// It lacks a function that the host calls.
    Missing { wanted: String },
    /// A function has another type.
    Type {
        wanted: String,
        found: String,
        difference: String,
    },
    /// A core module takes too much of the host's memory for each instance.
    Heavy { bytes: usize },
    /// So many further ones.
    More { count: usize },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { found } => write!(
                f,
                "it is made for {}; this host has {}: build it with the SDK of this host's version. \
                 What it uses is compared below",
                found.join(" and "),
                speaks()
            ),
            Self::Wasi { interfaces } => write!(
                f,
                "it imports {}, and policies get no WASI: time, random numbers and logs come from \
                 {PACKAGE}. `offerd policy build` builds without WASI, in every language of its own; \
                 with other tools, leave WASI out (Rust: for wasm32-unknown-unknown, not wasip1 \
                 or wasip2)",
                interfaces.join(", ")
            ),
            Self::Unknown { kind, name } => write!(
                f,
                "it imports the {kind} {name}, which this host does not have; only the interfaces \
                 of {PACKAGE} can be imported"
            ),
            Self::UnknownFunction { interface, name } => write!(
                f,
                "it imports {name} of {interface}, which that interface does not have here; is \
                 its SDK newer than this host?"
            ),
            Self::Missing { wanted } => write!(f, "it does not export `{wanted}`"),
            Self::Type {
                wanted,
                found,
                difference,
            } => write!(
                f,
                "a function has another type: {difference}\n    wanted `{wanted}`\n    found  \
                 `{found}`"
            ),
            Self::Heavy { bytes } => write!(
                f,
                "one of its core modules has so many globals, functions, imports and segments that \
                 each instance would take {} of the host's memory; at most {}",
                show_bytes(*bytes),
                show_bytes(INSTANCE_BYTES)
            ),
            Self::More { count } => write!(f, "and {count} more"),
        }
    }
}

/// Errors unless `bytes` are a component that fits.
pub(crate) fn check(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    let name = || name.to_owned();
    if wasmparser::Parser::is_core_wasm(bytes) {
        return Err(LoadError::CoreModule { name: name() });
    }
    if !wasmparser::Parser::is_component(bytes) {
        return Err(LoadError::NotWasm {
            name: name(),
            found: first_bytes(bytes),
        });
    }
    let damaged = |why: String| LoadError::Damaged { name: name(), why };
    let found = Surface::of_component(bytes).map_err(damaged)?;
    let wanted = Surface::of_world(COMPONENT_TYPE).map_err(|why| LoadError::Compile {
        name: name(),
        why: format!("this host's own contract cannot be read: {why}"),
    })?;
    let mut problems = compare(&wanted, &found);
    let bytes = weight::heaviest(bytes).map_err(|error| damaged(error.to_string()))?;
    if bytes > INSTANCE_BYTES {
        problems.push(Problem::Heavy { bytes });
    }
    if problems.len() > TOLD {
        let count = problems.len() - TOLD;
        problems.truncate(TOLD);
        problems.push(Problem::More { count });
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(LoadError::Contract {
            name: name(),
            problems,
        })
    }
}

/// What a file that is no WebAssembly begins with.
fn first_bytes(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(12)).unwrap_or_default();
    let text = start.trim_ascii_start();
    if bytes.is_empty() {
        "it is empty".to_owned()
    } else if text.starts_with(b"(module") || text.starts_with(b"(component") {
        "it is the text form; translate it with `wasm-tools parse`".to_owned()
    } else if start.starts_with(b"\x7fELF") {
        "it is a program or library of this machine".to_owned()
    } else {
        format!("it begins with \"{}\"", start.escape_ascii())
    }
}

/// Interfaces are found by name, whatever their version: what differs between two
/// versions is what their users want to know.
fn compare(wanted: &Surface, found: &Surface) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut versions = Vec::new();
    let mut wasi = Vec::new();

    for (name, item) in &found.imports {
        let interface = Interface::parse(name);
        match (item, &interface) {
            (_, Some(i)) if i.namespace() == "wasi" => wasi.push(name.clone()),
            (Item::Instance(functions), Some(i)) if i.package == PACKAGE => {
                versions.extend(i.other_version());
                imported(wanted, name, i, functions, &mut problems);
            }
            (Item::Type, _) => {}
            (item, _) => problems.push(Problem::Unknown {
                kind: item.kind(),
                name: name.clone(),
            }),
        }
    }
    for (name, _) in &found.exports {
        if let Some(i) = Interface::parse(name)
            && i.package == PACKAGE
        {
            versions.extend(i.other_version());
        }
    }
    if !wasi.is_empty() {
        problems.push(Problem::Wasi { interfaces: wasi });
    }
    exported(wanted, found, &mut problems);

    versions.sort();
    versions.dedup();
    if !versions.is_empty() {
        // All else follows from this.
        problems.insert(0, Problem::Version { found: versions });
    }
    problems
}

/// Functions that the component takes from one interface of the contract.
fn imported(
    wanted: &Surface,
    name: &str,
    interface: &Interface<'_>,
    functions: &[(String, Item)],
    problems: &mut Vec<Problem>,
) {
    let Some(known) = interface.find(&wanted.imports) else {
        problems.push(Problem::Unknown {
            kind: "interface",
            name: name.to_owned(),
        });
        return;
    };
    for (function, item) in functions {
        let Item::Function(found) = item else {
            continue;
        };
        let label = format!("{}.{function}", interface.name);
        match known.iter().find(|(name, _)| name == function) {
            Some((_, Item::Function(wanted))) => same(&label, wanted, found, problems),
            _ => problems.push(Problem::UnknownFunction {
                interface: name.to_owned(),
                name: function.clone(),
            }),
        }
    }
}

fn exported(wanted: &Surface, found: &Surface, problems: &mut Vec<Problem>) {
    for (name, item) in &wanted.exports {
        let there = found.exports.iter().find(|(n, _)| n == name);
        match (item, there.map(|(_, item)| item)) {
            (Item::Function(wanted), Some(Item::Function(found))) => {
                same(name, wanted, found, problems);
            }
            (Item::Function(wanted), _) => problems.push(Problem::Missing {
                wanted: wanted.show(name),
            }),
            // `state`, the one interface, is optional as a whole.
            (Item::Instance(functions), _) => {
                let Some(interface) = Interface::parse(name) else {
                    continue;
                };
                let Some(there) = interface.find(&found.exports) else {
                    continue;
                };
                for (function, item) in functions {
                    let Item::Function(wanted) = item else {
                        continue;
                    };
                    let label = format!("{}.{function}", interface.name);
                    match there.iter().find(|(name, _)| name == function) {
                        Some((_, Item::Function(found))) => same(&label, wanted, found, problems),
                        _ => problems.push(Problem::Missing {
                            wanted: wanted.show(&label),
                        }),
                    }
                }
            }
            _ => {}
        }
    }
}

fn same(name: &str, wanted: &Function, found: &Function, problems: &mut Vec<Problem>) {
    if let Some(difference) = wanted.difference(found) {
        problems.push(Problem::Type {
            wanted: wanted.show(name),
            found: found.show(name),
            difference,
        });
    }
}

/// A name like `offerd:policy/types@0.1.0`.
struct Interface<'a> {
    package: &'a str,
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> Interface<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (package, rest) = text.split_once('/')?;
        let (name, version) = match rest.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (rest, None),
        };
        package.contains(':').then_some(Self {
            package,
            name,
            version,
        })
    }

    fn namespace(&self) -> &str {
        self.package.split(':').next().unwrap_or_default()
    }

    /// Package and version, if this host has another one.
    fn other_version(&self) -> Option<String> {
        match self.version {
            Some(version) if version.starts_with(TRACK) => None,
            Some(version) => Some(format!("{}@{version}", self.package)),
            None => Some(format!("{} without a version", self.package)),
        }
    }

    /// The instance of the same interface, whatever its version.
    fn find<'b>(&self, items: &'b [(String, Item)]) -> Option<&'b [(String, Item)]> {
        items.iter().find_map(|(name, item)| match item {
            Item::Instance(functions) => Interface::parse(name)
                .filter(|i| i.package == self.package && i.name == self.name)
                .map(|_| functions.as_slice()),
            _ => None,
        })
    }
}
