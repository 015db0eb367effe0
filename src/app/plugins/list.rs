//! What a frontend needs to know of a user's plugins.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{config::own_values, records};
use crate::{
    app::App,
    domain::{
        ReleasePath, UserId,
        config::effective,
        manifest::{Manifest, Module, Visibility},
        plugin::{Installed, ModuleRow},
        record::InstallationMetadata,
        release,
    },
    error::{Error, Result},
    files::UserRecord,
    storage::{modules, plugins},
};

/// One of the user's plugins with everything that answers join to it.
pub struct ListedPlugin {
    pub installed: Installed,
    pub manifest: Manifest,
    /// The values in force.
    pub config: Map<String, Value>,
    pub record: Option<InstallationMetadata>,
    pub modules: Vec<ListedModule>,
    /// Where its bundle begins; none without one.
    pub entry: Option<Entry>,
}

/// A module as the installed version declares it, with the user's decision about it.
pub struct ListedModule {
    pub declared: Module,
    pub row: ModuleRow,
    /// The values in force.
    pub config: Map<String, Value>,
}

/// The addresses of a bundle, relative to the server.
pub struct Entry {
    pub url: String,
    pub files_base_url: String,
    pub integrity: Option<String>,
}

/// The user's plugins, by slug: those with both row and record.
pub async fn list(app: &App, user: &UserId) -> Result<Vec<ListedPlugin>> {
    let mut records = records::of(app, user).await?;
    let owner = user.clone();
    let (installed, mut rows) = app
        .db
        .read(move |conn| {
            let installed = plugins::list_installed(conn, &owner)?;
            let mut rows: HashMap<String, Vec<ModuleRow>> = HashMap::new();
            for (plugin, row) in modules::list_of_user(conn, &owner)? {
                rows.entry(plugin).or_default().push(row);
            }
            Ok((installed, rows))
        })
        .await?;
    installed
        .into_iter()
        .filter_map(|one| {
            let record = records.remove(one.plugin.slug.as_str())?;
            let rows = rows.remove(&one.plugin.id).unwrap_or_default();
            Some(listed(one, &record, rows))
        })
        .collect()
}

/// One of the user's plugins.
pub async fn list_one(app: &App, user: &UserId, name: &str) -> Result<ListedPlugin> {
    let slug = super::find(app, user, name).await?.slug;
    let found = list(app, user).await?.into_iter().find(|one| one.installed.plugin.slug == slug);
    found.ok_or_else(|| Error::NotFound("plugin".to_owned()))
}

/// What a list of modules may be narrowed to; everything that is given must hold.
#[derive(Debug, Default)]
pub struct ModuleSearch {
    /// Searched in name, display name and description, without regard to case.
    pub text: Option<String>,
    pub category: Option<String>,
    /// Any of them; none asks for nothing.
    pub tags: Vec<String>,
}

impl ModuleSearch {
    fn finds(&self, module: &Module) -> bool {
        let texts = [Some(&module.name), module.display_name.as_ref(), module.description.as_ref()];
        let holds = |wanted: &String| texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&wanted.to_lowercase()));
        self.text.as_ref().is_none_or(holds)
            && self.category.as_ref().is_none_or(|wanted| module.category.as_ref() == Some(wanted))
            && (self.tags.is_empty() || self.tags.iter().any(|wanted| module.tags.contains(wanted)))
    }
}

/// The modules among these plugins that the search finds, by slug, then in the manifest's order.
pub fn modules<'a>(listed: &'a [ListedPlugin], search: &'a ModuleSearch) -> impl Iterator<Item = (&'a ListedPlugin, &'a ListedModule)> {
    let all = listed.iter().flat_map(|plugin| plugin.modules.iter().map(move |module| (plugin, module)));
    all.filter(|(_, module)| search.finds(&module.declared))
}

fn listed(installed: Installed, record: &UserRecord, rows: Vec<ModuleRow>) -> Result<ListedPlugin> {
    let manifest = installed
        .manifest()
        .cloned()
        .ok_or_else(|| Error::damaged(format!("{} {} is installed but not published", installed.plugin.slug, installed.plugin.version)))?;
    let mut rows: HashMap<String, ModuleRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    // In the manifest's order; a module that the installed version no longer declares is not there.
    let modules = manifest
        .modules
        .iter()
        .filter_map(|declared| rows.remove(&declared.id).map(|row| (declared.clone(), row)))
        .map(|(declared, row)| {
            let own = own_values(&row.config)?;
            let config = effective(declared.config_schema.as_ref(), &declared.config_fields, &Map::new(), &own).values;
            Ok(ListedModule { declared, row, config })
        })
        .collect::<Result<_>>()?;
    let own = own_values(&installed.plugin.config)?;
    let config = effective(manifest.config_schema.as_ref(), &manifest.config_fields, &installed.wide_config, &own).values;
    let entry = entry(&installed, &manifest)?;
    Ok(ListedPlugin { manifest, config, record: records::metadata(record).cloned(), modules, entry, installed })
}

/// Public releases are loaded from the address that is the same for all users, private ones through the user's key.
fn entry(installed: &Installed, manifest: &Manifest) -> Result<Option<Entry>> {
    let (Some(release), Some(location)) = (&installed.release, &manifest.bundle_location) else { return Ok(None) };
    let plugin = &installed.plugin;
    let files_base_url = match release.visibility {
        Visibility::Public => format!("/api/v1/files/{}/v{}/", plugin.slug, plugin.version),
        Visibility::Private => format!("/api/v1/public/plugins/{}.v{}/", plugin.access_key.as_str(), plugin.version),
    };
    let path: ReleasePath = location.parse().map_err(|e: Error| Error::storage("a published manifest names no valid entry", e))?;
    let integrity = release.entry_sha384.as_deref().map(release::integrity);
    Ok(Some(Entry { url: format!("{files_base_url}{}", path.to_url()), files_base_url, integrity }))
}
