//! `SLUG[@VERSION]` as arguments write it.

use std::str::FromStr;

use crate::{
    domain::{Slug, VersionSpec},
    error::Error,
};

/// A slug, and which of its versions; `latest` when none is named.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub slug: Slug,
    pub version: VersionSpec,
}

impl FromStr for Wanted {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // No slug holds an `@`.
        let (slug, version) = text.split_once('@').unwrap_or((text, "latest"));
        Ok(Self { slug: slug.parse()?, version: version.parse()? })
    }
}
