//! A loaded policy: checked against the contract, compiled, ready to be started
//! any number of times.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, HasSelf, InstancePre, Linker};

use crate::bindings::StatefulPolicy;
use crate::cache::hex;
use crate::contract::{self, Problem};
use crate::host::Host;
use crate::instance::describe;
use crate::limits::show_bytes;
use crate::options::{Description, Options, StartError};
use crate::runtime::Shared;
use crate::ticker::Ticker;

/// Components from this size on take long enough to compile that people should
/// be told.
const SLOW_BYTES: usize = 1024 * 1024;

/// Why a file cannot be used as a policy.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the policy {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{name} is not WebAssembly: {found}; a policy is a WebAssembly component")]
    NotWasm { name: String, found: String },
    #[error(
        "{name} is a core WebAssembly module, not a component; make a component of it: \
         `wasm-tools component new {name} -o policy.wasm`, or build with `cargo xtask guests`, \
         which does that"
    )]
    CoreModule { name: String },
    #[error("{name} is a damaged WebAssembly component: {why}; build or copy it again")]
    Damaged { name: String, why: String },
    /// All that differs from the contract, at once.
    #[error(
        "{name} does not fit the contract of this host ({}):{}",
        contract::speaks(),
        list(problems)
    )]
    Contract {
        name: String,
        problems: Vec<Problem>,
    },
    #[error("{name} cannot be compiled: {why}")]
    Compile { name: String, why: String },
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("\n- {p}")).collect()
}

/// A policy that can be started. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    digest: String,
    size: usize,
    imports: Vec<String>,
    from_cache: bool,
    pre: InstancePre<Host>,
    exports: Exports,
}

pub(crate) struct Exports {
    pub(crate) describe: ComponentExportIndex,
    pub(crate) configure: ComponentExportIndex,
    pub(crate) decide: ComponentExportIndex,
    pub(crate) state: Option<StateExports>,
}

pub(crate) struct StateExports {
    pub(crate) save: ComponentExportIndex,
    pub(crate) restore: ComponentExportIndex,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("digest", &self.digest)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Program {
    /// Compares a component with the contract of this host, without compiling
    /// it. `name` is for the error, which tells all that differs.
    pub fn check_contract(name: &str, component: &[u8]) -> Result<(), LoadError> {
        contract::check(name, component)
    }

    /// SHA-256 of the component's bytes, in hex.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Size of the component in bytes.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Interfaces of the contract that it imports, by name, sorted.
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// Whether its state outlives an instance.
    pub fn has_state(&self) -> bool {
        self.0.exports.state.is_some()
    }

    /// Whether it was found compiled.
    pub fn from_cache(&self) -> bool {
        self.0.from_cache
    }

    /// Asks the policy for its name, version and summary, in an instance of its
    /// own. Of the options, limits and log are used.
    pub fn describe(&self, options: &Options) -> Result<Description, StartError> {
        describe(self, options)
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.0.shared.engine()
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        self.0.shared.ticker()
    }

    pub(crate) fn pre(&self) -> &InstancePre<Host> {
        &self.0.pre
    }

    pub(crate) fn exports(&self) -> &Exports {
        &self.0.exports
    }

    pub(crate) fn load(shared: &Arc<Shared>, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let found = shared
            .cache()
            .and_then(|cache| cache.find(shared.engine(), &digest));
        let from_cache = found.is_some();
        let component = match found {
            Some(component) => component,
            None => compile(shared, name, bytes, &digest)?,
        };

        let refused = |error: wasmtime::Error| LoadError::Compile {
            name: name.to_owned(),
            why: format!("{error:#}"),
        };
        let mut linker = Linker::<Host>::new(shared.engine());
        StatefulPolicy::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host)
            .map_err(refused)?;
        let pre = linker.instantiate_pre(&component).map_err(refused)?;
        let exports = exports(&component).ok_or_else(|| LoadError::Compile {
            name: name.to_owned(),
            why: "an export vanished while it was compiled".to_owned(),
        })?;
        let component_type = component.component_type();
        let mut imports: Vec<String> = component_type
            .imports(shared.engine())
            .map(|(import, _)| import.to_owned())
            .collect();
        imports.sort();
        Ok(Self(Arc::new(Inner {
            shared: Arc::clone(shared),
            digest: hex(&digest),
            size: bytes.len(),
            imports,
            from_cache,
            pre,
            exports,
        })))
    }
}

/// Checks first: that is quick, and its messages are better.
fn compile(
    shared: &Shared,
    name: &str,
    bytes: &[u8],
    digest: &[u8; 32],
) -> Result<Component, LoadError> {
    contract::check(name, bytes)?;
    let slow = bytes.len() >= SLOW_BYTES;
    if slow {
        tracing::info!(
            "compiling policy {name} ({}); this is done once{}",
            show_bytes(bytes.len()),
            if shared.cache().is_some() {
                ""
            } else {
                " each start: no cache is configured"
            },
        );
    }
    let started = Instant::now();
    let failed = |error: wasmtime::Error| LoadError::Compile {
        name: name.to_owned(),
        why: format!("{error:#}"),
    };
    let component = match (shared.cache(), shared.compiler()) {
        (Some(cache), Some(compiler)) => {
            let compiled = compiler.compile(bytes, cache.directory());
            compiled.map_err(|why| LoadError::Compile {
                name: name.to_owned(),
                why,
            })?;
            cache.find(shared.engine(), digest)
        }
        (Some(cache), None) => {
            let code = shared
                .engine()
                .precompile_component(bytes)
                .map_err(failed)?;
            cache.keep(shared.engine(), digest, &code)
        }
        (None, _) => None,
    };
    let component = match component {
        Some(component) => component,
        None => Component::new(shared.engine(), bytes).map_err(failed)?,
    };
    let seconds = started.elapsed().as_secs_f64();
    if slow {
        tracing::info!("compiled policy {name} in {seconds:.1} s");
    } else {
        tracing::debug!("compiled policy {name} in {seconds:.3} s");
    }
    Ok(component)
}

fn exports(component: &Component) -> Option<Exports> {
    let find = |name: &str| component.get_export_index(None, name);
    let state = find(contract::STATE).and_then(|state| {
        Some(StateExports {
            save: component.get_export_index(Some(&state), "save")?,
            restore: component.get_export_index(Some(&state), "restore")?,
        })
    });
    Some(Exports {
        describe: find("describe")?,
        configure: find("configure")?,
        decide: find("decide")?,
        state,
    })
}
