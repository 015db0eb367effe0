//! All entries of one plugin of a user as they were at one moment.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Text},
};

use super::{
    Connection,
    connection::each,
    schema::{snapshot_entries, snapshots},
    values::stored,
};
use crate::{
    domain::{
        Slug, Timestamp, UserId,
        state::{PluginSet, Snapshot, SnapshotEntry, SnapshotKey, StateKey, Stored},
    },
    error::Result,
};

#[derive(Queryable, Insertable)]
#[diesel(table_name = snapshots, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct Row {
    id: String,
    user_id: String,
    plugin_slug: String,
    plugin_version: Option<String>,
    reason: String,
    label: Option<String>,
    pinned: bool,
    entries: i64,
    size: i64,
    seq: i64,
    created_by: String,
    created_at: i64,
}

impl Row {
    fn snapshot(self) -> Result<Snapshot> {
        Ok(Snapshot {
            id: self.id,
            user: stored("snapshots.user_id", &self.user_id)?,
            plugin: stored("snapshots.plugin_slug", &self.plugin_slug)?,
            plugin_version: self.plugin_version,
            reason: stored("snapshots.reason", &self.reason)?,
            label: self.label,
            pinned: self.pinned,
            entries: self.entries,
            size: self.size,
            seq: self.seq,
            created_by: self.created_by,
            created_at: Timestamp(self.created_at),
        })
    }
}

/// Placeholders stand in the order of their numbers, which both databases understand.
const COPY: &str = "INSERT INTO snapshot_entries (snapshot_id, page_id, state_key, size, stored_size, encoding, sha256, content_sha256, \
     schema_version, plugin_version, strategy, device_id, expires_at, data) \
     SELECT $1, page_id, state_key, size, stored_size, encoding, sha256, content_sha256, schema_version, plugin_version, strategy, \
     device_id, expires_at, data FROM state_entries \
     WHERE user_id = $2 AND plugin_slug = $3 AND data IS NOT NULL AND (expires_at IS NULL OR expires_at > $4)";

/// Adds the snapshot with copies of the plugin's live entries, which never leave the database; its sums are filled in.
pub fn insert(conn: &mut Connection, snapshot: Snapshot) -> Result<Snapshot> {
    let row = Row {
        id: snapshot.id.clone(),
        user_id: snapshot.user.to_string(),
        plugin_slug: snapshot.plugin.to_string(),
        plugin_version: snapshot.plugin_version.clone(),
        reason: snapshot.reason.as_str().to_owned(),
        label: snapshot.label.clone(),
        pinned: snapshot.pinned,
        entries: 0,
        size: 0,
        seq: snapshot.seq,
        created_by: snapshot.created_by.clone(),
        created_at: snapshot.created_at.millis(),
    };
    diesel::insert_into(snapshots::table).values(row).execute(conn)?;
    diesel::sql_query(COPY)
        .bind::<Text, _>(&snapshot.id)
        .bind::<Text, _>(snapshot.user.as_str())
        .bind::<Text, _>(snapshot.plugin.as_str())
        .bind::<BigInt, _>(snapshot.created_at.millis())
        .execute(conn)?;
    let copies = snapshot_entries::table.filter(snapshot_entries::snapshot_id.eq(&snapshot.id));
    let sizes: Vec<i64> = copies.select(snapshot_entries::size).load(conn)?;
    let (entries, size) = (i64::try_from(sizes.len()).unwrap_or(i64::MAX), sizes.iter().sum());
    diesel::update(snapshots::table.find(&snapshot.id)).set((snapshots::entries.eq(entries), snapshots::size.eq(size))).execute(conn)?;
    Ok(Snapshot { entries, size, ..snapshot })
}

/// The user's snapshots of one plugin, newest first (ids sort by time).
pub fn list(conn: &mut Connection, user: &UserId, plugin: &Slug) -> Result<Vec<Snapshot>> {
    snapshots::table
        .filter(snapshots::user_id.eq(user.as_str()))
        .filter(snapshots::plugin_slug.eq(plugin.as_str()))
        .order(snapshots::id.desc())
        .load::<Row>(conn)?
        .into_iter()
        .map(Row::snapshot)
        .collect()
}

/// The user's snapshots of all plugins that the caller may touch.
pub fn list_all(conn: &mut Connection, user: &UserId, plugins: &PluginSet) -> Result<Vec<Snapshot>> {
    let rows = snapshots::table.filter(snapshots::user_id.eq(user.as_str())).load::<Row>(conn)?;
    let mut found = rows.into_iter().map(Row::snapshot).collect::<Result<Vec<_>>>()?;
    found.retain(|snapshot| plugins.includes(&snapshot.plugin));
    found.sort_by(|a, b| b.id.cmp(&a.id));
    Ok(found)
}

pub fn find(conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<Snapshot>> {
    let found = snapshots::table.find(id).filter(snapshots::user_id.eq(user.as_str())).first::<Row>(conn).optional()?;
    found.map(Row::snapshot).transpose()
}

pub fn delete(conn: &mut Connection, id: &str) -> Result<()> {
    diesel::delete(snapshots::table.find(id)).execute(conn)?;
    Ok(())
}

/// What the snapshot holds, without documents.
pub fn keys(conn: &mut Connection, id: &str) -> Result<Vec<SnapshotKey>> {
    let rows: Vec<(String, String, i64, Option<i64>)> = snapshot_entries::table
        .filter(snapshot_entries::snapshot_id.eq(id))
        .order((snapshot_entries::page_id, snapshot_entries::state_key))
        .select((snapshot_entries::page_id, snapshot_entries::state_key, snapshot_entries::size, snapshot_entries::expires_at))
        .load(conn)?;
    let key =
        |(page, key, size, expires_at): (_, _, _, Option<i64>)| SnapshotKey { page, key, size, expires_at: expires_at.map(Timestamp) };
    Ok(rows.into_iter().map(key).collect())
}

type EntryColumns = (i64, String, String, String, Option<String>, String, Option<String>, Vec<u8>);

pub fn entry(conn: &mut Connection, id: &str, key: &SnapshotKey) -> Result<SnapshotEntry> {
    let (size, encoding, sha256, content_sha256, schema_version, strategy, device, data): EntryColumns = snapshot_entries::table
        .find((id, &key.page, &key.key))
        .select((
            snapshot_entries::size,
            snapshot_entries::encoding,
            snapshot_entries::sha256,
            snapshot_entries::content_sha256,
            snapshot_entries::schema_version,
            snapshot_entries::strategy,
            snapshot_entries::device_id,
            snapshot_entries::data,
        ))
        .first(conn)?;
    Ok(SnapshotEntry {
        document: Stored { data, encoding: stored("snapshot_entries.encoding", &encoding)?, size, sha256, content_sha256 },
        schema_version,
        strategy: stored("snapshot_entries.strategy", &strategy)?,
        device,
    })
}

/// Writes the document of a copy anew; its hash and size stay.
pub fn replace(conn: &mut Connection, id: &str, key: &SnapshotKey, document: &Stored) -> Result<()> {
    let update = diesel::update(snapshot_entries::table.find((id, &key.page, &key.key))).set((
        snapshot_entries::encoding.eq(document.encoding.as_str()),
        snapshot_entries::stored_size.eq(document.stored_size()),
        snapshot_entries::data.eq(&document.data),
    ));
    update.execute(conn)?;
    Ok(())
}

/// Removes the copies of one entry from all snapshots.
pub fn erase(conn: &mut Connection, user: &UserId, key: &StateKey) -> Result<()> {
    for snapshot in list(conn, user, &key.plugin)? {
        let copy = diesel::delete(snapshot_entries::table.find((&snapshot.id, &key.page, &key.key)));
        let erased = each!(conn, get_result::<i64>, copy.returning(snapshot_entries::size)).optional()?;
        if let Some(size) = erased {
            let less = (snapshots::entries.eq(snapshots::entries - 1), snapshots::size.eq(snapshots::size - size));
            diesel::update(snapshots::table.find(&snapshot.id)).set(less).execute(conn)?;
        }
    }
    Ok(())
}
