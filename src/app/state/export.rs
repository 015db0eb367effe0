//! All of a user's entries as one text, for keeping, moving, and looking at elsewhere.

use super::{Access, context, read::Found};
use crate::{
    app::{App, now},
    domain::state::{Header, PluginSet, entry_line, header_line, trailer_line},
    error::{Error, Result},
    files::Spool,
    storage::{state_entries, state_lists},
};

/// The live entries as they are at one moment, inactive ones too; of one plugin, or of all that the caller may touch. Nothing
/// of it is told before everything was read, so that damage is an error and never a shorter text.
pub async fn export(app: &App, access: &Access, plugin_id: Option<String>) -> Result<Spool> {
    let (access, mut spool) = (access.clone(), app.folder.spool());
    app.db
        .read(move |conn| {
            let plugins = match plugin_id {
                None => access.plugins.clone(),
                Some(name) => {
                    let plugin = context::resolve(conn, &access.user, &name)?;
                    access.require(&plugin)?;
                    PluginSet::Only(vec![plugin])
                }
            };
            let now = now();
            let entries = state_lists::live_keys(conn, &access.user, &plugins, now)?;
            let complete = match plugins {
                PluginSet::All => None,
                PluginSet::Only(slugs) => Some(slugs),
            };
            spool.write(&header_line(&Header::new(&access.user, complete, now))?)?;
            // One at a time: together they may be larger than the memory.
            for (id, _) in &entries {
                let (entry, stored) = state_entries::find_by_id_with_data(conn, &access.user, id)?
                    .ok_or_else(|| Error::damaged("a state entry is gone while it is read"))?;
                let Found { entry, json } = Found::new(entry, stored)?;
                spool.write(&entry_line(&entry, &json)?)?;
            }
            spool.write(&trailer_line(entries.len() as u64)?)?;
            Ok(spool)
        })
        .await
}
