//! Facts about the store itself.

use diesel::{prelude::*, upsert::excluded};

use super::{Connection, connection::each, schema::meta};
use crate::error::Result;

pub fn get(conn: &mut Connection, key: &str) -> Result<Option<String>> {
    Ok(meta::table.find(key).select(meta::value).first(conn).optional()?)
}

/// Keeps `value` unless the key has one already; the value in force.
pub fn get_or_insert(conn: &mut Connection, key: &str, value: &str) -> Result<String> {
    each!(conn, execute, diesel::insert_into(meta::table).values((meta::key.eq(key), meta::value.eq(value))).on_conflict_do_nothing())?;
    Ok(meta::table.filter(meta::key.eq(key)).select(meta::value).first(conn)?)
}

pub fn set(conn: &mut Connection, key: &str, value: &str) -> Result<()> {
    let upsert = diesel::insert_into(meta::table)
        .values((meta::key.eq(key), meta::value.eq(value)))
        .on_conflict(meta::key)
        .do_update()
        .set(meta::value.eq(excluded(meta::value)));
    each!(conn, execute, upsert)?;
    Ok(())
}

/// Writes what was not there before, so that the commit has to reach the disk.
pub fn probe(conn: &mut Connection) -> Result<()> {
    set(conn, "probe", &uuid::Uuid::new_v4().simple().to_string())
}

pub fn delete(conn: &mut Connection, key: &str) -> Result<()> {
    diesel::delete(meta::table.find(key)).execute(conn)?;
    Ok(())
}
