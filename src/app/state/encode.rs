//! Between documents and what the database keeps of them.

use bytes::Bytes;

use crate::{
    domain::state::{Document, Encoding, Stored},
    error::{Error, Result},
};

/// Below, compressing is not worth the work.
const COMPRESS_FROM: usize = 1024;
/// Of the plain size, in percent: what does not shrink at least to this stays plain.
const WORTH_IT: usize = 88;
/// The fastest of the ordinary ones: JSON hardly gets smaller by more work.
const LEVEL: i32 = 1;

pub fn encode(document: Document) -> Result<Stored> {
    let (sha256, content_sha256) = (document.sha256().to_owned(), document.content_sha256().to_owned());
    let json = document.into_json();
    let size = i64::try_from(json.len()).map_err(|e| Error::storage("a document is too large", e))?;
    let (data, encoding) = match compress(&json)? {
        Some(smaller) => (smaller, Encoding::Zstd),
        None => (json, Encoding::Plain),
    };
    Ok(Stored { data, encoding, size, sha256, content_sha256 })
}

fn compress(json: &[u8]) -> Result<Option<Vec<u8>>> {
    if json.len() <= COMPRESS_FROM {
        return Ok(None);
    }
    let smaller = zstd::bulk::compress(json, LEVEL).map_err(|e| Error::storage("a document cannot be compressed", e))?;
    Ok(Some(smaller).filter(|smaller| is_worth_it(json.len(), smaller.len())))
}

/// Sizes in bytes. Multiplied first: a hundredth of a small document is a coarse number.
fn is_worth_it(plain: usize, smaller: usize) -> bool {
    smaller.saturating_mul(100) <= plain.saturating_mul(WORTH_IT)
}

/// The compact JSON, checked against its hash. `entry` is the id of the entry, for the error.
///
/// # Errors
///
/// `StateCorrupt` when it is not what was stored.
pub fn decode(entry: &str, encoding: Encoding, size: i64, sha256: &str, data: Vec<u8>) -> Result<Vec<u8>> {
    use sha2::Digest;
    let corrupt = || Error::StateCorrupt { entry: entry.to_owned() };
    let size = usize::try_from(size).map_err(|_| corrupt())?;
    let json = match encoding {
        Encoding::Plain => data,
        // The claimed size is an upper bound for what is allocated, and itself below the largest document.
        Encoding::Zstd => zstd::bulk::decompress(&data, size).map_err(|_| corrupt())?,
    };
    let intact = json.len() == size && hex::encode(sha2::Sha256::digest(&json)) == sha256;
    if intact { Ok(json) } else { Err(corrupt()) }
}

/// As [`decode`], for what is needed again as it is stored.
pub fn json(entry: &str, stored: &Stored) -> Result<Bytes> {
    decode(entry, stored.encoding, stored.size, &stored.sha256, stored.data.clone()).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Stored {
        encode(Document::parse(text.as_bytes(), &[]).unwrap()).unwrap()
    }

    #[test]
    fn large_documents_are_compressed_where_it_helps() {
        let small = stored(&format!("\"{}\"", "a".repeat(1022)));
        assert_eq!((small.encoding, small.size), (Encoding::Plain, 1024));
        let large = stored(&format!("\"{}\"", "a".repeat(1023)));
        assert_eq!((large.encoding, large.size), (Encoding::Zstd, 1025));
        assert!(large.data.len() < 100);
        // No JSON is as dense as this.
        let noise: Vec<u8> = (0..4000u32).map(|n| n.wrapping_mul(2_654_435_761).wrapping_mul(n).to_be_bytes()[0]).collect();
        assert_eq!(compress(&noise).unwrap(), None);
    }

    #[test]
    fn twelve_percent_less_is_worth_it() {
        for (plain, smaller, expected) in [(1099, 967, true), (1099, 968, false), (10_000, 8800, true), (10_000, 8801, false)] {
            assert_eq!(is_worth_it(plain, smaller), expected, "{plain} {smaller}");
        }
    }

    #[test]
    fn damage_is_noticed_in_every_form() {
        for text in ["{\"a\":1}".to_owned(), format!("\"{}\"", "a".repeat(5000))] {
            let Stored { data, encoding, size, sha256, .. } = stored(&text);
            assert_eq!(decode("e", encoding, size, &sha256, data.clone()).unwrap(), text.as_bytes());
            let mut flipped = data.clone();
            *flipped.last_mut().unwrap() ^= 1;
            for bad in [flipped, data[..data.len() - 1].to_vec(), Vec::new()] {
                assert!(matches!(decode("e", encoding, size, &sha256, bad), Err(Error::StateCorrupt { entry }) if entry == "e"));
            }
            assert!(decode("e", encoding, size + 1, &sha256, data).is_err());
        }
    }
}
