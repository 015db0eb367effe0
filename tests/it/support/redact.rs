//! Replaces what differs from run to run, so that one inline snapshot holds on both databases.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// Members whose value is replaced whatever it is.
const BY_NAME: &[(&str, &str)] = &[
    ("access_token", "[secret]"),
    ("issued_at", "[time]"),
    ("refresh_token", "[secret]"),
    ("request_id", "[request id]"),
    ("token", "[secret]"),
];

/// A time, an API token, a port, a run of hex digits (an id or access key when it has 32, or a UUID's dashes).
static IN_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"(?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)";
    let token = r"(?<token>\bplg_[\w-]+)";
    let port = r"127\.0\.0\.1:(?<port>\d+)";
    let hex = r"(?<uuid>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})|(?<hex>[0-9a-f]{32,})";
    Regex::new(&format!("{time}|{token}|{port}|{hex}")).expect("it is well-formed")
});

/// The value as indented JSON. Equal ids get equal placeholders: `[id 1]` is the first one met.
pub fn redact(value: &Value) -> String {
    let mut value = value.clone();
    redact_members(&mut value);
    let text = serde_json::to_string_pretty(&value).expect("a value can be written");
    let mut ids: Vec<String> = Vec::new();
    let replaced = IN_TEXT.replace_all(&text, |found: &Captures| {
        let whole = &found[0];
        let id = found.name("uuid").or(found.name("hex")).map(|id| id.as_str().replace('-', ""));
        match id {
            Some(id) if id.len() == 32 => {
                let at = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                    ids.push(id);
                    ids.len() - 1
                });
                format!("[id {}]", at + 1)
            }
            // A digest, which is the same in every run.
            Some(_) => whole.to_owned(),
            None if found.name("time").is_some() => "[time]".to_owned(),
            None if found.name("token").is_some() => "[secret]".to_owned(),
            None => "127.0.0.1:[port]".to_owned(),
        }
    });
    replaced.into_owned()
}

fn redact_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match BY_NAME.iter().find(|(known, _)| known == name) {
                    Some((_, placeholder)) if !member.is_null() => *member = Value::from(*placeholder),
                    _ => redact_members(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_members),
        _ => {}
    }
}
