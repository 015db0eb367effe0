//! JSON Schema, draft 2020-12: the one place that knows the library. References are resolved inside the schema only;
//! nothing is ever fetched.

pub use jsonschema::Validator;
use jsonschema::{ValidationError, draft202012};
use serde_json::Value;

use super::pointer;
use crate::error::{Error, Result, Violation};

/// More than anybody reads at once.
const MAX_VIOLATIONS: usize = 50;
/// In characters; the library's messages quote the offending value, however large it is.
const MAX_MESSAGE: usize = 300;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Everything that keeps a value from being the schema of a config. Pointers are relative to the schema.
pub fn faults(schema: &Value) -> Vec<Violation> {
    let Some(members) = schema.as_object() else {
        return vec![Violation::new("", "must be a JSON Schema, written as an object")];
    };
    let draft = members.get("$schema").map(|draft| draft.as_str().map(|uri| uri.trim_end_matches('#')));
    if draft.is_some_and(|draft| draft != Some(DRAFT)) {
        return vec![Violation::new("/$schema", format!("must be {DRAFT:?} or absent"))];
    }
    let mut faults = draft202012::meta::validator().iter_errors(schema).take(MAX_VIOLATIONS).map(|e| violation(&e)).collect::<Vec<_>>();
    if faults.is_empty() {
        // What the meta-schema cannot see: references that lead nowhere, or out of the document, and broken patterns.
        faults.extend(compile(schema).err().map(|e| violation(&e)));
    }
    refuse_write_only(schema, &mut faults);
    faults
}

/// The validator for values of the schema.
pub fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    draft202012::options().offline().build(schema)
}

/// Refuses a value that breaks the schema, with every violation and its place. Without a schema everything fits.
pub fn check(schema: Option<&Value>, value: &Value) -> Result<()> {
    let Some(schema) = schema else { return Ok(()) };
    let validator = compile(schema).map_err(|e| Error::storage("a published schema cannot be used", e.to_string()))?;
    let errors = violations(&validator, value);
    if errors.is_empty() { Ok(()) } else { Err(Error::Validation { errors }) }
}

/// Everything in which the value breaks the schema, with its place.
pub fn violations(validator: &Validator, value: &Value) -> Vec<Violation> {
    validator.iter_errors(value).take(MAX_VIOLATIONS).map(|e| violation(&e)).collect()
}

/// As [`check`], but values that are required may be missing: somebody else can still add them.
pub fn check_present(schema: Option<&Value>, value: &Value) -> Result<()> {
    let Some(schema) = schema else { return Ok(()) };
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.remove("required");
    }
    check(Some(&schema), value)
}

/// Marks a secret, and config has no place yet that would keep one from being read back. Refused wherever it stands,
/// rather than overlooked below some keyword.
fn refuse_write_only(schema: &Value, faults: &mut Vec<Violation>) {
    pointer::walk(schema, &mut |at, _, value| {
        if value.get("writeOnly").is_some_and(Value::is_boolean) && faults.len() < MAX_VIOLATIONS {
            faults.push(Violation::new(format!("{at}/writeOnly"), "is not supported yet: a config cannot hold secrets"));
        }
        true
    });
}

fn violation(error: &ValidationError<'_>) -> Violation {
    let mut message = error.to_string();
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    Violation::new(error.instance_path().as_str(), message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(schema: &Value) -> Vec<String> {
        faults(schema).into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn schemas_with_defaults_and_inner_references_are_fine() {
        let schema = json!({
            "$schema": DRAFT, "type": "object", "$defs": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"],
            "properties": {"colour": {"$ref": "#/$defs/colour", "default": "red"}, "size": {"type": "number", "default": 1.50}},
        });
        assert_eq!(faults(&schema), []);
        assert!(!compile(&schema).unwrap().is_valid(&json!({"colour": "green"})));
    }

    #[test]
    fn what_is_no_schema_of_this_draft_is_refused_with_its_place() {
        assert_eq!(pointers(&json!(true)), [""]);
        assert_eq!(pointers(&json!({"$schema": "http://json-schema.org/draft-07/schema#"})), ["/$schema"]);
        assert_eq!(pointers(&json!({"$schema": 7})), ["/$schema"]);
        assert_eq!(
            pointers(&json!({"properties": {"a": {"type": "strin"}, "b": {"minLength": -1}}})),
            ["/properties/a/type", "/properties/b/minLength"]
        );
        assert_eq!(pointers(&json!({"properties": {"a/b": {"pattern": "("}}})).len(), 1);
    }

    #[test]
    fn references_out_of_the_schema_are_refused() {
        for target in ["https://example.org/schema.json", "http://127.0.0.1:1/x", "file:///etc/hostname", "other.json", "#/$defs/absent"] {
            assert_eq!(faults(&json!({"properties": {"a": {"$ref": target}}})).len(), 1, "{target}");
        }
        assert_eq!(faults(&json!({"$dynamicRef": "https://example.org/schema.json#x"})).len(), 1);
    }

    #[test]
    fn secrets_are_refused_wherever_they_stand() {
        let schema = json!({"properties": {"key": {"type": "string", "writeOnly": true}}, "allOf": [{"writeOnly": true}]});
        assert_eq!(pointers(&schema), ["/properties/key/writeOnly", "/allOf/0/writeOnly"]);
        assert_eq!(faults(&json!({"properties": {"writeOnly": {"type": "string"}}})), [], "a property of that name is no keyword");
    }

    #[test]
    fn messages_stay_short() {
        let fault = faults(&json!({"type": "ä".repeat(10_000)})).remove(0);
        assert!(fault.message.chars().count() <= MAX_MESSAGE + 1);
    }
}
