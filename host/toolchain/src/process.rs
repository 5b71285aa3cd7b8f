//! Other programs: started, their output kept whole, a missing one named.

use std::io::{self, Read as _};
use std::process::{Command, ExitStatus, Stdio};

/// What a program wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    /// Both streams as they came, without trailing blank space.
    pub(crate) output: String,
}

/// Runs a program to its end. Both of its streams go into one text, in the order
/// in which they were written. It gets no input.
pub(crate) fn run(command: &mut Command) -> io::Result<Ran> {
    let (mut reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command.spawn()?;
    // The command holds the writing ends; the text ends when they are closed.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut output = Vec::new();
    reader.read_to_end(&mut output)?;
    let status = child.wait()?;
    Ok(Ran {
        status,
        output: String::from_utf8_lossy(&output).trim_end().to_owned(),
    })
}

/// The first line that a program writes, if it runs and succeeds.
pub(crate) fn first_line(command: &mut Command) -> Option<String> {
    let ran = run(command).ok()?;
    if !ran.status.success() {
        return None;
    }
    ran.output.lines().next().map(str::to_owned)
}

/// The first `MAJOR.MINOR` in a text: `Python 3.11.7` is 3.11.
pub(crate) fn version(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .find_map(|word| {
            let mut parts = word.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        })
}

/// The command line as people would type it, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        text.push(' ');
        if argument.is_empty() || argument.contains([' ', '\'', '"', '*']) {
            text.push_str(&format!("'{}'", argument.replace('\'', "'\\''")));
        } else {
            text.push_str(&argument);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_kept_in_order() {
        let ran = run(Command::new("sh").args(["-c", "echo a; echo b >&2; echo c; exit 3"]));
        let ran = ran.unwrap();
        assert_eq!(ran.output, "a\nb\nc");
        assert_eq!(ran.status.code(), Some(3));
        assert!(run(&mut Command::new("no-such-program-here")).is_err());
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (text, found) in [
            ("Python 3.11.7", Some((3, 11))),
            ("v20.20.2", Some((20, 20))),
            ("rustc 1.95.0 (abc 2026-01-01)", Some((1, 95))),
            ("none", None),
            ("7", None),
        ] {
            assert_eq!(version(text), found, "{text}");
        }
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = Command::new("zig");
        command.args(["cc", "-o", "my file", "it's"]);
        assert_eq!(shown(&command), "zig cc -o 'my file' 'it'\\''s'");
    }
}
