//! What the mutations of devices did, so that a repeated one is not applied again.

use diesel::prelude::*;

use super::{Connection, schema::state_mutations};
use crate::{
    domain::{Timestamp, UserId},
    error::Result,
};

/// The result that was given, as JSON.
pub fn find(conn: &mut Connection, user: &UserId, device: &str, mutation: &str) -> Result<Option<String>> {
    Ok(state_mutations::table.find((user.as_str(), device, mutation)).select(state_mutations::result).first(conn).optional()?)
}

pub fn insert(conn: &mut Connection, user: &UserId, device: &str, mutation: &str, result: &str, now: Timestamp) -> Result<()> {
    diesel::insert_into(state_mutations::table)
        .values((
            state_mutations::user_id.eq(user.as_str()),
            state_mutations::device_id.eq(device),
            state_mutations::mutation_id.eq(mutation),
            state_mutations::result.eq(result),
            state_mutations::created_at.eq(now.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets what is older than the cutoff.
pub fn delete_before(conn: &mut Connection, cutoff: Timestamp) -> Result<()> {
    diesel::delete(state_mutations::table.filter(state_mutations::created_at.lt(cutoff.millis()))).execute(conn)?;
    Ok(())
}
