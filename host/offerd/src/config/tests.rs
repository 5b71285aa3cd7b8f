//! The configuration of the README works, and every mistake is said.

use std::path::Path;
use std::time::Duration;

use super::*;

const GOOD: &str = r#"# offerd.toml: relative paths are relative to this file
[mesos]
masters = ["127.0.0.1:5050"]

[framework]
name = "offerd"
user = "root"
roles = ["batch", "web"]

[store]
dir = "state"

[[policy]]
roles = ["batch"]
file = "bin-pack.wasm"

[[policy]]
roles = ["web"]
file = "spread.wasm"
config = { attribute = "rack" }
"#;

fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["bin-pack.wasm", "spread.wasm"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    dir
}

fn mistakes(text: &str) -> String {
    let dir = directory();
    let error = Config::parse("offerd.toml", text, dir.path()).unwrap_err();
    error
        .to_string()
        .replace(&dir.path().display().to_string(), "DIR")
}

#[test]
fn the_example_works_as_it_stands() {
    let dir = directory();
    let path = dir.path().join("offerd.toml");
    std::fs::write(&path, GOOD).unwrap();
    let config = Config::load(&path).unwrap();
    assert_eq!(config.mesos.masters[0].to_string(), "127.0.0.1:5050");
    assert_eq!(config.framework.roles, ["batch", "web"]);
    assert_eq!(
        config.framework.failover_timeout,
        Duration::from_secs(604_800)
    );
    assert!(config.framework.checkpoint);
    assert!(!config.framework.gpu);
    assert_eq!(config.store, Store::Directory(dir.path().join("state")));
    assert_eq!(
        config.compiled_dir(),
        Some(dir.path().join("state/compiled"))
    );
    assert_eq!(config.policies[0].name, "bin-pack");
    assert_eq!(config.policies[0].config, "{}");
    assert_eq!(config.policies[1].roles, ["web"]);
    assert_eq!(config.policies[1].file, dir.path().join("spread.wasm"));
    assert_eq!(config.policies[1].config, r#"{"attribute":"rack"}"#);
    assert_eq!(admin_address(&path).unwrap(), config.admin.listen);
}

#[test]
fn every_setting_is_read() {
    let dir = directory();
    std::fs::write(dir.path().join("secret"), "s3cret\n").unwrap();
    std::fs::write(dir.path().join("ca.pem"), "").unwrap();
    let text = r#"
[mesos]
masters = ["m1:5050", "m2:5050"]
credentials = { principal = "p", secret_file = "secret" }
tls = { ca = "ca.pem" }
[framework]
name = "f"
user = "u"
roles = ["eng/batch"]
principal = "p"
failover_timeout = "2days"
checkpoint = false
hostname = "h"
webui_url = "http://h/"
gpu = true
labels = { team = "x" }
[admin]
listen = "unix:admin.sock"
[store]
memory = true
[log]
format = "json"
level = "info,policy=debug"
[offers]
lease = "10s"
lease_contended = "3s"
refuse_waiting = "5s"
refuse_idle = "2h"
[limits]
call_deadline = "100ms"
memory = "128MiB"
[[policy]]
name = "mine"
roles = ["eng/batch"]
file = "bin-pack.wasm"
memory = "1GiB"
[policy.config]
depth = 3
weights = [1, 2.5]
"#;
    let config = Config::parse("offerd.toml", text, dir.path()).unwrap();
    let credentials = config.mesos.credentials.clone().unwrap();
    assert_eq!(credentials.secret, "s3cret");
    assert!(!format!("{config:?}").contains("s3cret"));
    assert_eq!(config.mesos.ca, Some(dir.path().join("ca.pem")));
    assert_eq!(config.framework.principal.as_deref(), Some("p"));
    assert_eq!(
        config.framework.labels,
        [("team".to_owned(), "x".to_owned())]
    );
    assert_eq!(config.store, Store::Memory);
    assert_eq!(config.compiled_dir(), None);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.offers.lease_contended, Duration::from_secs(3));
    assert_eq!(config.offers.refuse_idle, Duration::from_secs(7200));
    let limits = &config.policies[0].limits;
    assert_eq!(limits.call_deadline, Duration::from_millis(100));
    assert_eq!(limits.memory, 1 << 30, "its own");
    assert_eq!(config.policies[0].name, "mine");
    assert_eq!(
        config.policies[0].config,
        r#"{"depth":3,"weights":[1,2.5]}"#
    );
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let text = r#"[mesos]
master = ["127.0.0.1:5050"]

[framework]
name = ""
user = 0
roles = ["batch", "web", "batch", "a b", "idle"]
failover_timeout = 7

[admin]
listen = "0.0.0.0:5580"

[store]
dri = "state"

[log]
format = "xml"
level = "loud"

[offers]
lease = "0s"

[limits]
memory = "64kB"

[[policy]]
roles = ["batch", "wbe"]
file = "bin-pack.wasm"

[[policy]]
roles = ["web", "batch"]
file = "sprad.wasm"
config = 3

[[policy]]
roles = []
file = "bin-pack.wasm"

[extra]
"#;
    let expected = "\
offerd.toml:1:1: mesos.masters: missing; write the masters' addresses, such as [\"127.0.0.1:5050\"]
offerd.toml:2:1: mesos.master: there is no such setting; did you mean 'masters'?
offerd.toml:5:8: framework.name: must not be empty
offerd.toml:6:8: framework.user: 0 is a whole number; must be a text in quotes
offerd.toml:7:26: framework.roles[2]: the role 'batch' stands here twice; Mesos refuses that
offerd.toml:7:35: framework.roles[3]: 'a b' is no role; a role has no spaces, does not begin with '-', and its parts between '/' are neither empty nor '.' nor '..'
offerd.toml:7:42: framework.roles[4]: no policy decides for the role 'idle'; add it to the roles of a [[policy]]
offerd.toml:8:20: framework.failover_timeout: 7 is a whole number; must be a time with its unit in quotes, such as \"30s\" or \"7days\"
offerd.toml:11:10: admin.listen: '0.0.0.0:5580' can be reached from other machines, and the admin API has no password; write \"127.0.0.1:5580\", \"[::1]:5580\" or \"unix:/path/to/socket\"
offerd.toml:13:1: store.dir: missing; write the directory where the framework's id, jobs and tasks are kept
offerd.toml:14:1: store.dri: there is no such setting; did you mean 'dir'?
offerd.toml:17:10: log.format: 'xml' is no log format; write \"human\" or \"json\"
offerd.toml:18:9: log.level: 'loud' is no log level; write off, error, warn, info, debug or trace, or a list such as \"info,policy=debug\"
offerd.toml:21:9: offers.lease: must be longer than 0
offerd.toml:24:10: limits.memory: '64kB' is no size; write a number with a unit (B, KiB, MiB, GiB), such as \"64MiB\"
offerd.toml:27:19: policy[0].roles[1]: the role 'wbe' is not in framework.roles; did you mean 'web'?
offerd.toml:31:17: policy[1].roles[1]: the role 'batch' already belongs to policy[0]; one policy decides for a role
offerd.toml:32:8: policy[1].file: cannot read the policy file DIR/sprad.wasm: No such file or directory (os error 2); relative paths start at the directory of this file
offerd.toml:33:10: policy[1].config: 3 is a whole number; must be a table, such as { attribute = \"rack\" }
offerd.toml:35:1: policy[2]: another policy has the name 'bin-pack' already; give one of them a name of its own, such as name = \"bin-pack-2\"
offerd.toml:36:9: policy[2].roles: no role stands here, so the policy would decide nothing; name one
offerd.toml:39:2: extra: there is no such setting; the settings here are mesos, framework, store, admin, log, offers, limits, record, policy";
    assert_eq!(mistakes(text), expected);
}

#[test]
fn an_empty_file_says_what_is_needed() {
    assert_eq!(
        mistakes(""),
        "\
offerd.toml:1:1: mesos: missing; write [mesos] with masters
offerd.toml:1:1: framework: missing; write [framework] with name, user and roles
offerd.toml:1:1: store: missing; write [store] with dir
offerd.toml:1:1: policy: missing; at least one policy must decide about offers; write [[policy]] with roles and file"
    );
}

#[test]
fn credentials_and_certificates_must_be_there() {
    let text = GOOD.replace(
        "masters = [\"127.0.0.1:5050\"]",
        "masters = []\ncredentials = { principal = \"p\", secret_file = \"none\" }\ntls = { ca = \"none\" }",
    );
    assert_eq!(
        mistakes(&text),
        "\
offerd.toml:3:11: mesos.masters: no master stands here; write the masters' addresses, such as [\"127.0.0.1:5050\"]
offerd.toml:4:48: mesos.credentials.secret_file: cannot read the secret DIR/none: No such file or directory (os error 2)
offerd.toml:5:14: mesos.tls.ca: cannot read DIR/none: No such file or directory (os error 2)"
    );
}

#[test]
fn an_unreadable_file_is_named() {
    let error = Config::load(Path::new("/nowhere/offerd.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nowhere/offerd.toml: cannot read the configuration file: No such file or directory (os error 2)"
    );
}

#[test]
fn the_admin_address_is_found_beside_other_mistakes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("offerd.toml");
    std::fs::write(&path, "[admin]\nlisten = \"unix:a.sock\"\n[mesos]\n").unwrap();
    assert_eq!(
        admin_address(&path).unwrap(),
        Listen::Unix(dir.path().join("a.sock"))
    );
    std::fs::write(&path, "[mesos]\n").unwrap();
    assert_eq!(admin_address(&path).unwrap().to_string(), "127.0.0.1:5580");
    std::fs::write(&path, "[store]\ndir = \"state\"\n[mesos]\n").unwrap();
    assert_eq!(
        admin_address(&path).unwrap(),
        Listen::Unix(dir.path().join("state/admin.sock"))
    );
    std::fs::write(&path, "[admin]\nlisten = \"far:1\"\n").unwrap();
    let error = admin_address(&path).unwrap_err().to_string();
    assert!(
        error.contains("2:10: admin.listen: 'far:1' is no address"),
        "{error}"
    );
}
