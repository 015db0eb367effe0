//! What state entries held before.

use diesel::prelude::*;

use super::{Connection, connection::each, schema::state_revisions, values::stored};
use crate::{
    domain::{
        Timestamp,
        state::{Revision, Stored},
    },
    error::Result,
};

type Columns = (i64, i64, String, String, i64, i64, String, Option<String>, Option<String>, Option<String>, String, Option<String>, i64);

macro_rules! columns {
    () => {
        (
            state_revisions::version,
            state_revisions::seq,
            state_revisions::change,
            state_revisions::encoding,
            state_revisions::size,
            state_revisions::stored_size,
            state_revisions::sha256,
            state_revisions::schema_version,
            state_revisions::plugin_version,
            state_revisions::device_id,
            state_revisions::actor,
            state_revisions::user_agent,
            state_revisions::created_at,
        )
    };
}

fn revision(columns: Columns) -> Result<Revision> {
    let (version, seq, change, encoding, size, stored_size, sha256, schema_version, plugin_version, device, actor, user_agent, at) =
        columns;
    Ok(Revision {
        version,
        seq,
        change: stored("state_revisions.change", &change)?,
        encoding: stored("state_revisions.encoding", &encoding)?,
        size,
        stored_size,
        sha256,
        schema_version,
        plugin_version,
        device,
        actor,
        user_agent,
        created_at: Timestamp(at),
    })
}

/// Adds a revision; `data` is none where the change left no document.
pub fn insert(conn: &mut Connection, entry: &str, revision: &Revision, data: Option<&[u8]>) -> Result<()> {
    let insert = diesel::insert_into(state_revisions::table).values((
        state_revisions::entry_id.eq(entry),
        state_revisions::version.eq(revision.version),
        state_revisions::seq.eq(revision.seq),
        state_revisions::change.eq(revision.change.as_str()),
        state_revisions::encoding.eq(revision.encoding.as_str()),
        state_revisions::size.eq(revision.size),
        state_revisions::stored_size.eq(revision.stored_size),
        state_revisions::sha256.eq(&revision.sha256),
        state_revisions::schema_version.eq(revision.schema_version.as_deref()),
        state_revisions::plugin_version.eq(revision.plugin_version.as_deref()),
        state_revisions::device_id.eq(revision.device.as_deref()),
        state_revisions::actor.eq(&revision.actor),
        state_revisions::user_agent.eq(revision.user_agent.as_deref()),
        state_revisions::created_at.eq(revision.created_at.millis()),
        state_revisions::data.eq(data),
    ));
    each!(conn, execute, insert)?;
    Ok(())
}

/// At most `limit` revisions before the version `before`, newest first.
pub fn list(conn: &mut Connection, entry: &str, before: i64, limit: i64) -> Result<Vec<Revision>> {
    state_revisions::table
        .filter(state_revisions::entry_id.eq(entry))
        .filter(state_revisions::version.lt(before))
        .order(state_revisions::version.desc())
        .limit(limit)
        .select(columns!())
        .load::<Columns>(conn)?
        .into_iter()
        .map(revision)
        .collect()
}

/// One revision with its document, as it is stored.
pub fn find(conn: &mut Connection, entry: &str, version: i64) -> Result<Option<(Revision, Option<Vec<u8>>)>> {
    let found: Option<(Columns, Option<Vec<u8>>)> =
        state_revisions::table.find((entry, version)).select((columns!(), state_revisions::data)).first(conn).optional()?;
    found.map(|(columns, data)| Ok((revision(columns)?, data))).transpose()
}

/// Writes the document of a revision anew; its hash and size stay.
pub fn replace(conn: &mut Connection, entry: &str, version: i64, document: &Stored) -> Result<()> {
    let update = diesel::update(state_revisions::table.find((entry, version))).set((
        state_revisions::encoding.eq(document.encoding.as_str()),
        state_revisions::stored_size.eq(document.stored_size()),
        state_revisions::data.eq(Some(&document.data)),
    ));
    update.execute(conn)?;
    Ok(())
}

/// Removes the revisions up to this version.
pub fn prune(conn: &mut Connection, entry: &str, up_to: i64) -> Result<()> {
    let old = state_revisions::table.filter(state_revisions::entry_id.eq(entry)).filter(state_revisions::version.le(up_to));
    each!(conn, execute, diesel::delete(old))?;
    Ok(())
}
