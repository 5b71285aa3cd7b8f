//! A policy project in its author's hands: at work on a simulated cluster while its
//! sources change.

use std::path::Path;
use std::process::Stdio;

use offerd_toolchain::Language;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, Command};

use crate::support::toolchains;

fn offerd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offerd"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Reads on until a line has this text.
async fn until(lines: &mut Lines<impl AsyncBufRead + Unpin>, text: &str) -> String {
    let mut seen = String::new();
    loop {
        let line = lines.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("no line says '{text}':\n{seen}"));
        if line.contains(text) {
            return line;
        }
        seen.push_str(&line);
        seen.push('\n');
    }
}

fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}

async fn interrupt(mut child: Child) {
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(sent.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn saved_sources_take_over_and_broken_ones_do_not() {
    if !toolchains(Language::JavaScript) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("night-batch");
    let path = folder.to_str().unwrap();
    let new = [
        "policy",
        "new",
        "--lang",
        "javascript",
        "night-batch",
        "--dir",
        path,
    ];
    assert!(
        offerd(&new)
            .stdout(Stdio::null())
            .status()
            .await
            .unwrap()
            .success()
    );

    let tested = offerd(&["policy", "test", path]).output().await.unwrap();
    let said = String::from_utf8(tested.stdout).unwrap();
    assert!(tested.status.success(), "{said}");
    assert!(said.ends_with("8 of 8 passed\n"), "{said}");

    let mut child = offerd(&["policy", "run", path, "--sim", "--config", "{ most = 50 }"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    until(&mut said, "night-batch works on 4 agents").await;
    until(&mut said, " finished; ").await;

    let source = folder.join("src/policy.js");
    change(&source, "the first offer", "the very first offer");
    until(&mut said, " took over from ").await;

    change(&source, "export default class", "export default clas");
    until(&mut errors, "night-batch was not built: esbuild failed").await;
    until(&mut errors, "The code before goes on.").await;

    change(&source, "export default clas", "export default class");
    until(&mut said, " finished; ").await;
    interrupt(child).await;
}
