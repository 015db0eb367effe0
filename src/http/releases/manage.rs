//! What a publisher may still change about a release.

use actix_web::{HttpResponse, delete, patch, post, put, web};
use serde::{Deserialize, Serialize};

use super::shapes::ReleaseSummary;
use crate::{
    app::{App, releases},
    domain::{Channel, Slug, Version, VersionSpec, manifest::Visibility},
    error::Error,
    http::{
        extract::{Authorized, Json, Publish, known},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize)]
pub struct Names {
    slug: String,
    version: String,
}

#[derive(Deserialize)]
pub struct ChannelNames {
    slug: String,
    name: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisibilityBody {
    #[schema(value_type = String)]
    visibility: Visibility,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YankBody {
    reason: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelBody {
    /// A version, range, channel or `latest`; the exact version it stands for now is kept.
    version: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct ChannelAnswer {
    slug: String,
    name: String,
    version: String,
}

/// Sets who can load the files from the address that is the same for all users.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("version", description = "version, range or channel")),
    request_body = VisibilityBody,
    responses((status = 200, body = ReleaseSummary))
)]
#[patch("/releases/{slug}/{version}")]
pub async fn patch_release(
    user: Authorized<Publish>,
    app: web::Data<App>,
    names: web::Path<Names>,
    body: Json<VisibilityBody>,
) -> HttpResult {
    let (slug, wanted) = (known(&names.slug)?, known(&names.version)?);
    let release = releases::set_visibility(&app, &user.caller, slug, wanted, body.0.visibility).await?;
    Ok(HttpResponse::Ok().json(ReleaseSummary::new(&release)))
}

/// Takes a version out of what ranges, channels and `latest` choose; it is served on to those who have it.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("version", description = "exact version")),
    request_body = YankBody,
    responses((status = 200, body = ReleaseSummary))
)]
#[post("/releases/{slug}/{version}/yank")]
pub async fn yank(user: Authorized<Publish>, app: web::Data<App>, names: web::Path<Names>, body: Json<YankBody>) -> HttpResult {
    let (slug, version): (Slug, Version) = (known(&names.slug)?, known(&names.version)?);
    let release = releases::yank(&app, &user.caller, slug, version, body.0.reason).await?;
    Ok(HttpResponse::Ok().json(ReleaseSummary::new(&release)))
}

/// Takes a yank back.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("version", description = "exact version")),
    responses((status = 200, body = ReleaseSummary))
)]
#[delete("/releases/{slug}/{version}/yank")]
pub async fn unyank(user: Authorized<Publish>, app: web::Data<App>, names: web::Path<Names>) -> HttpResult {
    let (slug, version): (Slug, Version) = (known(&names.slug)?, known(&names.version)?);
    let release = releases::unyank(&app, &user.caller, slug, version).await?;
    Ok(HttpResponse::Ok().json(ReleaseSummary::new(&release)))
}

/// Points a channel at a version.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("name", description = "channel")),
    request_body = ChannelBody,
    responses(
        (status = 200, body = ChannelAnswer),
        (status = 410, description = "the release's files were removed", body = ProblemSchema)
    )
)]
#[put("/releases/{slug}/channels/{name}")]
pub async fn put_channel(
    user: Authorized<Publish>,
    app: web::Data<App>,
    names: web::Path<ChannelNames>,
    body: Json<ChannelBody>,
) -> HttpResult {
    let slug: Slug = known(&names.slug)?;
    let channel: Channel = names.name.parse()?;
    let wanted: VersionSpec = body.0.version.parse().map_err(|_| Error::invalid("/version", "is no version, range or channel"))?;
    let release = releases::set_channel(&app, &user.caller, slug, channel, wanted).await?;
    let (slug, version) = (release.slug.to_string(), release.version.to_string());
    Ok(HttpResponse::Ok().json(ChannelAnswer { slug, name: names.name.clone(), version }))
}

/// Removes a channel; the version it named stays.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("name", description = "channel")),
    responses((status = 204, description = "removed"))
)]
#[delete("/releases/{slug}/channels/{name}")]
pub async fn delete_channel(user: Authorized<Publish>, app: web::Data<App>, names: web::Path<ChannelNames>) -> HttpResult {
    let slug: Slug = known(&names.slug)?;
    let channel: Channel = known(&names.name)?;
    releases::delete_channel(&app, &user.caller, slug, channel).await?;
    Ok(HttpResponse::NoContent().finish())
}
