//! Movable names for versions.

use diesel::{prelude::*, upsert::excluded};

use super::{Connection, connection::each, schema::channels, values::stored};
use crate::{
    domain::{Channel, Slug, Timestamp, Version},
    error::Result,
};

pub fn find(conn: &mut Connection, slug: &Slug, channel: &Channel) -> Result<Option<Version>> {
    let found: Option<String> = channels::table.find((slug.as_str(), channel.as_str())).select(channels::version).first(conn).optional()?;
    found.map(|text| stored("channels.version", &text)).transpose()
}

/// The slug's channels, by name.
pub fn list(conn: &mut Connection, slug: &Slug) -> Result<Vec<(Channel, Version)>> {
    let rows: Vec<(String, String)> = channels::table
        .filter(channels::slug.eq(slug.as_str()))
        .order(channels::name)
        .select((channels::name, channels::version))
        .load(conn)?;
    rows.iter().map(|(name, version)| Ok((stored("channels.name", name)?, stored("channels.version", version)?))).collect()
}

/// False when there was none.
pub fn delete(conn: &mut Connection, slug: &Slug, channel: &Channel) -> Result<bool> {
    Ok(diesel::delete(channels::table.find((slug.as_str(), channel.as_str()))).execute(conn)? > 0)
}

/// Points the channel at the version, which must exist.
pub fn set(conn: &mut Connection, slug: &Slug, channel: &Channel, version: &Version, now: Timestamp) -> Result<()> {
    let row = (
        channels::slug.eq(slug.as_str()),
        channels::name.eq(channel.as_str()),
        channels::version.eq(version.to_string()),
        channels::updated_at.eq(now.millis()),
    );
    let upsert = diesel::insert_into(channels::table)
        .values(row)
        .on_conflict((channels::slug, channels::name))
        .do_update()
        .set((channels::version.eq(excluded(channels::version)), channels::updated_at.eq(excluded(channels::updated_at))));
    each!(conn, execute, upsert)?;
    Ok(())
}
