//! One user's plugins: rows against releases and modules. Pure.

use std::collections::HashMap;

use super::{Finding, Kind};
use crate::domain::{
    Manifest, Slug, Version,
    manifest::Module,
    plugin::{ModuleRow, Plugin},
};

/// What is done about a difference between rows; each belongs to the plugin with this id.
#[derive(Debug, Clone, PartialEq)]
pub enum Repair {
    /// Keep the plugin without files of its own.
    OwnManifest(String, Box<Manifest>),
    AddModule(String, ModuleRow),
    SetPresent(String, String, bool),
}

/// Compares one plugin. An import leaves out the modules that the user did not have. `manifests` are those of all releases,
/// and whether their files are there.
pub fn compare(
    plugin: &Plugin,
    modules: &[ModuleRow],
    is_imported: bool,
    manifests: &HashMap<(Slug, Version), (Manifest, bool)>,
) -> Vec<Finding<Repair>> {
    let object = format!("plugin {}", plugin.id);
    let mut findings = Vec::new();
    let release = manifests.get(&(plugin.slug.clone(), plugin.version.clone()));
    let kept = plugin.manifest.as_ref();
    let has_files = release.is_some_and(|(_, has_files)| *has_files);
    // Of a release that was never here nothing is known but what the plugin has.
    let bare = || Manifest {
        modules: modules.iter().filter(|row| row.present).map(|row| Module::new(row.id.clone())).collect(),
        ..Manifest::new(plugin.slug.clone(), plugin.version.clone())
    };
    if kept.is_none() && !has_files {
        let manifest = release.map_or_else(bare, |(manifest, _)| manifest.clone());
        findings.push(Finding {
            kind: Kind::PluginWithoutRelease,
            object: object.clone(),
            detail: match release {
                Some(_) => format!("the files of {} {} are gone", plugin.slug, plugin.version),
                None => format!("there is no release {} {}", plugin.slug, plugin.version),
            },
            remedy: "keep it as a plugin without files, with what is known of its manifest".to_owned(),
            repair: Repair::OwnManifest(plugin.id.clone(), Box::new(manifest)),
        });
    }
    // A plugin of which nobody knows the modules keeps those that it has.
    let Some(manifest) = kept.or(release.map(|(manifest, _)| manifest)) else { return findings };
    let rows: HashMap<&str, &ModuleRow> = modules.iter().map(|row| (row.id.as_str(), row)).collect();
    for module in manifest.modules.iter().filter(|module| !is_imported && !rows.contains_key(module.id.as_str())) {
        let row = ModuleRow { id: module.id.clone(), enabled: module.enabled, config: "{}".to_owned(), present: true };
        findings.push(Finding {
            kind: Kind::MissingModule,
            object: format!("module {} of {object}", module.id),
            detail: "is declared, and has no row".to_owned(),
            remedy: "add the row".to_owned(),
            repair: Repair::AddModule(plugin.id.clone(), row),
        });
    }
    for row in modules {
        let is_declared = manifest.modules.iter().any(|module| module.id == row.id);
        if is_declared != row.present {
            let detail = if is_declared { "is declared, and counts as absent" } else { "is not declared, and counts as present" };
            findings.push(Finding {
                kind: Kind::ModulePresence,
                object: format!("module {} of {object}", row.id),
                detail: detail.to_owned(),
                remedy: "note what the manifest says; values stay".to_owned(),
                repair: Repair::SetPresent(plugin.id.clone(), row.id.clone(), is_declared),
            });
        }
    }
    findings
}
