//! The program: reads the command line and hands over to the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    offerd::cli::run(offerd::cli::Arguments::parse())
}
