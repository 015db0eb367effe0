//! Exports of state: a header, a line for each entry, a trailer with their number. Every line is a JSON object of one
//! member and the SHA-256 of that member's text as it stands there, so that damage is noticed and can be named.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Entry, StateKey, Strategy, check_device, check_schema_version};
use crate::{
    domain::{Slug, Timestamp, UserId},
    error::{Error, Result},
};

const FORMAT: &str = "plugyard-state";
const FORMAT_VERSION: u32 = 1;

/// What the lines after it are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    format: Cow<'static, str>,
    format_version: u32,
    user_id: String,
    /// Whose entries are complete here; null for all plugins.
    pub plugins: Option<Vec<Slug>>,
    exported_at: String,
}

impl Header {
    pub fn new(user: &UserId, plugins: Option<Vec<Slug>>, now: Timestamp) -> Self {
        Self { format: FORMAT.into(), format_version: FORMAT_VERSION, user_id: user.to_string(), plugins, exported_at: now.to_string() }
    }

    fn check(self) -> Result<Self> {
        match (self.format == FORMAT, self.format_version == FORMAT_VERSION) {
            (true, true) => Ok(self),
            (true, false) => Err(Error::invalid("/header/format_version", format!("only {FORMAT_VERSION} is understood"))),
            (false, _) => Err(Error::invalid("/header/format", format!("is not {FORMAT}"))),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText<'a> {
    plugin_id: Cow<'a, str>,
    page_id: Option<Cow<'a, str>>,
    state_key: Option<Cow<'a, str>>,
    state_strategy: Cow<'a, str>,
    state_schema_version: Option<Cow<'a, str>>,
    device_id: Option<Cow<'a, str>>,
    ttl_expires_at: Option<String>,
    is_active: bool,
    /// What follows is for readers; an import makes its own.
    plugin_version: Option<Cow<'a, str>>,
    version: i64,
    created_at: String,
    updated_at: String,
    #[serde(borrow)]
    state_data: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    entries: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineText<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    header: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    entry: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    trailer: Option<&'a RawValue>,
    sha256: Cow<'a, str>,
}

/// An entry as an import takes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Exported<'a> {
    pub key: StateKey,
    pub strategy: Strategy,
    pub schema_version: Option<String>,
    pub device: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub active: bool,
    /// The document, as JSON.
    pub text: &'a str,
}

/// One line of an export.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Header(Header),
    Entry(Exported<'a>),
    /// The number of entries before it.
    Trailer(u64),
}

pub fn header_line(header: &Header) -> Result<Vec<u8>> {
    line(header, |text, sha256| LineText { header: Some(text), entry: None, trailer: None, sha256 })
}

/// `json` is the entry's document.
pub fn entry_line(entry: &Entry, json: &[u8]) -> Result<Vec<u8>> {
    let corrupt = || Error::StateCorrupt { entry: entry.id.clone() };
    let text = EntryText {
        plugin_id: entry.key.plugin.as_str().into(),
        page_id: entry.key.page_id().map(Into::into),
        state_key: entry.key.state_key().map(Into::into),
        state_strategy: entry.strategy.as_str().into(),
        state_schema_version: entry.schema_version.as_deref().map(Into::into),
        device_id: entry.device.as_deref().map(Into::into),
        ttl_expires_at: entry.expires_at.map(|end| end.to_string()),
        is_active: entry.active,
        plugin_version: entry.plugin_version.as_deref().map(Into::into),
        version: entry.version,
        created_at: entry.created_at.to_string(),
        updated_at: entry.updated_at.to_string(),
        state_data: serde_json::from_slice(json).map_err(|_| corrupt())?,
    };
    line(&text, |text, sha256| LineText { header: None, entry: Some(text), trailer: None, sha256 })
}

pub fn trailer_line(entries: u64) -> Result<Vec<u8>> {
    line(&Trailer { entries }, |text, sha256| LineText { header: None, entry: None, trailer: Some(text), sha256 })
}

fn line<'a>(part: &impl Serialize, whole: impl for<'b> Fn(&'b RawValue, Cow<'b, str>) -> LineText<'b>) -> Result<Vec<u8>> {
    let unwritten = |e| Error::storage("a line of an export cannot be written", e);
    let text = serde_json::value::to_raw_value(part).map_err(unwritten)?;
    let mut line = serde_json::to_vec(&whole(&text, checksum(&text).into())).map_err(unwritten)?;
    line.push(b'\n');
    Ok(line)
}

fn checksum(text: &RawValue) -> String {
    hex::encode(Sha256::digest(text.get().as_bytes()))
}

impl<'a> Line<'a> {
    /// Reads a line; its document is not looked at.
    ///
    /// # Errors
    ///
    /// `Validation`, with pointers into the line.
    pub fn parse(text: &'a [u8]) -> Result<Self> {
        let damaged = |e: serde_json::Error| Error::invalid("", format!("is no line of an export: {e}"));
        let line: LineText<'a> = serde_json::from_slice(text).map_err(damaged)?;
        let (name, part) = match (line.header, line.entry, line.trailer) {
            (Some(part), None, None) => ("header", part),
            (None, Some(part), None) => ("entry", part),
            (None, None, Some(part)) => ("trailer", part),
            _ => return Err(Error::invalid("", "must hold one of header, entry and trailer")),
        };
        if checksum(part) != *line.sha256 {
            return Err(Error::invalid("/sha256", "does not fit: the line is damaged"));
        }
        let wrong = |e: serde_json::Error| Error::invalid(format!("/{name}"), e.to_string());
        match name {
            "header" => serde_json::from_str::<Header>(part.get()).map_err(wrong)?.check().map(Self::Header),
            "entry" => exported(serde_json::from_str(part.get()).map_err(wrong)?).map(Self::Entry).map_err(|e| e.below("entry")),
            _ => serde_json::from_str::<Trailer>(part.get()).map_err(wrong).map(|trailer| Self::Trailer(trailer.entries)),
        }
    }
}

fn exported(text: EntryText<'_>) -> Result<Exported<'_>> {
    let plugin = text.plugin_id.parse().map_err(|_| Error::invalid("/plugin_id", "is no slug"))?;
    let end = |text: String| Timestamp::parse_lenient(&text).map_err(|_| Error::invalid("/ttl_expires_at", "is not an RFC 3339 time"));
    Ok(Exported {
        key: StateKey::new(plugin, text.page_id.as_deref(), text.state_key.as_deref())?,
        strategy: text.state_strategy.parse()?,
        schema_version: text.state_schema_version.as_deref().map(check_schema_version).transpose()?,
        device: text.device_id.as_deref().map(check_device).transpose()?,
        expires_at: text.ttl_expires_at.map(end).transpose()?,
        active: text.is_active,
        text: text.state_data.get(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::state::Encoding;

    fn entry() -> Entry {
        Entry {
            id: "e".to_owned(),
            user: UserId::from_bytes([1; 16]),
            key: StateKey::new("Demo".parse().unwrap(), Some("p\"1"), None).unwrap(),
            size: 9,
            stored_size: 9,
            encoding: Encoding::Plain,
            sha256: String::new(),
            content_sha256: String::new(),
            schema_version: Some("2".to_owned()),
            plugin_version: Some("1.0.0".to_owned()),
            strategy: Strategy::Custom,
            device: Some("ä".to_owned()),
            seq: 7,
            version: 3,
            active: false,
            last_accessed: Timestamp(0),
            access_count: 0,
            created_at: Timestamp(0),
            updated_at: Timestamp(1_700_000_000_000),
            expires_at: Some(Timestamp(1_800_000_000_000)),
            deleted_at: None,
        }
    }

    #[test]
    fn every_kind_of_line_comes_back() {
        let header = Header::new(&entry().user, Some(vec!["Demo".parse().unwrap()]), Timestamp(0));
        assert_eq!(Line::parse(&header_line(&header).unwrap()).unwrap(), Line::Header(header));
        assert_eq!(Line::parse(&trailer_line(7).unwrap()).unwrap(), Line::Trailer(7));
        let text = r#"{"z":9007199254740993,"a":1.0}"#;
        let line = entry_line(&entry(), text.as_bytes()).unwrap();
        let expected = Exported {
            key: entry().key,
            strategy: Strategy::Custom,
            schema_version: Some("2".to_owned()),
            device: Some("ä".to_owned()),
            expires_at: entry().expires_at,
            active: false,
            text,
        };
        assert_eq!(Line::parse(&line).unwrap(), Line::Entry(expected));
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let line = entry_line(&entry(), b"{\"a\":1.0}").unwrap();
        for at in 0..line.len() - 1 {
            let mut damaged = line.clone();
            damaged[at] ^= 1;
            assert!(matches!(Line::parse(&damaged), Err(Error::Validation { .. })), "{}", String::from_utf8_lossy(&damaged));
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let sealed = |part: &str, text: &str| {
            let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
            format!("{{\"{part}\":{text},\"sha256\":\"{sha256}\"}}")
        };
        for bad in [
            String::new(),
            "{}".to_owned(),
            "[]".to_owned(),
            sealed("other", "{}"),
            sealed("entry", "{}"),
            sealed("trailer", r#"{"entries":-1}"#),
            sealed("header", r#"{"format":"x","format_version":1,"user_id":"","plugins":null,"exported_at":""}"#),
            sealed("header", r#"{"format":"plugyard-state","format_version":2,"user_id":"","plugins":null,"exported_at":""}"#),
        ] {
            assert!(matches!(Line::parse(bad.as_bytes()), Err(Error::Validation { .. })), "{bad}");
        }
    }
}
