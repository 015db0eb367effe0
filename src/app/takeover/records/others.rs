//! What older systems left in the plugins folder beside releases and records: it stays where it is, and the report says so.

use std::ffi::OsStr;

use crate::{
    app::{
        App,
        takeover::{Item, Kind, Outcome, TakeoverReport},
    },
    domain::DatabaseUrl,
    error::Result,
    offload,
};

/// Lists of an older system, by their paths.
const PLUGIN_LIST: &str = "manifest.json";
const VERSION_LIST: &str = "cache/version_registry.json";

pub async fn tell(app: &App, report: &mut TakeoverReport) -> Result<()> {
    let folder = app.folder.clone();
    let others = offload::run(move || folder.list_others()).await?;
    for (label, is_folder) in others.into_iter().filter(|(label, _)| !is_database(app, label)) {
        let why = match label.as_str() {
            PLUGIN_LIST | VERSION_LIST => "is a list of an older system; this server makes such lists from what is stored",
            _ if is_folder => "is no folder of this server; `import plugins` takes over plugins that lie so in another folder",
            _ => "is no file of this server",
        };
        report.add(Item::new(Kind::File, label, Outcome::Skipped(why.to_owned())));
    }
    Ok(())
}

/// The server's own database may lie here, too, with the files that SQLite and the server make beside it.
fn is_database(app: &App, name: &str) -> bool {
    let DatabaseUrl::Sqlite(path) = &app.settings.database_url else { return false };
    let is_here = path.parent().and_then(|parent| parent.canonicalize().ok()).is_some_and(|parent| parent == app.folder.root());
    is_here && path.file_name().and_then(OsStr::to_str).is_some_and(|own| name.starts_with(own))
}
