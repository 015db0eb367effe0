//! Publishing an archive.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;

use super::{shapes::ReleaseSummary, upload};
use crate::{
    app::{
        App,
        releases::{self, PublishOptions},
    },
    error::{Error, Result, Violation},
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
    let body = ReleaseSummary::with_manifest(&publication.release)?.with_warnings(publication.notes);
    Ok(if publication.created { HttpResponse::Created() } else { HttpResponse::Ok() }.json(body))
}

/// Every parameter that is not valid, at once.
fn options(query: Parameters) -> Result<PublishOptions> {
    let mut errors = Vec::new();
    let options = PublishOptions {
        slug: parsed(query.slug, &mut errors),
        version: parsed(query.version, &mut errors),
        channel: parsed(query.channel, &mut errors),
        visibility: parsed(query.visibility, &mut errors),
        prevail: false,
    };
    if errors.is_empty() { Ok(options) } else { Err(Error::Validation { errors }) }
}

fn parsed<T: FromStr<Err = Error>>(text: Option<String>, errors: &mut Vec<Violation>) -> Option<T> {
    match text?.parse() {
        Ok(value) => return Some(value),
        Err(Error::Validation { errors: found }) => errors.extend(found),
        Err(other) => errors.push(Violation::new("", other.to_string())),
    }
    None
}
