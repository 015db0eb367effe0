//! A user's values for a plugin or one of its modules.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::find;
use crate::{
    app::{App, audit, now},
    domain::{
        Caller, Manifest, UserId,
        config::{Effective, effective},
        plugin::{ModuleRow, Plugin},
        schema,
    },
    error::{Error, Result},
    storage::{Connection, modules, plugin_config, plugins, releases},
};

/// The user's own values and those in force.
#[derive(Debug, Clone)]
pub struct Config {
    pub own: Map<String, Value>,
    pub effective: Effective,
    /// Changes with any of them.
    pub tag: String,
}

/// How new values relate to the user's own ones.
#[derive(Debug, Clone)]
pub enum NewValues {
    /// Takes their place.
    Replace(Map<String, Value>),
    /// A merge patch (RFC 7396): null removes a value.
    Patch(Map<String, Value>),
}

impl NewValues {
    /// The values after the change.
    pub fn applied_to(&self, own: &Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::Replace(values) => values.clone(),
            Self::Patch(patch) => {
                let mut document = Value::Object(own.clone());
                json_patch::merge(&mut document, &Value::Object(patch.clone()));
                if let Value::Object(values) = document { values } else { Map::new() }
            }
        }
    }
}

/// Whose values: the plugin's, or those of one of its modules.
type Module<'a> = Option<&'a str>;

pub async fn config(app: &App, user: &UserId, name: &str, module: Module<'_>) -> Result<Config> {
    let plugin = find(app, user, name).await?;
    let module = module.map(str::to_owned);
    app.db.read(move |conn| Place::find(conn, &plugin, module.as_deref())?.config()).await
}

/// Writes the user's own values, if those in force then fit the manifest's schema. `expected` is the tag that the client
/// knows; another one in force refuses the write. Writing what is there changes nothing.
pub async fn set_config(
    app: &App,
    caller: &Caller,
    user: &UserId,
    name: &str,
    module: Module<'_>,
    new: NewValues,
    expected: Option<Expected>,
) -> Result<Config> {
    let plugin = find(app, user, name).await?;
    let (caller, module, now) = (caller.clone(), module.map(str::to_owned), now());
    app.db
        .write(move |conn| {
            let mut place = Place::find(conn, &plugin, module.as_deref())?;
            let before = place.config()?;
            if let Some(expected) = &expected {
                expected.check(&before.tag)?;
            }
            place.own = new.applied_to(&before.own);
            if place.own == before.own {
                return Ok(before);
            }
            let after = place.config()?;
            schema::check(place.schema.as_ref(), &Value::Object(after.effective.values.clone()))?;
            let text = serde_json::to_string(&place.own).map_err(|e| Error::storage("cannot write the config", e))?;
            match &module {
                None => plugins::set_config(conn, &plugin.id, &text, now)?,
                Some(id) => {
                    modules::set_config(conn, &plugin.id, id, &text, now)?;
                    plugins::touch(conn, &plugin.id, now)?;
                }
            }
            let object = module.as_ref().map_or_else(|| plugin.id.clone(), |id| format!("{}/{id}", plugin.id));
            audit::record(conn, &caller, "plugin.config", object, now)?;
            Ok(after)
        })
        .await
}

/// The tags that an `If-Match` names.
#[derive(Debug, Clone)]
pub enum Expected {
    Any,
    OneOf(Vec<String>),
}

impl Expected {
    pub fn check(&self, current: &str) -> Result<()> {
        match self {
            Self::OneOf(tags) if tags.iter().all(|tag| tag != current) => Err(Error::PreconditionFailed { current: Some(current.into()) }),
            _ => Ok(()),
        }
    }
}

/// Everything that decides which values are in force in one place.
struct Place {
    schema: Option<Value>,
    fields: Map<String, Value>,
    wide: Map<String, Value>,
    own: Map<String, Value>,
}

impl Place {
    fn find(conn: &mut Connection, plugin: &Plugin, module: Module<'_>) -> Result<Self> {
        let manifest = manifest(conn, plugin)?;
        let Some(id) = module else {
            let own = plugins::find_by_id(conn, &plugin.user, &plugin.id)?.ok_or_else(|| Error::NotFound("plugin".to_owned()))?.config;
            let wide = plugin_config::values(conn, &plugin.slug)?;
            return Ok(Self { schema: manifest.config_schema, fields: manifest.config_fields, wide, own: own_values(&own)? });
        };
        let absent = || Error::NotFound("module".to_owned());
        let is_it = |row: &ModuleRow| row.id == id && row.present;
        let row = modules::list(conn, &plugin.id)?.into_iter().find(is_it).ok_or_else(absent)?;
        let declared = manifest.modules.into_iter().find(|declared| declared.id == id).ok_or_else(absent)?;
        Ok(Self { schema: declared.config_schema, fields: declared.config_fields, wide: Map::new(), own: own_values(&row.config)? })
    }

    fn config(&self) -> Result<Config> {
        let effective = effective(self.schema.as_ref(), &self.fields, &self.wide, &self.own);
        Ok(Config { tag: tag(&[&self.own, &effective.values])?, own: self.own.clone(), effective })
    }
}

fn manifest(conn: &mut Connection, plugin: &Plugin) -> Result<Manifest> {
    let own = plugin.manifest.clone();
    let published = || Ok::<_, Error>(releases::find(conn, &plugin.slug, &plugin.version)?.map(|release| release.manifest));
    own.map_or_else(published, |own| Ok(Some(own)))?
        .ok_or_else(|| Error::damaged(format!("{} {} is installed but not published", plugin.slug, plugin.version)))
}

pub(super) fn own_values(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|e| Error::storage("damaged JSON in the database (config)", e))
}

/// A hash of values, for strong ETags.
pub fn tag(layers: &[&Map<String, Value>]) -> Result<String> {
    let bytes = serde_json::to_vec(layers).map_err(|e| Error::storage("cannot write the config", e))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
