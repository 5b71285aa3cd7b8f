//! Building a project: compile, make a component, check it, write it.
//!
//! Each language's file says how it is compiled; all else is here. The steps
//! stand in [`build`]. What a compiler says is kept whole.

mod c;
mod go;
mod javascript;
mod lines;
mod python;
mod rust;
mod unit;
mod zig;

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::component::{self, ComponentError};
use crate::digest::{self, Digest};
use crate::language::Language;
use crate::lock;
use crate::process;
use crate::programs::Program;
use crate::project::Project;
use crate::setup::{Progress, SetupError, Toolchains};
use crate::system::System;

pub use unit::unit_tests;

/// Linear memory that a policy starts with is mostly stack: 128 KiB are enough
/// for policies and keep new instances cheap.
const STACK: u32 = 128 * 1024;

/// How to build.
#[derive(Clone, Copy)]
pub struct BuildOptions<'a> {
    /// Where to put the component; [`Project::output`] if `None`.
    pub output: Option<&'a Path>,
    /// Where to put everything else; `build` in the project if `None`.
    pub work: Option<&'a Path>,
    /// Keep names and source lines for backtraces, where the compiler gives them.
    pub debug: bool,
    /// Build even if what is there is fresh.
    pub force: bool,
    /// Compilers may colour what they say.
    pub color: bool,
    pub progress: Progress<'a>,
}

impl std::fmt::Debug for BuildOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuildOptions")
            .field("output", &self.output)
            .field("work", &self.work)
            .field("debug", &self.debug)
            .field("force", &self.force)
            .finish_non_exhaustive()
    }
}

/// A component that was built, or was fresh.
#[derive(Debug, Clone)]
pub struct Built {
    pub file: PathBuf,
    /// Nothing had to be done.
    pub fresh: bool,
    /// Size of the component.
    pub bytes: u64,
    pub took: Duration,
    /// What the compilers said: warnings. Often empty.
    pub output: String,
}

/// Why a project was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("a {language} policy begins in {}, which does not exist", path.display())]
    NoEntry { language: Language, path: PathBuf },
    #[error(
        "the SDK in {} has no {file}; is it the {title} SDK of this version of offerd? \
         `offerd policy new` unpacks it",
        sdk.display()
    )]
    Sdk {
        sdk: PathBuf,
        file: String,
        title: &'static str,
    },
    /// `output` is what the compiler said, whole.
    #[error("{project} was not built: {what} failed ({status}). {advice}")]
    Compile {
        project: String,
        /// The step: `esbuild`, `the type check`.
        what: &'static str,
        status: String,
        advice: &'static str,
        output: String,
    },
    #[error("{project} was not built: {program} cannot be started")]
    Start {
        project: String,
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{project} has no unit tests: there is no .{endings} file in {}", folder.display())]
    NoTests {
        project: String,
        folder: PathBuf,
        endings: String,
    },
    /// A compiler succeeded and its result is not there.
    #[error("{project} was not built: {why}")]
    NoResult { project: String, why: String },
    #[error("{project} was not built")]
    Component {
        project: String,
        #[source]
        source: ComponentError,
    },
    #[error("cannot {what} {}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl BuildError {
    /// What a compiler or client said, to be shown before the error.
    pub fn output(&self) -> Option<&str> {
        match self {
            Self::Compile { output, .. } if !output.is_empty() => Some(output),
            Self::Setup(error) => error.output(),
            _ => None,
        }
    }

    /// What a compiler said, changed.
    fn with_output(mut self, change: impl FnOnce(&str) -> String) -> Self {
        if let Self::Compile { output, .. } = &mut self {
            *output = change(output);
        }
        self
    }
}

const CORRECT: &str = "Correct what it says above and build again";

/// Builds a project, unless what is there is fresh. The toolchain of its
/// language must be set up.
pub fn build(
    project: &Project,
    toolchains: &Toolchains,
    options: &BuildOptions<'_>,
) -> Result<Built, BuildError> {
    let begin = Instant::now();
    if !toolchains.has(project.language) {
        return Err(not_set_up(project.language).into());
    }
    let output = options
        .output
        .map_or_else(|| project.output(), Path::to_owned);
    let (job, _held) = Job::begin(project, toolchains, options)?;
    // Cargo and Go know themselves what has changed, also in what lies outside the project
    // and the SDK, and tell so quickly.
    let sources = match project.language {
        Language::Rust | Language::Go => None,
        _ => Some(sources_of(&job, &output)?),
    };
    if let Some(sources) = &sources
        && !options.force
        && is_fresh(&job.work, sources, &output)
    {
        return built(&output, true, begin, String::new());
    }
    (options.progress)(&format!(
        "Building {} ({}) ...",
        project.name,
        project.language.title()
    ));
    if let Some(needed) = System::that_builds(project.language) {
        needed.check(project.language.tool().name())?;
    }
    let component = job.component()?;
    let is_same = fs::read(&output).is_ok_and(|there| there == component);
    if !is_same {
        write(&output, &component)?;
    }
    let fresh = is_same && !options.force && sources.is_none();
    // A source that changed meanwhile may or may not be in the component.
    if let Some(sources) = sources
        && sources_of(&job, &output)? == sources
    {
        let note = note(&sources, &digest::of_bytes(&component));
        write(&note_file(&job.work), note.as_bytes())?;
    }
    built(&output, fresh, begin, job.said.into_inner())
}

fn not_set_up(language: Language) -> SetupError {
    SetupError::NotSetUp {
        tool: language.tool().name(),
        language,
    }
}

fn built(file: &Path, fresh: bool, begin: Instant, output: String) -> Result<Built, BuildError> {
    let bytes = fs::metadata(file).map_err(self::file("read", file))?.len();
    Ok(Built {
        file: file.to_owned(),
        fresh,
        bytes,
        took: begin.elapsed(),
        output,
    })
}

fn file<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> BuildError + use<'a> {
    move |source| BuildError::File {
        what,
        path: path.to_owned(),
        source,
    }
}

/// Writes beside the place and renames: a reader sees the old file or the new
/// one, whole.
fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(file("create", folder))?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    fs::write(&part, bytes).map_err(file("write", &part))?;
    fs::rename(&part, path).map_err(file("write", path))
}

/// What the compiler of a language left.
enum Compiled {
    /// A core module that carries the contract.
    Core(PathBuf),
    /// A core module into which the contract must be put.
    Bare(PathBuf),
    Component(PathBuf),
}

/// One build.
struct Job<'a> {
    project: &'a Project,
    toolchains: &'a Toolchains,
    work: PathBuf,
    debug: bool,
    color: bool,
    /// What compilers said.
    said: RefCell<String>,
}

impl<'a> Job<'a> {
    /// Makes the work folder and keeps others out of it.
    fn begin(
        project: &'a Project,
        toolchains: &'a Toolchains,
        options: &BuildOptions<'_>,
    ) -> Result<(Self, lock::Held), BuildError> {
        let work = options
            .work
            .map_or_else(|| project.folder.join("build"), Path::to_owned);
        fs::create_dir_all(&work).map_err(file("create", &work))?;
        // The compilers run in the project.
        let work = work.canonicalize().map_err(file("find", &work))?;
        let lock_file = work.join(".lock");
        let held = lock::take(&lock_file, || {
            (options.progress)(&format!(
                "Another process is building {}; waiting ...",
                project.name
            ));
        })
        .map_err(file("lock", &lock_file))?;
        let job = Self {
            project,
            toolchains,
            work,
            debug: options.debug,
            color: options.color,
            said: RefCell::default(),
        };
        Ok((job, held))
    }

    fn component(&self) -> Result<Vec<u8>, BuildError> {
        let compiled = match self.project.language {
            Language::Rust => rust::compile(self)?,
            Language::JavaScript | Language::TypeScript => javascript::compile(self)?,
            Language::Python => python::compile(self)?,
            Language::Go => go::compile(self)?,
            Language::C | Language::Cpp => c::compile(self)?,
            Language::Zig => zig::compile(self)?,
        };
        let read = |path: &Path| fs::read(path).map_err(file("read", path));
        let wrong = |source| BuildError::Component {
            project: self.project.name.clone(),
            source,
        };
        let component = match compiled {
            Compiled::Component(path) => read(&path)?,
            Compiled::Core(path) => component::encode(&read(&path)?, None).map_err(wrong)?,
            Compiled::Bare(path) => {
                let contract = (self.project.wit.as_path(), self.project.world());
                component::encode(&read(&path)?, Some(contract)).map_err(wrong)?
            }
        };
        component::check_imports(&component).map_err(wrong)?;
        Ok(component)
    }

    /// A program that runs in the project, so that paths in what it says are
    /// short.
    fn program(&self, program: Program) -> Result<Command, BuildError> {
        let command = self.toolchains.command(program);
        let mut command = command.ok_or_else(|| not_set_up(self.project.language))?;
        command.current_dir(&self.project.folder);
        Ok(command)
    }

    /// Runs one step of a compiler.
    fn run(&self, command: &mut Command, what: &'static str) -> Result<(), BuildError> {
        let said = self.step(command, what)?;
        self.says(&said);
        Ok(())
    }

    /// As `run`, for tools that tell of their progress: that is of no interest
    /// after a success.
    fn run_quietly(&self, command: &mut Command, what: &'static str) -> Result<(), BuildError> {
        self.step(command, what).map(drop)
    }

    fn step(&self, command: &mut Command, what: &'static str) -> Result<String, BuildError> {
        let ran = process::run(command).map_err(|source| BuildError::Start {
            project: self.project.name.clone(),
            program: command.get_program().to_string_lossy().into_owned(),
            source,
        })?;
        if ran.status.success() {
            return Ok(ran.output);
        }
        Err(BuildError::Compile {
            project: self.project.name.clone(),
            what,
            status: ran.status.to_string(),
            advice: CORRECT,
            output: ran.output,
        })
    }

    /// Keeps what a compiler that succeeded said.
    fn says(&self, text: &str) {
        let mut said = self.said.borrow_mut();
        if !said.is_empty() && !text.is_empty() {
            said.push('\n');
        }
        said.push_str(text);
    }

    /// A file that the project must have.
    fn entry(&self, name: &str) -> Result<PathBuf, BuildError> {
        let path = self.project.folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
        Err(BuildError::NoEntry {
            language: self.project.language,
            path,
        })
    }

    /// A file that the SDK must have.
    fn sdk(&self, name: &str) -> Result<PathBuf, BuildError> {
        let path = self.project.sdk.join(name);
        if path.exists() {
            return Ok(path);
        }
        Err(BuildError::Sdk {
            sdk: self.project.sdk.clone(),
            file: name.to_owned(),
            title: self.project.language.title(),
        })
    }

    /// The world's name as C and Python write it.
    fn world_snake(&self) -> &'static str {
        if self.project.state {
            "stateful_policy"
        } else {
            "policy"
        }
    }

    /// All sources of one kind in a folder, sorted.
    fn sources(&self, folder: &Path, ending: &str) -> Result<Vec<PathBuf>, BuildError> {
        let entries = fs::read_dir(folder).map_err(file("read", folder))?;
        let mut sources = Vec::new();
        for entry in entries {
            let path = entry.map_err(file("read", folder))?.path();
            if path.extension().is_some_and(|found| found == ending) {
                sources.push(path);
            }
        }
        sources.sort();
        Ok(sources)
    }
}

/// A digest of what a component is built from.
fn sources_of(job: &Job<'_>, output: &Path) -> Result<String, BuildError> {
    let project = job.project;
    let mut sources = Digest::default();
    // This crate, whose recipes decide as much as the sources.
    sources.add(env!("OFFERD_TOOLCHAIN_SOURCES").as_bytes());
    sources.add(project.language.tool().name().as_bytes());
    sources.add(&[u8::from(job.debug)]);
    sources.add(output.as_os_str().as_encoded_bytes());
    for folder in [&project.folder, &project.sdk, &project.wit] {
        sources.add_folder(folder).map_err(file("read", folder))?;
    }
    Ok(sources.finish())
}

/// What the last build was made from, and what it gave.
fn note(sources: &str, component: &str) -> String {
    format!("{sources}\n{component}\n")
}

fn note_file(work: &Path) -> PathBuf {
    work.join("built-from")
}

/// Whether the output is what was built last, and from the same sources.
fn is_fresh(work: &Path, sources: &str, output: &Path) -> bool {
    let known = fs::read_to_string(note_file(work));
    let there = digest::of_file(output);
    matches!((known, there), (Ok(known), Ok(there)) if known == note(sources, &there))
}
