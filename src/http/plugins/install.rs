//! Installing a published release.

use actix_web::{HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{
        App,
        plugins::{self, InstallRequest, InstalledPlugin},
    },
    domain::{Slug, VersionSpec, paths::shared_path_label, record::InstallationType},
    error::{Error, Result},
    http::{
        extract::{self, OptionalJson, Subject, known},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub struct InstallBody {
    /// A version, range, channel or `latest` (the default).
    version: Option<String>,
    /// The user's own values.
    config: Option<Map<String, Value>>,
    enabled: Option<bool>,
    /// `installation_type`, `source_url` and what else the installer wants to remember.
    installation_metadata: Option<Map<String, Value>>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct InstallAnswer {
    status: &'static str,
    message: String,
    data: InstallData,
}

#[derive(Serialize, utoipa::ToSchema)]
struct InstallData {
    plugin_slug: String,
    plugin_id: String,
    version: String,
    modules_created: Vec<String>,
    plugin_directory: String,
}

/// Installs a published release for the user.
#[utoipa::path(
    tag = "plugins",
    params(("slug", description = "slug")),
    request_body(content = Option<InstallBody>, content_type = "application/json"),
    responses(
        (status = 200, body = InstallAnswer),
        (status = 409, description = "already_exists, yanked or unavailable", body = ProblemSchema),
        (status = 410, description = "the release's files were removed", body = ProblemSchema)
    )
)]
#[post("/plugins/{slug}/install")]
pub async fn install(
    subject: Subject<extract::Install>,
    app: web::Data<App>,
    names: web::Path<extract::SlugSegment>,
    body: OptionalJson<InstallBody>,
) -> HttpResult {
    let slug: Slug = known(&names.slug)?;
    let installed = plugins::install(&app, &subject.caller, &subject.user, &slug, request(body.0.unwrap_or_default())?).await?;
    Ok(HttpResponse::Ok().json(answer(installed)))
}

const NO_VERSION: &str = "is neither a version, a range, a channel nor `latest`";

fn request(body: InstallBody) -> Result<InstallRequest> {
    let mut extra = body.installation_metadata.unwrap_or_default();
    let installation_type = extra
        .shift_remove("installation_type")
        .map(|value| extract::typed::<InstallationType>("/installation_metadata/installation_type", value));
    let source_url =
        extra.shift_remove("source_url").map(|value| extract::typed::<Option<String>>("/installation_metadata/source_url", value));
    let version = body.version.map(|text| text.parse::<VersionSpec>().map_err(|_| Error::invalid("/version", NO_VERSION)));
    // Set by the server, whatever the installer says.
    extra.shift_remove("installed_by");
    extra.shift_remove("installed_at");
    Ok(InstallRequest {
        version: version.transpose()?,
        config: body.config.unwrap_or_default(),
        enabled: body.enabled,
        installation_type: installation_type.transpose()?,
        source_url: source_url.transpose()?.flatten(),
        extra,
    })
}

fn answer(installed: InstalledPlugin) -> InstallAnswer {
    let plugin = installed.plugin;
    InstallAnswer {
        status: "success",
        message: format!("Plugin {} installed successfully", plugin.slug),
        data: InstallData {
            plugin_directory: shared_path_label(&plugin.slug, &plugin.version),
            plugin_slug: plugin.slug.to_string(),
            plugin_id: plugin.id,
            version: plugin.version.to_string(),
            modules_created: installed.modules,
        },
    }
}
