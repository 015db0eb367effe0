//! An archive on its way in: streamed to a file in `cache/`, counted and hashed, never held in memory.

use std::{fs::File, io::Write, path::PathBuf};

use sha2::{Digest, Sha256};

use super::{PluginsFolder, disk, staging::StagingFolder};
use crate::{
    error::{Error, Result},
    offload,
};

const ARCHIVE_NAME: &str = "archive";
/// How much is gathered before a thread is troubled with it.
const BLOCK: usize = 256 * 1024;

/// An upload that has begun. Dropping it removes what came in.
#[derive(Debug)]
pub struct Upload {
    limit: u64,
    received: u64,
    block: Vec<u8>,
    /// Away while a block is being written; stays away when that fails or the writer stops waiting.
    sink: Option<Sink>,
}

/// A complete upload, ready for [`PluginsFolder::unpack`].
#[derive(Debug)]
pub struct Archive {
    pub size: u64,
    /// Of the archive itself, to compare with what a publisher announced.
    pub sha256: [u8; 32],
    pub(super) path: PathBuf,
    pub(super) staging: StagingFolder,
}

#[derive(Debug)]
struct Sink {
    file: File,
    hash: Sha256,
    path: PathBuf,
    staging: StagingFolder,
}

impl PluginsFolder {
    /// Begins an upload of at most `limit` bytes.
    pub async fn begin_upload(&self, limit: u64) -> Result<Upload> {
        let folder = self.clone();
        let sink = offload::run(move || {
            let staging = folder.begin_staging()?;
            let path = staging.path().join(ARCHIVE_NAME);
            let file = disk::create_file(&path).map_err(unwritten)?;
            Ok(Sink { file, hash: Sha256::new(), path, staging })
        });
        Ok(Upload { limit, received: 0, block: Vec::with_capacity(BLOCK), sink: Some(sink.await?) })
    }
}

impl Upload {
    /// Takes the next bytes; refused with `too_large` as soon as they exceed the limit.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.received = self.received.saturating_add(bytes.len() as u64);
        if self.received > self.limit {
            return Err(Error::TooLarge { what: "archive", limit: self.limit, actual: None });
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes the rest.
    pub async fn finish(mut self) -> Result<Archive> {
        self.flush().await?;
        let Sink { hash, path, staging, .. } = self.sink.take().ok_or_else(interrupted)?;
        Ok(Archive { size: self.received, sha256: hash.finalize().into(), path, staging })
    }

    async fn flush(&mut self) -> Result<()> {
        let mut sink = self.sink.take().ok_or_else(interrupted)?;
        let mut block = std::mem::take(&mut self.block);
        let written = offload::run(move || {
            sink.file.write_all(&block).map_err(unwritten)?;
            sink.hash.update(&block);
            block.clear();
            Ok((sink, block))
        });
        let (sink, block) = written.await?;
        self.sink = Some(sink);
        self.block = block;
        Ok(())
    }
}

fn unwritten(error: std::io::Error) -> Error {
    Error::storage("the upload cannot be written", error)
}

fn interrupted() -> Error {
    Error::damaged("the upload was interrupted while it was written")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn an_upload_arrives_whole_and_hashed() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        let content: Vec<u8> = (0..700_001_u32).map(|i| (i % 251) as u8).collect();
        let mut upload = folder.begin_upload(content.len() as u64).await.unwrap();
        for part in content.chunks(33_333) {
            upload.write(part).await.unwrap();
        }
        let archive = upload.finish().await.unwrap();
        assert_eq!(archive.size, content.len() as u64);
        assert_eq!(archive.sha256, <[u8; 32]>::from(Sha256::digest(&content)));
        assert_eq!(fs::read(&archive.path).unwrap(), content);
        drop(archive);
        assert_eq!(fs::read_dir(folder.cache()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn one_byte_too_many_is_refused_and_leaves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        let mut upload = folder.begin_upload(10).await.unwrap();
        upload.write(b"0123456789").await.unwrap();
        assert!(matches!(upload.write(b"x").await, Err(Error::TooLarge { what: "archive", limit: 10, .. })));
        drop(upload);
        assert_eq!(fs::read_dir(folder.cache()).unwrap().count(), 0);
    }
}
