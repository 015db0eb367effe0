//! Versions as older systems wrote them.

use crate::domain::Version;

/// Makes a version valid: leading `v` cut, parts that lack are zero, build metadata cut. None for what means no version
/// (`latest`) or has more parts than semver knows.
pub fn normalised(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches(['v', 'V']);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let mut parts = core.split('.').map(|part| part.parse::<u64>().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit())));
    let (major, minor, patch) = (parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() {
        return None;
    }
    let pre = pre.map(|pre| format!("-{pre}")).unwrap_or_default();
    format!("{major}.{minor}.{patch}{pre}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_a_version_becomes_one() {
        for (written, read) in [
            ("1.0.0", "1.0.0"),
            ("v1.2", "1.2.0"),
            ("vv1.2.3", "1.2.3"),
            (" V2 ", "2.0.0"),
            ("1.02.3", "1.2.3"),
            ("1.0-beta.1", "1.0.0-beta.1"),
            ("1.0.0+build.7", "1.0.0"),
        ] {
            assert_eq!(normalised(written).unwrap().to_string(), read, "{written}");
        }
    }

    #[test]
    fn the_rest_is_told_not_guessed() {
        for bad in ["", "latest", "1.2.3.4", "1..2", "x1.0", "1.0.0-", "-1.0", "+1.0", "1.0.0-01", "99999999999999999999999.0.0"] {
            assert_eq!(normalised(bad), None, "{bad}");
        }
    }
}
