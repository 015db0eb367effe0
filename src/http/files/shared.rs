//! Files of public releases: the same address for all users, for browsers' and CDNs' caches.

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};

use super::answer::{Caching, answer, refuse_service_worker, requested_path};
use crate::{
    app::{App, serving},
    domain::{Slug, VersionSpec},
    http::{extract::known, problem::HttpResult},
};

/// How long a redirect to the exact version may be kept.
const REDIRECT_CACHING: &str = "public, max-age=60";

/// A file of a public release by exact version (`v1.0.0`); a range or channel redirects to it.
#[utoipa::path(
    tag = "files",
    params(
        ("slug", description = "slug"),
        ("version", description = "`v` and an exact version, or a range or channel"),
        ("path", description = "path inside the release")
    ),
    responses(
        (status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = 206, description = "one range of it", content_type = "application/octet-stream"),
        (status = 302, description = "the address with the exact version"),
        (status = 304, description = "unchanged"),
        (status = 403, description = "asked for as a service worker"),
        (status = 406, description = "no form of the file that Accept-Encoding takes"),
        (status = 412, description = "If-Match or If-Unmodified-Since failed"),
        (status = 416, description = "the range lies outside the file")
    )
)]
#[get("/files/{slug}/{version}/{path:.*}")]
pub async fn shared_file(app: web::Data<App>, names: web::Path<(String, String, String)>, request: HttpRequest) -> HttpResult {
    refuse_service_worker(&request)?;
    let path = requested_path(&request, 5)?;
    let slug: Slug = known(&names.0)?;
    if let Some(version) = names.1.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        let served = serving::public(&app, &slug, &known(version)?, &path).await?;
        return answer(&app, &request, served, Caching::Shared).await;
    }
    let wanted: VersionSpec = known(&names.1)?;
    let version = serving::public_version(&app, slug.clone(), wanted).await?;
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, format!("/api/v1/files/{slug}/v{version}/{}", path.to_url())))
        .insert_header((header::CACHE_CONTROL, REDIRECT_CACHING))
        .finish())
}
