//! `offerd policy setup`: the compilers.

use std::process::ExitCode;

use clap::Args;
use offerd_toolchain::{Language, SetUp};

use super::{Failed, Outcome, progress};
use crate::reading::show_duration;

/// Install what builds the policies of a language.
///
/// Compilers come from the package registries of Rust, Python and Node.js, by
/// their ordinary clients, each at one certain version. They go into
/// $OFFERD_TOOLCHAINS, else $XDG_DATA_HOME/offerd/toolchains, else
/// ~/.local/share/offerd/toolchains, and nothing else is changed, but that Rust
/// gets one more target.
#[derive(Debug, Args)]
#[command(after_help = "Example: offerd policy setup go")]
pub(crate) struct Arguments {
    /// rust, javascript, typescript, python, go, c, cpp, zig, or all.
    #[arg(value_name = "LANG", required = true)]
    languages: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let languages = languages(&arguments.languages)?;
    let toolchains = super::toolchains()?;
    let mut failed = 0;
    for language in languages {
        let tool = language.tool().name();
        match toolchains.set_up(language, &progress) {
            Ok(SetUp::There) => println!("{language}: {tool} is there"),
            Ok(SetUp::Installed(took)) => {
                let seconds = std::time::Duration::from_secs(took.as_secs().max(1));
                println!("{language}: {tool} installed in {}", show_duration(seconds));
            }
            // With `all`, one missing program does not keep the others away.
            Err(error) => {
                eprintln!("{}", super::setup_failed(error).0);
                failed += 1;
            }
        }
    }
    match failed {
        0 => Ok(ExitCode::SUCCESS),
        1 => Err(Failed("One language was not set up; see above.".to_owned())),
        many => Err(Failed(format!(
            "{many} languages were not set up; see above."
        ))),
    }
}

fn languages(texts: &[String]) -> Result<Vec<Language>, Failed> {
    let mut languages = Vec::new();
    for text in texts {
        if text == "all" {
            languages.extend(Language::ALL);
            continue;
        }
        let language =
            super::language(text).map_err(|error| Failed(format!("error: {error}; or all")))?;
        languages.push(language);
    }
    languages.sort();
    languages.dedup();
    Ok(languages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_names_once_each() {
        let of = |texts: &[&str]| languages(&texts.iter().map(|&t| t.into()).collect::<Vec<_>>());
        assert_eq!(of(&["all", "c"]).unwrap(), Language::ALL);
        assert_eq!(
            of(&["zig", "js"]).unwrap(),
            [Language::JavaScript, Language::Zig]
        );
        assert!(of(&["cobol"]).unwrap_err().0.ends_with("zig; or all"));
    }
}
