//! Which versions of a plugin, and of its documents' form, are newer than others.

use std::cmp::Ordering;

/// Whether a plugin of version `writer` is too old for a document that `stored` wrote: older, and not compatible with it
/// (same major, for `0.x` same minor; pre-releases count as their version). What cannot be read as a version is compatible.
pub fn is_older_plugin(writer: &str, stored: &str) -> bool {
    let (Ok(writer), Ok(stored)) = (semver::Version::parse(writer), semver::Version::parse(stored)) else { return false };
    let line = |version: &semver::Version| if version.major == 0 { (0, version.minor) } else { (version.major, 0) };
    line(&writer) < line(&stored)
}

/// Whether a schema version is newer than another: by their numbers where both have them, else as texts.
pub fn is_newer_schema(version: &str, than: &str) -> bool {
    compare(version, than) == Ordering::Greater
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    match (numbers(a), numbers(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_too_old_across_lines_only() {
        for (writer, stored) in [("1.9.0", "2.0.0"), ("0.1.0", "0.2.0"), ("0.9.0", "1.0.0"), ("1.0.0", "2.0.0-rc.1")] {
            assert!(is_older_plugin(writer, stored), "{writer} {stored}");
            assert!(!is_older_plugin(stored, writer), "{stored} {writer}");
        }
        for (writer, stored) in [("1.0.0", "1.9.0"), ("0.1.0", "0.1.9"), ("1.0.0-rc.1", "1.0.0"), ("latest", "2.0.0")] {
            assert!(!is_older_plugin(writer, stored), "{writer} {stored}");
        }
    }

    #[test]
    fn schema_versions_compare_as_numbers() {
        assert!(is_newer_schema("10", "9"));
        assert!(is_newer_schema("1.10", "1.9"));
        assert!(is_newer_schema("b", "a"));
        assert!(!is_newer_schema("2", "2"));
    }
}
