//! Where things lie inside the plugins folder and inside a release. Pure: nothing here touches a disk.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::{Slug, Version, names::component_fault};
use crate::error::{Error, Result};

/// The folder of a release: `<base>/shared/<slug>/v<version>`. The one place where this path is built; it is never stored.
#[doc(alias = "shared_path")]
pub fn construct_shared_path(base: &Path, slug: &Slug, version: &Version) -> PathBuf {
    base.join(shared_path_label(slug, version))
}

/// The same path relative to the plugins folder, with `/` on every platform: what answers may show.
pub fn shared_path_label(slug: &Slug, version: &Version) -> String {
    format!("shared/{slug}/v{version}")
}

/// A file inside a release: components that every platform accepts, joined by `/`, at most [`ReleasePath::MAX_LEN`] bytes
/// and [`ReleasePath::MAX_DEPTH`] components. Never absolute, never upwards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ReleasePath(String);

impl ReleasePath {
    /// No release can hold a longer path; settings may only lower this.
    pub const MAX_LEN: usize = 1024;
    pub const MAX_DEPTH: usize = 64;

    /// Reads the raw path of a request: split at `/`, each component decoded once and strictly, nothing normalised.
    pub fn from_url(raw: &str) -> Result<Self> {
        let decode = |part| percent_decode_str(part).decode_utf8().map_err(|_| Error::invalid("path", "is not UTF-8"));
        let parts = raw.split('/').map(decode).collect::<Result<Vec<_>>>()?;
        // A decoded slash is a character of its component here, and refused as such.
        Self::from_components(parts.iter().map(AsRef::as_ref))
    }

    fn from_components<'a>(parts: impl Iterator<Item = &'a str> + Clone) -> Result<Self> {
        if let Some(fault) = parts.clone().find_map(component_fault) {
            return Err(Error::invalid("path", fault));
        }
        let path = parts.clone().collect::<Vec<_>>().join("/");
        if path.len() > Self::MAX_LEN {
            return Err(Error::invalid("path", format!("is longer than {} bytes", Self::MAX_LEN)));
        }
        if parts.count() > Self::MAX_DEPTH {
            return Err(Error::invalid("path", format!("is deeper than {} components", Self::MAX_DEPTH)));
        }
        Ok(Self(path))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The form in which two paths that differ only in case are equal, as on Windows and macOS.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// The path below `folder`.
    pub fn under(&self, folder: &Path) -> PathBuf {
        self.components().fold(folder.to_owned(), |path, part| path.join(part))
    }

    /// The path for a URL, every component percent-encoded.
    pub fn to_url(&self) -> String {
        use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
        const KEEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
        self.components().map(|part| utf8_percent_encode(part, KEEP).to_string()).collect::<Vec<_>>().join("/")
    }
}

impl FromStr for ReleasePath {
    type Err = Error;

    /// Reads a path as archives and manifests write it: plain text with `/` between components.
    fn from_str(text: &str) -> Result<Self> {
        Self::from_components(text.split('/'))
    }
}

impl fmt::Display for ReleasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_path_is_built_from_base_slug_and_version() {
        let path = construct_shared_path(Path::new("/p"), &"Demo".parse().unwrap(), &"1.0.0".parse().unwrap());
        assert_eq!(path, Path::new("/p/shared/Demo/v1.0.0"));
    }

    #[test]
    fn raw_paths_are_decoded_once_and_never_normalised() {
        assert_eq!(ReleasePath::from_url("dist/a%20b.js").unwrap().as_str(), "dist/a b.js");
        assert_eq!(ReleasePath::from_url("a%2520.js").unwrap().as_str(), "a%20.js");
        for bad in [
            "", "/", "a//b", "a/", "/a", "..", "../a", "a/../b", "%2e%2e/a", "a%2fb", "a%5cb", "a\\b", "a%00", "%ff", "a./b", "a%20/b",
            "a.", "con", "a/NUL.js", "a%0a", "c:/x",
        ] {
            assert!(ReleasePath::from_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn url_form_round_trips() {
        let path: ReleasePath = "dist/ä b+c@2/x.js".parse().unwrap();
        assert_eq!(ReleasePath::from_url(&path.to_url()).unwrap(), path);
    }
}
