//! Archives on their way in: a raw body or the first file of a multipart form, streamed to disk.

use actix_multipart::Multipart;
use actix_web::{HttpRequest, dev::Payload, http::header, web::Bytes};
use futures_util::{Stream, StreamExt};

use crate::{
    app::App,
    error::{Error, Result},
    files::{Archive, Staged},
};

/// What boundaries and part headers may add to a form.
const FORM_OVERHEAD: u64 = 64 * 1024;

/// Receives, checks and unpacks the archive of a request.
pub async fn receive(app: &App, request: &HttpRequest, payload: Payload) -> Result<Staged> {
    refuse_too_large(app, request)?;
    let archive = if is_form(request) { from_form(app, request, payload).await? } else { store(app, payload).await? };
    app.folder.unpack(archive, app.limits()).await
}

/// Refuses a request that announces more than an archive may have, before anything of it is read.
pub fn refuse_too_large(app: &App, request: &HttpRequest) -> Result<()> {
    let limit = app.settings.max_archive.as_u64();
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    match declared.filter(|actual| *actual > limit.saturating_add(FORM_OVERHEAD)) {
        Some(actual) => Err(Error::TooLarge { what: "the archive", limit, actual: Some(actual) }),
        None => Ok(()),
    }
}

pub fn is_form(request: &HttpRequest) -> bool {
    request.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"multipart/form-data"))
}

async fn from_form(app: &App, request: &HttpRequest, payload: Payload) -> Result<Archive> {
    let mut form = Multipart::new(request.headers(), payload);
    while let Some(part) = form.next().await {
        let part = part.map_err(|e| Error::BadRequest(format!("the form cannot be read: {e}")))?;
        if part.name() == Some("file") {
            return store(app, part).await;
        }
    }
    Err(Error::invalid("file", "the form has no part named `file`"))
}

/// Streams an archive to a file of its own.
pub async fn store<E: std::fmt::Display>(app: &App, mut body: impl Stream<Item = Result<Bytes, E>> + Unpin) -> Result<Archive> {
    let mut upload = app.folder.begin_upload(app.settings.max_archive.as_u64()).await?;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|e| Error::BadRequest(format!("the upload ended early: {e}")))?;
        upload.write(&chunk).await?;
    }
    upload.finish().await
}
