//! Files of the caller's own plugins, by token.

use actix_web::{HttpRequest, get, web};

use super::answer::{Caching, answer, refuse_service_worker, requested_path};
use crate::{
    app::{App, serving},
    http::{
        extract::{Authorized, Read},
        problem::HttpResult,
    },
};

/// A file of one of the caller's plugins, at the installed version. Paths that begin with a word of another route are
/// reached through `/public` or `/files`.
#[utoipa::path(
    tag = "files",
    params(("plugin", description = "slug or id"), ("path", description = "path inside the release")),
    responses(
        (status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = 206, description = "one range of it", content_type = "application/octet-stream"),
        (status = 304, description = "unchanged"),
        (status = 406, description = "no form of the file that Accept-Encoding takes"),
        (status = 412, description = "If-Match or If-Unmodified-Since failed"),
        (status = 416, description = "the range lies outside the file")
    )
)]
#[get("/plugins/{plugin}/{path:.*}")]
pub async fn own_file(user: Authorized<Read>, app: web::Data<App>, names: web::Path<(String, String)>, request: HttpRequest) -> HttpResult {
    refuse_service_worker(&request)?;
    let path = requested_path(&request, 4)?;
    let served = serving::own(&app, &user.caller, &names.0, &path).await?;
    answer(&app, &request, served, Caching::Token).await
}
