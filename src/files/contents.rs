//! Files of releases as they are served: only with the bytes that were published.

use std::{
    fs::File,
    io::{self, Read},
    time::SystemTime,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha384};

use super::PluginsFolder;
use crate::{
    domain::{Slug, Version, release::ReleaseFile},
    error::{Error, Result},
};

/// By what a file on the disk shows that it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub size: u64,
    pub modified: SystemTime,
}

impl PluginsFolder {
    /// The whole file.
    ///
    /// # Errors
    ///
    /// `Error::Storage` when it is missing or its bytes are not those that were published.
    pub fn read_content(&self, slug: &Slug, version: &Version, file: &ReleaseFile) -> Result<Vec<u8>> {
        let (mut open, mark) = self.open_content(slug, version, file)?;
        let mut bytes = Vec::with_capacity(usize::try_from(mark.size).unwrap_or(0));
        // One byte more would show that it grows.
        open.by_ref().take(file.size + 1).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
        match BASE64_STANDARD.encode(Sha384::digest(&bytes)) == file.sha384 {
            true => Ok(bytes),
            false => Err(damaged(slug, version, file)),
        }
    }

    /// The file, open, and its mark. Only its size was compared.
    pub fn open_content(&self, slug: &Slug, version: &Version, file: &ReleaseFile) -> Result<(File, Mark)> {
        let open = self.open_file(slug, version, &file.path)?.ok_or_else(|| damaged(slug, version, file))?;
        let mark = mark(&open)?;
        if mark.size == file.size { Ok((open, mark)) } else { Err(damaged(slug, version, file)) }
    }

    /// Reads the whole file and compares; its mark at that time.
    pub fn verify_content(&self, slug: &Slug, version: &Version, file: &ReleaseFile) -> Result<Mark> {
        let (open, mark) = self.open_content(slug, version, file)?;
        match hash_of(&mut &open).map_err(|e| unreadable(&e))? == file.sha384 {
            true => Ok(mark),
            false => Err(damaged(slug, version, file)),
        }
    }
}

pub(super) fn mark(open: &File) -> Result<Mark> {
    let metadata = open.metadata().map_err(|e| unexaminable(&e))?;
    Ok(Mark { size: metadata.len(), modified: metadata.modified().map_err(|e| unexaminable(&e))? })
}

/// sha384 of everything that can be read, in base64.
pub(super) fn hash_of(reader: &mut impl Read) -> io::Result<String> {
    let mut hash = Hashing(Sha384::new());
    io::copy(reader, &mut hash)?;
    Ok(BASE64_STANDARD.encode(hash.0.finalize()))
}

struct Hashing(Sha384);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn damaged(slug: &Slug, version: &Version, file: &ReleaseFile) -> Error {
    Error::damaged(format!("{slug} {version}: {} is missing or changed on disk; `plugyard doctor` tells more", file.path))
}

fn unreadable(e: &io::Error) -> Error {
    Error::storage("a file cannot be read", e.to_string())
}

fn unexaminable(e: &io::Error) -> Error {
    Error::storage("a file cannot be examined", e.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_published_bytes_are_read() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        let (slug, version): (Slug, Version) = ("Demo".parse().unwrap(), "1.0.0".parse().unwrap());
        let release = folder.release_folder(&slug, &version);
        fs::create_dir_all(&release).unwrap();
        let sha384 = hash_of(&mut &b"good"[..]).unwrap();
        let file = ReleaseFile { path: "a.js".parse().unwrap(), size: 4, sha384, content_type: "text/javascript".to_owned() };
        for (content, is_good) in [("good", true), ("evil", false), ("goodness", false), ("", false)] {
            fs::write(release.join("a.js"), content).unwrap();
            assert_eq!(folder.read_content(&slug, &version, &file).is_ok(), is_good, "{content}");
            assert_eq!(folder.verify_content(&slug, &version, &file).is_ok(), is_good, "{content}");
        }
        fs::remove_file(release.join("a.js")).unwrap();
        assert!(matches!(folder.read_content(&slug, &version, &file), Err(Error::Storage { .. })));
    }
}
