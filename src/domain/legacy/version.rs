//! Versions as older systems wrote them.

use crate::{domain::Version, error::Result};

/// Reads a version that need not be whole: a leading `v` is cut, missing numbers are zero (`1` and `v1.0` are `1.0.0`).
pub fn read_version(text: &str) -> Result<Version> {
    let bare = text.trim();
    let bare = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
    let (numbers, rest) = bare.split_at(bare.find(['-', '+']).unwrap_or(bare.len()));
    let missing = 2_usize.saturating_sub(numbers.matches('.').count());
    let whole = format!("{numbers}{}{rest}", ".0".repeat(missing));
    // What cannot be read is told as it was written.
    whole.parse().or_else(|_| text.parse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_zero_and_a_leading_v_goes() {
        for (written, read) in [
            ("1.2.3", "1.2.3"),
            ("1.0", "1.0.0"),
            ("v1.2", "1.2.0"),
            ("V2", "2.0.0"),
            (" 1.0.0 ", "1.0.0"),
            ("1.0-beta.1", "1.0.0-beta.1"),
            ("v1-rc.2", "1.0.0-rc.2"),
        ] {
            assert_eq!(read_version(written).unwrap().to_string(), read, "{written}");
        }
    }

    #[test]
    fn what_is_no_version_is_told_as_it_was_written() {
        for text in ["", "v", "latest", "vv1.0.0", "1.2.3.4", "01.0.0", "1..0", "1.0.0+build", "one", "1.0.x"] {
            let refused = read_version(text).unwrap_err().to_string();
            assert!(refused.contains(&format!("{text:?}")), "{refused}");
        }
    }
}
