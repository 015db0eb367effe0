//! A schema's defaults, filled in where a reader asks for them.

use serde_json::{Map, Value};

/// Adds what `properties` of the schema have defaults for and the document lacks, also in the objects inside it.
pub fn fill(schema: &Value, document: &mut Value) {
    let (Some(properties), Value::Object(members)) = (schema.get("properties").and_then(Value::as_object), document) else { return };
    for (name, property) in properties {
        fill_member(name, property, members);
    }
}

fn fill_member(name: &str, property: &Value, members: &mut Map<String, Value>) {
    match (members.get_mut(name), property.get("default")) {
        (Some(member), _) => fill(property, member),
        (None, Some(default)) => drop(members.insert(name.to_owned(), default.clone())),
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_there_stays() {
        let schema = json!({"properties": {
            "a": {"default": 1}, "b": {"default": 2}, "c": {}, "d": {"properties": {"e": {"default": null}}}, "f": {"properties": {"g": {"default": 1}}},
        }});
        let mut document = json!({"a": null, "d": {}, "f": 7});
        fill(&schema, &mut document);
        assert_eq!(document, json!({"a": null, "d": {"e": null}, "f": 7, "b": 2}));
        let mut list = json!([{}]);
        fill(&schema, &mut list);
        assert_eq!(list, json!([{}]));
    }
}
