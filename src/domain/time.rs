//! Moments, as milliseconds since 1970 UTC: what the tables hold and what answers print as RFC 3339.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const fn millis(self) -> i64 {
        self.0
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn minus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Timestamp {
    /// An RFC 3339 time, or one without offset, as BrainDrive writes it: it means UTC.
    pub fn parse_lenient(text: &str) -> Result<Self> {
        let naive = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|moment| moment.timestamp());
        let moment = text.parse().ok().or_else(naive).ok_or_else(|| Error::invalid("", format!("{text:?} is not an RFC 3339 time")))?;
        Ok(Self(jiff::Timestamp::as_millisecond(moment)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with `Z`; fractions only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl From<Timestamp> for String {
    fn from(moment: Timestamp) -> Self {
        moment.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| Error::invalid("", format!("{text:?} is not an RFC 3339 time")))?;
        Ok(Self(moment.as_millisecond()))
    }
}
