//! What one user's rows say about a plugin, laid over what its release says: equal things are said once, changed values
//! become config, and what else differs stays with the user's plugin.

use serde_json::{Map, Value};

use super::Described;
use crate::{
    domain::{Manifest, manifest::Module},
    error::{Error, Result},
};

/// A user's part of what was described for a release.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Personal {
    /// Values of the plugin's fields that differ from the release's.
    pub config: Map<String, Value>,
    pub modules: Vec<Own>,
    /// Where the rest differs from the release's manifest: what the user has instead.
    pub manifest: Option<Manifest>,
}

/// A user's module.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    pub id: String,
    pub enabled: bool,
    pub config: Map<String, Value>,
}

/// Takes apart what a user had: `own` is the manifest that the user's rows make, `published` the release's.
pub fn personal(mut own: Manifest, published: &Manifest) -> Personal {
    let config = take_values(&mut own.config_fields, &published.config_fields);
    let mut modules = Vec::with_capacity(own.modules.len());
    for module in &mut own.modules {
        let declared = published.modules.iter().find(|declared| is_same(declared, module));
        let enabled = module.enabled;
        let config = match declared {
            Some(declared) => {
                module.enabled = declared.enabled;
                take_values(&mut module.config_fields, &declared.config_fields)
            }
            None => Map::new(),
        };
        modules.push(Own { id: module.id.clone(), enabled, config });
    }
    own.version.clone_from(&published.version);
    own.visibility = published.visibility;
    // Modules that the user does not have are declared all the same; without a row they are not the user's.
    let missing = |declared: &&Module| own.modules.iter().all(|module| !is_same(declared, module));
    let missing: Vec<Module> = published.modules.iter().filter(missing).cloned().collect();
    own.modules.extend(missing);
    let place = |module: &Module| published.modules.iter().position(|declared| is_same(declared, module)).unwrap_or(usize::MAX);
    own.modules.sort_by_key(place);
    Personal { config, modules, manifest: (own != *published).then_some(own) }
}

/// The members of the user's own manifest: what the rows say, and where they say nothing, what the release does. The bundle
/// is always the release's: the files are.
pub fn overlaid(published: &Manifest, described: &Described) -> Result<Map<String, Value>> {
    let mut members = object(published)?;
    let released = members.shift_remove("modules");
    let released: Vec<Value> = released.and_then(|modules| modules.as_array().cloned()).unwrap_or_default();
    let said = described.members.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "version" | "modules"));
    for (name, value) in said.filter(|(name, _)| !name.starts_with("bundle")) {
        members.shift_remove(&name.to_ascii_lowercase());
        members.insert(name.clone(), value.clone());
    }
    let own = described.members.get("modules").and_then(Value::as_array).into_iter().flatten();
    let modules = own.filter_map(Value::as_object).map(|module| {
        let id = module.get("id").and_then(Value::as_str).unwrap_or_default();
        let declared = published.modules.iter().position(|declared| declared.id == id || is_scoped(id, declared));
        let mut whole = declared.and_then(|at| released.get(at)?.as_object().cloned()).unwrap_or_default();
        whole.extend(module.iter().map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(whole)
    });
    let modules = modules.collect();
    members.insert("modules".to_owned(), Value::Array(modules));
    Ok(members)
}

fn object(manifest: &Manifest) -> Result<Map<String, Value>> {
    match serde_json::to_value(manifest) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Error::damaged("a manifest is no object")),
        Err(e) => Err(Error::storage("a manifest cannot be written", e)),
    }
}

/// Some rows carry the owner and the plugin in a module's id.
fn is_same(declared: &Module, own: &Module) -> bool {
    declared.id == own.id || is_scoped(&own.id, declared)
}

fn is_scoped(id: &str, declared: &Module) -> bool {
    [&declared.id, &declared.name].iter().any(|short| id.strip_suffix(short.as_str()).is_some_and(|scope| scope.ends_with('_')))
}

/// Fields whose declaration is the same but for the value: the value becomes config, the declaration the release's.
fn take_values(own: &mut Map<String, Value>, published: &Map<String, Value>) -> Map<String, Value> {
    let mut values = Map::new();
    for (name, declared) in published {
        let Some(field) = own.get_mut(name).filter(|field| *field != declared) else { continue };
        let value = match (&*field, declared) {
            (Value::Object(field), Value::Object(declared)) => changed_value(field, declared),
            (Value::Object(_), _) | (_, Value::Array(_)) => None,
            // Where a declaration belongs, some writers put the value.
            (plain, _) => Some(plain.clone()),
        };
        if let Some(value) = value {
            values.insert(name.clone(), value);
            *field = declared.clone();
        }
    }
    values
}

fn changed_value(field: &Map<String, Value>, declared: &Map<String, Value>) -> Option<Value> {
    let rest = |members: &Map<String, Value>| -> Map<String, Value> {
        members.iter().filter(|(name, _)| !matches!(name.as_str(), "default" | "value")).map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    if rest(field) != rest(declared) {
        return None;
    }
    let (value, default) = (field.get("value"), field.get("default"));
    match (value != declared.get("value"), default != declared.get("default")) {
        (true, false) => value.cloned(),
        (false, true) => default.cloned(),
        // One value cannot stand for two.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(value: Value) -> Manifest {
        serde_json::from_value(value).unwrap()
    }

    fn published() -> Manifest {
        manifest(json!({
            "id": "demo", "name": "Demo", "version": "1.0.0", "configFields": {"a": {"type": "number", "default": 1}},
            "modules": [{"id": "m", "name": "M", "layout": {"w": 1}, "configFields": {"b": {"default": "x"}}}, {"id": "n", "name": "N"}],
        }))
    }

    #[test]
    fn what_is_equal_is_said_once() {
        let found = personal(published(), &published());
        assert_eq!((found.config.len(), found.manifest), (0, None));
        let ids: Vec<_> = found.modules.iter().map(|own| (own.id.as_str(), own.enabled, own.config.len())).collect();
        assert_eq!(ids, [("m", true, 0), ("n", true, 0)]);
    }

    #[test]
    fn changed_values_become_config_and_enablement() {
        let mut own = published();
        own.config_fields.insert("a".to_owned(), json!({"type": "number", "default": 2}));
        own.modules[0].config_fields.insert("b".to_owned(), json!("y"));
        own.modules[1].enabled = false;
        let found = personal(own, &published());
        assert_eq!(Value::Object(found.config), json!({"a": 2}));
        assert_eq!(found.manifest, None);
        assert_eq!(Value::Object(found.modules[0].config.clone()), json!({"b": "y"}));
        assert!(found.modules[0].enabled && !found.modules[1].enabled);
    }

    #[test]
    fn a_module_without_a_row_is_not_the_users_and_is_no_difference() {
        let mut own = published();
        own.modules.remove(0);
        let found = personal(own, &published());
        assert_eq!(found.manifest, None);
        assert_eq!(found.modules.len(), 1);
    }

    #[test]
    fn an_id_that_names_its_owner_stays_and_finds_its_declaration() {
        let rows = Described {
            members: json!({"id": "x", "modules": [{"id": "u_demo_M", "priority": 4}]}).as_object().unwrap().clone(),
            ..Described::default()
        };
        let own = overlaid(&published(), &rows).unwrap();
        assert_eq!(own["modules"][0]["layout"], json!({"w": 1}));
        let found = personal(manifest(Value::Object(own)), &published());
        assert_eq!(found.modules.len(), 1);
        let kept = found.manifest.unwrap();
        let ids: Vec<_> = kept.modules.iter().map(|module| (module.id.as_str(), module.priority)).collect();
        assert_eq!(ids, [("u_demo_M", 4), ("n", 0)]);
    }

    #[test]
    fn what_else_differs_stays_with_the_user() {
        let mut own = published();
        own.modules[0].layout.insert("w".to_owned(), json!(9));
        own.config_fields.insert("new".to_owned(), json!({"default": 3}));
        own.config_fields.insert("a".to_owned(), json!({"type": "text", "default": 2}));
        let found = personal(own.clone(), &published());
        assert_eq!(found.config, Map::new());
        assert_eq!(found.manifest, Some(own));
    }
}
