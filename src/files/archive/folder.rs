//! Reads a folder of this machine, without following links.

use std::{fs::File, path::Path};

use walkdir::{DirEntry, WalkDir};

use super::intake::{Intake, Kind, shown};
use crate::error::{Error, Result};

/// `left_out` are names directly in the folder.
pub fn read(folder: &Path, intake: &mut Intake, left_out: &[&str]) -> Result<()> {
    let is_wanted = |entry: &DirEntry| entry.depth() != 1 || left_out.iter().all(|name| entry.file_name() != *name);
    for entry in WalkDir::new(folder).min_depth(1).follow_links(false).sort_by_file_name().into_iter().filter_entry(is_wanted) {
        let entry = entry.map_err(|e| Error::storage("the folder cannot be read", e))?;
        let name = name(folder, entry.path());
        let kind = match entry.file_type() {
            kind if kind.is_symlink() => Kind::Refused("is a link; links are neither followed nor published"),
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Refused("is neither a file nor a folder"),
        };
        if let Some(path) = intake.admit(&name, kind)? {
            let failed = |e| Error::storage(format!("{} cannot be opened", shown(&name)), e);
            intake.store(path, &mut File::open(entry.path()).map_err(failed)?)?;
        }
    }
    Ok(())
}

fn name(folder: &Path, entry: &Path) -> Vec<u8> {
    let relative = entry.strip_prefix(folder).unwrap_or(entry);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().as_encoded_bytes()).collect();
    parts.join(&b'/')
}
