//! A policy project in its author's hands: at work on a simulated cluster while its
//! sources change.

use std::path::Path;
use std::process::Stdio;

use offerd_toolchain::Language;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::support::toolchains;

fn offerd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offerd"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

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
    let mut seen = String::new();
    while let Some(line) = lines.recv().await {
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
    let mut said = lines(&mut child);
    until(&mut said, "night-batch works on 4 agents").await;
    until(&mut said, " finished; ").await;

    let source = folder.join("src/policy.js");
    change(&source, "the first offer", "the very first offer");
    until(&mut said, " took over from ").await;

    change(&source, "export default class", "export default clas");
    until(&mut said, "night-batch was not built: esbuild failed").await;
    until(&mut said, "The code before goes on.").await;

    change(&source, "export default clas", "export default class");
    until(&mut said, " finished; ").await;
    interrupt(child).await;
}
