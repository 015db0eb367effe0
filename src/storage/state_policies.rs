//! What decides about the state of a plugin: the installation, its manifest, and an administrator's policy.

use diesel::{prelude::*, upsert::excluded};

use super::{
    Connection,
    connection::each,
    schema::{plugins, releases, state_policies},
};
use crate::{
    domain::{Slug, Timestamp, UserId},
    error::Result,
};

/// What is known of one user's plugin, and of its policy, before a document is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// None when the user has not installed it.
    pub version: Option<String>,
    /// The manifest as JSON, where the installation keeps one of its own.
    pub own_manifest: Option<String>,
    /// The administrator's policy as JSON.
    pub policy: Option<String>,
}

/// In one question, because every write asks it.
pub fn installation(conn: &mut Connection, user: &UserId, plugin: &Slug) -> Result<Installation> {
    let installed = || plugins::table.filter(plugins::user_id.eq(user.as_str())).filter(plugins::plugin_slug.eq(plugin.as_str()));
    let question = diesel::select((
        installed().select(plugins::version).single_value(),
        installed().select(plugins::manifest).single_value(),
        state_policies::table.find(plugin.as_str()).select(state_policies::policy).single_value(),
    ));
    let (version, own_manifest, policy) = each!(conn, first, question)?;
    Ok(Installation { version, own_manifest, policy })
}

/// The manifest of a published version, as JSON.
pub fn manifest(conn: &mut Connection, plugin: &Slug, version: &str) -> Result<Option<String>> {
    Ok(releases::table.find((plugin.as_str(), version)).select(releases::manifest).first(conn).optional()?)
}

pub fn find(conn: &mut Connection, plugin: &Slug) -> Result<Option<String>> {
    Ok(state_policies::table.find(plugin.as_str()).select(state_policies::policy).first(conn).optional()?)
}

/// `policy` is JSON.
pub fn set(conn: &mut Connection, plugin: &Slug, policy: &str, by: &str, now: Timestamp) -> Result<()> {
    let upsert = diesel::insert_into(state_policies::table)
        .values((
            state_policies::plugin_slug.eq(plugin.as_str()),
            state_policies::policy.eq(policy),
            state_policies::updated_by.eq(by),
            state_policies::updated_at.eq(now.millis()),
        ))
        .on_conflict(state_policies::plugin_slug)
        .do_update()
        .set((
            state_policies::policy.eq(excluded(state_policies::policy)),
            state_policies::updated_by.eq(excluded(state_policies::updated_by)),
            state_policies::updated_at.eq(excluded(state_policies::updated_at)),
        ));
    each!(conn, execute, upsert)?;
    Ok(())
}
