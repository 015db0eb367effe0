//! Rows of another system's tables: every column as text, because that is what is certain about it.

use std::{collections::HashSet, sync::Arc};

use serde_json::{Map, Value};

use crate::domain::{Timestamp, json, record::utc};

/// One row. Rows of a table share their column names, and equal values of many rows share their text.
#[derive(Debug, Clone)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Option<Arc<str>>>,
    /// Whether the database holds bytes in it that are no text.
    pub is_damaged: bool,
}

impl Row {
    /// One value for each column.
    pub fn new(columns: Arc<[String]>, values: Vec<Option<Arc<str>>>) -> Self {
        Self { columns, values, is_damaged: false }
    }

    /// # Errors
    ///
    /// Why not all of it is text, in words for a report.
    pub fn check_text(&self) -> Result<(), String> {
        if self.is_damaged { Err("holds bytes that are not UTF-8".to_owned()) } else { Ok(()) }
    }

    /// None when the column is null, or the table has none of this name.
    pub fn text(&self, column: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == column).map(|(_, value)| value)
    }

    /// The columns that are not null, in the table's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().zip(&self.values).filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
    }

    /// A boolean, written as a number or a word.
    pub fn flag(&self, column: &str) -> Option<bool> {
        flag(self.text(column)?)
    }

    pub fn integer(&self, column: &str) -> Option<i64> {
        self.text(column)?.trim().parse().ok()
    }

    /// A time in UTC.
    pub fn time(&self, column: &str) -> Option<Timestamp> {
        utc(self.text(column)?.trim()).ok()
    }

    /// A column of JSON: none when it is null or blank, the text itself when it does not parse.
    pub fn json(&self, column: &str) -> Option<Result<Value, &str>> {
        let text = self.text(column).filter(|text| !text.trim().is_empty())?;
        Some(json::parse(text).map_err(|_| text))
    }

    /// The row as an object of texts.
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))).collect()
    }

    /// The columns that are none of `known`, as an object of texts.
    pub fn rest(&self, known: &[&str]) -> Map<String, Value> {
        let other = self.iter().filter(|(name, _)| !known.contains(name));
        other.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))).collect()
    }
}

pub(super) fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// Keeps one copy of texts that many rows repeat.
#[derive(Debug, Default)]
pub struct Interner {
    known: HashSet<Arc<str>>,
    /// Of all that is known.
    bytes: usize,
}

impl Interner {
    /// Bytes after which it begins anew: rows that are read one at a time are not all to stay in memory here.
    const MOST: usize = 16 * 1024 * 1024;

    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        if self.bytes + text.len() > Self::MOST {
            self.known.clear();
            self.bytes = 0;
        }
        if text.len() <= Self::MOST {
            self.bytes += text.len();
            self.known.insert(Arc::clone(&new));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_shared_and_memory_is_bounded() {
        let mut interner = Interner::default();
        assert!(Arc::ptr_eq(&interner.share("a"), &interner.share("a")));
        for number in 0..40 {
            interner.share(&format!("{number}{}", "x".repeat(1024 * 1024)));
            assert!(interner.bytes <= Interner::MOST);
        }
        assert_eq!(interner.bytes, interner.known.iter().map(|text| text.len()).sum::<usize>());
    }

    #[test]
    fn columns_are_read_as_they_are_meant() {
        let mut interner = Interner::default();
        let columns: Arc<[String]> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let values = [Some("1"), Some("True"), None, Some("2025-01-02 03:04:05.678901"), Some("{oops")];
        let row = Row::new(columns, values.iter().map(|value| value.map(|text| interner.share(text))).collect());
        assert_eq!((row.flag("a"), row.flag("b"), row.flag("c"), row.flag("d")), (Some(true), Some(true), None, None));
        assert_eq!(row.time("d").unwrap().to_string(), "2025-01-02T03:04:05.678Z");
        assert_eq!(row.json("e"), Some(Err("{oops")));
        assert_eq!(row.json("c"), None);
        assert_eq!(Value::Object(row.rest(&["a", "b", "d"])), serde_json::json!({"e": "{oops"}));
    }
}
