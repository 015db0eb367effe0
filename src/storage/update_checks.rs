//! What the repositories that plugins come from were last found to offer.

use diesel::{prelude::*, upsert::excluded};

use super::{Connection, connection::each, schema::update_checks, values::stored};
use crate::{
    domain::{Timestamp, update::UpdateCheck},
    error::Result,
};

type Columns = (String, i64, Option<String>, Option<String>);

fn value((source_url, checked_at, latest_version, failure): Columns) -> Result<UpdateCheck> {
    Ok(UpdateCheck {
        source_url,
        checked_at: Timestamp(checked_at),
        latest: latest_version.as_deref().map(|text| stored("update_checks.latest_version", text)).transpose()?,
        failure,
    })
}

/// Writes the outcome of a check. One that failed keeps the version that an earlier one found.
pub fn put(conn: &mut Connection, check: &UpdateCheck) -> Result<()> {
    let row = (
        update_checks::source_url.eq(&check.source_url),
        update_checks::checked_at.eq(check.checked_at.millis()),
        update_checks::latest_version.eq(check.latest.as_ref().map(ToString::to_string)),
        update_checks::failure.eq(check.failure.as_deref()),
    );
    let insert = diesel::insert_into(update_checks::table).values(row).on_conflict(update_checks::source_url).do_update();
    let (at, failure) =
        (update_checks::checked_at.eq(excluded(update_checks::checked_at)), update_checks::failure.eq(excluded(update_checks::failure)));
    match check.latest {
        None => each!(conn, execute, insert.set((at, failure)))?,
        Some(_) => {
            each!(conn, execute, insert.set((at, failure, update_checks::latest_version.eq(excluded(update_checks::latest_version)))))?
        }
    };
    Ok(())
}

/// The checks of these addresses, in no order.
pub fn find(conn: &mut Connection, source_urls: &[String]) -> Result<Vec<UpdateCheck>> {
    let rows: Vec<Columns> = update_checks::table
        .filter(update_checks::source_url.eq_any(source_urls))
        .select((update_checks::source_url, update_checks::checked_at, update_checks::latest_version, update_checks::failure))
        .load(conn)?;
    rows.into_iter().map(value).collect()
}

/// Removes what has not been asked for since `before`.
pub fn delete_before(conn: &mut Connection, before: Timestamp) -> Result<()> {
    diesel::delete(update_checks::table.filter(update_checks::checked_at.lt(before.millis()))).execute(conn)?;
    Ok(())
}
