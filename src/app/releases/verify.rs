//! Whether a release can be served.

use crate::{
    app::App,
    domain::release::Release,
    error::{Error, Result},
    offload,
    storage::releases,
};

/// Refuses a release of which a file is missing or has another size. (The content is compared by `doctor`.)
pub async fn verify_on_disk(app: &App, release: &Release) -> Result<()> {
    let (slug, version) = (release.slug.clone(), release.version.clone());
    if release.files_removed_at.is_some() {
        return Err(Error::Gone(format!("the files of {slug} {version} were removed")));
    }
    let (wanted, exact) = (slug.clone(), version.clone());
    let files = app.db.read(move |conn| releases::files(conn, &wanted, &exact)).await?;
    let folder = app.folder.clone();
    offload::run(move || {
        for file in files {
            let size = folder.open_file(&slug, &version, &file.path)?.map(|open| open.metadata().map(|metadata| metadata.len()));
            if size.transpose().map_err(|e| Error::storage("a file cannot be examined", e))? != Some(file.size) {
                return Err(Error::damaged(format!("{slug} {version}: {} is missing or changed on disk", file.path)));
            }
        }
        Ok(())
    })
    .await
}
