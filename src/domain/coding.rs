//! Content codings (RFC 9110, section 8.4.1) of files that are kept compressed beside their plain form.

/// In the order in which they are preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    Br,
    Gzip,
}

impl Coding {
    pub const ALL: [Self; 2] = [Self::Br, Self::Gzip];

    /// As `Content-Encoding` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// Below this the saving is less than a header.
const SMALLEST: u64 = 128;
/// Above this, making a copy takes minutes.
const LARGEST: u64 = 64 << 20;

/// Whether files of this type and size, in bytes, are worth the attempt: text, and binary forms that are not compressed
/// already.
pub fn is_worth_encoding(content_type: &str, size: u64) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    let shrinks = essence.starts_with("text/")
        || ["+json", "+xml"].iter().any(|suffix| essence.ends_with(suffix))
        || matches!(
            essence,
            "application/javascript"
                | "application/json"
                | "application/wasm"
                | "application/xml"
                | "application/vnd.ms-fontobject"
                | "application/x-font-ttf"
                | "font/otf"
                | "font/ttf"
                | "image/bmp"
                | "image/x-icon"
        );
    shrinks && (SMALLEST..=LARGEST).contains(&size)
}

/// Whether the copy is so much smaller that it is sent instead.
pub fn is_worth_sending(plain: u64, encoded: u64) -> bool {
    encoded.saturating_mul(20) < plain.saturating_mul(19)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_and_what_is_compressed_already_is_not() {
        for yes in ["text/javascript; charset=utf-8", "application/json; charset=utf-8", "image/svg+xml; charset=utf-8", "application/wasm"]
        {
            assert!(is_worth_encoding(yes, 1000), "{yes}");
            assert!(!is_worth_encoding(yes, 100) && !is_worth_encoding(yes, 1 << 40), "{yes}");
        }
        for no in ["image/png", "font/woff2", "application/octet-stream", "application/zip", ""] {
            assert!(!is_worth_encoding(no, 1000), "{no}");
        }
        assert!(is_worth_sending(1000, 949) && !is_worth_sending(1000, 950));
    }
}
