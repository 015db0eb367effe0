//! From a row of `plugin` and its modules to what the user has here.

use serde_json::{Map, Value};

use super::{
    files::Files,
    records::NO_TIME,
    row_item,
    rows::{Origin, RowPlugin},
};
use crate::{
    app::takeover::{
        import::{
            installer::Noted,
            plan::Draft,
            tree::{INSTALLER_FILE, Installer, manifest, notes, personal_manifest, reason, switch},
        },
        report::{Item, Kind, Outcome},
    },
    domain::{
        Caller, Manifest, ReleasePath, Timestamp, Version,
        legacy::{
            Described, Own, Personal, personal,
            records::{Entry, module_of_config},
        },
        manifest::module_id_fault,
        record::{InstallationType, without_credentials},
    },
    error::Result,
    files::Examined,
};

/// The plugin, and an item for each object that it comes from. The items alone when it cannot be.
pub fn draft(caller: &Caller, row: RowPlugin, files: &mut Files) -> Result<(Draft, Vec<Item>), Vec<Item>> {
    let described = row.described();
    let made = made(&row, &described, files);
    let mut plugin = Item::new(Kind::Plugin, row.label(), Outcome::Done).into_target(format!("plugin {}", row.id));
    let installer = files.installer(&row, &described);
    let (mut personal, release, released) = match made {
        Ok(made) => made,
        Err(why) => {
            let items = [plugin].into_iter().chain(module_items(&row)).chain(installer.map(|(item, _)| item));
            return Err(items.map(|item| Item { outcome: Outcome::Failed(why.clone()), ..item }).collect());
        }
    };
    let mut items: Vec<Item> = module_items(&row).collect();
    let mut told = row.notes.clone();
    told.extend(notes(&described, "the record"));
    if release.is_none() {
        told.push(format!("{}; its metadata are kept", files.without(&row)));
    }
    if row.written_version != row.version.to_string() {
        told.push(format!("its version was written {:?}", row.written_version));
    }
    let of_row = noted(&row, &described);
    let mut noted = of_row.clone();
    let mut before = files.lost(&row, release.as_ref());
    let record = format!("record {} {}", row.user, row.slug);
    if let Some((of_note, note)) = files.records.take_note(&row.user, &row.slug, &row.id) {
        items.extend(of_note.into_iter().map(|item| item.into_target(&record)));
        noted = noted.or(note);
    }
    if let Some((item, mut found)) = installer {
        if noted.extra.contains_key("unreadable")
            && let Some(unreadable) = found.extra.shift_remove("unreadable")
        {
            found.extra.insert("installer_unreadable".to_owned(), unreadable);
        }
        noted = noted.or(found);
        items.push(item);
    }
    let created_at = row.row.time("created_at").or(row.row.time("updated_at"));
    let mut enabled = row.row.flag("enabled");
    if enabled.is_none()
        && let Some(text) = row.row.text("enabled")
    {
        told.push(format!("enabled {text:?} is neither true nor false, so it is on"));
    }
    if matches!(row.origin, Origin::Modules) {
        enabled = Some(false);
    }
    if let Some((item, entry)) = files.records.take_entry(&row.user, &row.slug) {
        let mut said = differences(&entry, &row, &of_row, enabled);
        let metadata = match entry {
            Entry::Short(metadata) => metadata,
            Entry::Long(long) => {
                before.extend(long.previous_version.clone().filter(|version| *version != row.version));
                said.extend(long.notes.clone());
                said.extend(merge_config(&mut personal, &released, long.user_config));
                long.metadata
            }
        };
        noted = Noted {
            kind: of_row.kind.or(Some(metadata.installation_type)),
            source_url: of_row.source_url.or_else(|| metadata.source_url().map(str::to_owned)),
            installed_by: Some(metadata.installed_by.clone()),
            // The row has its own, which is when the plugin was made.
            installed_at: known(metadata.installed_at),
            extra: metadata.extra().clone(),
        }
        .or(noted);
        items.push(item.into_target(&record).with_notes(said));
    }
    plugin = plugin.with_notes(told);
    items.insert(0, plugin);
    let metadata = noted.metadata(&caller.actor(), created_at.unwrap_or(Timestamp(0))).map_err(|error| {
        let why = reason(error);
        items.iter().cloned().map(|item| Item { outcome: Outcome::Failed(why.clone()), ..item }).collect::<Vec<_>>()
    })?;
    let created_at = created_at.unwrap_or(metadata.installed_at);
    let version = release.clone().unwrap_or(row.version);
    let draft = Draft {
        id: row.id,
        user: row.user,
        slug: row.slug,
        version,
        enabled: enabled.unwrap_or(true),
        personal,
        created_at,
        updated_at: row.row.time("updated_at").unwrap_or(created_at),
        before,
        metadata,
        release,
    };
    Ok((draft, items))
}

type Made = (Personal, Option<Version>, Manifest);

/// The user's part, the release's version, and the manifest in force.
fn made(row: &RowPlugin, described: &Described, files: &Files) -> Result<Made, String> {
    let own = row.files.and_then(|at| files.settled.get(&at)).and_then(|settled| settled.outcome.as_ref().ok());
    let shared = || files.versions.get(&(row.slug.clone(), row.version.clone())).map(|manifest| (row.version.clone(), manifest));
    match own.map(|release| (release.version.clone(), &release.manifest)).or_else(shared) {
        Some((version, manifest)) => {
            let released = Manifest { version: version.clone(), ..manifest.as_ref().clone() };
            let own = match row.origin {
                // A record says nothing of what a manifest does.
                Origin::Record(_) => released.clone(),
                Origin::Row | Origin::Modules => personal_manifest(&released, described).map_err(reason)?,
            };
            let personal = personal(own, &released);
            let in_force = personal.manifest.clone().unwrap_or(released);
            Ok((personal, Some(version), in_force))
        }
        None if matches!(row.origin, Origin::Record(_)) => Err(files.without(row)),
        None => {
            let manifest = manifest_alone(row, described)?;
            let module =
                |module: &crate::domain::manifest::Module| Own { id: module.id.clone(), enabled: module.enabled, config: Map::new() };
            let modules = manifest.modules.iter().map(module).collect();
            Ok((Personal { config: Map::new(), modules, manifest: Some(manifest.clone()) }, None, manifest))
        }
    }
}

/// What the rows say, where there are no files. The bundle's place is kept for whoever brings the files.
fn manifest_alone(row: &RowPlugin, described: &Described) -> Result<Manifest, String> {
    let mut bare = described.clone();
    let mut take = |name: &str| bare.members.shift_remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (location, method) = (take("bundleLocation"), take("bundleMethod"));
    let none = Examined { paths: Vec::new(), digest: String::new() };
    let mut manifest = manifest(&bare, &row.slug, &row.version, &none).map_err(reason)?;
    manifest.bundle_location =
        location.and_then(|text| text.trim_start_matches(['.', '/']).parse::<ReleasePath>().ok()).map(|path| path.to_string());
    manifest.bundle_method = method;
    Ok(manifest)
}

fn module_items(row: &RowPlugin) -> impl Iterator<Item = Item> {
    row.modules.iter().map(|module| {
        let id = module.text("id").unwrap_or_default();
        match module_id_fault(id) {
            None => Item::new(Kind::Module, format!("module/{id}"), Outcome::Done).into_target(format!("module {} {id}", row.id)),
            Some(fault) => {
                let why = format!("its id {fault}; it is kept in the record");
                row_item(Kind::Module, "module", module.text("id"), Outcome::Failed(why))
            }
        }
    })
}

/// What the row itself gives to the record.
fn noted(row: &RowPlugin, described: &Described) -> Noted {
    let kind = row.row.text("installation_type").and_then(|text| serde_json::from_value::<InstallationType>(Value::from(text)).ok());
    let mut noted = Noted {
        kind,
        source_url: row.row.text("source_url").filter(|text| !text.is_empty()).map(str::to_owned),
        installed_at: row.row.time("created_at"),
        ..Noted::default()
    };
    let mut rest = described.rest.clone();
    if kind.is_none()
        && let Some(text) = row.row.text("installation_type")
    {
        rest.insert("installation_type".to_owned(), Value::from(text));
    }
    noted.keep("imported", rest);
    noted.keep("unreadable", described.unreadable.clone());
    if row.written_version != row.version.to_string() {
        noted.extra.insert("original_version".to_owned(), Value::from(row.written_version.clone()));
    }
    if !row.others.is_empty() {
        noted.extra.insert("other_rows".to_owned(), row.others.iter().cloned().map(Value::Object).collect());
    }
    noted
}

/// The database wins; what the file says otherwise is told.
fn differences(entry: &Entry, row: &RowPlugin, of_row: &Noted, enabled: Option<bool>) -> Vec<String> {
    let mut told = Vec::new();
    let mut differs = |what: &str, database: &str, file: &str| {
        if database != file {
            told.push(format!("{what} is {database} in the database; the file said {file}"));
        }
    };
    let (metadata, long) = match entry {
        Entry::Short(metadata) => (metadata, None),
        Entry::Long(long) => (&long.metadata, Some(long)),
    };
    if let Some(long) = long {
        if let Some(version) = &long.version {
            differs("version", &row.version.to_string(), &version.to_string());
        }
        if let (Some(row), Some(file)) = (enabled, long.enabled) {
            differs("enabled", &row.to_string(), &file.to_string());
        }
        if let (Some(row), Some(file)) = (row.row.time("updated_at"), long.updated_at) {
            differs("the time of the last change", &row.to_string(), &file.to_string());
        }
    }
    let installed = [long.and_then(|long| long.installed_at), known(metadata.installed_at)];
    if let (Some(row), [Some(file), _] | [None, Some(file)]) = (row.row.time("created_at"), installed)
        && !installed.contains(&Some(row))
    {
        differs("the time of installation", &row.to_string(), &file.to_string());
    }
    // What an entry without a type is read as says nothing.
    if let (Some(row), file) = (of_row.kind, metadata.installation_type)
        && file != InstallationType::Migrated
    {
        differs("installation_type", row.as_str(), file.as_str());
    }
    if let (Some(row), Some(file)) = (&of_row.source_url, metadata.source_url()) {
        differs("source_url", &without_credentials(row), file);
    }
    told
}

/// A time of installation that the entry has.
fn known(installed_at: Timestamp) -> Option<Timestamp> {
    Some(installed_at).filter(|at| *at != NO_TIME)
}

/// The same of what an installer wrote beside the files.
fn contradictions(installer: &Installer, row: &RowPlugin, described: &Described) -> Vec<String> {
    let says_nothing = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    let members =
        installer.described.members.iter().filter(|(name, value)| !matches!(name.as_str(), "id" | "version") && !says_nothing(value));
    let differ = members.filter_map(|(name, value)| {
        let known = described.members.get(name).unwrap_or(&Value::Null);
        (known != value).then(|| format!("the file says {name} {value}, the database {known}"))
    });
    let enabled = match (switch(&installer.described), row.row.flag("enabled")) {
        (Some(file), Some(row)) if file != row => Some(format!("the file says enabled {file}, the database {row}")),
        _ => None,
    };
    differ.chain(enabled).collect()
}

/// The file's values go where their names belong; where the database has a value already, that one stays.
fn merge_config(personal: &mut Personal, manifest: &Manifest, values: Map<String, Value>) -> Vec<String> {
    let module = module_of_config(manifest, &values).map(str::to_owned);
    let home = match module.and_then(|id| personal.modules.iter_mut().find(|own| own.id == id)) {
        Some(own) => &mut own.config,
        None => &mut personal.config,
    };
    let mut told = Vec::new();
    for (name, value) in values {
        match home.get(&name) {
            Some(known) if *known != value => told.push(format!("the file says {name} {value}, the database {known}")),
            Some(_) => {}
            None => drop(home.insert(name, value)),
        }
    }
    told
}

impl Files {
    /// The variants that the user's older folders became.
    fn lost(&self, row: &RowPlugin, release: Option<&Version>) -> Vec<Version> {
        let settled = row.losers.iter().filter_map(|at| self.settled.get(at)?.outcome.as_ref().ok());
        settled.map(|release| release.version.clone()).filter(|version| Some(version) != release).collect()
    }

    /// What an installer wrote beside the user's files.
    fn installer(&self, row: &RowPlugin, described: &Described) -> Option<(Item, Noted)> {
        let settled = row.files.and_then(|at| self.settled.get(&at))?;
        let item = |outcome| Item::new(Kind::Record, format!("{}/{INSTALLER_FILE}", settled.label), outcome);
        Some(match settled.installer.as_ref()? {
            Ok(installer) => {
                let item = item(Outcome::Done).into_target(format!("record {} {}", row.user, row.slug));
                (item.with_notes(contradictions(installer, row, described)), Noted::of_installer(installer))
            }
            Err(why) => (item(Outcome::Failed(why.clone())), Noted::default()),
        })
    }

    fn without(&self, row: &RowPlugin) -> String {
        match row.files.and_then(|at| self.settled.get(&at)) {
            Some(settled) => format!("its files in {} could not become a release", settled.label),
            None => "it has no files".to_owned(),
        }
    }
}
