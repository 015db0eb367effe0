//! What an entry is called: the plugin, and optionally a page and a key.

use crate::{
    domain::Slug,
    error::{Error, Result},
};

/// Longest page, key, device or schema version, in bytes.
pub const MAX_NAME: usize = 255;

/// The natural key of an entry within one user's state. Absent page and key are the empty string here, as in the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StateKey {
    pub plugin: Slug,
    pub page: String,
    pub key: String,
}

impl StateKey {
    /// An empty page or key means none.
    pub fn new(plugin: Slug, page: Option<&str>, key: Option<&str>) -> Result<Self> {
        let name = |field: &str, text: Option<&str>| text.map_or_else(|| Ok(String::new()), |text| check_name(field, text));
        Ok(Self { plugin, page: name("page_id", page)?, key: name("state_key", key)? })
    }

    pub fn page_id(&self) -> Option<&str> {
        Some(self.page.as_str()).filter(|page| !page.is_empty())
    }

    pub fn state_key(&self) -> Option<&str> {
        Some(self.key.as_str()).filter(|key| !key.is_empty())
    }
}

/// A page or key: any text without control characters, at most [`MAX_NAME`] bytes. `field` names it in the refusal.
pub fn check_name(field: &str, text: &str) -> Result<String> {
    if text.len() > MAX_NAME {
        return Err(Error::invalid(format!("/{field}"), format!("has {} bytes; the limit is {MAX_NAME}", text.len())));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(format!("/{field}"), "must not hold control characters"));
    }
    Ok(text.to_owned())
}

/// The name of a device; an empty one is no name.
pub fn check_device(text: &str) -> Result<String> {
    required("device_id", text)
}

pub fn check_schema_version(text: &str) -> Result<String> {
    required("state_schema_version", text)
}

fn required(field: &str, text: &str) -> Result<String> {
    if text.is_empty() {
        return Err(Error::invalid(format!("/{field}"), "must not be empty"));
    }
    check_name(field, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_is_none_and_control_characters_are_refused() {
        let slug: Slug = "Demo".parse().unwrap();
        let key = StateKey::new(slug.clone(), Some(""), Some("k")).unwrap();
        assert_eq!((key.page_id(), key.state_key()), (None, Some("k")));
        assert_eq!(key, StateKey::new(slug.clone(), None, Some("k")).unwrap());
        for bad in ["a\0", "a\nb", "\u{7f}", &"ä".repeat(128)] {
            assert!(StateKey::new(slug.clone(), Some(bad), None).is_err(), "{bad:?}");
        }
        for good in ["'; DROP TABLE state_entries; --", "%", "ä/ö?&=", "👩‍👩‍👧", &"a".repeat(255)] {
            assert!(StateKey::new(slug.clone(), Some(good), Some(good)).is_ok(), "{good:?}");
        }
    }
}
