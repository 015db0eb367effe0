//! Installing a package that the request brings along, as frontends with an upload form do.

use actix_multipart::{Field, Multipart};
use actix_web::{HttpRequest, HttpResponse, post, web};
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::{Map, json};

use crate::{
    app::{
        App,
        plugins::{self, InstalledPackage, PackageOrigin, failed},
        releases,
    },
    domain::record::InstallationType,
    error::{Error, Result, Step},
    files::Archive,
    http::{
        extract::{Authorized, InstallAndPublish},
        problem::{HttpResult, ProblemSchema},
        releases::upload,
    },
};

/// Bytes of a part that is not the archive.
const MAX_TEXT: usize = 8 * 1024;
/// More parts than any form of ours has.
const MAX_PARTS: usize = 20;
/// Characters of a file name that are worth showing.
const MAX_LABEL: usize = 255;

#[derive(Serialize, utoipa::ToSchema)]
pub struct PackageAnswer {
    status: &'static str,
    message: String,
    data: PackageData,
}

#[derive(Serialize, utoipa::ToSchema)]
struct PackageData {
    plugin_id: String,
    plugin_slug: String,
    version: String,
    modules_created: Vec<String>,
    /// Always null: folders are the server's business.
    plugin_directory: Option<String>,
    /// `local-file`, `github` or `url`.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    #[schema(maximum = 9007199254740991i64)]
    file_size: u64,
    /// What the package says that does not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl PackageAnswer {
    fn new(installed: InstalledPackage, source: &'static str, message: String, filename: Option<String>, file_size: u64) -> Self {
        let plugin = installed.installed.plugin;
        Self {
            status: "success",
            message,
            data: PackageData {
                plugin_slug: plugin.slug.to_string(),
                version: plugin.version.to_string(),
                plugin_id: plugin.id,
                modules_created: installed.installed.modules,
                plugin_directory: None,
                source,
                filename,
                file_size,
                warnings: installed.notes,
            },
        }
    }
}

#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form, for the OpenAPI document")]
pub struct PackageForm {
    /// `local-file`.
    method: String,
    /// With `local-file`: the archive.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
    /// What the archive is called where it comes from; shown, never used as a path.
    filename: Option<String>,
}

/// What a form held, whatever the order of its parts.
#[derive(Default)]
struct Form {
    method: Option<String>,
    filename: Option<String>,
    archive: Option<Archive>,
}

/// Publishes a package and installs it for the caller.
#[utoipa::path(
    tag = "plugins",
    request_body(content = PackageForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = PackageAnswer),
        (status = 400, description = "install_failed: `detail` is an object with `message`, `details` and `suggestions`", body = ProblemSchema)
    )
)]
#[post("/plugins/install")]
pub async fn install_package(
    user: Authorized<InstallAndPublish>,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResult {
    let caller = &user.caller;
    releases::may_publish(&app, caller)?;
    let wrong = |cause| failed(Step::Unknown, None, caller.user.clone(), cause);
    let form = read(&app, &request, payload).await.map_err(wrong)?;
    match form.method.as_deref() {
        Some("local-file") => {
            let archive = form.archive.ok_or_else(|| wrong(Error::invalid("file", "the form has no part named `file`")))?;
            let (label, size) = (form.filename.unwrap_or_else(|| "archive".to_owned()), archive.size);
            let extra = Map::from_iter([("filename".to_owned(), json!(label))]);
            let origin = PackageOrigin { installation_type: InstallationType::Local, source_url: None, extra };
            let installed = plugins::install_package(&app, caller, &caller.user, archive, origin).await?;
            let message = format!("Plugin '{label}' installed successfully from local file");
            Ok(HttpResponse::Ok().json(PackageAnswer::new(installed, "local-file", message, Some(label), size)))
        }
        _ => Err(wrong(Error::invalid("method", "must be `local-file`")).into()),
    }
}

async fn read(app: &App, request: &HttpRequest, payload: web::Payload) -> Result<Form> {
    upload::refuse_too_large(app, request)?;
    if !upload::is_form(request) {
        return Err(Error::UnsupportedMediaType("this needs a body of type multipart/form-data".to_owned()));
    }
    let unreadable = |e| Error::BadRequest(format!("the form cannot be read: {e}"));
    let mut parts = Multipart::new(request.headers(), payload.into_inner());
    let mut form = Form::default();
    let mut count = 0;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(unreadable)?;
        count += 1;
        if count > MAX_PARTS {
            return Err(Error::BadRequest(format!("the form has more than {MAX_PARTS} parts")));
        }
        match part.name().unwrap_or_default() {
            "file" => {
                let named = part.content_disposition().and_then(|disposition| disposition.get_filename()).map(label);
                form.archive = Some(upload::store(app, part).await?);
                form.filename = form.filename.or(named);
            }
            "method" => form.method = Some(text(&mut part, "method").await?),
            "filename" => form.filename = Some(label(&text(&mut part, "filename").await?)),
            _ => {}
        }
    }
    Ok(form)
}

async fn text(part: &mut Field, name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.next().await {
        bytes.extend_from_slice(&chunk.map_err(|e| Error::BadRequest(format!("the form cannot be read: {e}")))?);
        if bytes.len() > MAX_TEXT {
            return Err(Error::invalid(name, format!("has more than {MAX_TEXT} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid(name, "is not UTF-8"))
}

/// A name to show: one short line, whatever the client called its file.
fn label(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(MAX_LABEL).collect();
    if shown.is_empty() { "archive".to_owned() } else { shown }
}
