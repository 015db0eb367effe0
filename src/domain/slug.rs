//! A plugin's stable name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::names::is_windows_device;
use crate::error::{Error, Result};

/// Words with a meaning of their own in routes and folders, refused in any case.
const RESERVED: &[&str] = &[
    "available",
    "by-slug",
    "cache",
    "categories",
    "direct",
    "importmap",
    "install",
    "install-from-url",
    "manager",
    "manifest",
    "refresh-cache",
    "shared",
    "simple",
    "tags",
    "test",
    "updates",
    "users",
];

/// 1 to 100 of `A-Z a-z 0-9 . _ -`, starting with a letter or digit. Valid as a folder name on every platform, so that a
/// release's path can be built from it without escaping.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(String);

impl Slug {
    pub const MAX_LEN: usize = 100;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two slugs that differ only in case are equal (slugs are ASCII).
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Slug {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid("slug", format!("{text:?} {why}")));
        if text.is_empty() || text.len() > Self::MAX_LEN {
            return Err(Error::invalid("slug", format!("a slug has 1 to {} characters", Self::MAX_LEN)));
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            return refuse("may only hold A-Z a-z 0-9 . _ -");
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return refuse("must start with a letter or digit");
        }
        if text.ends_with('.') || text.contains("..") {
            return refuse("must not end in a dot or hold two in a row");
        }
        if is_windows_device(text) {
            return refuse("is a device name on Windows");
        }
        let folded = text.to_ascii_lowercase();
        if RESERVED.contains(&folded.as_str()) {
            return refuse("is reserved");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Slug {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_the_rules_allow() {
        let longest = "a".repeat(100);
        for good in ["a", "0", "DemoPlugin", "chart.js", "a_b-c.d", "users2", "con-x", &longest] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        let too_long = "a".repeat(101);
        for bad in [
            "", &too_long, ".a", "-a", "_a", "a.", "a..b", "a b", "a/b", "a\\b", "ä", "a\0", "CON", "nul.txt", "Users", "BY-SLUG", "test",
            "a%2f",
        ] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }
}
