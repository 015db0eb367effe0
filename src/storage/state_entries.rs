//! One state entry at a time: by its natural key or id, with or without its document.

use diesel::prelude::*;

use super::{
    Connection,
    connection::{change, each},
    schema::state_entries,
    values::stored,
};
use crate::{
    domain::{
        Timestamp, UserId,
        state::{Entry, StateKey, Stored},
    },
    error::Result,
};

/// Far below what either database binds in one statement.
const IDS_PER_QUERY: usize = 1000;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = state_entries, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct Row {
    id: String,
    user_id: String,
    plugin_slug: String,
    page_id: String,
    state_key: String,
    created_at: i64,
    #[diesel(embed)]
    changing: Changing,
}

/// What writes change. The rest is left out of updates: naming a key, even with its old value, makes the database write its
/// index anew and look for what refers to it.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = state_entries, treat_none_as_null = true, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct Changing {
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
            created_at: entry.created_at.millis(),
            changing: Changing::new(entry),
        }
    }

    pub(super) fn entry(self) -> Result<Entry> {
        let Self { id, user_id, plugin_slug, page_id, state_key, created_at, changing } = self;
        Ok(Entry {
            id,
            user: stored("state_entries.user_id", &user_id)?,
            key: StateKey { plugin: stored("state_entries.plugin_slug", &plugin_slug)?, page: page_id, key: state_key },
            size: changing.size,
            stored_size: changing.stored_size,
            encoding: stored("state_entries.encoding", &changing.encoding)?,
            sha256: changing.sha256,
            content_sha256: changing.content_sha256,
            schema_version: changing.schema_version,
            plugin_version: changing.plugin_version,
            strategy: stored("state_entries.strategy", &changing.strategy)?,
            device: changing.device_id,
            seq: changing.seq,
            version: changing.version,
            active: changing.active,
            last_accessed: Timestamp(changing.last_accessed),
            access_count: changing.access_count,
            created_at: Timestamp(created_at),
            updated_at: Timestamp(changing.updated_at),
            expires_at: changing.expires_at.map(Timestamp),
            deleted_at: changing.deleted_at.map(Timestamp),
        })
    }
}

impl Changing {
    fn new(entry: &Entry) -> Self {
        Self {
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
            updated_at: entry.updated_at.millis(),
            expires_at: entry.expires_at.map(Timestamp::millis),
            deleted_at: entry.deleted_at.map(Timestamp::millis),
        }
    }
}

/// An entry with its document, which tombstones lack.
pub type WithData = (Entry, Option<Stored>);

pub(super) fn with_data((row, data): (Row, Option<Vec<u8>>)) -> Result<WithData> {
    let entry = row.entry()?;
    let document = data.map(|data| stored_of(&entry, data));
    Ok((entry, document))
}

fn stored_of(entry: &Entry, data: Vec<u8>) -> Stored {
    Stored { data, encoding: entry.encoding, size: entry.size, sha256: entry.sha256.clone(), content_sha256: entry.content_sha256.clone() }
}

/// The row of this key, tombstones included.
pub fn find(conn: &mut Connection, user: &UserId, key: &StateKey) -> Result<Option<Entry>> {
    let found = state_entries::table
        .filter(state_entries::user_id.eq(user.as_str()))
        .filter(state_entries::plugin_slug.eq(key.plugin.as_str()))
        .filter(state_entries::page_id.eq(&key.page))
        .filter(state_entries::state_key.eq(&key.key));
    each!(conn, first::<Row>, found.select(Row::as_select())).optional()?.map(Row::entry).transpose()
}

pub fn find_with_data(conn: &mut Connection, user: &UserId, key: &StateKey) -> Result<Option<WithData>> {
    let found = state_entries::table
        .filter(state_entries::user_id.eq(user.as_str()))
        .filter(state_entries::plugin_slug.eq(key.plugin.as_str()))
        .filter(state_entries::page_id.eq(&key.page))
        .filter(state_entries::state_key.eq(&key.key));
    each!(conn, first::<(Row, Option<Vec<u8>>)>, found.select((Row::as_select(), state_entries::data)))
        .optional()?
        .map(with_data)
        .transpose()
}

/// The user's row with this id, tombstones included.
pub fn find_by_id(conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<Entry>> {
    let found = state_entries::table.find(id).filter(state_entries::user_id.eq(user.as_str()));
    each!(conn, first::<Row>, found.select(Row::as_select())).optional()?.map(Row::entry).transpose()
}

pub fn find_by_id_with_data(conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<WithData>> {
    let found = state_entries::table.find(id).filter(state_entries::user_id.eq(user.as_str()));
    each!(conn, first::<(Row, Option<Vec<u8>>)>, found.select((Row::as_select(), state_entries::data)))
        .optional()?
        .map(with_data)
        .transpose()
}

/// Whose entries have these ids, tombstones included.
pub fn owners(conn: &mut Connection, ids: &[String]) -> Result<Vec<(String, UserId)>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(IDS_PER_QUERY) {
        let of_ids = state_entries::table.filter(state_entries::id.eq_any(chunk));
        let rows: Vec<(String, String)> = of_ids.select((state_entries::id, state_entries::user_id)).load(conn)?;
        for (id, user) in rows {
            found.push((id, stored("state_entries.user_id", &user)?));
        }
    }
    Ok(found)
}

/// The document of an entry that was read in the same transaction; tombstones have none.
pub fn document(conn: &mut Connection, entry: &Entry) -> Result<Option<Stored>> {
    let data = each!(conn, first::<Option<Vec<u8>>>, state_entries::table.find(&entry.id).select(state_entries::data))?;
    Ok(data.map(|data| stored_of(entry, data)))
}

/// Adds a row; without `data` it is a tombstone.
pub fn insert(conn: &mut Connection, entry: &Entry, data: Option<&[u8]>) -> Result<()> {
    each!(conn, execute, diesel::insert_into(state_entries::table).values((Row::new(entry), state_entries::data.eq(data))))?;
    Ok(())
}

/// Writes what may change of the row, the document included.
pub fn replace(conn: &mut Connection, entry: &Entry, data: Option<&[u8]>) -> Result<()> {
    let update = diesel::update(state_entries::table.find(&entry.id)).set((Changing::new(entry), state_entries::data.eq(data)));
    change!(conn, update)?;
    Ok(())
}

/// Writes what may change of the row but its document.
pub fn set_facts(conn: &mut Connection, entry: &Entry) -> Result<()> {
    let update = diesel::update(state_entries::table.find(&entry.id)).set(Changing::new(entry));
    change!(conn, update)?;
    Ok(())
}

/// Adds accesses that were counted in memory.
pub fn add_accesses(conn: &mut Connection, id: &str, count: i64, last: Timestamp) -> Result<()> {
    let update = diesel::update(state_entries::table.find(id))
        .set((state_entries::access_count.eq(state_entries::access_count + count), state_entries::last_accessed.eq(last.millis())));
    change!(conn, update)?;
    Ok(())
}
