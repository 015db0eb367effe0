//! Which passwords are accepted for accounts.

use crate::error::{Error, Result};

/// Counted in characters, as people do.
pub const MIN_CHARS: usize = 8;
/// Bounds the work that a password can cause.
pub const MAX_BYTES: usize = 1024;

/// Whether a new password may be used. A login is not asked: it only compares.
pub fn check(password: &str) -> Result<()> {
    if password.chars().count() < MIN_CHARS {
        return Err(Error::invalid("password", format!("a password has at least {MIN_CHARS} characters")));
    }
    if password.len() > MAX_BYTES {
        return Err(Error::invalid("password", format!("a password has at most {MAX_BYTES} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_at_the_low_end_and_bytes_at_the_high_end() {
        for good in ["12345678", "pässwörd", &"x".repeat(MAX_BYTES)] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "1234567", "ääääääá", &"x".repeat(MAX_BYTES + 1), &"ä".repeat(MAX_BYTES / 2 + 1)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
