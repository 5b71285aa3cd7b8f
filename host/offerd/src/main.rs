//! The program: reads the command line and hands over to the library.

use std::process::ExitCode;

use clap::Parser as _;

/// Twice as fast as the system's where offers are made on one thread and freed
/// on another (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    offerd::cli::run(offerd::cli::Arguments::parse())
}
