//! Policy projects in their authors' hands: every command in every language, and a policy
//! at work on a simulated cluster while its sources change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use offerd_toolchain::Language;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::support::{PATIENCE, ends_well, offerd, output, signal, toolchains};

/// Lines of both streams of a program.
fn lines(child: &mut Child) -> mpsc::UnboundedReceiver<String> {
    let (to, lines) = mpsc::unbounded_channel();
    forward(child.stdout.take().unwrap(), to.clone());
    forward(child.stderr.take().unwrap(), to);
    lines
}

fn forward(stream: impl AsyncRead + Unpin + Send + 'static, to: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // At the end of the test nobody reads.
            let _ = to.send(line);
        }
    });
}

/// Reads on until a line has this text; an error that is not waited for is one of the test.
async fn until(lines: &mut mpsc::UnboundedReceiver<String>, text: &str) {
    let limit = Instant::now() + PATIENCE;
    let mut seen = String::new();
    while let Ok(Some(line)) = timeout_at(limit, lines.recv()).await {
        if line.contains(text) {
            return;
        }
        seen.push_str(&line);
        seen.push('\n');
        assert!(
            !line.starts_with("error"),
            "while waiting for '{text}':\n{seen}"
        );
    }
    panic!("no line says '{text}':\n{seen}");
}

fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

/// A new project, made by the command for it.
struct New {
    dir: tempfile::TempDir,
    folder: PathBuf,
}

impl New {
    /// `None` if the language's compilers are not set up.
    async fn project(language: Language) -> Option<Self> {
        if !toolchains(language) {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("night-batch");
        let new = Self { dir, folder };
        let name = language.name();
        let made = new
            .run(&["new", "--lang", name, "night-batch", "--dir"])
            .await;
        assert!(made.contains("offerd policy build"), "{made}");
        if language == Language::Rust {
            // What the SDK depends on need not be compiled for each test.
            let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/new-project");
            fs::create_dir(new.folder.join(".cargo")).unwrap();
            let config = format!("[build]\ntarget-dir = {target:?}\n");
            fs::write(new.folder.join(".cargo/config.toml"), config).unwrap();
        }
        Some(new)
    }

    fn path(&self) -> &str {
        self.folder.to_str().unwrap()
    }

    /// Runs `offerd policy` with the folder as the last argument: whether it succeeds, and
    /// what it says.
    async fn attempt(&self, arguments: &[&str]) -> (bool, String) {
        let mut all = vec!["policy"];
        all.extend(arguments);
        all.push(self.path());
        let (code, mut said, more) = output(self.dir.path(), &all).await;
        said.push_str(&more);
        (code == 0, said)
    }

    async fn run(&self, arguments: &[&str]) -> String {
        let (succeeds, said) = self.attempt(arguments).await;
        assert!(succeeds, "{arguments:?}: {said}");
        said
    }
}

/// The policy with which the README of a language's SDK begins.
fn policy_of_the_readme(language: Language) -> String {
    let (sdk, fence) = match language {
        Language::Rust => ("rust", "rust"),
        Language::JavaScript => ("js", "js"),
        Language::TypeScript => ("js", "ts"),
        Language::Python => ("python", "python"),
        Language::Go => ("go", "go"),
        Language::C => ("c", "c"),
        Language::Cpp => ("c", "cpp"),
        Language::Zig => ("c", "zig"),
    };
    let sdks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk");
    let text = fs::read_to_string(sdks.join(sdk).join("README.md")).unwrap();
    let (_, block) = text.split_once(&format!("```{fence}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// All commands, from nothing to a measured component; the README's policy in place of the
/// template's; then a bug, and what tells where it is. `bug` is what of the template's source is replaced by what.
async fn lives(language: Language, bug: (&str, &str), place: &str) {
    let Some(new) = New::project(language).await else {
        return;
    };
    let set_up = ["policy", "setup", language.name()];
    let (_, set_up, _) = output(new.dir.path(), &set_up).await;
    assert!(set_up.ends_with(" is there\n"), "{set_up}");
    new.run(&["unit"]).await;
    let built = new.run(&["build"]).await;
    assert!(built.contains("night-batch.wasm built in "), "{built}");
    let again = new.run(&["build"]).await;
    assert!(again.contains("night-batch.wasm is up to date"), "{again}");
    let component = new.folder.join("night-batch.wasm");
    let check = ["policy", "check", component.to_str().unwrap()];
    let (_, checked, _) = output(new.dir.path(), &check).await;
    assert!(checked.contains("night-batch"), "{checked}");
    let tested = new.run(&["test"]).await;
    assert!(tested.contains("8 of 8 passed\n"), "{tested}");
    let measured = new.run(&["bench", "--seconds", "0.01", "--json"]).await;
    assert!(
        measured.contains("\"policy\": \"night-batch\""),
        "{measured}"
    );

    let entry = new.folder.join(language.entry());
    let template = fs::read_to_string(&entry).unwrap();
    fs::write(&entry, policy_of_the_readme(language)).unwrap();
    let built = new.run(&["build"]).await;
    assert!(built.contains("night-batch.wasm built in "), "{built}");
    assert!(!built.contains("warning"), "{built}");
    let (_, checked, _) = output(new.dir.path(), &check).await;
    assert!(checked.contains("my-first-fit"), "{checked}");
    fs::write(&entry, template).unwrap();

    change(&entry, bug.0, bug.1);
    let (passes, said) = new.attempt(&["test", "--debug", "--only", "work"]).await;
    assert!(!passes);
    assert!(said.contains(place), "no {place}: {said}");
}

#[tokio::test]
async fn rust_projects() {
    let bug = (
        "let mut left",
        "let _ = round.offers[round.offers.len() + 5];\n        let mut left",
    );
    lives(Language::Rust, bug, "src/lib.rs:40").await;
}

#[tokio::test]
async fn javascript_projects() {
    let bug = ("let left", "null.left;\n    let left");
    lives(Language::JavaScript, bug, "at decide (src/policy.js:24)").await;
}

#[tokio::test]
async fn typescript_projects() {
    let bug = ("let left", "(null as any).left;\n    let left");
    lives(Language::TypeScript, bug, "at decide (src/policy.ts:28)").await;
}

#[tokio::test]
async fn python_projects() {
    let bug = (
        "left = self.most",
        "round.offers[5000]\n        left = self.most",
    );
    lives(
        Language::Python,
        bug,
        "File \"policy.py\", line 29, in decide",
    )
    .await;
}

#[tokio::test]
async fn go_projects() {
    let bug = (
        "left := policy.Most",
        "_ = round.Offers[len(round.Offers)+5]\n\tleft := policy.Most",
    );
    lives(Language::Go, bug, "main.go:27").await;
}

#[tokio::test]
async fn c_projects() {
    let bug = (
        "double left = most;",
        "double left = most;\n    *(volatile int *)0xfffffff0u = 1;",
    );
    lives(Language::C, bug, "src/policy.c:27").await;
}

#[tokio::test]
async fn cpp_projects() {
    let bug = (
        "uint32_t left = most;",
        "uint32_t left = most;\n        *(volatile int *)0xfffffff0u = 1;",
    );
    lives(Language::Cpp, bug, "src/policy.cpp:32").await;
}

#[tokio::test]
async fn zig_projects() {
    let bug = (
        "var left = most;",
        "var left = most;\n    _ = round.waiting()[round.waiting().len + 5];",
    );
    lives(Language::Zig, bug, "src/policy.zig:27").await;
}

#[tokio::test]
async fn types_that_do_not_fit_are_told_with_what_to_do() {
    let Some(new) = New::project(Language::Python).await else {
        return;
    };
    change(&new.folder.join("policy.py"), "spot.count,", "spot.counts,");
    let (succeeds, said) = new.attempt(&["build"]).await;
    assert!(!succeeds);
    for part in [
        "policy.py:33: error: \"Spot\" has no attribute \"counts\"; maybe \"count\"?",
        "night-batch was not built: the type check failed",
        "Correct what it says above and build again",
    ] {
        assert!(said.contains(part), "no {part}: {said}");
    }
}

#[tokio::test]
async fn saved_sources_take_over_and_broken_ones_do_not() {
    let Some(new) = New::project(Language::JavaScript).await else {
        return;
    };
    let arguments = [
        "policy",
        "run",
        new.path(),
        "--sim",
        "--config",
        "{ most = 50 }",
    ];
    let mut child = offerd(new.dir.path(), &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = lines(&mut child);
    until(&mut said, "night-batch works on 4 agents").await;
    until(&mut said, "the first offer with room").await;
    until(&mut said, " finished; ").await;

    let source = new.folder.join("src/policy.js");
    change(&source, "the first offer", "the very first offer");
    until(&mut said, " took over from ").await;
    until(&mut said, "the very first offer with room").await;

    change(&source, "export default class", "export default clas");
    until(&mut said, "night-batch was not built: esbuild failed").await;
    until(&mut said, "The code before goes on.").await;

    // policy.toml is read again: a policy with state has two functions more.
    let manifest = new.folder.join("policy.toml");
    change(&manifest, "state = false", "state = \"no\"");
    until(&mut said, "state: this is a text; must be true or false").await;
    change(&manifest, "state = \"no\"", "state = true");
    change(&source, "export default clas", "export default class");
    change(
        &source,
        "  decide(round",
        "  save() {\n    return { version: 1, data: '' };\n  }\n\n  restore() {}\n\n  decide(round",
    );
    until(&mut said, " took over from ").await;
    signal(&child, "INT").await;
    ends_well(&mut child).await;
}
