//! From an archive to an installed plugin in one go: what frontends call installing. Publishes, then installs.

use serde_json::{Map, Value, json};

use super::install::{InstallRequest, InstalledPlugin, install};
use crate::{
    app::{
        App,
        releases::{self, PublishOptions},
    },
    domain::{Caller, Slug, UserId, VersionSpec, record::InstallationType},
    error::{Error, InstallFailure, Result, Step},
    files::Archive,
};

/// Where an archive comes from, for the installation record.
#[derive(Debug)]
pub struct PackageOrigin {
    pub installation_type: InstallationType,
    pub source_url: Option<String>,
    /// What else is worth remembering.
    pub extra: Map<String, Value>,
}

#[derive(Debug)]
pub struct InstalledPackage {
    pub installed: InstalledPlugin,
    /// What the package says that does not count, in sentences.
    pub notes: Vec<String>,
}

/// Unpacks, publishes and installs. The release stays when the installation is refused: it is complete, and can be
/// installed when the reason is gone.
///
/// # Errors
/// [`Error::InstallFailed`] with the step, except where nothing is wrong with the package: see [`failed`].
pub async fn install_package(
    app: &App,
    caller: &Caller,
    user: &UserId,
    archive: Archive,
    origin: PackageOrigin,
) -> Result<InstalledPackage> {
    let at = |step, slug: Option<&Slug>| {
        let (slug, user) = (slug.cloned(), user.clone());
        move |cause| failed(step, slug, user, cause)
    };
    let staged = app.folder.unpack(archive, app.limits()).await.map_err(at(Step::FileExtraction, None))?;
    let published = releases::publish(app, caller, staged, PublishOptions::default()).await.map_err(at(Step::SetupAndCopy, None))?;
    let (slug, version) = (published.release.slug, published.release.version);
    let mut extra = origin.extra;
    if !published.notes.is_empty() {
        extra.insert("notes".to_owned(), json!(published.notes));
    }
    let request = InstallRequest {
        version: Some(VersionSpec::Exact(version)),
        installation_type: Some(origin.installation_type),
        source_url: origin.source_url,
        extra,
        ..InstallRequest::default()
    };
    let installed = install(app, caller, user, &slug, request).await.map_err(at(Step::LifecycleManagerInstall, Some(&slug)))?;
    Ok(InstalledPackage { installed, notes: published.notes })
}

/// Names the step at which installing a package failed. Refusals of the caller, and failures that the same request may
/// not meet a moment later, stay what they are.
pub fn failed(step: Step, slug: Option<Slug>, user: UserId, cause: Error) -> Error {
    match cause {
        Error::Unauthenticated(_)
        | Error::Forbidden(_)
        | Error::PublishNotAllowed(_)
        | Error::TooLarge { .. }
        | Error::UnsupportedMediaType(_)
        | Error::MalformedJson(_)
        | Error::RateLimited { .. }
        | Error::Busy { .. }
        | Error::Storage { .. }
        | Error::Setup(_)
        | Error::InstallFailed(_) => cause,
        cause => {
            let step = match &cause {
                Error::InvalidPackage { step, .. } => *step,
                _ => step,
            };
            let suggestions = suggestions(&cause, step);
            Error::InstallFailed(Box::new(InstallFailure { step, slug, user, suggestions, cause }))
        }
    }
}

/// What whoever sees the refusal could do.
fn suggestions(cause: &Error, step: Step) -> Vec<String> {
    let texts: &[&str] = match (cause, step) {
        (Error::AlreadyExists(_), Step::LifecycleManagerInstall) => {
            &["Update the installed plugin instead", "Uninstall it first to install it anew; its releases stay"]
        }
        (Error::VersionTaken { .. }, _) => &["Give the changed package a higher version"],
        (Error::AlreadyExists(_), _) => &["Choose a slug that does not differ from another one only in case"],
        (Error::DependencyMissing { .. }, _) => &["Install the plugins that this one needs first"],
        (Error::IncompatibleVersion(_), _) => &["Install a version that is made for this application"],
        (Error::Unavailable(_), _) => &["Ask the administrator to make the plugin available"],
        (_, Step::FileExtraction) => &["Check that the file is a zip, tar.gz or tar.zst archive", "Pack the plugin again"],
        (_, Step::PluginValidation) => {
            &["Check the manifest: plugin.json, lifecycle_manager.py or package.json", "Build the plugin before packing it"]
        }
        (_, Step::UrlParsing) => &["Check the address: https, a public host, no user name or password"],
        (_, Step::ReleaseLookup) => {
            &["Check that the repository is public and has a release with an archive", "Try the version \"latest\""]
        }
        (_, Step::DownloadAndExtract) => &["Try again later", "Download the archive and install it from the file"],
        _ => &[],
    };
    texts.iter().map(|&text| text.to_owned()).collect()
}
