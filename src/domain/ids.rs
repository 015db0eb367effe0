//! Identifiers: users and the unguessable keys of installations.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

fn is_lower_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A user: 32 lower-case hex digits, a UUID without its dashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(String);

impl UserId {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = Error;

    /// Takes a UUID with or without dashes, in any case.
    fn from_str(text: &str) -> Result<Self> {
        let dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'));
        let bare = if dashed { text.replace('-', "") } else { text.to_owned() }.to_ascii_lowercase();
        if is_lower_hex(&bare, 32) { Ok(Self(bare)) } else { Err(Error::invalid("user id", "a user id is a UUID, or its 32 hex digits")) }
    }
}

impl TryFrom<String> for UserId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The capability of one installation: 128 random bits as 32 lower-case hex digits, part of bundle addresses. `Debug`
/// does not show it, so that it cannot reach a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccessKey(String);

impl AccessKey {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccessKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if is_lower_hex(text, 32) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("access key", "an access key has 32 hex digits"))
        }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

/// The id of a plugin that is installed now; imported plugins keep theirs.
pub fn plugin_id(user: &UserId, slug: &super::Slug) -> String {
    format!("{user}_{slug}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_lose_their_dashes() {
        let id: UserId = "D66CA7D9-d829-4281-b565-b9aa8b02a9f1".parse().unwrap();
        assert_eq!(id.as_str(), "d66ca7d9d8294281b565b9aa8b02a9f1");
        for bad in
            ["", "x", "d66ca7d9-d829-4281-b565b9aa8b02a9f1-", "d66ca7d9d8294281b565b9aa8b02a9fg", "../d66ca7d9d8294281b565b9aa8b02a9"]
        {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn access_keys_do_not_show_in_debug_output() {
        let key = AccessKey::from_bytes([0xab; 16]);
        assert!(!format!("{key:?}").contains("ab"));
    }
}
