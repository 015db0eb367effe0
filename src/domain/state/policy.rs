//! What a plugin's state may be: the manifest's `state_policy` by default, or what an administrator sets in its place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compatible::compare;
use crate::{
    domain::{pointer, schema},
    error::{Error, Result, Violation},
};

/// Revisions kept of an entry where the policy does not say.
const REVISIONS: u32 = 50;

/// All members have defaults; those of an empty object are what a plugin without policy gets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[doc(alias = "PluginStateConfig")]
pub struct Policy {
    /// JSON Schema (draft 2020-12) by schema version.
    pub schemas: BTreeMap<String, Value>,
    /// Bytes of one document, where less than the server's limit is wanted.
    pub max_document: Option<u64>,
    /// How long an entry lives when its creator does not say.
    pub default_ttl_seconds: Option<u32>,
    pub retention: Retention,
    /// Members of the document itself that are never stored.
    pub excluded_members: Vec<String>,
    /// Whether every write has to say what it replaces.
    pub preconditions_required: bool,
    /// Whether users who have not installed the plugin may keep state of it.
    pub without_installation: bool,
    /// Whether the plugin can replace what a newer version of it wrote.
    pub reads_forward: bool,
}

/// How much of an entry's history stays; the newest revision always does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    pub revisions: u32,
    pub max_age_seconds: Option<u32>,
    /// Sum over the stored documents of one entry's revisions.
    pub max_bytes: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { revisions: REVISIONS, max_age_seconds: None, max_bytes: None }
    }
}

impl Policy {
    /// Reads a policy; every fault has a pointer into it.
    pub fn parse(value: &Value) -> Result<Self> {
        // serde takes a list for a struct, by position.
        if !value.is_object() {
            return Err(Error::invalid("", "must be an object"));
        }
        let policy: Self = serde_json::from_value(value.clone()).map_err(|e| Error::invalid("", e.to_string()))?;
        let mut errors = Vec::new();
        for (version, schema) in &policy.schemas {
            let mut at = "/schemas".to_owned();
            pointer::push(&mut at, version);
            errors.extend(schema::faults(schema).into_iter().map(|fault| Violation::new(format!("{at}{}", fault.pointer), fault.message)));
        }
        if policy.retention.revisions == 0 {
            errors.push(Violation::new("/retention/revisions", "must be at least 1"));
        }
        if errors.is_empty() { Ok(policy) } else { Err(Error::Validation { errors }) }
    }

    /// The schema version that a document is checked against: the one it names, else the newest. None without schemas.
    ///
    /// # Errors
    ///
    /// `Validation` when it names one that the policy does not know.
    pub fn schema_version<'a>(&'a self, named: Option<&str>) -> Result<Option<&'a str>> {
        let versions = || self.schemas.keys().map(String::as_str);
        match named {
            _ if self.schemas.is_empty() => Ok(None),
            None => Ok(versions().max_by(|a, b| compare(a, b))),
            Some(named) => match versions().find(|version| *version == named) {
                Some(known) => Ok(Some(known)),
                None => {
                    let known = versions().collect::<Vec<_>>().join(", ");
                    Err(Error::invalid("/state_schema_version", format!("{named:?} is not known here; the policy has {known}")))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_policy_is_the_default_and_faults_have_pointers() {
        assert_eq!(Policy::parse(&json!({})).unwrap(), Policy::default());
        let bad = json!({"schemas": {"1": {"type": "strin"}, "2/a": {"minLength": -1}}, "retention": {"revisions": 0}});
        match Policy::parse(&bad) {
            Err(Error::Validation { errors }) => {
                let pointers: Vec<_> = errors.iter().map(|violation| violation.pointer.as_str()).collect();
                assert_eq!(pointers, ["/schemas/1/type", "/schemas/2~1a/minLength", "/retention/revisions"]);
            }
            other => panic!("{other:?}"),
        }
        for bad in [json!([]), json!({"unknown": 1}), json!({"max_document": -1}), json!({"schemas": []})] {
            assert!(Policy::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_document_that_names_no_schema_version_is_checked_against_the_newest() {
        let policy = Policy::parse(&json!({"schemas": {"9": {}, "10": {}}})).unwrap();
        assert_eq!(policy.schema_version(None).unwrap(), Some("10"));
        assert_eq!(policy.schema_version(Some("9")).unwrap(), Some("9"));
        assert!(policy.schema_version(Some("11")).is_err());
        assert_eq!(Policy::default().schema_version(Some("11")).unwrap(), None);
    }
}
