//! Reads tar streams: ustar, pax (POSIX.1-2017, `pax`, "Extended Header") and GNU long names. Blocks are walked here and
//! the crate only reads header fields, because its iterator holds extensions of any size in memory and skips what it
//! does not know.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::{
    intake::{Intake, Kind, shown},
    unreadable,
};
use crate::{
    error::{Error, Result},
    files::staging::fill,
};

const BLOCK: usize = 512;
/// A path has at most a kilobyte; what is longer is no name.
const MAX_EXTENSION: u64 = 64 * 1024;
const CUT_SHORT: &str = "is cut short";

pub fn read(stream: impl Read, intake: &mut Intake) -> Result<()> {
    let mut stream = Bounded::new(stream, intake);
    let mut extensions = Extensions::default();
    while let Some(header) = next_header(&mut stream)? {
        let size = header.entry_size().map_err(|e| unreadable(shown(&header.path_bytes()), e))?;
        let start = stream.read;
        match header.entry_type() {
            EntryType::XHeader => extensions.pax(&extension(&mut stream, &header, size)?)?,
            EntryType::GNULongName => extensions.long_name(&extension(&mut stream, &header, size)?)?,
            // A global header only describes the archive (git writes its commit there); a long link name belongs to an
            // entry that is refused anyway.
            EntryType::XGlobalHeader | EntryType::GNULongLink => drop(extension(&mut stream, &header, size)?),
            kind => entry(&mut stream, &header, kind, size, std::mem::take(&mut extensions), intake)?,
        }
        // The rest of the content, where it was not wanted, and the padding up to the next block.
        let padded = size.checked_next_multiple_of(BLOCK as u64).ok_or_else(|| Error::bad_archive("", "has an impossible size"))?;
        let rest = padded.saturating_sub(stream.read - start);
        let skipped = io::copy(&mut stream.by_ref().take(rest), &mut io::sink()).map_err(|e| unreadable("", e))?;
        if skipped < rest {
            return Err(Error::bad_archive(shown(&header.path_bytes()), CUT_SHORT));
        }
    }
    if !extensions.is_empty() {
        return Err(Error::bad_archive("", "ends with a header that describes no entry"));
    }
    check_end(&mut stream)
}

fn entry(stream: &mut impl Read, header: &Header, kind: EntryType, size: u64, extensions: Extensions, intake: &mut Intake) -> Result<()> {
    let name = extensions.name.unwrap_or_else(|| header.path_bytes().into_owned());
    if extensions.size.is_some_and(|stated| stated != size) {
        return Err(Error::bad_archive(shown(&name), "states two different sizes"));
    }
    let is_folder = kind == EntryType::Directory || name.ends_with(b"/");
    let kind = match kind {
        _ if extensions.sparse => Kind::Refused("is a sparse file"),
        EntryType::Regular | EntryType::Continuous | EntryType::Directory if is_folder && size > 0 => {
            Kind::Refused("is a folder with content")
        }
        EntryType::Regular | EntryType::Continuous | EntryType::Directory if is_folder => Kind::Folder,
        EntryType::Regular | EntryType::Continuous => Kind::File,
        EntryType::Symlink | EntryType::Link => Kind::Refused("is a link; links are neither followed nor published"),
        EntryType::GNUSparse => Kind::Refused("is a sparse file"),
        _ => Kind::Refused("is neither a file nor a folder"),
    };
    if let Some(path) = intake.admit(&name, kind)? {
        let written = intake.store(path, &mut stream.take(size))?;
        if written < size {
            return Err(Error::bad_archive(shown(&name), CUT_SHORT));
        }
    }
    Ok(())
}

/// What headers in front of an entry say about it.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
    seen_pax: bool,
}

impl Extensions {
    fn is_empty(&self) -> bool {
        self.name.is_none() && !self.seen_pax
    }

    fn pax(&mut self, data: &[u8]) -> Result<()> {
        if std::mem::replace(&mut self.seen_pax, true) {
            return Err(Error::bad_archive("", "has two pax headers for one entry"));
        }
        let records = pax_records(data).ok_or_else(|| Error::bad_archive("", "has a pax header that cannot be read"))?;
        for (key, value) in records {
            match key {
                b"path" => self.set_name(value)?,
                b"size" => {
                    let size = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or_else(|| Error::bad_archive("", "has a pax header with an impossible size"))?);
                }
                key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn long_name(&mut self, data: &[u8]) -> Result<()> {
        self.set_name(data.strip_suffix(b"\0").unwrap_or(data))
    }

    fn set_name(&mut self, name: &[u8]) -> Result<()> {
        match self.name.replace(name.to_owned()) {
            Some(_) => Err(Error::bad_archive(shown(name), "has two long names")),
            None => Ok(()),
        }
    }
}

/// Records of the form `<length> <key>=<value>\n`, the length counting all of it.
fn pax_records(mut data: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut records = Vec::new();
    while !data.is_empty() {
        let space = data.iter().position(|byte| *byte == b' ')?;
        let length: usize = str::from_utf8(data.get(..space)?).ok()?.parse().ok()?;
        let record = data.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        records.push((record.get(..equals)?, record.get(equals + 1..)?));
        data = data.get(length..)?;
    }
    Some(records)
}

fn extension(stream: &mut impl Read, header: &Header, size: u64) -> Result<Vec<u8>> {
    let name = || shown(&header.path_bytes());
    if size > MAX_EXTENSION {
        return Err(Error::bad_archive(name(), format!("is a header of {size} bytes, the limit is {MAX_EXTENSION}")));
    }
    let mut data = Vec::new();
    let read = stream.take(size).read_to_end(&mut data).map_err(|e| unreadable(name(), e))?;
    if (read as u64) < size { Err(Error::bad_archive(name(), CUT_SHORT)) } else { Ok(data) }
}

/// The next entry's header, or none at the first of the zero blocks that end every tar.
fn next_header(stream: &mut impl Read) -> Result<Option<Header>> {
    let mut header = Header::new_old();
    let filled = fill(stream, header.as_mut_bytes()).map_err(|e| unreadable("", e))?;
    if filled < BLOCK {
        return Err(Error::bad_archive("", CUT_SHORT));
    }
    if header.as_bytes().iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let mut blanked = header.clone();
    blanked.as_old_mut().cksum = *b"        ";
    let sum: u32 = blanked.as_bytes().iter().map(|byte| u32::from(*byte)).sum();
    match header.cksum() {
        Ok(stated) if stated == sum => Ok(Some(header)),
        _ => Err(Error::bad_archive("", "is no tar archive, or damaged: a header does not match its checksum")),
    }
}

/// Reads to the end, so that the compression's own checksum is checked; only zeros may follow the end of the tar.
fn check_end(stream: &mut impl Read) -> Result<()> {
    let mut buffer = [0; 16 * BLOCK];
    loop {
        let filled = fill(stream, &mut buffer).map_err(|e| unreadable("", e))?;
        match buffer.get(..filled).unwrap_or_default() {
            [] => return Ok(()),
            rest if rest.iter().all(|byte| *byte == 0) => {}
            _ => return Err(Error::bad_archive("", "holds data behind its end")),
        }
    }
}

/// Counts what comes out of the decompressor, so that ignored entries and padding cannot be a bomb either.
struct Bounded<R> {
    inner: R,
    read: u64,
    limit: u64,
}

impl<R> Bounded<R> {
    fn new(inner: R, intake: &Intake) -> Self {
        let limits = intake.limits();
        // Per entry its header, one extension of each kind with theirs, and padding; and one last record of zeros.
        let overhead = (limits.max_entries as u64).saturating_mul(8 * BLOCK as u64).saturating_add(1024 * 1024);
        Self { inner, read: 0, limit: limits.max_unpacked.saturating_add(overhead) }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        if self.read > self.limit {
            return Err(io::Error::other(format!("the archive unpacks to more than {} bytes", self.limit)));
        }
        Ok(read)
    }
}
