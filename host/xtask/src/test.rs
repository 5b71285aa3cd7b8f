//! `cargo xtask test`: all tests, with all that they need, and nothing left behind.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::Group;
use crate::{bindings, cargo, guests, mesos, run};

/// For all tests of CI together; something hangs if they take longer.
const LIMIT: Duration = Duration::from_secs(90 * 60);

/// Below `target`: where tests put temporary files.
const TEMPORARY: &str = "test-tmp";

/// What may stay in the tree: what is built, and links to the SDK, which Node.js
/// wants beside the policies.
const MAY_STAY: [&str; 2] = ["target", "node_modules"];

/// What is to be tested, and how.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Nothing is skipped, nothing is left behind, all failures are told.
    pub(crate) ci: bool,
    /// For `cargo test`; with none, all is tested.
    pub(crate) arguments: Vec<OsString>,
}

type Step<'a> = Box<dyn Fn() -> Result<()> + 'a>;

pub(crate) fn all(root: &Path, group: Option<Group>, wish: &Wish) -> Result<()> {
    if let Some(group) = group.filter(|_| wish.ci) {
        group.end_after(LIMIT);
    }
    let before = ignored(root)?;
    guests::build(root)?;
    let real = match mesos::set_up(root) {
        Ok(real) => Ok(real),
        Err(error) if wish.ci => return Err(error.context("in CI the real Mesos must be there")),
        Err(error) => Err(error),
    };
    let temporary = empty_folder(root)?;
    let mut steps: Vec<Step<'_>> = vec![Box::new(|| {
        run(cargo_test(root, wish, real.as_ref().ok()).env("TMPDIR", &temporary))
    })];
    if wish.arguments.is_empty() {
        steps.push(Box::new(|| bindings::make(root, true)));
        steps.push(Box::new(|| guests::unit_tests(root)));
        if let Ok(real) = &real {
            steps.push(Box::new(|| real.smoke_test()));
        }
    }
    if wish.ci {
        steps.push(Box::new(|| {
            nothing_is_left(root, &before, &temporary, group)
        }));
    }
    let result = take(&steps, wish.ci);
    if let Err(error) = &real {
        eprintln!("\n*** SKIPPED: all tests on a real Mesos. {error:#} ***\n");
    }
    result
}

/// People want to know of a failure at once, and CI of all.
fn take(steps: &[Step<'_>], ci: bool) -> Result<()> {
    let mut failures = Vec::new();
    for step in steps {
        match step() {
            Ok(()) => {}
            Err(error) if !ci => return Err(error),
            Err(error) => failures.push(format!("- {error:#}")),
        }
    }
    ensure!(
        failures.is_empty(),
        "{} of {} steps failed:\n{}",
        failures.len(),
        steps.len(),
        failures.join("\n")
    );
    Ok(())
}

fn cargo_test(root: &Path, wish: &Wish, real: Option<&mesos::Installed>) -> Command {
    let mut command = cargo(root);
    command
        .arg("test")
        .env("OFFERD_GUESTS", guests::folder(root))
        .env("OFFERD_TOOLCHAINS", guests::toolchains(root).root());
    if wish.ci {
        command
            .arg("--no-fail-fast")
            .env("OFFERD_CI", "1")
            // Every run is the same; people's own runs look further.
            .env("PROPTEST_RNG_SEED", "1")
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    }
    if let Some(real) = real {
        real.tell(&mut command);
    }
    // Options like -p choose the packages themselves.
    if wish.arguments.is_empty() {
        command.arg("--workspace");
    }
    command.args(&wish.arguments);
    command
}

/// For temporary files; what an earlier run has left is removed.
fn empty_folder(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target").join(TEMPORARY);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn nothing_is_left(
    root: &Path,
    before: &BTreeSet<String>,
    temporary: &Path,
    group: Option<Group>,
) -> Result<()> {
    let mut left: Vec<String> = group.map(Group::end_left).unwrap_or_default();
    for entry in fs::read_dir(temporary)? {
        left.push(entry?.path().display().to_string());
    }
    left.extend(ignored(root)?.difference(before).cloned());
    ensure!(
        left.is_empty(),
        "the tests have left behind: {}",
        left.join(", ")
    );
    Ok(())
}

/// Files that are not committed, as git tells them, without those that may be there.
fn ignored(root: &Path) -> Result<BTreeSet<String>> {
    let output = Command::new("git")
        .args(["--no-optional-locks", "status", "--porcelain", "--ignored"])
        .current_dir(root)
        .output()
        .context("git can't be started")?;
    ensure!(
        output.status.success(),
        "git status failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| line.get(3..))
        .map(|path| path.trim_end_matches('/').to_owned())
        .filter(|path| !MAY_STAY.contains(&path.rsplit('/').next().unwrap_or_default()))
        .collect())
}
