//! Answers that may be larger than the memory.

use actix_web::{HttpResponse, HttpResponseBuilder, body::SizedStream, web::Bytes};
use futures_util::TryStreamExt;

use crate::files::{Spooled, read_stream};

/// The body, from memory or piece by piece.
pub fn body(mut answer: HttpResponseBuilder, spooled: Spooled) -> HttpResponse {
    match spooled {
        Spooled::Memory(bytes) => answer.body(bytes),
        Spooled::File { file, length } => answer.body(SizedStream::new(length, read_stream(file, 0, length).map_ok(Bytes::from))),
    }
}
