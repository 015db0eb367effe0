//! Merge patches (RFC 7396) on texts: what a patch does not name stays as it is written, digit for digit.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// The document after the patch. Both are checked documents, which bounds the depth.
pub fn merge(document: &[u8], patch: &[u8]) -> Result<Vec<u8>> {
    let mut merged = Vec::with_capacity(document.len() + patch.len());
    apply(text(document)?, text(patch)?, &mut merged)?;
    Ok(merged)
}

fn text(json: &[u8]) -> Result<&str> {
    std::str::from_utf8(json).map_err(|e| Error::MalformedJson(e.to_string()))
}

fn apply(target: &str, patch: &str, out: &mut Vec<u8>) -> Result<()> {
    if !patch.starts_with('{') {
        out.extend_from_slice(patch.as_bytes());
        return Ok(());
    }
    let patch = members(patch)?;
    let target = if target.starts_with('{') { members(target)? } else { Vec::new() };
    let mut open = b'{';
    let mut member = |name: &str, out: &mut Vec<u8>| -> Result<()> {
        out.push(std::mem::replace(&mut open, b','));
        serde_json::to_writer(&mut *out, name).map_err(|e| Error::storage("a member cannot be written", e))?;
        out.push(b':');
        Ok(())
    };
    let find = |members: &[(String, &RawValue)]| -> std::collections::HashMap<String, usize> {
        members.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect()
    };
    let (patched, present) = (find(&patch), find(&target));
    for (name, value) in &target {
        match patched.get(name).and_then(|at| patch.get(*at)) {
            None => {
                member(name, out)?;
                out.extend_from_slice(value.get().as_bytes());
            }
            Some((_, change)) if change.get() == "null" => {}
            Some((_, change)) => {
                member(name, out)?;
                apply(value.get(), change.get(), out)?;
            }
        }
    }
    for (name, change) in patch.iter().filter(|(name, change)| !present.contains_key(name) && change.get() != "null") {
        member(name, out)?;
        apply("null", change.get(), out)?;
    }
    if open == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

/// Names and values of an object, in their order.
fn members(object: &str) -> Result<Vec<(String, &RawValue)>> {
    let Members(members) = serde_json::from_str(object).map_err(|e| Error::MalformedJson(e.to_string()))?;
    Ok(members)
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(document: &str, patch: &str) -> String {
        String::from_utf8(merge(document.as_bytes(), patch.as_bytes()).unwrap()).unwrap()
    }

    /// The cases of RFC 7396, appendix A.
    #[test]
    fn the_examples_of_the_rfc() {
        for (document, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, "\"bar\"", "\"bar\""),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merged(document, patch), expected, "{document} {patch}");
        }
    }

    #[test]
    fn digits_stay_as_they_are_written() {
        assert_eq!(
            merged(r#"{"a":1e400,"b":1.0,"n":{"x":9007199254740993}}"#, r#"{"n":{"y":1.50},"c":-0}"#),
            r#"{"a":1e400,"b":1.0,"n":{"x":9007199254740993,"y":1.50},"c":-0}"#
        );
    }
}
