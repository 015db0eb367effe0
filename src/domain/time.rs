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
        let moment = self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        Self(moment.min(LAST.as_second() * 1000))
    }
}

/// The last second that can be converted between all offsets: 9999-12-30T22:00:00Z.
const LAST: jiff::Timestamp = jiff::Timestamp::constant(253_402_207_200, 0);

/// What programs write for "never", the end of the year 9999, lies behind the last moment and is taken for it.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    let last = || {
        let moment = text.trim_end_matches(['Z', 'z']).parse::<jiff::civil::DateTime>().ok()?;
        (moment > jiff::tz::TimeZone::UTC.to_datetime(LAST)).then_some(LAST)
    };
    text.parse().ok().or_else(last)
}

impl Timestamp {
    /// An RFC 3339 time, or one without offset, as BrainDrive writes it: it means UTC.
    pub fn parse_lenient(text: &str) -> Result<Self> {
        let naive = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|moment| moment.timestamp());
        let moment = moment(text).or_else(naive).ok_or_else(|| Error::invalid("", format!("{text:?} is not an RFC 3339 time")))?;
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
        let moment = moment(&text).ok_or_else(|| Error::invalid("", format!("{text:?} is not an RFC 3339 time")))?;
        Ok(Self(moment.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_lies_behind_the_last_moment() {
        for never in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999", "9999-12-31T00:00:00z"] {
            let last = Timestamp::parse_lenient(never).unwrap();
            assert_eq!(Timestamp::parse_lenient(&last.to_string()).unwrap(), last);
            assert_eq!(last.plus(Duration::from_secs(1)), last);
        }
        assert_eq!(Timestamp(0).plus(Duration::MAX).to_string(), "9999-12-30T22:00:00Z");
        for bad in ["9999-12-32T00:00:00Z", "10000-01-01T00:00:00Z", "9999-13-31T23:59:59Z", "never"] {
            assert!(Timestamp::parse_lenient(bad).is_err(), "{bad}");
        }
    }
}
