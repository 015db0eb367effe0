//! `plugyard publish`

use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::stream;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Body, Method, StatusCode, header::CONTENT_LENGTH};
use serde::Serialize;
use tokio::io::AsyncReadExt;

use super::{
    Outcome,
    failure::{Failure, Result},
    global::Global,
    output::Report,
    pack,
    remote::{Remote, member},
    target::{Local, Target},
};
use crate::{
    app::releases::{self, PublishOptions},
    domain::{Channel, DatabaseUrl, Slug, Version, manifest::Visibility},
};

/// How much of a file is read at a time while it is sent.
const CHUNK: usize = 256 * 1024;

/// Publish a package: a folder, or a zip, tar.gz or tar.zst.
///
/// A published version never changes: publishing the same content again is fine, other content under the same version is
/// refused. Prints slug, version, digest, and whether the release was created or already there.
#[derive(Args)]
pub struct Publish {
    /// Archive or folder with a plugin.json or package.json.
    path: PathBuf,
    #[command(flatten)]
    options: Options,
}

#[derive(Args, Default)]
pub struct Options {
    /// Slug, where the manifest names none; replaces a package.json's name.
    #[arg(long)]
    slug: Option<Slug>,
    /// Version, where the manifest names none.
    #[arg(long)]
    version: Option<Version>,
    /// Channel to point at the release, `beta` for instance.
    #[arg(long)]
    channel: Option<Channel>,
    /// Whether the files are served to anybody at an address of their own, or only to those who have the plugin.
    #[arg(long, value_name = "public|private")]
    visibility: Option<Visibility>,
}

impl Publish {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        must_exist(&self.path)?;
        must_be_apart(&self.path, global)?;
        let published = match global.target("publish").await? {
            Target::Local(local) => on_this_machine(&local, self.path, self.options).await?,
            Target::Remote(remote) => at_server(&remote, &self.path, self.options).await?,
        };
        global.print(&published)?;
        Ok(Outcome::Done)
    }
}

#[derive(Debug, Serialize)]
pub struct Published {
    pub slug: String,
    pub version: String,
    digest: String,
    visibility: String,
    /// False when the same content was there already.
    created: bool,
}

impl Report for Published {
    fn text(&self) -> String {
        let outcome = if self.created { "created" } else { "already there" };
        format!("{} {} {} {outcome}", self.slug, self.version, self.digest)
    }
}

/// Asked before database and server are, because a misspelled path is no fault of theirs.
pub fn must_exist(path: &Path) -> Result<()> {
    path.metadata().map(drop).map_err(|e| Failure::Usage(format!("{} cannot be read: {e}", path.display())))
}

/// The server's own data are no part of a package, neither when they lie in its folder already nor when this command would be
/// the one that makes them there.
fn must_be_apart(package: &Path, global: &Global) -> Result<()> {
    let unreadable = |e: std::io::Error| Failure::Usage(format!("{} cannot be examined: {e}", package.display()));
    if !package.is_dir() {
        return Ok(());
    }
    let (package, settings) = (package.canonicalize().map_err(unreadable)?, global.settings_as_they_are()?);
    let database = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => Some(path.as_path()),
        DatabaseUrl::Postgres(_) => None,
    };
    for own in database.into_iter().chain([settings.plugins_dir.as_path()]) {
        let absolute = std::path::absolute(own).map_err(unreadable)?;
        if absolute.starts_with(&package) && (global.server().is_none() || absolute.exists()) {
            return Err(Failure::Usage(format!(
                "{} is where {} belongs, the server's own data, which would be published along: run the command elsewhere, or name another place \
                 for them in the settings",
                package.display(),
                own.display()
            )));
        }
    }
    Ok(())
}

pub async fn on_this_machine(local: &Local, path: PathBuf, options: Options) -> Result<Published> {
    let app = &local.app;
    let staged = match path.is_dir() {
        true => app.folder.stage_folder(path, app.limits()).await?,
        false => app.folder.stage_archive_file(path, app.limits()).await?,
    };
    let Options { slug, version, channel, visibility } = options;
    let options = PublishOptions { slug, version, channel, visibility, prevail: false };
    let publication = releases::publish(app, &local.caller, staged, options).await?;
    let release = publication.release;
    Ok(Published {
        slug: release.slug.to_string(),
        version: release.version.to_string(),
        digest: release.digest.to_string(),
        visibility: release.visibility.to_string(),
        created: publication.created,
    })
}

pub async fn at_server(remote: &Remote, path: &Path, options: Options) -> Result<Published> {
    let (file, size) = pack::open(path).await?;
    let query: Vec<(&str, String)> = [
        ("slug", options.slug.map(|slug| slug.to_string())),
        ("version", options.version.map(|version| version.to_string())),
        ("channel", options.channel.map(|channel| channel.as_str().to_owned())),
        ("visibility", options.visibility.map(|visibility| visibility.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| (name, value)))
    .collect();
    let progress = progress_bar(size);
    let body = Body::wrap_stream(chunks(file, progress.clone()));
    // Announced, so that a package above the server's limit is refused before it is sent.
    let request = remote.request(Method::POST, ["releases"]).query(&query).header(CONTENT_LENGTH, size).body(body);
    let answer = remote.send(request).await;
    progress.finish_and_clear();
    let (status, release) = answer?;
    Ok(Published {
        slug: member(&release, "slug")?,
        version: member(&release, "version")?,
        digest: member(&release, "digest")?,
        visibility: member(&release, "visibility")?,
        created: status == StatusCode::CREATED,
    })
}

/// On standard error, and only when that is a terminal.
fn progress_bar(size: u64) -> ProgressBar {
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// The file's content, counted as it is taken.
fn chunks(file: std::fs::File, progress: ProgressBar) -> impl futures_util::Stream<Item = std::io::Result<Vec<u8>>> {
    stream::try_unfold(tokio::fs::File::from_std(file), move |mut file| {
        let progress = progress.clone();
        async move {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            progress.inc(read as u64);
            Ok((read > 0).then_some((chunk, file)))
        }
    })
}
