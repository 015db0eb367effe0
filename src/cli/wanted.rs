//! `SLUG[@VERSION]` and `SLUG@VERSION` as arguments write them.

use std::str::FromStr;

use crate::{
    domain::{Slug, Version, VersionSpec},
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

/// One release, by its exact version.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    pub slug: Slug,
    pub version: Version,
}

impl FromStr for Exact {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (slug, version) = text.split_once('@').ok_or_else(|| Error::invalid("version", "is missing: write SLUG@VERSION"))?;
        Ok(Self { slug: slug.parse()?, version: version.parse()? })
    }
}
