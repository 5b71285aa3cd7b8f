//! The commands of an operator who changes policies while tasks run, one after the
//! other, as typed.

use std::path::Path;

use offerd_sim::Sim;

use crate::support::{Running, guest, output, sim_settings, until};

const CONFIG: &str = r#"
[mesos]
masters = ["MASTER"]

[framework]
name = "offerd"
user = "root"
roles = ["web"]

[admin]
listen = "127.0.0.1:0"

[store]
dir = "state"

[limits]
call_deadline = "60s"

[[policy]]
roles = ["web"]
file = "first-fit.wasm"
trial = "0s"
watch = false
"#;

fn job(name: &str, mem: u32) -> String {
    format!(
        "[[job]]\nname = \"{name}\"\nrole = \"web\"\nkind = \"batch\"\ncount = 5\ncpus = 0.1\n\
         mem = {mem}\ncommand = \"true\"\n"
    )
}

struct Operator<'a> {
    dir: &'a Path,
    admin: String,
}

impl Operator<'_> {
    async fn asks(&self, command: &str) -> (i32, String, String) {
        let words: Vec<&str> = command.split(' ').chain(["--admin", &self.admin]).collect();
        output(self.dir, &words).await
    }

    /// What a command says that does what it should.
    async fn does(&self, command: &str, says: &str) -> String {
        let (code, out, err) = self.asks(command).await;
        assert_eq!(code, 0, "{command}: {out}{err}");
        assert!(out.contains(says), "{command} does not say '{says}': {out}");
        out
    }

    /// What a command says that does not.
    async fn fails(&self, command: &str, says: &str) {
        let (code, out, err) = self.asks(command).await;
        assert_eq!((code, out.as_str()), (1, ""), "{command}: {err}");
        assert!(err.contains(says), "{command} does not say '{says}': {err}");
    }

    async fn runs(&self, name: &str) {
        std::fs::write(self.dir.join("job.toml"), job(name, 32)).unwrap();
        let says = format!("job {name} finished: 5 of 5");
        self.does("job submit job.toml --wait", &says).await;
    }
}

#[tokio::test]
async fn policies_are_changed_explained_and_replayed() {
    let sim = Sim::start(sim_settings()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for name in ["first-fit", "bin-pack", "spread", "worse"] {
        std::fs::copy(guest(name), dir.join(format!("{name}.wasm"))).unwrap();
    }
    let config = CONFIG.replace("MASTER", &sim.address().to_string());
    std::fs::write(dir.join("offerd.toml"), &config).unwrap();
    let running = Running::start(dir).await;
    let operator = Operator {
        dir,
        admin: running.admin.clone(),
    };
    operator.runs("one").await;

    // By hand, and back.
    operator
        .does("policy swap web bin-pack.wasm", "took over")
        .await;
    let (_, list, _) = operator.asks("policy list --json").await;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert!(list[0]["previous"].is_string(), "{list}");
    operator.runs("two").await;
    operator.does("policy rollback web", "took over").await;
    operator
        .fails("policy swap web nothing.wasm", "nothing.wasm")
        .await;
    operator
        .fails("policy swap wbe spread.wasm", "no policy or role wbe")
        .await;
    // It panics in each round; whoever asked sees where, and the list says that it did.
    operator
        .fails("policy swap web worse.wasm", "it panics in each round")
        .await;
    operator.does("policy list", "(more in the log)").await;

    // Candidates: one is promoted, one is aborted.
    operator
        .does("policy shadow web bin-pack.wasm", "is a shadow of policy")
        .await;
    operator.runs("three").await;
    operator.does("policy list", "SHADOW OF").await;
    operator.does("policy promote web", "took over").await;
    operator
        .does("policy canary web spread.wasm --share 50", "canary")
        .await;
    operator.runs("four").await;
    operator.does("policy list", "CANARY OF").await;
    operator.does("policy abort web", "is no canary").await;
    operator.fails("policy abort web", "has no shadow").await;

    // Another configuration, by command and by signal.
    operator
        .does("reload", "the configuration has not changed")
        .await;
    let more = config.replace("[\"web\"]\n\n", "[\"web\", \"batch\"]\n\n")
        + "\n[[policy]]\nroles = [\"batch\"]\nfile = \"spread.wasm\"\n";
    std::fs::write(dir.join("offerd.toml"), more).unwrap();
    operator
        .does("reload", "policy spread decides for batch")
        .await;
    std::fs::write(dir.join("offerd.toml"), &config).unwrap();
    running.signal("HUP").await;
    until("the role is gone again", async || {
        let (_, list, _) = operator.asks("policy list").await;
        if list.contains("spread") {
            Err(list)
        } else {
            Ok(())
        }
    })
    .await;
    std::fs::write(dir.join("offerd.toml"), "nonsense").unwrap();
    operator.fails("reload", "nothing was done").await;

    // A task that waits, and one that is not there.
    std::fs::write(dir.join("job.toml"), job("large", 100_000)).unwrap();
    operator.does("job submit job.toml", "large").await;
    let (_, tasks, _) = operator.asks("task list --job large --json").await;
    let tasks: serde_json::Value = serde_json::from_str(&tasks).unwrap();
    let id = tasks[0]["id"].as_str().unwrap();
    until("the task's offers are told", async || {
        let why = operator.does(&format!("why {id}"), "WAITING").await;
        if why.contains("mem: needs 100000") {
            Ok(())
        } else {
            Err(why)
        }
    })
    .await;
    operator.fails("why nobody", "nobody").await;
    running.stop().await;
    operator.fails("policy list", "no offerd answers at").await;

    // What was recorded, and a piece of it.
    let alone = async |command: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        output(dir, &words).await
    };
    let (code, out, err) = alone("replay state/recordings").await;
    assert!(code == 0 && out.contains(" 0 otherwise"), "{out}{err}");
    let (code, out, _) = alone("record list state/recordings").await;
    assert!(code == 0 && out.contains(".orec"), "{out}");
    let (code, piece, err) = alone("record cut state/recordings -o piece --redact").await;
    assert!(code == 0 && piece.contains("piece/"), "{piece}{err}");
    let (code, out, err) = alone("replay piece").await;
    assert!(code == 0 && out.contains(" 0 otherwise"), "{out}{err}");
    let (code, _, err) = alone("replay nothing").await;
    assert!(code == 1 && err.contains("nothing"), "{err}");
}
