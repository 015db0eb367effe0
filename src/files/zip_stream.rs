//! A release on its way out as a zip, written while it is sent.

use std::io::{self, Write};

use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::PluginsFolder;
use crate::{
    domain::{ReleasePath, Slug, Version},
    error::{Error, Result},
    offload,
};

/// Pieces that may wait for a slow reader; bounds the memory of one download.
const PIECES: usize = 4;
const PIECE: usize = 64 * 1024;

impl PluginsFolder {
    /// The files as a zip, deflated. An error ends the stream early, so that a client never takes a part for the whole.
    pub fn zip_stream(&self, slug: Slug, version: Version, paths: Vec<ReleasePath>) -> impl Stream<Item = Result<Vec<u8>>> + use<> {
        let (pieces, waiting) = mpsc::channel(PIECES);
        let folder = self.clone();
        let failed = pieces.clone();
        tokio::spawn(async move {
            let written = offload::run(move || {
                let out = io::BufWriter::with_capacity(PIECE, Pieces(pieces));
                folder.write_zip(&slug, &version, &paths, out)
            })
            .await;
            if let Err(error) = written {
                // Nobody listens any more when the client has gone away, which is what the error says then.
                drop(failed.send(Err(error)).await);
            }
        });
        stream::unfold(waiting, |mut waiting| async { waiting.recv().await.map(|piece| (piece, waiting)) })
    }

    fn write_zip(&self, slug: &Slug, version: &Version, paths: &[ReleasePath], out: impl Write) -> Result<()> {
        let failed = |e: io::Error| Error::storage("an archive cannot be written", e);
        let mut zip = ZipWriter::new_stream(out);
        for path in paths {
            let missing = || Error::damaged(format!("{slug} {version}: {path} is missing on disk"));
            let mut file = self.open_file(slug, version, path)?.ok_or_else(missing)?;
            let options = SimpleFileOptions::default().large_file(file.metadata().map_err(failed)?.len() > u64::from(u32::MAX));
            zip.start_file(path.as_str(), options).map_err(|e| failed(e.into()))?;
            io::copy(&mut file, &mut zip).map_err(failed)?;
        }
        zip.finish().map_err(|e| failed(e.into()))?.flush().map_err(failed)
    }
}

struct Pieces(mpsc::Sender<Result<Vec<u8>>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(Ok(bytes.to_vec())).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
