//! JSON from outside, read so that no text has a meaning beyond JSON.
//!
//! `serde_json` passes numbers of arbitrary precision and raw values through its generic interface as objects with one
//! member of a private name, and takes such an object for the real thing when it stands in a document, too. The raw one is
//! then parsed again with a fresh depth limit: a few nested ones exhaust the stack, which ends the process. Text that comes
//! from outside is therefore read as a [`PlainValue`], not as a [`Value`].

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

const NUMBER: &str = "$serde_json::private::Number";
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Parses a document of at most 127 levels. Digits and member order stay as they are written.
pub fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).map(|PlainValue(value)| value)
}

/// As [`parse`], but a name that an object holds twice is an error: reading on would lose one of its values.
pub fn parse_unambiguous(text: &str) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Plain { refuse_twice: true }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A JSON value without the marker for raw values anywhere, so that it stays harmless when it is stored and parsed again.
#[derive(Debug, Clone, PartialEq)]
pub struct PlainValue(pub Value);

impl<'de> Deserialize<'de> for PlainValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Plain { refuse_twice: false }.deserialize(deserializer).map(Self)
    }
}

#[derive(Clone, Copy)]
struct Plain {
    refuse_twice: bool,
}

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            match name.as_str() {
                NUMBER if members.is_empty() => {
                    let digits: String = access.next_value()?;
                    return digits.parse().map(Value::Number).map_err(A::Error::custom);
                }
                NUMBER | RAW_VALUE => return Err(A::Error::custom(format!("the member name {name:?} is reserved"))),
                _ if self.refuse_twice && members.contains_key(&name) => {
                    return Err(A::Error::custom(format!("the member {name:?} appears twice")));
                }
                _ => {
                    let value = access.next_value_seed(self)?;
                    members.insert(name, value);
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_stay_as_they_are_written() {
        let text = r#"{"z":[1.50,1e+5,-0,123456789012345678901234567890],"a":{"b":null,"c":[true,"ä\u0000"],"d":{}},"e":[]}"#;
        let value = parse(text).unwrap();
        assert_eq!(value.to_string(), text);
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn raw_values_are_refused_however_they_are_spelled() {
        for bad in [
            r#"{"$serde_json::private::RawValue":"[1]"}"#,
            r#"[{"\u0024serde_json::private::RawValue":1}]"#,
            r#"{"a":1,"$serde_json::private::RawValue":"[1]"}"#,
            r#"{"a":1,"$serde_json::private::Number":"1"}"#,
            r#"{"$serde_json::private::Number":"x"}"#,
            r#"{"$serde_json::private::Number":{"$serde_json::private::Number":"1"}}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_is_limited_for_the_whole_document() {
        let mut inner = "[]".to_owned();
        for _ in 0..12 {
            inner = format!("{}{{\"{RAW_VALUE}\":{}}}{}", "[".repeat(120), Value::String(inner), "]".repeat(120));
        }
        assert!(parse(&inner).is_err());
        assert!(parse(&("[".repeat(127) + &"]".repeat(127))).is_ok());
        assert!(parse(&("[".repeat(128) + &"]".repeat(128))).is_err());
    }
}
