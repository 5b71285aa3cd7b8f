//! Small modules become components, or it is said why not.

use super::*;

const WORLD: &str = "
package offerd:policy@0.1.0;
interface clock { now: func() -> u64; }
world policy { import clock; export answer: func() -> u32; }
world other { import offerd:elsewhere/x; export answer: func() -> u32; }
";
const ELSEWHERE: &str = "package offerd:elsewhere; interface x { y: func(); }";

fn wit() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("policy.wit"), WORLD).unwrap();
    std::fs::create_dir_all(dir.path().join("deps/elsewhere")).unwrap();
    std::fs::write(dir.path().join("deps/elsewhere/x.wit"), ELSEWHERE).unwrap();
    dir
}

fn module(imports: &str, body: &str) -> Vec<u8> {
    wat::parse_str(format!(
        "(module {imports} (memory (export \"memory\") 1)
           (func (export \"answer\") (result i32) {body} i32.const 42))"
    ))
    .unwrap()
}

#[test]
fn wasi_is_answered_inside() {
    let wit = wit();
    let core = module(
        "(import \"wasi_snapshot_preview1\" \"path_open\" (func $open
            (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
         (import \"offerd:policy/clock@0.1.0\" \"now\" (func $now (result i64)))",
        "(drop (call $now))",
    );
    let component = encode(&core, Some((wit.path(), "policy"))).unwrap();
    check_imports(&component).unwrap();
    assert!(Parser::is_component(&component));
}

#[test]
fn imports_outside_the_contract_are_named() {
    let wit = wit();
    let core = module("(import \"offerd:elsewhere/x\" \"y\" (func))", "");
    let component = encode(&core, Some((wit.path(), "other"))).unwrap();
    let error = check_imports(&component).unwrap_err().to_string();
    assert!(
        error.starts_with("the policy imports offerd:elsewhere/x, which"),
        "{error}"
    );
    let unknown = module("(import \"env\" \"abort\" (func))", "");
    let error = encode(&unknown, Some((wit.path(), "policy"))).unwrap_err();
    assert!(error.to_string().contains("abort"), "{error}");
}

#[test]
fn what_is_no_component_is_told() {
    let error = check_imports(&module("", "")).unwrap_err();
    assert!(error.to_string().contains("core module"), "{error}");
    assert!(check_imports(b"hello").is_err());
    let empty = tempfile::tempdir().unwrap();
    let error = encode(&module("", ""), Some((empty.path(), "policy")));
    assert!(matches!(error, Err(ComponentError::Wit { .. })));
}

#[test]
fn the_stub_has_all_of_wasi() {
    let stub = wat::parse_str(STUB).unwrap();
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(&stub) {
        if let Payload::ExportSection(section) = payload.unwrap() {
            exports.extend(
                section
                    .into_iter()
                    .map(|export| export.unwrap().name.to_owned()),
            );
        }
    }
    // 45 functions of the preview, 1 of the last fix of it (sock_accept), 1 for Go.
    assert_eq!(exports.len(), 47, "{exports:?}");
}
