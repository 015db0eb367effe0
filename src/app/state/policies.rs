//! The policy of a plugin's state.

use std::sync::Arc;

use serde_json::Value;

use super::{Access, context};
use crate::{
    app::{App, audit, now},
    domain::{Caller, Slug, state::Policy},
    error::{Error, Result},
    storage::state_policies,
};

/// A policy with where it comes from.
#[derive(Debug)]
pub struct InForce {
    pub policy: Policy,
    /// `default`, `manifest` or `administrator`.
    pub source: &'static str,
}

/// What holds for the user's state of the plugin.
pub async fn policy(app: &Arc<App>, access: &Access, plugin: &Slug) -> Result<InForce> {
    access.require(plugin)?;
    let context = context::load(app, access, plugin).await?;
    let source = match context.is_administrators() {
        true => "administrator",
        false if *context.policy() == Policy::default() => "default",
        false => "manifest",
    };
    Ok(InForce { policy: context.policy().clone(), source })
}

/// Puts a policy in the place of the manifest's, for everybody.
pub async fn set_policy(app: &App, caller: &Caller, plugin: &Slug, value: &Value) -> Result<InForce> {
    caller.require_admin()?;
    let policy = Policy::parse(value)?;
    let text = serde_json::to_string(&policy).map_err(|e| Error::storage("cannot write a policy", e))?;
    let (caller, plugin) = (caller.clone(), plugin.clone());
    app.db
        .write(move |conn| {
            let now = now();
            state_policies::set(conn, &plugin, &text, &caller.actor(), now)?;
            audit::record(conn, &caller, "state.policy", plugin.to_string(), now)
        })
        .await?;
    Ok(InForce { policy, source: "administrator" })
}
