//! The modules that a manifest declares, with the rules for their ids.

use std::collections::HashSet;

use super::{Module, fields::Fields};

/// In characters.
const MAX_ID: usize = 100;

pub(super) fn read(fields: &mut Fields<'_>) -> Vec<Module> {
    let mut seen = HashSet::new();
    let items = fields.list("modules").iter().enumerate();
    items.filter_map(|(at, item)| module(fields.item("modules", at, item)?, &mut seen)).collect()
}

fn module(mut fields: Fields<'_>, seen: &mut HashSet<String>) -> Option<Module> {
    let id = id(&mut fields, seen);
    let name = fields.text("name").unwrap_or_else(|| id.clone());
    Some(Module {
        name,
        display_name: fields.text("displayName"),
        description: fields.text("description"),
        icon: fields.text("icon"),
        category: fields.text("category"),
        tags: fields.texts("tags"),
        enabled: fields.flag("enabled").unwrap_or(true),
        priority: fields.integer("priority").unwrap_or(0),
        props: fields.object("props").unwrap_or_default(),
        config_fields: fields.object("configFields").unwrap_or_default(),
        messages: fields.object("messages").unwrap_or_default(),
        required_services: fields.object("requiredServices").unwrap_or_default(),
        dependencies: fields.list("dependencies").to_vec(),
        layout: fields.object("layout").unwrap_or_default(),
        config_schema: fields.config_schema(),
        id,
    })
}

/// The id names the module in routes, rows and page content. Reading goes on with an empty one when it is refused.
fn id(fields: &mut Fields<'_>, seen: &mut HashSet<String>) -> String {
    if !fields.has("id") {
        fields.refuse("id", "is required");
    }
    let Some(id) = fields.text("id") else { return String::new() };
    if let Some(fault) = fault(&id) {
        fields.refuse("id", fault);
    } else if !seen.insert(id.clone()) {
        fields.refuse("id", "is the id of another module too");
    }
    id
}

/// Why the text cannot be a module's id, if so.
pub fn fault(id: &str) -> Option<&'static str> {
    match id {
        "" => Some("must not be empty"),
        "." | ".." => Some("cannot stand in an address"),
        _ if id.chars().count() > MAX_ID => Some("has more than 100 characters"),
        _ if id.chars().any(char::is_control) => Some("must not hold control characters"),
        _ if id.contains('/') => Some("must not hold a slash"),
        _ => None,
    }
}
