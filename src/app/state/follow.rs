//! What other processes on the same database do, told to those who listen here: every so often the counters of their users
//! are looked at, and their plugins where something has changed.

use std::{collections::HashMap, sync::Arc};

use super::events::{Installed, Listener, PluginChange, Seen};
use crate::{
    app::App,
    domain::{Slug, UserId, Version, plugin::Change},
    error::Result,
    storage::{Connection, changes::Subject, plugins, state_heads},
};

/// Users in one read.
const TOGETHER: usize = 200;

/// A place among the user's listeners, who from then on miss nothing.
pub async fn listen(app: &App, user: &UserId) -> Result<Listener> {
    let listener = app.state.events.listen(user)?;
    if !app.state.events.has_begun(user) {
        let (stamp, owner) = (app.db.changes().stamp(Subject::User(user)), user.clone());
        let (seq, plugins) = app.db.read(move |conn| Ok((state_heads::find(conn, &owner)?.seq, installed(conn, &owner)?))).await?;
        app.state.events.begin(user, Seen { seq, stamp, plugins });
    }
    Ok(listener)
}

fn installed(conn: &mut Connection, user: &UserId) -> Result<Installed> {
    let rows = plugins::list_served(conn, user)?;
    Ok(rows.into_iter().map(|row| (row.slug, (row.version, row.enabled))).collect())
}

/// Looks once.
pub async fn follow(app: &Arc<App>) -> Result<()> {
    // Without trust nobody can tell that nothing has changed.
    let listening = app.state.events.listening(|stamp| app.db.changes().trust().is_some_and(|trust| trust.holds(stamp)));
    for group in listening.chunks(TOGETHER) {
        look(app, group.to_vec()).await?;
    }
    Ok(())
}

/// What has become of a plugin.
enum Now {
    Installed(Version, bool),
    Moved { version: Version, back: bool },
    Switched(bool),
    Gone,
}

async fn look(app: &Arc<App>, group: Vec<(UserId, Option<Installed>)>) -> Result<()> {
    let changes = app.db.changes();
    let users: Vec<UserId> = group.iter().map(|(user, _)| user.clone()).collect();
    let due: Vec<_> = group.into_iter().filter_map(|(user, known)| Some((changes.stamp(Subject::User(&user)), user, known?))).collect();
    let read = app.db.read(move |conn| {
        let heads = state_heads::find_all(conn, &users)?;
        let mut found = Vec::with_capacity(due.len());
        for (stamp, user, known) in due {
            let differences = differences(conn, &user, &known)?;
            found.push((user, stamp, differences));
        }
        Ok((heads, found))
    });
    let (heads, found): (HashMap<UserId, i64>, _) = read.await?;
    for (user, seq) in heads {
        app.state.events.at(&user, seq);
    }
    for (user, stamp, differences) in found {
        let told: Vec<_> = differences.iter().map(|(plugin, now)| (plugin.clone(), change(now))).collect();
        app.state.events.found(&user, stamp, &told, || changes.stamp(Subject::User(&user)) == stamp);
    }
    Ok(())
}

fn change(now: &Now) -> PluginChange<'_> {
    match now {
        Now::Installed(version, enabled) => PluginChange::Installed(version, *enabled),
        Now::Moved { version, back: false } => PluginChange::Updated(version),
        Now::Moved { version, back: true } => PluginChange::RolledBack(version),
        Now::Switched(true) => PluginChange::Enabled,
        Now::Switched(false) => PluginChange::Disabled,
        Now::Gone => PluginChange::Uninstalled,
    }
}

fn differences(conn: &mut Connection, user: &UserId, before: &Installed) -> Result<Vec<(Slug, Now)>> {
    let rows = plugins::list_served(conn, user)?;
    let gone = before.keys().filter(|slug| rows.iter().all(|row| row.slug != **slug));
    let mut found: Vec<_> = gone.map(|slug| (slug.clone(), Now::Gone)).collect();
    for row in rows {
        match before.get(&row.slug) {
            None => found.push((row.slug, Now::Installed(row.version, row.enabled))),
            Some((version, enabled)) => {
                if *version != row.version {
                    let last = plugins::history(conn, &row.id)?.pop();
                    let back = last.is_some_and(|entry| entry.change == Change::Rollback);
                    found.push((row.slug.clone(), Now::Moved { version: row.version, back }));
                }
                if *enabled != row.enabled {
                    found.push((row.slug, Now::Switched(row.enabled)));
                }
            }
        }
    }
    Ok(found)
}
