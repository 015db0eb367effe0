//! Facts about the store itself.

use diesel::prelude::*;

use super::{Connection, connection::Both, schema::meta};
use crate::error::Result;

pub fn get(conn: &mut Connection, key: &str) -> Result<Option<String>> {
    Ok(meta::table.find(key).select(meta::value).first(conn).optional()?)
}

/// Keeps `value` unless the key has one already; the value in force.
pub fn get_or_insert(conn: &mut Connection, key: &str, value: &str) -> Result<String> {
    Both(diesel::insert_into(meta::table).values((meta::key.eq(key), meta::value.eq(value))).on_conflict_do_nothing()).execute(conn)?;
    Ok(meta::table.filter(meta::key.eq(key)).select(meta::value).first(conn)?)
}
