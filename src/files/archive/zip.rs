//! Reads zip archives. The format is PKWARE's APPNOTE.TXT; the crate parses and decompresses, the rules are ours.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    ops::Range,
};

use zip::{
    CompressionMethod, ZipReadOptions,
    read::{ArchiveOffset, Config, ZipFileEntry},
    result::ZipError,
    unstable::read::ZipIterable,
};

use super::{
    intake::{Intake, Kind, shown},
    unreadable,
};
use crate::error::{Error, Result};

type Archive = ZipIterable<BufReader<File>>;

/// The record at the end of every zip: its signature, its length without the comment, where the comment's length stands.
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END_COMMENT_LENGTH: Range<usize> = 20..22;
/// What can stand between directory and end record in large archives: a record and, always right before the end record,
/// its locator.
const ZIP64_SIGNATURE: &[u8] = b"PK\x06\x06";
const ZIP64_LOCATOR_SIGNATURE: &[u8] = b"PK\x06\x07";
const ZIP64_LOCATOR_LENGTH: u64 = 20;
/// An entry of the directory without its name, extra field and comment, whose lengths stand one behind the other.
const DIRECTORY_ENTRY_LENGTH: u64 = 46;
const DIRECTORY_ENTRY_LENGTHS: u64 = 28;

pub fn read(mut file: File, size: u64, intake: &mut Intake) -> Result<()> {
    let end = find_end(&mut file, size)?;
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let mut archive = ZipIterable::try_new(BufReader::new(file), config).map_err(|e| refused("", e))?.enforce_header_consistency(true);
    if archive.len() > intake.limits().max_entries {
        return Err(Error::bad_archive("", format!("has {} entries, the limit is {}", archive.len(), intake.limits().max_entries)));
    }
    match read_entries(&mut archive, end, intake) {
        Err(Failure::At(index, error)) => Err(refused(&name_of(archive, index), error)),
        Err(Failure::Overlap(index)) => {
            Err(Error::bad_archive(name_of(archive, index), "shares bytes of the archive with another entry or with the directory"))
        }
        Err(Failure::Whole(error)) => Err(error),
        Ok(()) => Ok(()),
    }
}

/// Entries are known by their place in the directory until a message needs a name.
enum Failure {
    At(usize, ZipError),
    Overlap(usize),
    Whole(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Whole(error)
    }
}

fn read_entries(archive: &mut Archive, end: u64, intake: &mut Intake) -> Result<(), Failure> {
    let files = archive.files().map_err(|e| refused("", e))?;
    let (mut directory, mut last) = (u64::MAX, None);
    let mut occupied = Vec::with_capacity(files.len());
    let mut index = 0;
    while let Some(entry) = files.next() {
        // The crate compares the entry's own header with the directory here; names and sizes are the same in both.
        let entry = entry.map_err(|e| Failure::At(index, e))?;
        directory = directory.min(entry.central_header_start());
        last = Some(entry.central_header_start());
        let (name, start, size, compressed) = (entry.name_raw().to_owned(), entry.header_start(), entry.size(), entry.compressed_size());
        let wanted = intake.admit(&name, kind(&entry))?;
        let options = ZipReadOptions::new().ignore_encryption_flag(wanted.is_none());
        let mut content = match entry.with_reader(files.reader_mut(), options) {
            // Refused already: an encrypted entry, or a method that the crate does not know.
            Err(_) if wanted.is_none() => {
                index += 1;
                continue;
            }
            opened => opened.map_err(|e| Failure::At(index, e))?,
        };
        occupied.push((start..content.data_start().unwrap_or(start).saturating_add(compressed), index));
        if let Some(path) = wanted {
            let written = intake.store(path, &mut content)?;
            if written != size {
                return Err(Error::bad_archive(shown(&name), format!("declares {size} bytes and has {written}")).into());
            }
        }
        index += 1;
    }
    if let Some(last) = last {
        check_directory(files.reader_mut(), last, end)?;
    }
    check_ranges(occupied, directory)
}

fn kind(entry: &ZipFileEntry) -> Kind {
    const TYPE: u32 = 0o170_000;
    let unix_type = (entry.external_attributes() >> 16) & TYPE;
    let is_folder = entry.name_raw().ends_with(b"/") || unix_type == 0o040_000;
    match unix_type {
        _ if entry.encrypted() => Kind::Refused("is encrypted"),
        0o120_000 => Kind::Refused("is a link; links are neither followed nor published"),
        0 | 0o040_000 | 0o100_000 if is_folder && entry.size() > 0 => Kind::Refused("is a folder with content"),
        0 | 0o040_000 | 0o100_000 if is_folder => Kind::Folder,
        0 | 0o100_000 if matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) => Kind::File,
        0 | 0o100_000 => Kind::Refused("is compressed by a method other than store and deflate"),
        _ => Kind::Refused("is neither a file nor a folder"),
    }
}

/// The directory must reach to the end record. Otherwise the crate has left out entries, or has read the directory of
/// another archive in the same file, where other programs see other files.
fn check_directory(reader: &mut (impl Read + Seek), last: u64, end: u64) -> Result<()> {
    let mut bytes_at = |at: u64, length: usize| {
        let mut bytes = vec![0; length];
        reader.seek(SeekFrom::Start(at)).and_then(|_| reader.read_exact(&mut bytes)).map(|()| bytes).map_err(|e| unreadable("", e))
    };
    let lengths = bytes_at(last + DIRECTORY_ENTRY_LENGTHS, 6)?;
    let (lengths, _) = lengths.as_chunks::<2>();
    let directory_end = last + DIRECTORY_ENTRY_LENGTH + lengths.iter().map(|length| u64::from(u16::from_le_bytes(*length))).sum::<u64>();
    if directory_end == end {
        return Ok(());
    }
    let is_zip64 = bytes_at(directory_end, ZIP64_SIGNATURE.len())? == ZIP64_SIGNATURE
        && bytes_at(end.saturating_sub(ZIP64_LOCATOR_LENGTH), ZIP64_LOCATOR_SIGNATURE.len())? == ZIP64_LOCATOR_SIGNATURE;
    if is_zip64 { Ok(()) } else { Err(Error::bad_archive("", "holds entries or a second archive behind its directory")) }
}

/// Entries that share bytes make a small archive large, and different readers see different files in them.
fn check_ranges(mut occupied: Vec<(Range<u64>, usize)>, directory: u64) -> Result<(), Failure> {
    occupied.sort_unstable_by_key(|(range, index)| (range.start, range.end, *index));
    if occupied.first().is_some_and(|(range, _)| range.start > 0) {
        return Err(Error::bad_archive("", "holds data before its first entry").into());
    }
    let mut free = 0;
    for (range, index) in occupied {
        if range.start < free || range.end > directory {
            return Err(Failure::Overlap(index));
        }
        free = range.end;
    }
    Ok(())
}

/// Where the end record starts. It must be the last thing in the file: what stands behind it could be a second archive.
fn find_end(file: &mut File, size: u64) -> Result<u64> {
    let longest = (END_LENGTH + usize::from(u16::MAX)) as u64;
    let mut tail = Vec::new();
    let read = file.seek(SeekFrom::Start(size.saturating_sub(longest))).and_then(|_| file.read_to_end(&mut tail));
    read.map_err(|e| unreadable("", e))?;
    let Some(end) = tail.windows(END_SIGNATURE.len()).rposition(|bytes| bytes == END_SIGNATURE).and_then(|at| tail.get(at..)) else {
        return Err(Error::bad_archive("", "is cut short: the zip directory at its end is missing"));
    };
    match end.get(END_COMMENT_LENGTH) {
        Some(&[low, high]) if end.len() == END_LENGTH + usize::from(u16::from_le_bytes([low, high])) => Ok(size - end.len() as u64),
        _ => Err(Error::bad_archive("", "is cut short, or holds data behind its end")),
    }
}

/// The name at this place of the directory, read again; empty when the directory itself cannot be read.
fn name_of(archive: Archive, index: usize) -> String {
    let mut archive = archive.enforce_header_consistency(false);
    let entry = archive.files().ok().and_then(|files| files.nth(index));
    entry.and_then(|entry| entry.ok()).map(|entry| shown(entry.name_raw())).unwrap_or_default()
}

fn refused(entry: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(e) => unreadable(entry, e),
        other => Error::bad_archive(entry, format!("cannot be read: {other}")),
    }
}
