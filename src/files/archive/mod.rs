//! Turns an archive or a folder into a staged release. Readers name entries and hand over their content; what is let in,
//! and every limit, is decided in one place, [`intake`]. Archives are never unpacked by the functions of their crates.

mod folder;
mod intake;
mod names;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read, Seek},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use self::intake::Intake;
pub(super) use self::{intake::is_ignored, names::Names};
use super::{Limits, Staged, staging::StagingFolder};
use crate::error::{Error, Result};

/// The largest window a zstd stream may ask for, as a power of two: 32 MiB, enough for every level up to 20.
const MAX_ZSTD_WINDOW: u32 = 25;

/// Unpacks an archive, recognised by its first bytes, into the staging folder.
pub(super) fn unpack(staging: StagingFolder, archive: &Path, limits: &Limits) -> Result<Staged> {
    let (file, size) = open(archive)?;
    if size > limits.max_archive {
        return Err(Error::TooLarge { what: "archive", limit: limits.max_archive, actual: Some(size) });
    }
    let mut intake = Intake::new(&staging, limits, Some(size))?;
    let outcome = read(file, size, &mut intake);
    intake.finish(staging, outcome)
}

/// Copies a folder of this machine into the staging folder.
pub(super) fn copy_folder(staging: StagingFolder, folder: &Path, limits: &Limits) -> Result<Staged> {
    let mut intake = Intake::new(&staging, limits, None)?;
    let outcome = folder::read(folder, &mut intake);
    intake.finish(staging, outcome)
}

fn open(archive: &Path) -> Result<(File, u64)> {
    let label = || archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let opened = File::open(archive).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    match opened {
        Ok((file, metadata)) if metadata.is_file() => Ok((file, metadata.len())),
        Ok(_) => Err(Error::bad_archive("", format!("{} is not a file", label()))),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(Error::NotFound(label())),
        Err(e) => Err(Error::storage(format!("{} cannot be opened", label()), e)),
    }
}

fn read(mut file: File, size: u64, intake: &mut Intake) -> Result<()> {
    let mut magic = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut magic).map_err(|e| unreadable("", e))?;
    file.rewind().map_err(|e| unreadable("", e))?;
    match magic.as_slice() {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => zip::read(file, size, intake),
        [0x1f, 0x8b, ..] => tar::read(MultiGzDecoder::new(BufReader::new(file)), intake),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let mut decoder = zstd::Decoder::new(file).map_err(|e| unreadable("", e))?;
            decoder.window_log_max(MAX_ZSTD_WINDOW).map_err(|e| unreadable("", e))?;
            tar::read(decoder, intake)
        }
        _ => Err(Error::bad_archive("", "is neither a zip, a tar.gz nor a tar.zst archive")),
    }
}

/// A failed read is the archive's fault, unless the operating system reported it.
fn unreadable(entry: impl Into<String>, error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(_) => Error::storage("the package cannot be read", error),
        None => Error::bad_archive(entry, format!("cannot be read: {error}")),
    }
}
