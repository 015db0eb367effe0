//! Publishing an archive.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;

use super::{shapes::ReleaseSummary, upload};
use crate::{
    app::{
        App,
        releases::{self, PublishOptions},
    },
    domain::{Channel, Slug, Version, manifest::Visibility},
    error::Result,
    http::{
        extract::{Authorized, Publish, Query},
        problem::HttpResult,
    },
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Fills in what the manifest leaves out; replaces a package.json's name.
    slug: Option<String>,
    version: Option<String>,
    /// Pointed at the release.
    channel: Option<String>,
    /// `private` or `public`.
    visibility: Option<String>,
}

/// Publishes a zip, tar.gz or tar.zst, as the whole body or as `file` of a form. The same content again is fine.
#[utoipa::path(
    tag = "releases",
    params(Parameters),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "the archive"),
    responses(
        (status = 201, body = ReleaseSummary),
        (status = 200, description = "the same content was there already", body = ReleaseSummary),
        (status = 409, description = "version_taken or already_exists", body = crate::http::problem::ProblemSchema)
    )
)]
#[post("/releases")]
pub async fn publish(
    user: Authorized<Publish>,
    app: web::Data<App>,
    query: Query<Parameters>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResult {
    releases::may_publish(&app, &user.caller)?;
    let options = options(query.0)?;
    let staged = upload::receive(&app, &request, payload.into_inner()).await?;
    let publication = releases::publish(&app, &user.caller, staged, options).await?;
    let body = ReleaseSummary::with_manifest(&publication.release)?;
    Ok(if publication.created { HttpResponse::Created() } else { HttpResponse::Ok() }.json(body))
}

fn options(query: Parameters) -> Result<PublishOptions> {
    Ok(PublishOptions {
        slug: query.slug.as_deref().map(str::parse::<Slug>).transpose()?,
        version: query.version.as_deref().map(str::parse::<Version>).transpose()?,
        channel: query.channel.as_deref().map(str::parse::<Channel>).transpose()?,
        visibility: query.visibility.as_deref().map(str::parse::<Visibility>).transpose()?,
    })
}
