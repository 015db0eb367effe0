//! The digest of a release: the same for zip, tar and folder of equal content.

use std::io::Read;

use sha2::{Digest, Sha256, Sha384};

use super::{StagedFile, staging::fill};

/// Size, sha256 and sha384 of what is read to its end, in a bounded buffer.
pub fn of_content(mut content: impl Read, buffer: &mut [u8]) -> std::io::Result<(u64, [u8; 32], [u8; 48])> {
    let (mut sha256, mut sha384, mut size) = (Sha256::new(), Sha384::new(), 0);
    loop {
        let filled = fill(&mut content, buffer)?;
        let block = buffer.get(..filled).unwrap_or_default();
        if block.is_empty() {
            return Ok((size, sha256.finalize().into(), sha384.finalize().into()));
        }
        size += block.len() as u64;
        sha256.update(block);
        sha384.update(block);
    }
}

/// Lower-case hex of sha256 over, for every file in the byte order of its path: the path in UTF-8, one zero byte, the
/// size as 8 bytes big-endian, the 32 bytes of the content's sha256. No path holds a zero byte, so two different releases
/// never give the same input.
pub fn of_files(sorted: &[StagedFile]) -> String {
    let mut hash = Sha256::new();
    for file in sorted {
        hash.update(file.path.as_str());
        hash.update([0]);
        hash.update(file.size.to_be_bytes());
        hash.update(file.sha256);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hashlib from the description above; a change would make every published release another one.
    #[test]
    fn the_format_is_fixed() {
        let file = |path: &str, content: &[u8]| StagedFile {
            path: path.parse().unwrap(),
            size: content.len() as u64,
            sha256: Sha256::digest(content).into(),
            sha384: [0; 48],
        };
        let files = [file("a/b.js", b"hello"), file("plugin.json", b"{}")];
        assert_eq!(of_files(&files), "12a77d6880ab82369cab97465cc52d9d9a20297a11b372f8c3de272f2d0964b8");
    }
}
