//! From bytes to a JSON object that is safe to read and store: the rules that hold for every form of manifest.

use serde_json::{Map, Value};

use super::{MAX_MANIFEST, MAX_VIOLATIONS};
use crate::{
    domain::{json, pointer},
    error::Violation,
};

/// Objects and lists inside each other, the document itself included.
const MAX_DEPTH: usize = 64;

/// Parses the manifest file `name`. A byte order mark is tolerated.
pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Map<String, Value>, Vec<Violation>> {
    let document = parse_json(name, bytes).map_err(|message| vec![Violation::new("", message)])?;
    checked(name, document)
}

/// The members of a document that is called `name`, if it is safe to store.
pub(super) fn checked(name: &str, document: Value) -> Result<Map<String, Value>, Vec<Violation>> {
    let faults = faults(&document);
    match document {
        _ if !faults.is_empty() => Err(faults),
        Value::Object(members) => Ok(members),
        _ => Err(vec![Violation::new("", format!("{name} must hold a JSON object"))]),
    }
}

fn parse_json(name: &str, bytes: &[u8]) -> Result<Value, String> {
    if bytes.len() > MAX_MANIFEST {
        return Err(format!("{name} has {} bytes; the limit is {MAX_MANIFEST}", bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| format!("{name} is not UTF-8: {e}"))?;
    json::parse(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|e| format!("{name} is not JSON: {e}"))
}

/// NUL, which PostgreSQL cannot store in text, and nesting that would exhaust the stack of a recursive reader.
fn faults(document: &Value) -> Vec<Violation> {
    let mut faults = Vec::new();
    pointer::walk(document, &mut |at, depth, value| {
        let fault = match value {
            Value::String(text) if text.contains('\0') => Some("must not hold a NUL character".to_owned()),
            Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => Some(format!("is nested deeper than {MAX_DEPTH} levels")),
            Value::Object(members) if members.keys().any(|name| name.contains('\0')) => Some("has a name with a NUL character".to_owned()),
            _ => None,
        };
        faults.extend(fault.map(|message| Violation::new(at, message)));
        depth <= MAX_DEPTH && faults.len() < MAX_VIOLATIONS
    });
    faults
}
