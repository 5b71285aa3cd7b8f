//! A loaded policy: checked against the contract, compiled, ready to be started
//! any number of times.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, HasSelf, InstancePre, Linker};

use crate::bindings::StatefulPolicy;
use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::contract::{self, Problem};
use crate::host::Host;
use crate::instance::describe;
use crate::limits::show_bytes;
use crate::options::{Description, Options, StartError};
use crate::progress::{Progress, told};
use crate::runtime::Shared;
use crate::ticker::Ticker;

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
        "{name} is a core WebAssembly module, not a component; build the policy with `offerd policy \
         build`, which makes a component, or make one of it: `wasm-tools component new {name} -o \
         policy.wasm`"
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
    export_names: Vec<String>,
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

    /// Functions and interfaces that it exports, by name, sorted.
    pub fn export_names(&self) -> &[String] {
        &self.0.export_names
    }

    /// The version of the contract that it was built for.
    pub fn contract(&self) -> String {
        let mut names = self.0.imports.iter().chain(&self.0.export_names);
        // The same everywhere: a component is built from one world.
        names
            .find_map(|name| contract::version(name))
            .unwrap_or_else(contract::speaks)
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

    pub(crate) fn load(
        shared: &Arc<Shared>,
        progress: Progress,
        name: &str,
        bytes: &[u8],
        digest: String,
    ) -> Result<Self, LoadError> {
        let found = shared
            .cache()
            .and_then(|cache| cache.find(shared.engine(), &digest));
        let from_cache = found.is_some();
        let component = match found {
            Some(component) => component,
            None => compile(shared, progress, name, bytes, &digest)?,
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
        let imports = component_type.imports(shared.engine());
        let imports = sorted(imports.map(|(name, _)| name));
        let export_names = component_type.exports(shared.engine());
        let export_names = sorted(export_names.map(|(name, _)| name));
        Ok(Self(Arc::new(Inner {
            shared: Arc::clone(shared),
            digest,
            size: bytes.len(),
            imports,
            export_names,
            from_cache,
            pre,
            exports,
        })))
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

/// Checks first: that is quick, and its messages are better.
fn compile(
    shared: &Shared,
    progress: Progress,
    name: &str,
    bytes: &[u8],
    digest: &str,
) -> Result<Component, LoadError> {
    contract::check(name, bytes)?;
    let doing = format!("compiling policy {name} ({})", show_bytes(bytes.len()));
    let done = format!("compiled policy {name}");
    let compiled = told(progress, &doing, &done, || {
        match (shared.cache(), shared.compiler()) {
            (Some(cache), Some(compiler)) => elsewhere(shared, cache, compiler, bytes, digest),
            (cache, _) => here(shared, cache, bytes, digest),
        }
    });
    compiled.map_err(|why| LoadError::Compile {
        name: name.to_owned(),
        why,
    })
}

/// In another process, which leaves the code in the cache.
fn elsewhere(
    shared: &Shared,
    cache: &Cache,
    compiler: &Compiler,
    bytes: &[u8],
    digest: &str,
) -> Result<Component, String> {
    compiler.compile(bytes, cache.directory())?;
    cache.find(shared.engine(), digest).ok_or_else(|| {
        let cache = cache.directory().display();
        format!("the compiler said that it was done, and left nothing usable in {cache}")
    })
}

fn here(
    shared: &Shared,
    cache: Option<&Cache>,
    bytes: &[u8],
    digest: &str,
) -> Result<Component, String> {
    let text = |error: wasmtime::Error| format!("{error:#}");
    let component = Component::new(shared.engine(), bytes).map_err(text)?;
    let Some(cache) = cache else {
        return Ok(component);
    };
    let code = component.serialize().map_err(text)?;
    if let Err(error) = cache.keep(digest, &code) {
        tracing::warn!(
            "a compiled policy can't be kept in {} and will be compiled again: {error}",
            cache.directory().display()
        );
    }
    // A file's pages can be shared, and dropped from memory.
    Ok(cache.find(shared.engine(), digest).unwrap_or(component))
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
