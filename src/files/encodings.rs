//! Compressed copies of files: `cache/encoded/<first two digits>/<sha384 of the plain content in hex>.<br or gz>`. They can
//! be removed at any time. A copy counts only when unpacking it gives the plain content, and an empty one says that this
//! content does not shrink.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tempfile::NamedTempFile;

use super::{
    PluginsFolder,
    contents::{Mark, hash_of, mark},
    disk,
};
use crate::{
    domain::{
        Slug, Version,
        coding::{Coding, is_worth_sending},
        release::ReleaseFile,
    },
    error::{Error, Result},
};

const FOLDER: &str = "encoded";
const TEMPORARY: &str = "new-";
/// A copy in the making that is older was left by a killed process.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Up to this size of the plain content, a copy is as small as possible; larger ones would take minutes.
const THOROUGH: u64 = 1 << 20;
/// How much of a file is read at once.
const BUFFER: usize = 64 * 1024;

/// What there is of a content in one coding.
#[derive(Debug)]
pub enum EncodedCopy {
    /// Not made yet, or removed.
    Missing,
    /// It does not shrink.
    Plain,
    There(CheckedCopy),
}

/// A copy that was found to be right.
#[derive(Debug)]
pub struct CheckedCopy {
    /// Read to its end; its position says nothing.
    pub file: File,
    pub mark: Mark,
    /// sha384 of its bytes, in base64.
    pub sha384: String,
}

/// A copy among all that lie there.
#[derive(Debug)]
pub struct FoundCopy {
    /// sha384 of the plain content, in base64; none when unpacking the copy does not give what its name says.
    pub content: Option<String>,
    /// Made not long ago: what it is a copy of may just be being published.
    pub is_fresh: bool,
}

impl PluginsFolder {
    /// Looks for a copy and unpacks it to see whether it is right; a damaged one is removed.
    pub fn checked_copy(&self, sha384: &str, coding: Coding) -> Result<EncodedCopy> {
        let path = self.copy_path(sha384, coding)?;
        let Some(mut file) = open(&path)? else { return Ok(EncodedCopy::Missing) };
        let mark = mark(&file)?;
        if mark.size == 0 {
            return Ok(EncodedCopy::Plain);
        }
        let is_right = decoded(BufReader::with_capacity(BUFFER, &file), coding).is_ok_and(|plain| plain == sha384);
        if !is_right {
            tracing::warn!(copy = %self.label(&path), "a compressed copy was damaged; it is made again");
            remove(&path)?;
            return Ok(EncodedCopy::Missing);
        }
        let sha384 = file.rewind().and_then(|()| hash_of(&mut file)).map_err(|e| failed(&e))?;
        Ok(EncodedCopy::There(CheckedCopy { file, mark, sha384 }))
    }

    /// A copy as it is now, unchecked, with its mark.
    pub fn open_copy(&self, sha384: &str, coding: Coding) -> Result<Option<(File, Mark)>> {
        let found = open(&self.copy_path(sha384, coding)?)?;
        found.map(|file| mark(&file).map(|mark| (file, mark))).transpose()
    }

    /// Makes whatever copies of the file are missing. Takes long. The plain content is compared first, so that no damaged
    /// file gets a copy.
    pub fn make_copies(&self, slug: &Slug, version: &Version, file: &ReleaseFile) -> Result<()> {
        for coding in Coding::ALL {
            let path = self.copy_path(&file.sha384, coding)?;
            if fs::symlink_metadata(&path).is_ok() {
                continue;
            }
            self.verify_content(slug, version, file)?;
            let (plain, _) = self.open_content(slug, version, file)?;
            let folder = path.parent().unwrap_or(&path);
            let make = || {
                disk::create_dir_all(folder)?;
                let mut copy = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
                encode(BufReader::with_capacity(BUFFER, plain), &mut copy, coding, file.size)?;
                if !is_worth_sending(file.size, copy.as_file().metadata()?.len()) {
                    copy.as_file().set_len(0)?;
                }
                // An empty copy says something, and must not be what a crash has left of another.
                copy.as_file().sync_all()?;
                copy.persist(&path)?;
                io::Result::Ok(())
            };
            make().map_err(|e| Error::storage(format!("{slug} {version}: {} cannot be compressed", file.path), e))?;
        }
        Ok(())
    }

    /// Removes the copies of a content; whoever still needs them makes them again.
    pub fn remove_copies(&self, sha384: &str) -> Result<()> {
        for coding in Coding::ALL {
            remove(&self.copy_path(sha384, coding)?)?;
        }
        Ok(())
    }

    /// Every copy that lies there, by its path in the plugins folder, in order. Those in the making are left out.
    pub fn list_copies(&self) -> Result<Vec<String>> {
        let list = || {
            let mut found = Vec::new();
            for folder in entries(&self.cache().join(FOLDER))? {
                let files = entries(&folder)?;
                let is_new = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY));
                found.extend(files.into_iter().filter(|file| !is_new(file)).map(|file| self.label(&file)));
            }
            found.sort();
            io::Result::Ok(found)
        };
        list().map_err(|e| failed(&e))
    }

    /// Reads a copy to its end; none when it is gone by now.
    pub fn examine_copy(&self, label: &str) -> Result<Option<FoundCopy>> {
        let path = self.root().join(label);
        let Some(file) = open(&path)? else { return Ok(None) };
        let metadata = file.metadata().map_err(|e| failed(&e))?;
        let written = metadata.modified().map_err(|e| failed(&e))?;
        let is_fresh = SystemTime::now().duration_since(written).is_ok_and(|age| age < ABANDONED);
        let coding = match path.extension().and_then(|ending| ending.to_str()) {
            Some("br") => Some(Coding::Br),
            Some("gz") => Some(Coding::Gzip),
            _ => None,
        };
        let named = path
            .file_stem()
            .and_then(|name| hex::decode(name.to_string_lossy().as_bytes()).ok())
            .map(|digest| BASE64_STANDARD.encode(digest));
        let (Some(coding), Some(content)) = (coding, named) else { return Ok(Some(FoundCopy { content: None, is_fresh })) };
        let is_right = metadata.len() == 0 || decoded(BufReader::with_capacity(BUFFER, &file), coding).is_ok_and(|plain| plain == content);
        Ok(Some(FoundCopy { content: is_right.then_some(content), is_fresh }))
    }

    /// Removes one copy; one that is gone by now is fine.
    pub fn remove_copy(&self, label: &str) -> Result<()> {
        remove(&self.root().join(label))
    }

    /// Removes what killed processes left half made.
    pub(super) fn remove_half_copies(&self) -> io::Result<usize> {
        let mut removed = 0;
        for folder in entries(&self.cache().join(FOLDER))? {
            for file in entries(&folder)? {
                let is_ours = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY));
                let made = fs::symlink_metadata(&file).and_then(|metadata| metadata.modified());
                if is_ours && made.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > ABANDONED)) {
                    fs::remove_file(&file)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn copy_path(&self, sha384: &str, coding: Coding) -> Result<PathBuf> {
        let digest = BASE64_STANDARD.decode(sha384).map_err(|e| Error::storage("damaged value in the database (sha384)", e))?;
        let name = hex::encode(digest);
        let ending = match coding {
            Coding::Br => "br",
            Coding::Gzip => "gz",
        };
        Ok(self.cache().join(FOLDER).join(name.get(..2).unwrap_or_default()).join(format!("{name}.{ending}")))
    }
}

fn failed(e: &io::Error) -> Error {
    Error::storage("a compressed copy cannot be used", e.to_string())
}

/// The entries of a folder, none when it is not there.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(e) => Err(e),
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
    }
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(&e)),
    }
}

/// Removes a copy, if it is there.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Err(failed(&e)),
        _ => Ok(()),
    }
}

/// sha384 of what the copy unpacks to, in base64.
fn decoded(copy: impl Read, coding: Coding) -> io::Result<String> {
    match coding {
        Coding::Br => hash_of(&mut brotli::Decompressor::new(copy, BUFFER)),
        // This one notices what stands behind the end.
        Coding::Gzip => hash_of(&mut flate2::read::MultiGzDecoder::new(copy)),
    }
}

fn encode(mut plain: impl Read, copy: &mut NamedTempFile, coding: Coding, size: u64) -> io::Result<()> {
    match coding {
        Coding::Br => {
            let quality = if size <= THOROUGH { 11 } else { 9 };
            let mut writer = brotli::CompressorWriter::new(copy, BUFFER, quality, 22);
            io::copy(&mut plain, &mut writer)?;
            writer.flush()
        }
        Coding::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(copy, flate2::Compression::best());
            io::copy(&mut plain, &mut writer)?;
            writer.finish().map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        _temp: tempfile::TempDir,
        folder: PluginsFolder,
        slug: Slug,
        version: Version,
    }

    impl Fixture {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let folder = PluginsFolder::open(temp.path()).unwrap();
            Self { _temp: temp, folder, slug: "Demo".parse().unwrap(), version: "1.0.0".parse().unwrap() }
        }

        fn file(&self, content: &[u8]) -> ReleaseFile {
            let release = self.folder.release_folder(&self.slug, &self.version);
            fs::create_dir_all(&release).unwrap();
            fs::write(release.join("a.js"), content).unwrap();
            let sha384 = hash_of(&mut &*content).unwrap();
            ReleaseFile { path: "a.js".parse().unwrap(), size: content.len() as u64, sha384, content_type: "text/javascript".to_owned() }
        }

        fn make(&self, file: &ReleaseFile) -> Result<()> {
            self.folder.make_copies(&self.slug, &self.version, file)
        }

        fn copy(&self, file: &ReleaseFile, coding: Coding) -> EncodedCopy {
            self.folder.checked_copy(&file.sha384, coding).unwrap()
        }
    }

    #[test]
    fn copies_are_made_checked_and_removed() {
        let fixture = Fixture::new();
        let file = fixture.file("let a = 1;\n".repeat(1000).as_bytes());
        for coding in Coding::ALL {
            assert!(matches!(fixture.copy(&file, coding), EncodedCopy::Missing));
        }
        fixture.make(&file).unwrap();
        for coding in Coding::ALL {
            let EncodedCopy::There(mut copy) = fixture.copy(&file, coding) else { panic!("no copy") };
            assert!(copy.mark.size < 1000);
            copy.file.rewind().unwrap();
            assert_eq!(hash_of(&mut &copy.file).unwrap(), copy.sha384);
            // Damage is noticed, and the copy made again.
            let path = fixture.folder.copy_path(&file.sha384, coding).unwrap();
            let longer = [fs::read(&path).unwrap(), b"rubbish".to_vec()].concat();
            // Brotli's reader does not tell what stands behind the end.
            let damages = [Some(b"rubbish".to_vec()), Some(longer).filter(|_| coding == Coding::Gzip)];
            for damaged in damages.into_iter().flatten() {
                fs::write(&path, damaged).unwrap();
                assert!(matches!(fixture.copy(&file, coding), EncodedCopy::Missing), "{coding:?}");
                fixture.make(&file).unwrap();
            }
            assert!(matches!(fixture.copy(&file, coding), EncodedCopy::There(_)));
        }
        fixture.folder.remove_copies(&file.sha384).unwrap();
        assert!(matches!(fixture.copy(&file, Coding::Br), EncodedCopy::Missing));
        fixture.folder.remove_copies(&file.sha384).unwrap();
    }

    #[test]
    fn what_does_not_shrink_stays_plain() {
        let fixture = Fixture::new();
        let noise: Vec<u8> = (0_u32..200).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
        let file = fixture.file(&noise);
        fixture.make(&file).unwrap();
        for coding in Coding::ALL {
            assert!(matches!(fixture.copy(&file, coding), EncodedCopy::Plain));
        }
    }

    #[test]
    fn a_damaged_file_gets_no_copy() {
        let fixture = Fixture::new();
        let good = fixture.file(&[b'a'; 1000]);
        fixture.file(&[b'b'; 1000]);
        assert!(matches!(fixture.make(&good), Err(Error::Storage { .. })));
        assert!(matches!(fixture.copy(&good, Coding::Br), EncodedCopy::Missing));
    }
}
