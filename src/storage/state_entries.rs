//! One state entry at a time: by its natural key or id, with or without its document.

use diesel::prelude::*;

use super::{Connection, schema::state_entries, values::stored};
use crate::{
    domain::{
        Timestamp, UserId,
        state::{Entry, StateKey, Stored},
    },
    error::Result,
};

pub(super) type Columns = (
    state_entries::id,
    state_entries::user_id,
    state_entries::plugin_slug,
    state_entries::page_id,
    state_entries::state_key,
    state_entries::size,
    state_entries::stored_size,
    state_entries::encoding,
    state_entries::sha256,
    state_entries::content_sha256,
    state_entries::schema_version,
    state_entries::plugin_version,
    state_entries::strategy,
    state_entries::device_id,
    state_entries::seq,
    state_entries::version,
    state_entries::active,
    state_entries::last_accessed,
    state_entries::access_count,
    state_entries::created_at,
    state_entries::updated_at,
    state_entries::expires_at,
    state_entries::deleted_at,
);

/// All but the document.
pub(super) const COLUMNS: Columns = (
    state_entries::id,
    state_entries::user_id,
    state_entries::plugin_slug,
    state_entries::page_id,
    state_entries::state_key,
    state_entries::size,
    state_entries::stored_size,
    state_entries::encoding,
    state_entries::sha256,
    state_entries::content_sha256,
    state_entries::schema_version,
    state_entries::plugin_version,
    state_entries::strategy,
    state_entries::device_id,
    state_entries::seq,
    state_entries::version,
    state_entries::active,
    state_entries::last_accessed,
    state_entries::access_count,
    state_entries::created_at,
    state_entries::updated_at,
    state_entries::expires_at,
    state_entries::deleted_at,
);

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = state_entries, treat_none_as_null = true, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct Row {
    id: String,
    user_id: String,
    plugin_slug: String,
    page_id: String,
    state_key: String,
    size: i64,
    stored_size: i64,
    encoding: String,
    sha256: String,
    content_sha256: String,
    schema_version: Option<String>,
    plugin_version: Option<String>,
    strategy: String,
    device_id: Option<String>,
    seq: i64,
    version: i64,
    active: bool,
    last_accessed: i64,
    access_count: i64,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
    deleted_at: Option<i64>,
}

impl Row {
    fn new(entry: &Entry) -> Self {
        Self {
            id: entry.id.clone(),
            user_id: entry.user.to_string(),
            plugin_slug: entry.key.plugin.to_string(),
            page_id: entry.key.page.clone(),
            state_key: entry.key.key.clone(),
            size: entry.size,
            stored_size: entry.stored_size,
            encoding: entry.encoding.as_str().to_owned(),
            sha256: entry.sha256.clone(),
            content_sha256: entry.content_sha256.clone(),
            schema_version: entry.schema_version.clone(),
            plugin_version: entry.plugin_version.clone(),
            strategy: entry.strategy.as_str().to_owned(),
            device_id: entry.device.clone(),
            seq: entry.seq,
            version: entry.version,
            active: entry.active,
            last_accessed: entry.last_accessed.millis(),
            access_count: entry.access_count,
            created_at: entry.created_at.millis(),
            updated_at: entry.updated_at.millis(),
            expires_at: entry.expires_at.map(Timestamp::millis),
            deleted_at: entry.deleted_at.map(Timestamp::millis),
        }
    }

    pub(super) fn entry(self) -> Result<Entry> {
        Ok(Entry {
            id: self.id,
            user: stored("state_entries.user_id", &self.user_id)?,
            key: StateKey { plugin: stored("state_entries.plugin_slug", &self.plugin_slug)?, page: self.page_id, key: self.state_key },
            size: self.size,
            stored_size: self.stored_size,
            encoding: stored("state_entries.encoding", &self.encoding)?,
            sha256: self.sha256,
            content_sha256: self.content_sha256,
            schema_version: self.schema_version,
            plugin_version: self.plugin_version,
            strategy: stored("state_entries.strategy", &self.strategy)?,
            device: self.device_id,
            seq: self.seq,
            version: self.version,
            active: self.active,
            last_accessed: Timestamp(self.last_accessed),
            access_count: self.access_count,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            expires_at: self.expires_at.map(Timestamp),
            deleted_at: self.deleted_at.map(Timestamp),
        })
    }
}

/// An entry with its document, which tombstones lack.
pub type WithData = (Entry, Option<Stored>);

fn with_data((row, data): (Row, Option<Vec<u8>>)) -> Result<WithData> {
    let entry = row.entry()?;
    let document = data.map(|data| stored_of(&entry, data));
    Ok((entry, document))
}

fn stored_of(entry: &Entry, data: Vec<u8>) -> Stored {
    Stored { data, encoding: entry.encoding, size: entry.size, sha256: entry.sha256.clone(), content_sha256: entry.content_sha256.clone() }
}

/// The row of this key, tombstones included.
pub fn find(conn: &mut Connection, user: &UserId, key: &StateKey) -> Result<Option<Entry>> {
    state_entries::table
        .filter(state_entries::user_id.eq(user.as_str()))
        .filter(state_entries::plugin_slug.eq(key.plugin.as_str()))
        .filter(state_entries::page_id.eq(&key.page))
        .filter(state_entries::state_key.eq(&key.key))
        .select(COLUMNS)
        .first::<Row>(conn)
        .optional()?
        .map(Row::entry)
        .transpose()
}

pub fn find_with_data(conn: &mut Connection, user: &UserId, key: &StateKey) -> Result<Option<WithData>> {
    state_entries::table
        .filter(state_entries::user_id.eq(user.as_str()))
        .filter(state_entries::plugin_slug.eq(key.plugin.as_str()))
        .filter(state_entries::page_id.eq(&key.page))
        .filter(state_entries::state_key.eq(&key.key))
        .select((COLUMNS, state_entries::data))
        .first::<(Row, Option<Vec<u8>>)>(conn)
        .optional()?
        .map(with_data)
        .transpose()
}

/// The user's row with this id, tombstones included.
pub fn find_by_id(conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<Entry>> {
    state_entries::table
        .find(id)
        .filter(state_entries::user_id.eq(user.as_str()))
        .select(COLUMNS)
        .first::<Row>(conn)
        .optional()?
        .map(Row::entry)
        .transpose()
}

pub fn find_by_id_with_data(conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<WithData>> {
    state_entries::table
        .find(id)
        .filter(state_entries::user_id.eq(user.as_str()))
        .select((COLUMNS, state_entries::data))
        .first::<(Row, Option<Vec<u8>>)>(conn)
        .optional()?
        .map(with_data)
        .transpose()
}

/// The document of an entry that was read in the same transaction; tombstones have none.
pub fn document(conn: &mut Connection, entry: &Entry) -> Result<Option<Stored>> {
    let data: Option<Vec<u8>> = state_entries::table.find(&entry.id).select(state_entries::data).first(conn)?;
    Ok(data.map(|data| stored_of(entry, data)))
}

/// Adds a row; without `data` it is a tombstone.
pub fn insert(conn: &mut Connection, entry: &Entry, data: Option<&[u8]>) -> Result<()> {
    diesel::insert_into(state_entries::table).values((Row::new(entry), state_entries::data.eq(data))).execute(conn)?;
    Ok(())
}

/// Writes everything of the row, the document included.
pub fn replace(conn: &mut Connection, entry: &Entry, data: Option<&[u8]>) -> Result<()> {
    diesel::update(state_entries::table.find(&entry.id)).set((Row::new(entry), state_entries::data.eq(data))).execute(conn)?;
    Ok(())
}

/// Writes everything of the row but its document.
pub fn set_facts(conn: &mut Connection, entry: &Entry) -> Result<()> {
    diesel::update(state_entries::table.find(&entry.id)).set(Row::new(entry)).execute(conn)?;
    Ok(())
}

/// Adds accesses that were counted in memory.
pub fn add_accesses(conn: &mut Connection, id: &str, count: i64, last: Timestamp) -> Result<()> {
    diesel::update(state_entries::table.find(id))
        .set((state_entries::access_count.eq(state_entries::access_count + count), state_entries::last_accessed.eq(last.millis())))
        .execute(conn)?;
    Ok(())
}
