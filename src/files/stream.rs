//! Files on their way out, in pieces, off the async threads.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    sync::Arc,
};

use futures_util::{Stream, stream};

use crate::{
    error::{Error, Result},
    offload,
};

/// Bytes read at once.
const PIECE: u64 = 128 * 1024;

/// `length` bytes of the file from `start` on. A file that ends early is an error, never a shorter answer.
pub fn read_stream(file: Arc<File>, start: u64, length: u64) -> impl Stream<Item = Result<Vec<u8>>> {
    stream::try_unfold((start, length), move |(at, left)| {
        let file = Arc::clone(&file);
        async move {
            if left == 0 {
                return Ok(None);
            }
            let wanted = left.min(PIECE);
            let piece = offload::run(move || read_piece(&file, at, wanted).map_err(|e| Error::storage("a file cannot be read", e))).await?;
            Ok(Some((piece, (at + wanted, left - wanted))))
        }
    })
}

fn read_piece(mut file: &File, at: u64, wanted: u64) -> std::io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(usize::try_from(wanted).map_err(std::io::Error::other)?);
    file.seek(SeekFrom::Start(at))?;
    file.take(wanted).read_to_end(&mut piece)?;
    if piece.len() as u64 == wanted { Ok(piece) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}
