//! Rows of `plugin_state_configs`: what has a place in a policy becomes the plugin's, and the report tells the rest.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::{Map, Value, json};

use super::{super::row_item, known::Known};
use crate::{
    app::{
        App,
        state::set_policy,
        takeover::{
            import::tree::reason,
            report::{Item, Kind, Mode, Outcome},
        },
    },
    domain::{
        Caller, Slug,
        legacy::{Interner, Row},
        state::Policy,
    },
    error::{Error, Result},
    storage::{foreign::ForeignDatabase, state_policies},
};

pub const CONFIGS: &str = "plugin_state_configs";
const COLUMNS: &[&str] = &["id", "plugin_id", "config_data", "config_version", "is_active", "created_by", "created_at", "updated_at"];
/// Characters of a value that the report repeats.
const SHOWN: usize = 200;

/// A row that says something about a policy.
pub struct Config {
    item: Item,
    slug: Slug,
    /// As JSON.
    policy: Value,
}

/// What is known of the table: items that are done with, and configs, the newest first for each plugin.
pub fn read(database: &mut ForeignDatabase, known: &Known) -> Result<(Vec<Item>, Vec<Config>)> {
    let (mut rows, mut rest) = (Vec::new(), BTreeMap::new());
    database.rows(CONFIGS, &["id"], &mut Interner::default(), &mut |row| {
        rest.extend(row.rest(COLUMNS));
        rows.push(row);
        Ok(())
    })?;
    rows.sort_by_key(|row| Reverse((row.time("updated_at"), row.time("created_at"))));
    let (mut items, mut configs) = (Vec::new(), Vec::new());
    for row in rows {
        match config(&row, known) {
            Ok(config) => configs.push(config),
            Err(item) => items.push(*item),
        }
    }
    if !rest.is_empty() {
        let why = format!("a policy has no place for {}", rest.into_keys().collect::<Vec<_>>().join(", "));
        items.push(Item::new(Kind::Config, CONFIGS, Outcome::Skipped(why)));
    }
    Ok((items, configs))
}

/// Sets the policies that are not there yet; a dry run only tells.
pub async fn save(app: &App, caller: &Caller, configs: Vec<Config>, mode: Mode) -> Result<Vec<Item>> {
    let mut chosen: BTreeMap<Slug, (String, Value)> = BTreeMap::new();
    let mut items = Vec::new();
    for Config { mut item, slug, policy } in configs {
        item.outcome = match chosen.get(&slug) {
            Some((_, newer)) if *newer == policy => Outcome::Skipped(format!("a newer row says the same about {slug}")),
            Some((newer, _)) => Outcome::Skipped(format!("{newer} is newer, and a plugin has one policy")),
            None => {
                chosen.insert(slug.clone(), (item.source.clone(), policy.clone()));
                set(app, caller, &slug, &policy, mode).await?
            }
        };
        items.push(item.into_target(format!("state policy of {slug}")));
    }
    Ok(items)
}

async fn set(app: &App, caller: &Caller, slug: &Slug, policy: &Value, mode: Mode) -> Result<Outcome> {
    let wanted = slug.clone();
    if let Some(text) = app.db.read(move |conn| state_policies::find(conn, &wanted)).await? {
        let there: Value = serde_json::from_str(&text).map_err(|e| Error::storage("damaged JSON in the database (a state policy)", e))?;
        return Ok(match Policy::parse(&there)? == Policy::parse(policy)? {
            true => Outcome::AlreadyDone,
            false => Outcome::Skipped(format!("{slug} has another policy already, which stays")),
        });
    }
    if mode == Mode::Apply {
        set_policy(app, caller, slug, policy).await?;
    }
    Ok(Outcome::Done)
}

fn config(row: &Row, known: &Known) -> Result<Config, Box<Item>> {
    let item = row_item(Kind::Config, CONFIGS, row.text("id"), Outcome::Done);
    let ended = |outcome, notes: Vec<String>| Box::new(Item { outcome, ..item.clone() }.with_notes(notes));
    let slug = known.slug(row.text("plugin_id"), None).map_err(|outcome| ended(outcome, Vec::new()))?;
    let members = match row.json("config_data") {
        Some(Ok(Value::Object(members))) => members,
        Some(Ok(_)) => return Err(ended(Outcome::Failed("its config_data is no object".to_owned()), Vec::new())),
        Some(Err(_)) => return Err(ended(Outcome::Failed("its config_data does not parse".to_owned()), Vec::new())),
        None => return Err(ended(Outcome::Skipped("has no config_data".to_owned()), Vec::new())),
    };
    let (policy, mut notes) = policy_of(members);
    for column in ["config_version", "created_by"] {
        notes.extend(row.text(column).map(|text| format!("{column} {text:?} has no place in a policy")));
    }
    if row.flag("is_active") == Some(false) {
        return Err(ended(Outcome::Skipped("is switched off, and a policy has no switch".to_owned()), notes));
    }
    if policy.is_empty() {
        return Err(ended(Outcome::Skipped("nothing of it has a place in a policy".to_owned()), notes));
    }
    Ok(Config { item: item.with_notes(notes), slug, policy: Value::Object(policy) })
}

/// The members of a policy that a config's are, under any of the names that were used, and what is said about the others.
fn policy_of(members: Map<String, Value>) -> (Map<String, Value>, Vec<String>) {
    let (mut policy, mut notes) = (Map::new(), Vec::new());
    for (name, value) in members {
        let own = match name.as_str() {
            "maxStateSize" | "max_state_size" | "maxSize" | "max_size" => Some(("max_document", value.clone())),
            "ttlSeconds" | "ttl_seconds" | "defaultTtlSeconds" | "default_ttl_seconds" => Some(("default_ttl_seconds", value.clone())),
            "excludeKeys" | "exclude_keys" | "excludedKeys" | "excluded_keys" => Some(("excluded_members", value.clone())),
            "maxHistory" | "max_history" | "historyLimit" | "history_limit" | "maxVersions" | "max_versions" => {
                Some(("retention", json!({"revisions": value})))
            }
            "schemas" => Some(("schemas", value.clone())),
            _ => None,
        };
        let taken = own.filter(|(own, _)| !policy.contains_key(*own)).and_then(|(own, value)| {
            let alone = json!({own: value});
            Policy::parse(&alone).map_err(|e| notes.push(format!("{name} cannot be part of a policy: {}", reason(e)))).ok()?;
            Some((own, value))
        });
        match taken {
            Some((own, value)) => drop(policy.insert(own.to_owned(), value)),
            None => {
                let shown: String = value.to_string().chars().take(SHOWN).collect();
                notes.push(format!("{name} {shown} has no place in a policy"));
            }
        }
    }
    (policy, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_place_is_taken_and_the_rest_is_told() {
        let config = json!({
            "maxStateSize": 1024, "max_state_size": 2048, "excludeKeys": ["token"], "maxHistory": 0, "ttl_seconds": 60,
            "preserveKeys": ["a"], "schemas": {"1": {"type": "object"}},
        });
        let (policy, notes) = policy_of(config.as_object().unwrap().clone());
        let expected = json!({
            "max_document": 1024, "excluded_members": ["token"], "default_ttl_seconds": 60, "schemas": {"1": {"type": "object"}},
        });
        assert_eq!(Value::Object(policy), expected);
        assert_eq!(
            notes,
            [
                "max_state_size 2048 has no place in a policy",
                "maxHistory cannot be part of a policy: /retention/revisions must be at least 1",
                "maxHistory 0 has no place in a policy",
                "preserveKeys [\"a\"] has no place in a policy",
            ]
        );
    }
}
