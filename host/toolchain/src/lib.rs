//! Compilers for policies: sets them up at pinned versions, and builds policy
//! projects into components.
//!
//! [`Toolchains`] is the folder of tools and installs them with the ordinary
//! clients of their registries. A [`Project`] is a folder with `policy.toml`;
//! [`build`] compiles it, makes a component of it, checks that it imports nothing
//! outside the contract and writes `NAME.wasm`, unless what is there is fresh.
//! [`new_project`] makes a project that builds, tests and runs at once.
//!
//! This crate does not run policies and does not know wasmtime: whether a
//! component fits the contract in every function is checked by offerd-policy.

mod build;
mod component;
mod digest;
mod embedded;
mod language;
mod lock;
mod new;
mod process;
mod programs;
mod project;
mod setup;
mod sources;
mod system;
mod versions;

pub use build::{BuildError, BuildOptions, Built, build, unit_tests};
pub use component::ComponentError;
pub use language::{Language, UnknownLanguage};
pub use new::{NewError, new_project};
pub use programs::Program;
pub use project::{MANIFEST, Mistake, Mistakes, Project, ProjectError, check_name};
pub use setup::{Progress, SetUp, SetupError, Toolchains};
pub use sources::is_source;
pub use versions::Tool;
