//! Whatever a package brings, reading it ends in a manifest that round-trips or in violations.

use proptest::prelude::*;
use serde_json::{Map, Number};

use super::*;

/// Names that the readers or JSON Schema give a meaning, so that random documents get past the first member.
const WORDS: &[&str] = &[
    "id",
    "name",
    "version",
    "modules",
    "bundlelocation",
    "bundleMethod",
    "enabled",
    "dependencies",
    "host",
    "visibility",
    "config_schema",
    "configFields",
    "state_policy",
    "tags",
    "keywords",
    "author",
    "exports",
    ".",
    "import",
    "browser",
    "main",
    "module",
    "$ref",
    "$id",
    "$schema",
    "$defs",
    "$dynamicRef",
    "$anchor",
    "type",
    "properties",
    "pattern",
    "minimum",
    "multipleOf",
    "writeOnly",
    "allOf",
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
];

const TEXTS: &[&str] = &[
    "Board",
    "1.0.0",
    "a.js",
    "./a.js",
    "^1",
    "*",
    "#",
    "#/properties",
    "https://example.org/x",
    "object",
    "(",
    "a{1,1000}",
    "[1",
    "public",
    "é\0",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => any::<String>()]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        prop::sample::select(&["1e999", "-0", "0.10", "1E-400", "123456789012345678901234567890", "0"][..])
            .prop_map(|digits| digits.parse().unwrap()),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        prop::sample::select(TEXTS).prop_map(|text| Value::String(text.to_owned())),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array), object(inner).prop_map(Value::Object)]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((word(), value), 0..6).prop_map(|members| members.into_iter().collect())
}

fn check(name: &str, bytes: &[u8]) {
    match read_file(name, bytes, &["a.js"], &Overrides::default()) {
        Ok(manifest) => assert_round_trips(&manifest),
        refused => assert!(!violations(refused).is_empty()),
    }
}

proptest! {
    #[test]
    fn any_object_is_read_or_refused(members in object(json()), name in prop::sample::select(&["plugin.json", "package.json"][..])) {
        check(name, Value::Object(members).to_string().as_bytes());
    }

    /// Valid but for one free member, so that the deeper rules are reached.
    #[test]
    fn any_member_is_read_or_refused(member in word(), value in json(), name in prop::sample::select(&["plugin.json", "package.json"][..])) {
        let mut manifest = serde_json::json!({"id": "Board", "name": "board", "version": "1.0.0", "main": "a.js", "modules": [{"id": "m"}]});
        manifest["modules"][0][&member] = value.clone();
        manifest[&member] = value;
        check(name, manifest.to_string().as_bytes());
    }

    #[test]
    fn any_schema_is_read_or_refused(schema in object(json())) {
        check("plugin.json", serde_json::json!({"id": "Board", "version": "1.0.0", "config_schema": schema}).to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_refused_in_words(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check("plugin.json", &bytes);
    }
}
