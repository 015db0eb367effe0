//! Typed access to the members of a manifest object. What has the wrong type becomes a violation that names its place, and
//! reading goes on, so that an author sees everything at once.

use std::{collections::BTreeMap, str::FromStr};

use serde_json::{Map, Value};

use crate::{
    domain::{pointer, schema, state::Policy},
    error::{Error, Violation},
};

/// The members of one object in a manifest.
///
/// Each name is given in camelCase and found in snake_case and in lower case too (`bundleLocation`, `bundle_location`,
/// `bundlelocation`), as installers of earlier systems wrote all three. `null` counts as absent, unknown members are ignored.
pub(super) struct Fields<'a> {
    members: &'a Map<String, Value>,
    /// JSON pointer of the object.
    pointer: String,
    violations: &'a mut Vec<Violation>,
}

impl<'a> Fields<'a> {
    pub fn new(members: &'a Map<String, Value>, pointer: String, violations: &'a mut Vec<Violation>) -> Self {
        Self { members, pointer, violations }
    }

    /// The object itself, for members whose form is their own.
    pub fn members(&self) -> &'a Map<String, Value> {
        self.members
    }

    /// The value of a member and the spelling it was found under.
    fn find(&self, name: &str) -> Option<(String, &'a Value)> {
        let spellings = [name.to_owned(), snake_case(name), name.to_ascii_lowercase()];
        spellings.into_iter().find_map(|spelling| {
            let value = self.members.get(&spelling).filter(|value| !value.is_null())?;
            Some((spelling, value))
        })
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The member as it is, when it is there.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.find(name).map(|(_, value)| value)
    }

    /// The JSON pointer of a member, in the spelling that the manifest uses.
    pub fn pointer(&self, name: &str) -> String {
        let spelling = self.find(name).map_or_else(|| name.to_owned(), |(spelling, _)| spelling);
        let mut pointer = self.pointer.clone();
        pointer::push(&mut pointer, &spelling);
        pointer
    }

    /// Refuses a member of this object.
    pub fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.refuse_at(self.pointer(name), message);
    }

    /// Refuses something by its full pointer.
    pub fn refuse_at(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.violations.push(Violation::new(pointer, message));
    }

    fn converted<T>(&mut self, name: &str, wanted: &str, convert: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let converted = convert(self.value(name)?);
        if converted.is_none() {
            self.refuse(name, format!("must be {wanted}"));
        }
        converted
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        self.str(name).map(str::to_owned)
    }

    pub fn str(&mut self, name: &str) -> Option<&'a str> {
        self.converted(name, "a string", Value::as_str)
    }

    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.converted(name, "true or false", Value::as_bool)
    }

    pub fn integer(&mut self, name: &str) -> Option<i64> {
        self.converted(name, "an integer", Value::as_i64)
    }

    pub fn count(&mut self, name: &str) -> Option<u64> {
        self.converted(name, "an integer that is not negative", Value::as_u64)
    }

    /// An object of free form.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.converted(name, "an object", Value::as_object).cloned()
    }

    /// A list of anything; empty when absent.
    pub fn list(&mut self, name: &str) -> &'a [Value] {
        self.converted(name, "a list", Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A list of strings; empty when absent.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let texts = self.list(name).iter().enumerate().filter_map(|(at, item)| {
            let text = item.as_str().map(str::to_owned);
            if text.is_none() {
                self.refuse_at(format!("{}/{at}", self.pointer(name)), "must be a string");
            }
            text
        });
        texts.collect()
    }

    /// An object inside a list.
    pub fn item<'b>(&'b mut self, name: &str, at: usize, item: &'b Value) -> Option<Fields<'b>> {
        let pointer = format!("{}/{at}", self.pointer(name));
        match item.as_object() {
            Some(members) => Some(Fields::new(members, pointer, self.violations)),
            None => {
                self.refuse_at(pointer, "must be an object");
                None
            }
        }
    }

    /// A string that a type of ours reads.
    pub fn parsed<T: FromStr<Err: Reason>>(&mut self, name: &str) -> Option<T> {
        let parsed = self.str(name)?.parse();
        parsed.map_err(|error: T::Err| self.refuse(name, error.reason())).ok()
    }

    /// Names to values, both read by types of ours. An empty list stands for none, as older files write it.
    pub fn parsed_map<K: FromStr<Err: Reason> + Ord, V: FromStr<Err: Reason>>(&mut self, name: &str) -> BTreeMap<K, V> {
        if self.value(name).and_then(Value::as_array).is_some_and(Vec::is_empty) {
            return BTreeMap::new();
        }
        let members = self.converted(name, "an object", Value::as_object).into_iter().flatten();
        members.filter_map(|(key, value)| self.parsed_member(name, key, value)).collect()
    }

    fn parsed_member<K: FromStr<Err: Reason>, V: FromStr<Err: Reason>>(&mut self, name: &str, key: &str, value: &Value) -> Option<(K, V)> {
        let value =
            value.as_str().ok_or_else(|| "must be a string".to_owned()).and_then(|text| text.parse().map_err(|e: V::Err| e.reason()));
        match (key.parse().map_err(|e: K::Err| e.reason()), value) {
            (Ok(key), Ok(value)) => Some((key, value)),
            (Err(reason), _) | (_, Err(reason)) => {
                let mut pointer = self.pointer(name);
                pointer::push(&mut pointer, key);
                self.refuse_at(pointer, reason);
                None
            }
        }
    }

    /// What the plugin says about its state, known to be a policy.
    pub fn state_policy(&mut self) -> Option<Value> {
        let policy = Value::Object(self.object("statePolicy")?);
        if let Err(Error::Validation { errors }) = Policy::parse(&policy) {
            let pointer = self.pointer("statePolicy");
            self.violations.extend(errors.into_iter().map(|fault| Violation::new(format!("{pointer}{}", fault.pointer), fault.message)));
        }
        Some(policy)
    }

    /// A JSON Schema that config can be checked against.
    pub fn config_schema(&mut self) -> Option<Value> {
        let schema = self.value("configSchema")?;
        let pointer = self.pointer("configSchema");
        self.violations
            .extend(schema::faults(schema).into_iter().map(|fault| Violation::new(format!("{pointer}{}", fault.pointer), fault.message)));
        Some(schema.clone())
    }
}

/// An error of a type that is read from text, in words that need no pointer of their own.
pub(super) trait Reason {
    fn reason(self) -> String;
}

impl Reason for Error {
    fn reason(self) -> String {
        Self::reason(&self)
    }
}

impl Reason for semver::Error {
    fn reason(self) -> String {
        format!("is not a version range: {self}")
    }
}

fn snake_case(camel: &str) -> String {
    camel.chars().fold(String::new(), |mut snake, c| {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
        snake
    })
}
