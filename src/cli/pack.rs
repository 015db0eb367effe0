//! Archives for a server: a file as it is, a folder packed on the way.

use std::{
    fs::File,
    io::{self, Seek},
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use walkdir::WalkDir;

use crate::{
    error::{Error, Result},
    offload,
};

/// The archive at `path`, or the folder there as a tar.gz without a name, and its size in bytes.
pub async fn open(path: &Path) -> Result<(File, u64)> {
    let path = path.to_owned();
    offload::run(move || {
        let failed = |e: io::Error| Error::storage(format!("{} cannot be read", path.display()), e);
        let file = if path.is_dir() { pack(&path)? } else { File::open(&path).map_err(failed)? };
        let size = file.metadata().map_err(failed)?.len();
        Ok((file, size))
    })
    .await
}

/// Links are neither followed nor packed, as when a folder is published on the machine itself.
fn pack(folder: &Path) -> Result<File> {
    let failed = |e: io::Error| Error::storage(format!("{} cannot be packed", folder.display()), e);
    let mut tar = tar::Builder::new(GzEncoder::new(tempfile::tempfile().map_err(failed)?, Compression::default()));
    for entry in WalkDir::new(folder).min_depth(1).follow_links(false).sort_by_file_name() {
        let entry = entry.map_err(|e| failed(e.into()))?;
        let name = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        match entry.file_type() {
            kind if kind.is_dir() => {}
            kind if kind.is_file() => tar.append_path_with_name(entry.path(), name).map_err(failed)?,
            _ => return Err(Error::bad_archive(name.display().to_string(), "is neither a file nor a folder; links are not published")),
        }
    }
    let mut file = tar.into_inner().and_then(GzEncoder::finish).map_err(failed)?;
    file.rewind().map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use super::*;

    #[tokio::test]
    async fn a_folder_becomes_an_archive_of_its_files() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir_all(temp.path().join("dist/empty")).unwrap();
        fs::write(temp.path().join("dist/a.js"), "one").unwrap();
        fs::write(temp.path().join("plugin.json"), "{}").unwrap();
        let (file, size) = open(temp.path()).await.unwrap();
        assert!(size > 0);
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            found.push((entry.path().unwrap().display().to_string(), content));
        }
        assert_eq!(found, [("dist/a.js".to_owned(), "one".to_owned()), ("plugin.json".to_owned(), "{}".to_owned())]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", temp.path().join("a.js")).unwrap();
        let error = open(temp.path()).await.unwrap_err();
        assert!(error.to_string().contains("a.js: is neither"), "{error}");
    }
}
