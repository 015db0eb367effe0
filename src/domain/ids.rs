//! Identifiers: users and the unguessable keys of installations.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result};

/// 32 lower-case hex digits, held in place: a server keeps hundreds of thousands in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Hex([u8; 32]);

impl Hex {
    fn from_bytes(bytes: [u8; 16]) -> Self {
        let mut digits = [b'0'; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&digits_of(byte));
        }
        Self(digits)
    }

    fn read(text: &str) -> Option<Self> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)).then_some(Self(digits))
    }

    fn as_str(&self) -> &str {
        // Digits are ASCII, so there is no other case.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn digits_of(byte: u8) -> [u8; 2] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

/// A user: 32 lower-case hex digits, a UUID without its dashes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(Hex);

impl UserId {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Hex::from_bytes(bytes))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({self})")
    }
}

impl FromStr for UserId {
    type Err = Error;

    /// Takes a UUID with or without dashes, in any case.
    fn from_str(text: &str) -> Result<Self> {
        let dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'));
        let bare = if dashed { text.replace('-', "") } else { text.to_owned() }.to_ascii_lowercase();
        Hex::read(&bare).map(Self).ok_or_else(|| Error::invalid("user id", "a user id is a UUID, or its 32 hex digits"))
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
        f.write_str(self.as_str())
    }
}

/// The capability of one installation: 128 random bits as 32 lower-case hex digits, part of bundle addresses. `Debug`
/// does not show it, so that it cannot reach a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccessKey(Hex);

impl AccessKey {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Hex::from_bytes(bytes))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for AccessKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Hex::read(text).map(Self).ok_or_else(|| Error::invalid("access key", "an access key has 32 hex digits"))
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
        assert_eq!(
            UserId::from_bytes([0x0f, 0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255]).as_str(),
            "0fa00102030405060708090a0b0c0dff"
        );
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
