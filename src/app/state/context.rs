//! What decides about writes to a plugin's state: whether and in which version it is installed, and its policy.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use serde_json::Value;

use super::{Access, memory};

use crate::{
    app::App,
    domain::{
        Slug, UserId,
        schema::{self, Validator},
        state::Policy,
    },
    error::{Error, Result, Violation},
    storage::{Connection, plugins, state_policies},
};

/// Enough for all plugins that are in use; beyond that, reading again is no harm.
const KEPT: usize = 1024;

/// A policy with its schemas ready to check documents.
#[derive(Debug, Default)]
pub struct Compiled {
    pub policy: Policy,
    validators: BTreeMap<String, Validator>,
}

impl Compiled {
    pub fn new(policy: Policy) -> Result<Self> {
        let compile = |(version, schema): (&String, &Value)| {
            let validator =
                schema::compile(schema).map_err(|e| Error::storage("the schema of a state policy cannot be used", e.to_string()))?;
            Ok((version.clone(), validator))
        };
        let validators = policy.schemas.iter().map(compile).collect::<Result<_>>()?;
        Ok(Self { policy, validators })
    }

    /// What is wrong with the document. `named` is the schema version it claims to follow.
    pub fn violations(&self, named: Option<&str>, json: &[u8]) -> Result<Vec<Violation>> {
        let version = match self.policy.schema_version(named) {
            Err(Error::Validation { errors }) => return Ok(errors),
            version => version?,
        };
        let Some(validator) = version.and_then(|version| self.validators.get(version)) else { return Ok(Vec::new()) };
        let document: Value = serde_json::from_slice(json).map_err(|e| Error::storage("a checked document cannot be read", e))?;
        Ok(schema::violations(validator, &document))
    }
}

/// Policies in use, by what they were read from. A published manifest never changes, and other sources are their own key.
#[derive(Default)]
pub struct Policies(Mutex<HashMap<String, Arc<Compiled>>>);

impl Policies {
    fn get(&self, source: &str) -> Option<Arc<Compiled>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(source).cloned()
    }

    fn keep(&self, source: String, policy: Policy) -> Result<Arc<Compiled>> {
        let compiled = Arc::new(Compiled::new(policy)?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(source, Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// What holds for one plugin of one user. A write looks again in its transaction whether it still does.
#[derive(Debug, Clone)]
pub struct Context {
    pub plugin: Slug,
    pub compiled: Arc<Compiled>,
    installation: state_policies::Installation,
    /// Whether a write has found that it no longer holds.
    outdated: Arc<AtomicBool>,
}

impl Context {
    /// For what has to be done although the plugin's own policy cannot be read.
    pub fn with_default_policy(conn: &mut Connection, user: &UserId, plugin: Slug) -> Result<Self> {
        let installation = state_policies::installation(conn, user, &plugin)?;
        Ok(Self { plugin, compiled: Arc::default(), installation, outdated: Arc::default() })
    }

    pub fn is_outdated(&self) -> bool {
        self.outdated.load(Relaxed)
    }

    pub fn policy(&self) -> &Policy {
        &self.compiled.policy
    }

    /// The installed version.
    pub fn version(&self) -> Option<&str> {
        self.installation.version.as_deref()
    }

    pub fn is_administrators(&self) -> bool {
        self.installation.policy.is_some()
    }

    pub fn still_holds(&self, conn: &mut Connection, user: &UserId) -> Result<bool> {
        let holds = state_policies::installation(conn, user, &self.plugin)? == self.installation;
        self.outdated.fetch_or(!holds, Relaxed);
        Ok(holds)
    }

    /// Why the user may not keep state of the plugin at all.
    pub fn refusal(&self) -> Option<Violation> {
        let welcome = self.version().is_some() || self.policy().without_installation;
        (!welcome).then(|| Violation::new("/plugin_id", format!("{} is not installed", self.plugin)))
    }
}

/// From memory if possible.
pub async fn load(app: &Arc<App>, access: &Access, plugin: &Slug) -> Result<Context> {
    if let Some(kept) = memory::context(app, access, plugin.as_str()) {
        return Ok(kept);
    }
    let before = memory::before(app, access, plugin.as_str());
    let (shared, user, plugin) = (Arc::clone(app), access.user.clone(), plugin.clone());
    let context = app.db.read(move |conn| load_in(&shared, conn, &user, plugin)).await?;
    if let Some(before) = before {
        memory::keep_context(app, access, before, &context);
    }
    Ok(context)
}

pub fn load_in(app: &App, conn: &mut Connection, user: &UserId, plugin: Slug) -> Result<Context> {
    let installation = state_policies::installation(conn, user, &plugin)?;
    let compiled = compiled(&app.state.policies, conn, &plugin, &installation)?;
    Ok(Context { plugin, compiled, installation, outdated: Arc::default() })
}

fn compiled(kept: &Policies, conn: &mut Connection, plugin: &Slug, installation: &state_policies::Installation) -> Result<Arc<Compiled>> {
    let unusable = |e: Error| Error::storage(format!("the state policy of {plugin} cannot be used"), e.to_string());
    let parse =
        |text: &str| serde_json::from_str::<Value>(text).map_err(|e| Error::storage("damaged JSON in the database (a state policy)", e));
    if let Some(text) = &installation.policy {
        return match kept.get(text) {
            Some(found) => Ok(found),
            None => kept.keep(text.clone(), Policy::parse(&parse(text)?).map_err(unusable)?),
        };
    }
    let (source, manifest) = match (&installation.own_manifest, &installation.version) {
        (Some(own), _) => (own.clone(), Some(own.clone())),
        (None, Some(version)) => {
            let source = format!("{plugin}@{version}");
            if let Some(found) = kept.get(&source) {
                return Ok(found);
            }
            // One that was never published may still be.
            state_policies::manifest(conn, plugin, version)?.map_or_else(Default::default, |manifest| (source, Some(manifest)))
        }
        (None, None) => (String::new(), None),
    };
    if let Some(found) = kept.get(&source) {
        return Ok(found);
    }
    let declared = match &manifest {
        Some(text) => parse(text)?.get_mut("state_policy").map(Value::take).filter(|policy| !policy.is_null()),
        None => None,
    };
    let policy = declared.map_or_else(|| Ok(Policy::default()), |value| Policy::parse(&value).map_err(unusable))?;
    kept.keep(source, policy)
}

/// What a request calls a plugin: its slug, or the id of the caller's installation, which is kept as the slug.
pub fn resolve(conn: &mut Connection, user: &UserId, name: &str) -> Result<Slug> {
    let own = name.strip_prefix(user.as_str()).and_then(|rest| rest.strip_prefix('_'));
    if let Some(Ok(slug)) = own.map(str::parse) {
        return Ok(slug);
    }
    let slug = name.parse::<Slug>();
    if let Ok(slug) = &slug
        && plugins::find(conn, user, slug)?.is_some()
    {
        return Ok(slug.clone());
    }
    if !name.contains('\0')
        && let Some(found) = plugins::find_by_id(conn, user, name)?
    {
        return Ok(found.slug);
    }
    slug.map_err(|_| Error::invalid("/plugin_id", "is neither a slug nor the id of one of your plugins"))
}
