//! A state document as BrainDrive stores it: JSON text, or that compressed by gzip and written in base64.

use std::{borrow::Cow, io::Read};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::MultiGzDecoder;

use crate::{
    app::{state::encode, takeover::import::tree::reason},
    domain::state::{Document, Stored},
};

/// A text may have so many times the bytes of its compact form, which is what the limit counts.
const WHITE_SPACE: u64 = 2;

/// Reads a document of at most `limit` bytes of compact JSON; what it is unpacked to is bounded, too.
///
/// # Errors
/// What is wrong, in words for a report.
pub fn read(text: &str, compression: Option<&str>, limit: u64) -> Result<Stored, String> {
    let unpacked = unpack(text, compression, limit.saturating_mul(WHITE_SPACE)).map_err(|fault| match fault {
        Fault::TooLarge => too_large(limit),
        Fault::Other(why) => why,
    })?;
    let document = Document::parse(unpacked.as_bytes(), &[]).map_err(|e| format!("cannot be kept: {}", reason(e)))?;
    if document.size() > limit {
        return Err(too_large(limit));
    }
    encode::encode(document).map_err(reason)
}

fn too_large(limit: u64) -> String {
    format!("is larger than the limit of {limit} bytes")
}

enum Fault {
    TooLarge,
    Other(String),
}

fn unpack<'a>(text: &'a str, compression: Option<&str>, most: u64) -> Result<Cow<'a, str>, Fault> {
    let text = match compression.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "none") => Cow::Borrowed(text),
        Some("gzip") => {
            let packed = BASE64_STANDARD.decode(text.trim()).map_err(|e| Fault::Other(format!("is not base64: {e}")))?;
            let mut bytes = Vec::new();
            let read = MultiGzDecoder::new(packed.as_slice()).take(most.saturating_add(1)).read_to_end(&mut bytes);
            read.map_err(|e| Fault::Other(format!("is not gzip: {e}")))?;
            if bytes.len() as u64 > most {
                return Err(Fault::TooLarge);
            }
            Cow::Owned(String::from_utf8(bytes).map_err(|e| Fault::Other(format!("is not UTF-8: {e}")))?)
        }
        Some(other) => return Err(Fault::Other(format!("is compressed by {other:?}, which nobody here can read"))),
    };
    if text.len() as u64 > most { Err(Fault::TooLarge) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

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
            assert_eq!(read(&stored, compression, 100).unwrap().data, text.as_bytes());
        }
        assert_eq!(read("[ 1 ]", Some(""), 3).unwrap().data, b"[1]", "white space does not count");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_what_inflates_is_stopped() {
        for (stored, compression, why) in [
            ("{oops".to_owned(), None, "cannot be kept"),
            (r#"{"a":1,"a":2}"#.to_owned(), None, "/a this member is here twice"),
            ("!".to_owned(), Some("gzip"), "not base64"),
            ("aGVsbG8=".to_owned(), Some("gzip"), "not gzip"),
            ("{}".to_owned(), Some("lzma"), "lzma"),
            (packed(&" ".repeat(100_000)), Some("gzip"), "larger than the limit of 100 bytes"),
            (" ".repeat(201), None, "larger than the limit of 100 bytes"),
            (format!("\"{}\"", "a".repeat(100)), None, "larger than the limit of 100 bytes"),
        ] {
            let refused = read(&stored, compression, 100).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
