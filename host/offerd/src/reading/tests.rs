//! Every mistake is found, with its place.

use super::*;

/// Reads one text with a little schema.
fn mistakes(text: &str) -> String {
    let node = match parse_toml("f.toml", text) {
        Ok(node) => node,
        Err(mistakes) => return mistakes.to_string(),
    };
    let sink = Sink::default();
    if let Some(mut root) = Section::root(&sink, &node) {
        root.need::<String>("name", "write name = \"x\"");
        root.get::<u32>("count");
        root.get::<f64>("share");
        root.get::<bool>("on");
        root.get::<Span>("wait");
        root.list::<String>("roles");
        if let Some(mut inner) = root.section("inner") {
            inner.get::<i32>("level");
            inner.finish();
        }
        for mut item in root.sections("item").unwrap_or_default() {
            item.need::<String>("id", "write id = \"x\"");
            item.finish();
        }
        root.map::<String>("env");
        root.finish();
    }
    if sink.is_empty() {
        return String::new();
    }
    sink.into_mistakes("f.toml", text).to_string()
}

#[test]
fn nothing_wrong() {
    let text = r#"
        name = "a"
        count = 3
        share = 1
        on = true
        wait = "3s"
        roles = ["a"]
        env = { A = "b" }
        [inner]
        level = -1
        [[item]]
        id = "x"
    "#;
    assert_eq!(mistakes(text), "");
}

#[test]
fn all_at_once_in_order() {
    let text = r#"nmae = "a"
count = -1
share = "much"
wait = 30
roles = ["a", 7]
env = { A = 1 }
[inner]
level = 1.5
"größe" = 1
[[item]]
"#;
    assert_eq!(
        mistakes(text),
        "f.toml:1:1: name: missing; write name = \"x\"\n\
         f.toml:1:1: nmae: there is no such setting; did you mean 'name'?\n\
         f.toml:2:9: count: -1 is out of range; must be a whole number from 0 to 4294967295, without quotes\n\
         f.toml:3:9: share: 'much' is a text; must be a number, without quotes\n\
         f.toml:4:8: wait: 30 is a whole number; must be a time with its unit in quotes, such as \"30s\" or \"7days\"\n\
         f.toml:5:15: roles[1]: 7 is a whole number; must be a text in quotes\n\
         f.toml:6:13: env.A: 1 is a whole number; must be a text in quotes\n\
         f.toml:8:9: inner.level: 1.5 is a number; must be a whole number from -2147483648 to 2147483647, without quotes\n\
         f.toml:9:1: inner.größe: there is no such setting; the settings here are level\n\
         f.toml:10:1: item[0].id: missing; write id = \"x\""
    );
}

#[test]
fn wrong_shapes() {
    assert_eq!(
        mistakes("name = \"a\"\nroles = \"a\"\ninner = 3\n[item]\nid = \"x\"\n"),
        "f.toml:2:9: roles: 'a' is a text; must be a list in [...], each item a text in quotes\n\
         f.toml:3:9: inner: 3 is a whole number; must be a table\n\
         f.toml:4:1: item: this is one table, and there may be several; write [[item]] with two brackets"
    );
}

#[test]
fn every_syntax_error_has_its_place() {
    let found = mistakes("name = \nshare = 1\ncount 3\n");
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    assert!(
        lines[0].starts_with("f.toml:1:8: this is not TOML: "),
        "{found}"
    );
    assert!(lines[1].starts_with("f.toml:3:"), "{found}");
}

#[test]
fn json_has_paths() {
    let text = r#"{"name": "a", "roles": ["a", null], "count": 18446744073709551615}"#;
    let node = parse_json("body", text).unwrap();
    let sink = Sink::default();
    let mut root = Section::root(&sink, &node).unwrap();
    root.list::<String>("roles");
    root.get::<u32>("count");
    assert_eq!(
        sink.into_mistakes("body", text).to_string(),
        "body: roles[1]: null is a date, null or a number beyond 64 bits; must be a text in quotes\n\
         body: count: 18446744073709551615 is a date, null or a number beyond 64 bits; must be a \
         whole number from 0 to 4294967295, without quotes"
    );
    let error = parse_json("body", "{\n  \"a\": }").unwrap_err().to_string();
    assert!(error.starts_with("body:2:8: this is not JSON"), "{error}");
}
