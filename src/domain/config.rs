//! The values in force: schema defaults < plugin-wide ones < the user's own. And where each comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a value in force comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The manifest.
    Default,
    /// The administrator, for everybody.
    Plugin,
    User,
}

/// Values in force with their sources, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effective {
    pub values: Map<String, Value>,
    pub sources: BTreeMap<String, Source>,
}

/// Lays the user's own values over the plugin-wide ones over the manifest's defaults. Without a schema the declared
/// fields' defaults count.
pub fn effective(schema: Option<&Value>, fields: &Map<String, Value>, wide: &Map<String, Value>, own: &Map<String, Value>) -> Effective {
    let declared = match schema {
        Some(schema) => schema.get("properties").and_then(Value::as_object),
        None => Some(fields),
    };
    let default = |(name, declaration): (&String, &Value)| Some((name.clone(), declaration.get("default")?.clone()));
    let defaults: Map<String, Value> = declared.into_iter().flatten().filter_map(default).collect();
    let mut effective = Effective::default();
    for (layer, source) in [(&defaults, Source::Default), (wide, Source::Plugin), (own, Source::User)] {
        for (name, value) in layer {
            effective.values.insert(name.clone(), value.clone());
            effective.sources.insert(name.clone(), source);
        }
    }
    effective
}

/// The declaration of fields with each default replaced by the value in force, as older frontends read it.
pub fn fields_with_values(fields: &Map<String, Value>, values: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = fields.clone();
    for (name, field) in &mut fields {
        if let (Some(field), Some(value)) = (field.as_object_mut(), values.get(name)) {
            field.insert("default".to_owned(), value.clone());
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_users_values_win_over_the_administrators_over_the_defaults() {
        let schema = json!({"properties": {"a": {"default": 1}, "b": {"default": 1}, "c": {"default": 1}, "d": {}}});
        let found = effective(Some(&schema), &map(json!({"e": {"default": 1}})), &map(json!({"b": 2, "c": 2})), &map(json!({"c": 3})));
        assert_eq!(Value::Object(found.values), json!({"a": 1, "b": 2, "c": 3}));
        assert_eq!(json!(found.sources), json!({"a": "default", "b": "plugin", "c": "user"}));
    }

    #[test]
    fn without_a_schema_the_declared_fields_have_defaults() {
        let fields = map(json!({"a": {"type": "number", "default": 1}, "b": {"type": "text"}}));
        let found = effective(None, &fields, &Map::new(), &map(json!({"b": "x"})));
        assert_eq!(Value::Object(found.values.clone()), json!({"a": 1, "b": "x"}));
        let shown = fields_with_values(&fields, &found.values);
        assert_eq!(Value::Object(shown), json!({"a": {"type": "number", "default": 1}, "b": {"type": "text", "default": "x"}}));
    }
}
