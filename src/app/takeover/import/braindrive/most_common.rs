//! The manifest of a release whose files say nothing: what most of its users' rows say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rows::RowPlugin;
use crate::{
    app::takeover::import::tree::{manifest, reason},
    domain::{Manifest, Slug, Version, legacy::Described},
    files::Examined,
};

/// What most users' rows say about these files, where no file does: the release's manifest. None without any row.
pub fn most_common(users: &[&RowPlugin], slug: &Slug, version: &Version, files: &Examined) -> Option<Result<Manifest, String>> {
    let mut said: BTreeMap<String, (usize, Described)> = BTreeMap::new();
    for row in users {
        let mut described = row.described();
        shorten(&mut described, row);
        let text = Value::Object(described.members.clone()).to_string();
        said.entry(text).or_insert((0, described)).0 += 1;
    }
    let (_, described) = said.into_values().max_by_key(|(count, _)| *count)?;
    Some(manifest(&described, slug, version, files).map_err(reason))
}

/// Ids of modules that carry their owner in front are the user's; the release's are the same for all.
fn shorten(described: &mut Described, row: &RowPlugin) {
    let modules = described.members.get_mut("modules").and_then(Value::as_array_mut).into_iter().flatten();
    let scopes = [format!("{}_", row.id), format!("{}_{}_", row.user, row.slug)];
    for module in modules {
        let short = module.get("id").and_then(Value::as_str).and_then(|id| scopes.iter().find_map(|scope| id.strip_prefix(scope.as_str())));
        if let Some(short) = short.filter(|short| !short.is_empty()).map(str::to_owned)
            && let Some(module) = module.as_object_mut()
        {
            module.insert("id".to_owned(), Value::from(short));
        }
    }
}
