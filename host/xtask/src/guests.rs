//! Policies of this repository, built into components.
//!
//! Rust packages are built as sets, each by one cargo command, so that they
//! share what they depend on. All others are projects of offerd-toolchain.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use offerd_toolchain::{BuildOptions, Language, Program, Project, SetUp, Toolchains};

use crate::{cargo, run};

const TARGET: &str = "wasm32-unknown-unknown";

/// Linear memory that a guest starts with is mostly stack; 128 KiB is enough
/// and makes instances small.
const STACK: &str = "-Clink-arg=-zstack-size=131072";

/// Where components are put.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/guests")
}

/// Where compilers of other languages are put: `$OFFERD_TOOLCHAINS`, or with what
/// else is built.
pub(crate) fn toolchains(root: &Path) -> Toolchains {
    match std::env::var_os("OFFERD_TOOLCHAINS").filter(|folder| !folder.is_empty()) {
        Some(folder) => Toolchains::at(folder),
        None => Toolchains::at(root.join("target/toolchains")),
    }
}

/// Sets up what builds the policies of this repository, and of new projects.
pub(crate) fn set_up(root: &Path) -> Result<()> {
    let toolchains = toolchains(root);
    let mut languages = Language::ALL.into_iter();
    languages.try_for_each(|language| set_up_language(&toolchains, language))
}

fn set_up_language(toolchains: &Toolchains, language: Language) -> Result<()> {
    match toolchains.set_up(language, &|line| eprintln!("{line}")) {
        Ok(SetUp::There) => {}
        Ok(SetUp::Installed(took)) => eprintln!("... done in {:.0} s", took.as_secs_f64()),
        Err(error) => {
            show(error.output());
            return Err(error).with_context(|| format!("{language} cannot be set up"));
        }
    }
    Ok(())
}

/// What another program said, before the error that tells what it means.
fn show(output: Option<&str>) {
    if let Some(output) = output {
        eprintln!("{output}");
    }
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} can't be started"))?;
    if !output.status.success() {
        bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Builds all that is not fresh.
pub(crate) fn build(root: &Path) -> Result<()> {
    set_up(root)?;
    let out = build_plugins(root)?;
    let tests = root.join("tests/guests");
    build_set(root, &tests, &packages(&tests)?, &out)?;
    let toolchains = toolchains(root);
    projects(root)?
        .values()
        .try_for_each(|project| build_project(project, &toolchains, &out))
}

/// Builds the policies in Rust, and the one of this name if it is in another language:
/// nobody has to wait for the compilers of all.
pub(crate) fn build_with(root: &Path, name: &str) -> Result<()> {
    let toolchains = toolchains(root);
    set_up_language(&toolchains, Language::Rust)?;
    let out = build_plugins(root)?;
    if let Some(project) = projects(root)?.get(name) {
        set_up_language(&toolchains, project.language)?;
        build_project(project, &toolchains, &out)?;
    }
    Ok(())
}

/// Builds the policies in Rust; gives the folder.
fn build_plugins(root: &Path) -> Result<PathBuf> {
    let out = folder(root);
    fs::create_dir_all(&out)?;
    let plugins = packages(&root.join("plugins"))?;
    build_set(root, root, &plugins, &out)?;
    Ok(out)
}

fn build_project(project: &Project, toolchains: &Toolchains, out: &Path) -> Result<()> {
    let name = &project.name;
    let options = BuildOptions {
        output: Some(&out.join(format!("{name}.wasm"))),
        work: Some(&out.join(".build").join(name)),
        debug: false,
        force: false,
        color: false,
        progress: &|line| eprintln!("{line}"),
    };
    match offerd_toolchain::build(project, toolchains, &options) {
        Ok(built) => {
            show(Some(built.output.as_str()).filter(|output| !output.is_empty()));
            Ok(())
        }
        Err(error) => {
            show(error.output());
            Err(error.into())
        }
    }
}

/// Runs the unit tests of the SDKs and of all projects with the test tools of their
/// languages. (Those in Rust belong to the workspace.)
pub(crate) fn unit_tests(root: &Path) -> Result<()> {
    let toolchains = toolchains(root);
    for suite in sdk_tests(root, &toolchains)? {
        suite.run()?;
    }
    let out = folder(root);
    for (name, project) in projects(root)? {
        // Guests of tests are tested by the host's; the conformance guest of C holds
        // the tests of its SDK.
        let is_plugin = project.folder.starts_with(root.join("plugins"));
        if !is_plugin && !project.folder.join("test").is_dir() {
            continue;
        }
        let options = BuildOptions {
            output: None,
            work: Some(&out.join(".build").join(&name)),
            debug: false,
            force: false,
            color: false,
            progress: &|line| eprintln!("{line}"),
        };
        match offerd_toolchain::unit_tests(&project, &toolchains, &options) {
            Ok(status) => ensure!(
                status.success(),
                "the unit tests of {name} failed ({status})"
            ),
            Err(error) => {
                show(error.output());
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// The tests of an SDK.
struct Suite {
    folder: PathBuf,
    command: Command,
    /// How many have run, from what the test tool says: most take none for success.
    count: fn(&str) -> usize,
}

impl Suite {
    fn run(mut self) -> Result<()> {
        let folder = self.folder.display();
        eprintln!("Testing {folder} ...");
        let output = self.command.current_dir(&self.folder).output();
        let output = output.with_context(|| {
            let program = self.command.get_program().to_string_lossy();
            format!("{program} can't be started")
        })?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        eprintln!("{said}");
        let status = output.status;
        ensure!(status.success(), "the tests of {folder} failed ({status})");
        ensure!((self.count)(&said) > 0, "{folder} has no tests");
        Ok(())
    }
}

fn sdk_tests(root: &Path, toolchains: &Toolchains) -> Result<Vec<Suite>> {
    let mut python = Command::new("python3");
    python.args(["-m", "unittest"]);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    let mut node = Command::new("node");
    node.arg("--test");
    let go = toolchains.command(Program::Go);
    let mut go = go.context("Go is not set up; run `cargo xtask setup`")?;
    go.args(["test", "./..."]);
    let suite = |folder: &str, command, count| Suite {
        folder: root.join(folder),
        command,
        count,
    };
    Ok(vec![
        suite("sdk/python", python, unittest_count),
        suite("sdk/js", node, node_count),
        suite("sdk/go", go, go_count),
    ])
}

/// `Ran 87 tests in 0.1s`
fn unittest_count(said: &str) -> usize {
    number_after(said, &["Ran "])
}

/// `# tests 12`, or for people `ℹ tests 12`.
fn node_count(said: &str) -> usize {
    number_after(said, &["# tests ", "ℹ tests "])
}

fn number_after(said: &str, words: &[&str]) -> usize {
    let found = said
        .lines()
        .find_map(|line| words.iter().find_map(|words| line.strip_prefix(words)));
    let number = found.and_then(|rest| rest.split(' ').next()?.parse().ok());
    number.unwrap_or(0)
}

/// Packages with tests, a line each: `ok  \texample.org/sdk\t0.1s`
fn go_count(said: &str) -> usize {
    said.lines()
        .filter(|line| line.starts_with("ok ") && !line.contains("[no tests to run]"))
        .count()
}

/// The projects of this repository by name, without the Rust packages of the
/// sets.
fn projects(root: &Path) -> Result<BTreeMap<String, Project>> {
    let mut folders = Vec::new();
    for parent in ["plugins", "tests/guests"] {
        for folder in subfolders(&root.join(parent))? {
            let is_project = folder.join(offerd_toolchain::MANIFEST).is_file();
            let is_package = folder.join("Cargo.toml").is_file();
            ensure!(
                is_project || is_package,
                "{} has neither {} nor Cargo.toml; whatever it is, it would not be built",
                folder.display(),
                offerd_toolchain::MANIFEST
            );
            if !is_package {
                folders.push(folder);
            }
        }
    }
    for sdk in subfolders(&root.join("sdk"))? {
        folders.extend(subfolders(&sdk)?.into_iter().filter(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("conformance")
        }));
    }
    let mut projects = BTreeMap::new();
    for folder in folders {
        let project = Project::open(&folder)?;
        let name = project.name.clone();
        if let Some(other) = projects.insert(name, project) {
            bail!(
                "{} and {} have the same name, {}",
                other.folder.display(),
                folder.display(),
                other.name
            );
        }
    }
    let rust = packages(&root.join("plugins"))?;
    let rust = rust
        .into_iter()
        .chain(packages(&root.join("tests/guests"))?);
    for name in rust {
        ensure!(
            !projects.contains_key(&name),
            "a Rust package and a project are both called {name}"
        );
    }
    Ok(projects)
}

/// Folders in a folder, sorted.
fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Names of the folders that hold a package; a package is named like its folder.
fn packages(folder: &Path) -> Result<Vec<String>> {
    Ok(subfolders(folder)?
        .iter()
        .filter(|path| path.join("Cargo.toml").is_file())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect())
}

/// Builds the packages of a workspace; cargo knows which are fresh.
fn build_set(root: &Path, workspace: &Path, names: &[String], out: &Path) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc -vV names no host")?;
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let linker = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(host)
        .join("bin/wasm-component-ld");
    if !linker.is_file() {
        bail!(
            "{} is missing; it comes with Rust 1.95 and later",
            linker.display()
        );
    }
    let target_dir = root.join("target/guest-build");
    let mut command = cargo(workspace);
    command
        .args(["build", "--target", TARGET, "--profile", "guest"])
        .env("CARGO_TARGET_DIR", &target_dir)
        // 0x1f divides flags, so that paths may have spaces.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            format!("{STACK}\x1f-Clinker={}", linker.display()),
        );
    for name in names {
        command.args(["-p", name]);
    }
    run(&mut command)?;
    for name in names {
        let file = format!("{}.wasm", name.replace('-', "_"));
        let built = target_dir.join(TARGET).join("guest").join(file);
        let component =
            fs::read(&built).with_context(|| format!("{} was not built", built.display()))?;
        let place = out.join(format!("{name}.wasm"));
        // Times of files that are as they were stay.
        if fs::read(&place).ok().as_ref() != Some(&component) {
            fs::write(place, component)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_found_in_their_places_and_names_are_unique() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let project = |folder: &str, name: &str| {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).unwrap();
            let up = "../".repeat(folder.strip_prefix(root).unwrap().components().count());
            let text = format!("name = \"{name}\"\nlanguage = \"go\"\nsdk = \"{up}sdk/go\"\n");
            fs::write(folder.join("policy.toml"), text).unwrap();
        };
        for folder in ["sdk/go", "plugins/rusty", "tests/guests", "wit"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("wit/policy.wit"), "").unwrap();
        fs::write(root.join("plugins/rusty/Cargo.toml"), "").unwrap();
        project("plugins/a", "a");
        project("sdk/go/conformance", "conformance-go");
        project("sdk/go/other", "other");
        project("tests/guests/b", "b");
        let names: Vec<String> = projects(root).unwrap().into_keys().collect();
        assert_eq!(names, ["a", "b", "conformance-go"]);
        project("plugins/c", "a");
        let error = projects(root).unwrap_err().to_string();
        assert!(error.ends_with("have the same name, a"), "{error}");
        project("plugins/c", "rusty");
        let error = projects(root).unwrap_err().to_string();
        assert!(error.ends_with("both called rusty"), "{error}");
        project("plugins/c", "c");
        fs::create_dir(root.join("plugins/d")).unwrap();
        let error = projects(root).unwrap_err().to_string();
        assert!(
            error.contains("plugins/d has neither policy.toml"),
            "{error}"
        );
    }

    #[test]
    fn tests_that_ran_are_counted() {
        let said = "..\n-----\nRan 87 tests in 0.112s\n\nOK\n";
        assert_eq!(unittest_count(said), 87);
        assert_eq!(unittest_count("Ran 0 tests in 0.000s\n\nOK\n"), 0);
        assert_eq!(node_count("ok 1 - a\n1..1\n# tests 12\n# pass 12\n"), 12);
        assert_eq!(node_count("✔ a\nℹ tests 3\n"), 3);
        assert_eq!(node_count("1..0\n# tests 0\n"), 0);
        let said = "ok  \ta\t0.1s\nok  \tb\t0.1s [no tests to run]\n?   \tc\t[no test files]\n";
        assert_eq!(go_count(said), 1);
    }
}
