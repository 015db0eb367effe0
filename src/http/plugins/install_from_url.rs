//! Installing what an address names.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;

use super::install_package::{PackageAnswer, wanted};
use crate::{
    app::{
        App,
        plugins::{self, failed},
    },
    error::{Error, Step},
    http::{
        extract::{InstallAndPublish, Json, Subject},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
pub struct FromUrlBody {
    /// Required: a repository (`https://github.com/owner/name`) or an archive.
    repo_url: Option<String>,
    /// Of a repository: the release's name, or `latest` (the default). Of an archive: the version that it must have.
    version: Option<String>,
    /// What the archive must be, in hex.
    sha256: Option<String>,
}

/// Fetches an archive, publishes it and installs it.
#[utoipa::path(
    tag = "plugins",
    request_body = FromUrlBody,
    responses(
        (status = 200, body = PackageAnswer),
        (status = 400, description = "install_failed: `detail` is an object with `message`, `details` and `suggestions`", body = ProblemSchema)
    )
)]
#[post("/plugins/install-from-url")]
pub async fn install_from_url(subject: Subject<InstallAndPublish>, app: web::Data<App>, body: Json<FromUrlBody>) -> HttpResult {
    let FromUrlBody { repo_url, version, sha256 } = body.0;
    let wrong = |cause| failed(Step::UrlParsing, None, subject.user.clone(), cause);
    let repo_url = repo_url.ok_or_else(|| wrong(Error::invalid("/repo_url", "is required")))?;
    let wanted = wanted(repo_url, version, sha256.as_deref()).map_err(wrong)?;
    let installed = plugins::install_source(&app, &subject.caller, &subject.user, &wanted).await?;
    Ok(HttpResponse::Ok().json(PackageAnswer::fetched(installed)))
}
