//! Movable names for versions.

use diesel::{prelude::*, upsert::excluded};

use super::{Connection, connection::Both, schema::channels, values::stored};
use crate::{
    domain::{Channel, Slug, Timestamp, Version},
    error::Result,
};

pub fn find(conn: &mut Connection, slug: &Slug, channel: &Channel) -> Result<Option<Version>> {
    let found: Option<String> = channels::table.find((slug.as_str(), channel.as_str())).select(channels::version).first(conn).optional()?;
    found.map(|text| stored("channels.version", &text)).transpose()
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
    Both(upsert).execute(conn)?;
    Ok(())
}
