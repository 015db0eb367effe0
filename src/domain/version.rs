//! Exact versions, and the ways to ask for one.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Strict semver (https://semver.org), at most 64 characters. Build metadata marks a variant: other content under a version
/// that is taken, which only an import of old data makes and only its exact name chooses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(semver::Version);

/// Digits of a digest that tell the variants of one version apart.
const VARIANT_DIGITS: usize = 12;

impl Version {
    pub const MAX_LEN: usize = 64;

    pub fn is_stable(&self) -> bool {
        self.0.pre.is_empty()
    }

    /// Whether this is an import's variant of a version.
    pub fn is_variant(&self) -> bool {
        !self.0.build.is_empty()
    }

    /// The version that this is a variant of, or the version itself.
    #[must_use]
    pub fn base(&self) -> Self {
        Self(semver::Version { build: semver::BuildMetadata::EMPTY, ..self.0.clone() })
    }

    /// The variant of this version with content of this digest (64 hex digits): `1.0.0+0a1b2c3d4e5f`.
    pub fn variant(&self, digest: &str) -> Result<Self> {
        format!("{}+{}", self.base(), digest.get(..VARIANT_DIGITS).unwrap_or(digest)).parse()
    }

    /// Whether the range takes this version in; pre-releases only when the range names one of the same triple.
    pub fn matches(&self, range: &semver::VersionReq) -> bool {
        range.matches(&self.0)
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > Self::MAX_LEN {
            return Err(Error::invalid("version", format!("a version has at most {} characters", Self::MAX_LEN)));
        }
        let version =
            semver::Version::parse(text).map_err(|e| Error::invalid("version", format!("{text:?} is not a semantic version: {e}")))?;
        Ok(Self(version))
    }
}

impl TryFrom<String> for Version {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0).then_with(|| self.0.build.cmp(&other.0.build))
    }
}

/// A movable name for a version of a slug: `[a-z][a-z0-9-]{0,31}`, none of the words that routes or ranges use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Channel(String);

impl Channel {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Channel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid("channel", format!("{text:?} {why}")));
        let shaped = (1..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !shaped {
            return refuse("is no channel name: 1 to 32 of a-z 0-9 -, starting with a letter");
        }
        if matches!(text, "v" | "x" | "latest" | "config" | "availability" | "channels") {
            return refuse("is reserved");
        }
        if text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            return refuse("reads like a version");
        }
        if semver::VersionReq::parse(text).is_ok() {
            return refuse("reads like a range");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Channel {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// What a caller can write where a version is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum VersionSpec {
    /// `1.0.0` means just that, not `^1.0.0`.
    Exact(Version),
    /// The highest stable version, else the highest pre-release.
    Latest,
    Channel(Channel),
    /// The highest match in the grammar of the `semver` crate.
    Range(semver::VersionReq),
}

impl FromStr for VersionSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        if let Ok(version) = text.parse() {
            return Ok(Self::Exact(version));
        }
        if let Ok(channel) = text.parse() {
            return Ok(Self::Channel(channel));
        }
        // A full version that breaks our rules; the range grammar would take it for `^`.
        if semver::Version::parse(text).is_ok() {
            return text.parse().map(Self::Exact);
        }
        let range = semver::VersionReq::parse(text)
            .map_err(|_| Error::invalid("version", format!("{text:?} is neither a version, a range, a channel nor `latest`")))?;
        Ok(Self::Range(range))
    }
}

impl fmt::Display for VersionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => version.fmt(f),
            Self::Latest => f.write_str("latest"),
            Self::Channel(channel) => f.write_str(&channel.0),
            Self::Range(range) => range.fmt(f),
        }
    }
}

/// The version that `latest` names among the candidates (unyanked ones).
pub fn latest<'a>(candidates: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
    candidates.into_iter().max_by(|a, b| a.is_stable().cmp(&b.is_stable()).then_with(|| a.cmp(b)))
}

/// The version that a range chooses among the candidates (unyanked ones).
pub fn highest_match<'a>(range: &semver::VersionReq, candidates: impl IntoIterator<Item = &'a Version>) -> Option<&'a Version> {
    candidates.into_iter().filter(|version| version.matches(range)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(texts: &[&str]) -> Vec<Version> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn versions_are_strict() {
        for bad in ["1", "1.0", "v1.0.0", "1.0.0+", "01.0.0", "", "latest", " 1.0.0", &format!("1.0.0-{}", "a".repeat(60))] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
        assert_eq!("1.0.0-rc.1".parse::<Version>().unwrap().to_string(), "1.0.0-rc.1");
    }

    #[test]
    fn a_variant_is_named_by_its_digest_and_chosen_exactly() {
        let base: Version = "1.0.0-rc.1".parse().unwrap();
        let variant = base.variant(&"0123456789abcdef".repeat(4)).unwrap();
        assert_eq!(variant.to_string(), "1.0.0-rc.1+0123456789ab");
        assert!(variant.is_variant() && !base.is_variant() && variant != base);
        assert_eq!(variant.variant(&"f".repeat(64)).unwrap().to_string(), "1.0.0-rc.1+ffffffffffff");
        assert_eq!("1.0.0-rc.1+0123456789ab".parse::<VersionSpec>().unwrap(), VersionSpec::Exact(variant));
    }

    #[test]
    fn channels_never_read_like_versions_or_ranges() {
        for bad in ["", "v", "x", "latest", "v1", "v1beta", "Beta", "1", "config", "a_b", "*"] {
            assert!(bad.parse::<Channel>().is_err(), "{bad}");
        }
        assert!("beta".parse::<Channel>().is_ok());
        assert!("very-long-name-with-dashes".parse::<Channel>().is_ok());
    }

    #[test]
    fn a_full_version_is_exact_and_the_rest_is_told_apart() {
        assert!(matches!("1.0.0".parse(), Ok(VersionSpec::Exact(_))));
        assert!(matches!("latest".parse(), Ok(VersionSpec::Latest)));
        assert!(matches!("beta".parse(), Ok(VersionSpec::Channel(_))));
        assert!(matches!("^1".parse(), Ok(VersionSpec::Range(_))));
        assert!(matches!("1.2".parse(), Ok(VersionSpec::Range(_))));
        assert!("no such thing".parse::<VersionSpec>().is_err());
        let bad = format!("1.0.0-{}", "a".repeat(60));
        assert!(bad.parse::<VersionSpec>().is_err(), "{bad} is a version that cannot be, not a range");
    }

    #[test]
    fn latest_prefers_stable_and_ranges_skip_prereleases() {
        let all = versions(&["1.0.0", "1.2.0", "2.0.0-rc.1"]);
        assert_eq!(latest(&all).unwrap().to_string(), "1.2.0");
        assert_eq!(latest(&all[2..]).unwrap().to_string(), "2.0.0-rc.1");
        assert_eq!(highest_match(&"^1".parse().unwrap(), &all).unwrap().to_string(), "1.2.0");
        assert_eq!(highest_match(&">=2.0.0-rc.0".parse().unwrap(), &all).unwrap().to_string(), "2.0.0-rc.1");
        assert!(highest_match(&"^2".parse().unwrap(), &all).is_none());
    }
}
