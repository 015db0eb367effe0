//! Plugin-wide values: what the administrator sets for everybody who does not set it for themselves.

use serde_json::{Map, Value};

use crate::{
    app::{
        App, audit, now,
        plugins::{Expected, NewValues, tag},
    },
    domain::{Caller, Slug, VersionSpec, schema},
    error::{Error, Result},
    storage::{Connection, plugin_config, releases},
};

/// Values and their tag.
#[derive(Debug, Clone)]
pub struct WideConfig {
    pub values: Map<String, Value>,
    pub tag: String,
}

impl WideConfig {
    fn of(conn: &mut Connection, slug: &Slug) -> Result<Self> {
        plugin_config::find(conn, slug)?.ok_or_else(|| Error::NotFound(format!("plugin {slug}")))?;
        let values = plugin_config::values(conn, slug)?;
        Ok(Self { tag: tag(&[&values])?, values })
    }
}

pub async fn wide_config(app: &App, caller: &Caller, slug: Slug) -> Result<WideConfig> {
    caller.require_admin()?;
    app.db.read(move |conn| WideConfig::of(conn, &slug)).await
}

/// Writes the values, each checked against the newest release's schema; users may still have to add required ones.
pub async fn set_wide_config(app: &App, caller: &Caller, slug: Slug, new: NewValues, expected: Option<Expected>) -> Result<WideConfig> {
    caller.require_admin()?;
    let (caller, now) = (caller.clone(), now());
    app.db
        .write(move |conn| {
            let before = WideConfig::of(conn, &slug)?;
            if let Some(expected) = &expected {
                expected.check(&before.tag)?;
            }
            let values = new.applied_to(&before.values);
            if values == before.values {
                return Ok(before);
            }
            if let Some(newest) = super::choose_if_any(conn, &slug, &VersionSpec::Latest)? {
                let schema = releases::find(conn, &slug, &newest)?.and_then(|release| release.manifest.config_schema);
                schema::check_present(schema.as_ref(), &Value::Object(values.clone()))?;
            }
            let text = serde_json::to_string(&values).map_err(|e| Error::storage("cannot write the config", e))?;
            plugin_config::set_values(conn, &slug, &text, now)?;
            audit::record(conn, &caller, "release.config", slug.as_str(), now)?;
            WideConfig::of(conn, &slug)
        })
        .await
}
