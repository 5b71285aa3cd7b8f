//! The process's one WebAssembly engine: its settings, its clock for deadlines,
//! and its cache of compiled policies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::{Config, Engine, WasmBacktraceDetails};

use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::failure::FRAMES;
use crate::limits::WASM_STACK;
use crate::program::{LoadError, Program};
use crate::progress::Progress;
use crate::ticker::Ticker;

/// The host could not set up its engine.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("the WebAssembly engine does not start on this machine: {0}")]
    Engine(String),
    #[error("cannot start the thread that measures deadlines")]
    Ticker(#[source] std::io::Error),
    #[error("cannot use {} as the cache of compiled policies: {why}", path.display())]
    Cache {
        path: PathBuf,
        why: String,
        #[source]
        source: std::io::Error,
    },
}

/// Why a policy was not compiled into the cache.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("{0}")]
    Code(String),
    #[error("it is compiled and can't be kept in {}: {source}", path.display())]
    Keep {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("there is no cache to keep it in")]
    NoCache,
}

/// Loads policies. One per process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
    progress: Progress,
}

#[derive(Debug)]
pub(crate) struct Shared {
    engine: EngineDebug,
    cache: Option<Cache>,
    compiler: Option<Compiler>,
    ticker: Ticker,
}

/// `Engine` prints nothing about itself.
struct EngineDebug(Engine);

impl std::fmt::Debug for EngineDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Shared {
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine.0
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    pub(crate) fn compiler(&self) -> Option<&Compiler> {
        self.compiler.as_ref()
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.ticker
    }
}

impl Runtime {
    /// With `cache`, compiled policies are kept in that directory, which must
    /// belong to this user; it is made (mode 0700) if it does not exist.
    pub fn new(cache: Option<&Path>) -> Result<Self, RuntimeError> {
        Self::with_compiler(cache, None)
    }

    /// As [`Self::new`]; what is to be kept in the cache is compiled by another
    /// process. Without a cache the compiler is not used.
    pub fn with_compiler(
        cache: Option<&Path>,
        compiler: Option<Compiler>,
    ) -> Result<Self, RuntimeError> {
        let engine = Engine::new(&config()).map_err(|e| RuntimeError::Engine(format!("{e:#}")))?;
        let cache = cache.map(|path| Cache::open(path, &engine)).transpose()?;
        let ticker = Ticker::start(engine.clone()).map_err(RuntimeError::Ticker)?;
        Ok(Self {
            shared: Arc::new(Shared {
                engine: EngineDebug(engine),
                cache,
                compiler,
                ticker,
            }),
            progress: |line| tracing::info!("{line}"),
        })
    }

    /// Lines about compiling that takes long go there, not into the log.
    #[must_use]
    pub fn with_progress(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }

    /// Loads a policy from a file: checks it against the contract, and compiles
    /// it unless the cache has it. Compiling takes up to ten seconds for the
    /// largest policies (Python); call this off the event loop.
    pub fn load(&self, path: &Path) -> Result<Program, LoadError> {
        let bytes = std::fs::read(path).map_err(|source| LoadError::Read {
            path: path.to_owned(),
            source,
        })?;
        self.load_bytes(&path.display().to_string(), &bytes)
    }

    /// The same from memory; `name` stands for it in messages.
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Program, LoadError> {
        self.load_known(name, bytes, crate::digest(bytes))
    }

    /// The same where the digest of the bytes is known already.
    pub fn load_known(
        &self,
        name: &str,
        bytes: &[u8],
        digest: String,
    ) -> Result<Program, LoadError> {
        Program::load(&self.shared, self.progress, name, bytes, digest)
    }

    /// Whether the policy with this digest is in the cache, so that loading it is
    /// quick.
    pub fn has_compiled(&self, digest: &str) -> bool {
        self.shared.cache().is_some_and(|cache| cache.has(digest))
    }

    /// Compiles a policy into the cache, for another process to load
    /// ([`Compiler`]).
    pub fn compile(&self, component: &[u8]) -> Result<(), CompileError> {
        let cache = self.shared.cache().ok_or(CompileError::NoCache)?;
        let code = self.shared.engine().precompile_component(component);
        let code = code.map_err(|error| CompileError::Code(format!("{error:#}")))?;
        cache
            .keep(&crate::digest(component), &code)
            .map_err(|source| CompileError::Keep {
                path: cache.directory().to_owned(),
                source,
            })
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        // Same input, same answer, on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(FRAMES));
    config
}
