//! A state document as BrainDrive stores it: JSON text, or that compressed by gzip and written in base64.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::domain::json;

/// Reads a document of at most `limit` bytes of JSON, counted while it is unpacked.
///
/// # Errors
/// What is wrong, in words for a report.
pub fn decode(text: &str, compression: Option<&str>, limit: u64) -> Result<Value, String> {
    let too_large = || format!("is larger than the limit of {limit} bytes");
    let unpacked;
    let text = match compression.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "none") => text,
        Some("gzip") => {
            let packed = BASE64_STANDARD.decode(text.trim()).map_err(|e| format!("is not base64: {e}"))?;
            let mut bytes = Vec::new();
            let read = MultiGzDecoder::new(packed.as_slice()).take(limit.saturating_add(1)).read_to_end(&mut bytes);
            read.map_err(|e| format!("is not gzip: {e}"))?;
            if bytes.len() as u64 > limit {
                return Err(too_large());
            }
            unpacked = String::from_utf8(bytes).map_err(|e| format!("is not UTF-8: {e}"))?;
            &unpacked
        }
        Some(other) => return Err(format!("is compressed by {other:?}, which nobody here can read")),
    };
    if text.len() as u64 > limit {
        return Err(too_large());
    }
    json::parse(text).map_err(|e| format!("is not JSON: {e}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;

    use super::*;

    fn packed(text: &str) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        BASE64_STANDARD.encode(encoder.finish().unwrap())
    }

    #[test]
    fn both_forms_are_read_with_every_digit() {
        let text = r#"{"b":1.50,"a":12345678901234567890}"#;
        for (stored, compression) in [(text.to_owned(), None), (text.to_owned(), Some("none")), (packed(text), Some("gzip"))] {
            assert_eq!(decode(&stored, compression, 100).unwrap().to_string(), text);
        }
        assert_eq!(decode("[1]", Some(""), 100).unwrap(), json!([1]));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_what_inflates_is_stopped() {
        for (stored, compression, why) in [
            ("{oops".to_owned(), None, "not JSON"),
            ("!".to_owned(), Some("gzip"), "not base64"),
            ("aGVsbG8=".to_owned(), Some("gzip"), "not gzip"),
            ("{}".to_owned(), Some("lzma"), "lzma"),
            (packed(&" ".repeat(100_000)), Some("gzip"), "larger than the limit of 100 bytes"),
            (" ".repeat(101), None, "larger than the limit of 100 bytes"),
        ] {
            let refused = decode(&stored, compression, 100).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
