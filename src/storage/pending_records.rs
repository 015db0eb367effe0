//! The outbox of record writes: what the database has decided and the record file must still show.

use diesel::{prelude::*, upsert::excluded};

use super::{
    Connection,
    connection::each,
    schema::pending_records,
    values::{json, stored, stored_json},
};
use crate::{
    domain::{Slug, UserId, record::InstallationMetadata},
    error::Result,
};

/// One write that the file has yet to show.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingRecord {
    pub slug: Slug,
    /// None removes the record.
    pub metadata: Option<InstallationMetadata>,
}

/// Replaces what was pending for the same plugin: the database's last word counts.
pub fn put(conn: &mut Connection, user: &UserId, slug: &Slug, metadata: Option<&InstallationMetadata>) -> Result<()> {
    let row = (
        pending_records::user_id.eq(user.as_str()),
        pending_records::plugin_slug.eq(slug.as_str()),
        pending_records::metadata.eq(metadata.map(json).transpose()?),
    );
    let upsert = diesel::insert_into(pending_records::table)
        .values(row)
        .on_conflict((pending_records::user_id, pending_records::plugin_slug))
        .do_update()
        .set(pending_records::metadata.eq(excluded(pending_records::metadata)));
    each!(conn, execute, upsert)?;
    Ok(())
}

pub fn list(conn: &mut Connection, user: &UserId) -> Result<Vec<PendingRecord>> {
    let rows: Vec<(String, Option<String>)> = pending_records::table
        .filter(pending_records::user_id.eq(user.as_str()))
        .order(pending_records::plugin_slug)
        .select((pending_records::plugin_slug, pending_records::metadata))
        .load(conn)?;
    rows.into_iter()
        .map(|(slug, metadata)| {
            Ok(PendingRecord {
                slug: stored("pending_records.plugin_slug", &slug)?,
                metadata: metadata.as_deref().map(|text| stored_json("pending_records.metadata", text)).transpose()?,
            })
        })
        .collect()
}

pub fn any(conn: &mut Connection, user: &UserId) -> Result<bool> {
    let found = pending_records::table.filter(pending_records::user_id.eq(user.as_str())).select(pending_records::plugin_slug);
    Ok(found.first::<String>(conn).optional()?.is_some())
}

/// What is pending for any of these users.
pub fn of_users(conn: &mut Connection, users: &[UserId]) -> Result<Vec<(UserId, Slug)>> {
    let rows: Vec<(String, String)> = pending_records::table
        .filter(pending_records::user_id.eq_any(users.iter().map(UserId::as_str)))
        .select((pending_records::user_id, pending_records::plugin_slug))
        .load(conn)?;
    let read =
        |(user, slug): (String, String)| Ok((stored("pending_records.user_id", &user)?, stored("pending_records.plugin_slug", &slug)?));
    rows.into_iter().map(read).collect()
}

/// Users with anything pending.
pub fn users(conn: &mut Connection) -> Result<Vec<UserId>> {
    let ids: Vec<String> = pending_records::table.select(pending_records::user_id).distinct().load(conn)?;
    ids.iter().map(|id| stored("pending_records.user_id", id)).collect()
}

/// Takes the entry out after its write, unless a newer one has replaced it.
pub fn remove(conn: &mut Connection, user: &UserId, done: &PendingRecord) -> Result<()> {
    let entry = pending_records::table.find((user.as_str(), done.slug.as_str()));
    match done.metadata.as_ref().map(json).transpose()? {
        Some(metadata) => diesel::delete(entry.filter(pending_records::metadata.eq(metadata))).execute(conn)?,
        None => diesel::delete(entry.filter(pending_records::metadata.is_null())).execute(conn)?,
    };
    Ok(())
}
