//! Looking at releases.

use actix_web::{HttpResponse, get, http::header, web};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::shapes::{FileItem, ReleaseSummary};
use crate::{
    app::{
        App,
        releases::{self, Search},
    },
    domain::{Channel, Slug, Version, VersionSpec, release::CatalogueEntry},
    error::Error,
    http::{
        extract::{Authorized, Query, Read, SlugSegment, known},
        paging::{PageAnswer, wanted},
        problem::HttpResult,
    },
};

/// Bytes of a search; more than anybody types.
const MAX_QUERY: usize = 1000;

#[derive(Deserialize)]
pub struct Names {
    slug: String,
    version: String,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CatalogueParameters {
    /// Searched in slug, name, description and tags, without regard to case.
    q: Option<String>,
    category: Option<String>,
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct CatalogueItem {
    slug: String,
    /// The newest.
    version: String,
    name: String,
    description: Option<String>,
    category: Option<String>,
    author: Option<String>,
    tags: Vec<String>,
    /// The administrator's decision for everybody.
    available: bool,
    #[schema(maximum = 9007199254740991i64)]
    installs: u64,
    published_at: String,
}

impl From<CatalogueEntry> for CatalogueItem {
    fn from(row: CatalogueEntry) -> Self {
        let manifest = row.newest.manifest;
        Self {
            slug: row.newest.slug.to_string(),
            version: row.newest.version.to_string(),
            name: manifest.name,
            description: manifest.description,
            category: manifest.category,
            author: manifest.author,
            tags: manifest.tags,
            available: row.available,
            installs: row.installs,
            published_at: row.newest.published_at.to_string(),
        }
    }
}

/// The newest release of every plugin.
#[utoipa::path(
    tag = "releases",
    params(CatalogueParameters),
    responses((status = 200, body = PageAnswer<CatalogueItem>), (status = 422, description = "a parameter is not valid"))
)]
#[get("/releases")]
pub async fn get_catalogue(_user: Authorized<Read>, app: web::Data<App>, query: Query<CatalogueParameters>) -> HttpResult {
    let (limit, after) = wanted(query.0.limit, query.0.cursor.as_deref())?;
    let after: Option<Slug> = after.map(|key| key.parse()).transpose().map_err(|_| Error::invalid("cursor", "is of another list"))?;
    if [&query.0.q, &query.0.category].into_iter().flatten().any(|text| text.contains('\0')) {
        return Err(Error::invalid("q", "must not hold NUL").into());
    }
    // SQLite fails on patterns above 50,000 bytes.
    if query.0.q.as_ref().is_some_and(|q| q.len() > MAX_QUERY) {
        return Err(Error::invalid("q", format!("has at most {MAX_QUERY} bytes")).into());
    }
    let page = releases::catalogue(&app, Search { q: query.0.q, category: query.0.category }, after, limit).await?;
    Ok(HttpResponse::Ok().json(PageAnswer::new(page, CatalogueItem::from)))
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct VersionsAnswer {
    slug: String,
    available: bool,
    /// What `latest` stands for; null when every version is yanked or gone.
    latest: Option<String>,
    /// Highest first.
    versions: Vec<ReleaseSummary>,
    channels: Vec<ChannelItem>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct ChannelItem {
    name: String,
    version: String,
}

/// Versions, yanks and channels of one plugin.
#[utoipa::path(tag = "releases", params(("slug", description = "slug")), responses((status = 200, body = VersionsAnswer)))]
#[get("/releases/{slug}")]
pub async fn get_versions(user: Authorized<Read>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let found = releases::versions(&app, &user.caller, known(&names.slug)?).await?;
    let channel = |(name, version): &(Channel, Version)| ChannelItem { name: name.as_str().to_owned(), version: version.to_string() };
    Ok(HttpResponse::Ok().json(VersionsAnswer {
        slug: found.config.slug.to_string(),
        available: found.config.available,
        latest: found.latest.map(|version| version.to_string()),
        versions: found.releases.iter().map(ReleaseSummary::new).collect(),
        channels: found.channels.iter().map(channel).collect(),
    }))
}

/// One release with its manifest.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("version", description = "version, range, channel or `latest`")),
    responses((status = 200, body = ReleaseSummary))
)]
#[get("/releases/{slug}/{version}")]
pub async fn get_release(user: Authorized<Read>, app: web::Data<App>, names: web::Path<Names>) -> HttpResult {
    let release = releases::release(&app, &user.caller, known(&names.slug)?, known(&names.version)?).await?;
    Ok(HttpResponse::Ok().json(ReleaseSummary::with_manifest(&release)?))
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct FilesAnswer {
    slug: String,
    version: String,
    items: Vec<FileItem>,
    /// Always null: a release's files come at once.
    next_cursor: Option<String>,
}

/// Every file of a release, by path.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("version", description = "version, range, channel or `latest`")),
    responses((status = 200, body = FilesAnswer))
)]
#[get("/releases/{slug}/{version}/files")]
pub async fn get_files(user: Authorized<Read>, app: web::Data<App>, names: web::Path<Names>) -> HttpResult {
    let (release, files) = releases::release_files(&app, &user.caller, known(&names.slug)?, known(&names.version)?).await?;
    Ok(HttpResponse::Ok().json(FilesAnswer {
        slug: release.slug.to_string(),
        version: release.version.to_string(),
        items: files.into_iter().map(FileItem::from).collect(),
        next_cursor: None,
    }))
}

/// The files as a zip.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug"), ("version", description = "version, range, channel or `latest`")),
    responses(
        (status = 200, description = "the zip", content_type = "application/zip"),
        (status = 410, description = "the files were removed")
    )
)]
#[get("/releases/{slug}/{version}/archive")]
pub async fn get_archive(user: Authorized<Read>, app: web::Data<App>, names: web::Path<Names>) -> HttpResult {
    let (slug, wanted): (Slug, VersionSpec) = (known(&names.slug)?, known(&names.version)?);
    let (version, pieces) = releases::archive(&app, &user.caller, slug.clone(), wanted).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{slug}-{version}.zip\"")))
        .streaming(pieces.map_ok(web::Bytes::from)))
}
