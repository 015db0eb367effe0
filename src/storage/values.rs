//! Between columns and domain values. Text in a table that breaks a rule is damage, and says where.

use std::str::FromStr;

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

pub(super) fn stored<T: FromStr<Err = Error>>(column: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|e: Error| Error::storage(format!("damaged value in the database ({column})"), e.to_string()))
}

pub(super) fn stored_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::storage(format!("damaged JSON in the database ({column})"), e))
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::storage("cannot write a value as JSON", e))
}

/// Sizes and counts are never negative and never reach 2^63.
pub(super) fn count(column: &'static str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::damaged(format!("damaged value in the database ({column})")))
}

pub(super) fn column(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|e| Error::storage("a number is too large to be stored", e))
}
