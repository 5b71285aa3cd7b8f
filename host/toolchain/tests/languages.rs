//! Every language, from a new project to a component, with the real compilers.
//!
//! Needs toolchains that are set up: `OFFERD_TOOLCHAINS` names their folder, as
//! `cargo xtask test` does. Without it these tests tell that they were skipped.

#![expect(
    clippy::unwrap_used,
    reason = "a test; clippy's setting for tests does not reach helpers beside them"
)]

use std::fs;
use std::path::{Path, PathBuf};

use offerd_toolchain::{
    BuildError, BuildOptions, Built, Language, Project, Toolchains, build, new_project, unit_tests,
};

const OPTIONS: BuildOptions<'static> = BuildOptions {
    output: None,
    work: None,
    debug: false,
    force: false,
    color: false,
    progress: &|_| {},
};

/// The toolchains of a language, or `None` with a word that they are not there.
fn toolchains(language: Language) -> Option<Toolchains> {
    let toolchains = std::env::var_os("OFFERD_TOOLCHAINS").map(Toolchains::at);
    let found = toolchains.filter(|toolchains| toolchains.has(language));
    if found.is_none() {
        assert!(
            std::env::var_os("OFFERD_CI").is_none(),
            "in CI the toolchain for {language} must be there"
        );
        eprintln!("SKIPPED: no toolchain for {language}; run `cargo xtask test`");
    }
    found
}

struct New {
    _dir: tempfile::TempDir,
    folder: PathBuf,
    toolchains: Toolchains,
}

impl New {
    fn project(language: Language) -> Option<Self> {
        let toolchains = toolchains(language)?;
        let dir = tempfile::tempdir().unwrap();
        // With a space, as people's folders have.
        let folder = dir.path().join("my policies");
        new_project(language, "night-batch", &folder).unwrap();
        if language == Language::Rust {
            // What the SDK depends on need not be compiled for each run.
            let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/new-project");
            fs::create_dir(folder.join(".cargo")).unwrap();
            fs::write(
                folder.join(".cargo/config.toml"),
                format!("[build]\ntarget-dir = {target:?}\n"),
            )
            .unwrap();
        }
        Some(Self {
            _dir: dir,
            folder,
            toolchains,
        })
    }

    fn unit_tests(&self) -> bool {
        let project = Project::open(&self.folder).unwrap();
        unit_tests(&project, &self.toolchains, &OPTIONS)
            .unwrap()
            .success()
    }

    fn build(&self) -> Result<Built, BuildError> {
        build(
            &Project::open(&self.folder).unwrap(),
            &self.toolchains,
            &OPTIONS,
        )
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

/// A new project builds, is fresh then, and is built again after a change; a
/// mistake in it is quoted from the compiler.
fn lives(language: Language, source: &str, change: (&str, &str), mistake: (&str, &str)) {
    let Some(new) = New::project(language) else {
        return;
    };
    assert!(new.unit_tests());
    let first = new.build().unwrap();
    assert!(!first.fresh);
    assert_eq!(first.output, "", "no warnings");
    assert!(first.file.ends_with("night-batch.wasm"));
    assert!(is_component(&first.file));
    assert!(new.build().unwrap().fresh);

    new.change(source, change.0, change.1);
    assert!(!new.build().unwrap().fresh);

    new.change(source, mistake.0, mistake.1);
    let error = new.build().unwrap_err();
    let said = error.output().unwrap_or_default();
    assert!(said.contains("no_such_thing"), "{said}");
    let text = error.to_string();
    assert!(text.starts_with("night-batch was not built: "), "{text}");
    assert!(
        text.ends_with("Correct what it says above and build again"),
        "{text}"
    );
    // What was there is still there.
    assert!(is_component(&first.file));
}

fn is_component(file: &Path) -> bool {
    let bytes = fs::read(file).unwrap();
    bytes.starts_with(b"\0asm") && bytes.get(4..8) == Some(&[0x0d, 0, 1, 0])
}

#[test]
fn rust() {
    lives(
        Language::Rust,
        "src/lib.rs",
        ("Takes the first", "Takes the very first"),
        ("u32::MAX", "no_such_thing"),
    );
}

#[test]
fn javascript() {
    lives(
        Language::JavaScript,
        "src/policy.js",
        ("Takes the first", "Takes the very first"),
        (
            "Order, PolicyError }",
            "Order, PolicyError, no_such_thing }",
        ),
    );
}

#[test]
fn typescript() {
    lives(
        Language::TypeScript,
        "src/policy.ts",
        ("Takes the first", "Takes the very first"),
        ("spot.count, left", "spot.no_such_thing, left"),
    );
}

#[test]
fn what_a_file_throws_when_it_is_loaded_is_told_with_its_line() {
    let Some(new) = New::project(Language::TypeScript) else {
        return;
    };
    let thrown = "throw new Error('odd');\n\nexport default";
    new.change("src/policy.ts", "export default", thrown);
    let error = new.build().unwrap_err();
    let said = error.output().unwrap_or_default();
    assert!(said.contains("at <anonymous> (src/policy.ts:10)"), "{said}");
}

/// Stacks in the host's log are shown with a table at the bundle's end.
#[test]
fn a_bundle_knows_its_sources_and_not_where_they_were() {
    let built_in = |folder: &str| {
        let new = New::project(Language::JavaScript)?;
        let elsewhere = new.folder.with_file_name(folder);
        fs::rename(&new.folder, &elsewhere).unwrap();
        let project = Project::open(&elsewhere).unwrap();
        build(&project, &new.toolchains, &OPTIONS).unwrap();
        Some(fs::read_to_string(elsewhere.join("build/policy.js")).unwrap())
    };
    let Some(one) = built_in("one") else {
        return;
    };
    let table = one.lines().last().unwrap();
    assert!(table.contains(r#"[\"src/policy.js\","#), "{table}");
    assert!(table.contains(r#"[\"@offerd/sdk/src/fit.js\","#), "{table}");
    assert_eq!(one, built_in("another").unwrap());
}

#[test]
fn a_missing_tool_is_named_with_the_command_that_installs_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("p");
    new_project(Language::Python, "night-batch", &folder).unwrap();
    let project = Project::open(&folder).unwrap();
    let error = build(&project, &Toolchains::at(dir.path()), &OPTIONS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "componentize-py-0.25.1-mypy-2.4.1 is not set up; run `offerd policy setup python`"
    );
}

#[test]
fn python() {
    lives(
        Language::Python,
        "policy.py",
        ("Takes the first", "Takes the very first"),
        ("import annotations", "import no_such_thing"),
    );
}

#[test]
fn c() {
    lives(
        Language::C,
        "src/policy.c",
        ("Takes the first", "Takes the very first"),
        ("round->waiting.len", "round->no_such_thing"),
    );
}

#[test]
fn cpp() {
    lives(
        Language::Cpp,
        "src/policy.cpp",
        ("Takes the first", "Takes the very first"),
        ("round.waiting()", "round.no_such_thing()"),
    );
}

#[test]
fn zig() {
    lives(
        Language::Zig,
        "src/policy.zig",
        ("Takes the first", "Takes the very first"),
        ("round.waiting()", "round.no_such_thing()"),
    );
}

#[test]
fn go() {
    lives(
        Language::Go,
        "main.go",
        ("Takes the first", "Takes the very first"),
        ("range round.Waiting", "range round.no_such_thing"),
    );
}

/// With state a policy is of another world and has two functions more.
fn keeps_state(language: Language, source: &str, change: (&str, &str)) {
    let Some(new) = New::project(language) else {
        return;
    };
    new.change("policy.toml", "state = false", "state = true");
    let without = new.build().unwrap_err();
    let said = without.output().unwrap_or_default().to_lowercase();
    assert!(said.contains("save"), "{said}");
    new.change(source, change.0, change.1);
    let built = new.build().unwrap();
    let component = fs::read(&built.file).unwrap();
    let name = b"offerd:policy/state@0.1.0";
    assert!(component.windows(name.len()).any(|part| part == name));
    assert!(new.unit_tests());
}

#[test]
fn zig_with_state() {
    keeps_state(
        Language::Zig,
        "src/policy.zig",
        (
            "// Unit tests",
            "pub fn save() offerd.Error!offerd.Snapshot {
    return .{ .version = 1, .data = offerd.print(\"{d}\", .{most}) };
}

pub fn restore(snapshot: offerd.Snapshot) offerd.Error!void {
    if (snapshot.version != 1) return offerd.fail(\"layout {d}\", .{snapshot.version});
}

test \"without `stateful` there is nothing to save\" {
    const why = offerd.testing.restart(\"{}\").?;
    try std.testing.expectEqualStrings(\"the policy has no offerd_save and offerd_restore\", why);
}

// Unit tests",
        ),
    );
}

#[test]
fn cpp_with_state() {
    keeps_state(
        Language::Cpp,
        "src/policy.cpp",
        (
            "};

OFFERD_POLICY",
            "
    std::expected<offerd::Snapshot, std::string> save() {
        return offerd::Snapshot{1, std::to_string(most)};
    }

    offerd::Result restore(offerd::Snapshot snapshot) {
        if (snapshot.version != 1) {
            return std::unexpected(\"state of another layout\");
        }
        return {};
    }
};

OFFERD_STATEFUL_POLICY",
        ),
    );
}
