//! Files by access key: what `<script>`, `import` and CSS can load, which carry no header.

use actix_web::{HttpRequest, get, web};

use super::answer::{Caching, answer, refuse_service_worker, requested_path};
use crate::{
    app::{App, serving},
    domain::{AccessKey, Version},
    error::{Error, Result},
    http::{extract::known, problem::HttpResult},
};

/// A file of one installation. With `.v<version>` after the key: that version, also a former one for the grace period.
#[utoipa::path(
    tag = "files",
    params(("key", description = "`<access key>.v<version>` or `<access key>`"), ("path", description = "path inside the release")),
    responses(
        (status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = 206, description = "one range of it", content_type = "application/octet-stream"),
        (status = 304, description = "unchanged"),
        (status = 403, description = "a type of file that is not served here"),
        (status = 406, description = "no form of the file that Accept-Encoding takes"),
        (status = 410, description = "a former version, after the grace period"),
        (status = 412, description = "If-Match or If-Unmodified-Since failed"),
        (status = 416, description = "the range lies outside the file")
    )
)]
#[get("/public/plugins/{key}/{path:.*}")]
pub async fn by_key(app: web::Data<App>, names: web::Path<(String, String)>, request: HttpRequest) -> HttpResult {
    refuse_service_worker(&request)?;
    let path = requested_path(&request, 5)?;
    let (key, version) = capability(&names.0)?;
    let caching = if version.is_some() { Caching::Private } else { Caching::Current };
    let served = serving::by_key(&app, &key, version, &path).await?;
    // Last, so that what is absent is absent, a folder too, whatever it is called.
    if !served.file.is_public_type {
        return Err(Error::Forbidden("this type of file is not served without a token".to_owned()).into());
    }
    answer(&app, &request, served, caching).await
}

fn capability(segment: &str) -> Result<(AccessKey, Option<Version>)> {
    match segment.split_once(".v") {
        Some((key, version)) => Ok((known(key)?, Some(known(version)?))),
        None => Ok((known(segment)?, None)),
    }
}
