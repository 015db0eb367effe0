//! Moving a plugin to another version: everything is checked before anything changes, one transaction moves it, and the
//! old version is served until that commits.

use std::sync::Arc;

use super::{failed, find, list_one, needs};
use crate::{
    app::{
        App, audit, now,
        releases::{PublishOptions, choose_for_install, may_publish, publish, verify_on_disk},
        sources::{self, Wanted},
        state::{self, Access, PluginChange},
    },
    domain::{
        Caller, Manifest, Timestamp, UserId, Version, VersionSpec,
        history::rollback_target,
        plugin::{Change, ModuleRow, Plugin},
        release::Release,
        state::SnapshotReason,
    },
    error::{Error, Result, Step},
    storage::{Connection, modules, plugin_config, plugins, releases},
};

/// A plugin that was moved; both versions are equal when there was nothing to do.
#[derive(Debug)]
pub struct Moved {
    pub plugin: Plugin,
    pub previous: Version,
    /// Of the plugin's state: made before an update; the one that an undone update made, where there is one.
    pub snapshot: Option<String>,
}

/// Moves to what `wanted` stands for. Config and enablement stay.
pub async fn update(app: &Arc<App>, caller: &Caller, user: &UserId, name: &str, wanted: VersionSpec) -> Result<Moved> {
    let plugin = find(app, user, name).await?;
    // Also when it was yanked since: the user keeps it.
    if wanted == VersionSpec::Exact(plugin.version.clone()) {
        return Ok(Moved { previous: plugin.version.clone(), plugin, snapshot: None });
    }
    let (chooser, slug) = (caller.clone(), plugin.slug.clone());
    let release = app.db.read(move |conn| choose_for_install(conn, &chooser, &slug, &wanted)).await?;
    move_to(app, caller, plugin, release, Move::Update).await
}

/// Moves to the newest version there is. One that only the repository has from which the plugin was installed is fetched and
/// published first, if the caller may do that; nobody is asked whether there is one.
pub async fn update_to_newest(app: &Arc<App>, caller: &Caller, user: &UserId, name: &str) -> Result<Moved> {
    let listed = list_one(app, user, name).await?;
    let offered = listed.check.as_ref().and_then(|check| check.latest.as_ref());
    let is_newer = |offered: &Version| {
        *offered > listed.installed.plugin.version && listed.installed.latest.as_ref().is_none_or(|known| offered > known)
    };
    let wanted = match (listed.source_url(), offered.filter(|offered| is_newer(offered))) {
        (Some(source), Some(_)) if may_publish(app, caller).is_ok() => {
            let slug = listed.installed.plugin.slug.clone();
            let wanted = Wanted { address: source.to_owned(), version: None, sha256: None };
            let step = |step| {
                let (slug, user) = (slug.clone(), user.clone());
                move |cause| failed(step, Some(slug), user, cause)
            };
            let fetched = sources::fetch(app, &wanted).await.map_err(step(Step::ReleaseLookup))?;
            let staged = app.folder.unpack(fetched.archive, app.limits()).await.map_err(step(Step::FileExtraction))?;
            let options = PublishOptions { slug: Some(slug.clone()), ..PublishOptions::default() };
            let published = publish(app, caller, staged, options).await.map_err(step(Step::SetupAndCopy))?;
            VersionSpec::Exact(published.release.version)
        }
        _ => VersionSpec::Latest,
    };
    update(app, caller, user, name, wanted).await
}

/// Moves back to the version that was installed before; again goes one further. A yanked version may come back: the user
/// had it. With `restore_state` the plugin's state goes back with it, to the snapshot that the update made.
pub async fn rollback(app: &Arc<App>, caller: &Caller, user: &UserId, name: &str, restore_state: bool) -> Result<Moved> {
    let plugin = find(app, user, name).await?;
    let (id, slug) = (plugin.id.clone(), plugin.slug.clone());
    let release = app
        .db
        .read(move |conn| {
            let history = plugins::history(conn, &id)?;
            let target =
                rollback_target(&history).ok_or_else(|| Error::Conflict(format!("{slug} has no earlier version to go back to")))?;
            releases::find(conn, &slug, target)?.ok_or_else(|| Error::Conflict(format!("{slug} {target} is no longer published")))
        })
        .await?;
    move_to(app, caller, plugin, release, Move::Rollback { restore_state }).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Update,
    Rollback { restore_state: bool },
}

async fn move_to(app: &Arc<App>, caller: &Caller, plugin: Plugin, release: Release, how: Move) -> Result<Moved> {
    let previous = plugin.version.clone();
    if release.version == previous {
        return Ok(Moved { plugin, previous, snapshot: None });
    }
    verify_on_disk(app, &release).await?;
    let (caller, host, now) = (caller.clone(), app.settings.host_version.clone(), now());
    let access = Access::of_plugin(&caller, plugin.user.clone());
    let shared = Arc::clone(app);
    let moved = app
        .db
        .write(move |conn| {
            let user = &plugin.user;
            plugin_config::hold(conn, &plugin.slug)?;
            if releases::find(conn, &plugin.slug, &release.version)?.is_none_or(|release| release.files_removed_at.is_some()) {
                return Err(Error::Gone(format!("the files of {} {} were removed", plugin.slug, release.version)));
            }
            let current = plugins::find_by_id(conn, user, &plugin.id)?.ok_or_else(|| Error::NotFound("plugin".to_owned()))?;
            if current.version != previous {
                return Err(Error::Conflict(format!("{} was moved to {} meanwhile", plugin.slug, current.version)));
            }
            needs::check(conn, user, &release.manifest, host.as_ref())?;
            needs::check_still_fits(conn, user, &plugin.slug, &release.version)?;
            let (change, action, snapshot) = match how {
                Move::Update => {
                    let made = state::take(&shared, conn, &access, &plugin.slug, SnapshotReason::Update, (None, false))?;
                    state::let_go(conn, user, &plugin.slug)?;
                    (Change::Update, "plugin.update", Some(made))
                }
                Move::Rollback { .. } => {
                    let made = state::before_update(conn, &access, &plugin.slug, &release.version.to_string())?;
                    (Change::Rollback, "plugin.rollback", made)
                }
            };
            plugins::set_version(conn, &plugin.id, &release.version, now)?;
            plugins::record_version(conn, &plugin.id, &release.version, change, &caller.actor(), now)?;
            follow_manifest(conn, &plugin.id, &release.manifest, now)?;
            if how == (Move::Rollback { restore_state: true }) {
                let none = || {
                    Error::Conflict(format!("there is no snapshot of the state that {} had in version {}", plugin.slug, release.version))
                };
                state::restore_in(&shared, conn, &access, snapshot.as_ref().ok_or_else(none)?, SnapshotReason::Rollback)?;
            }
            audit::record(conn, &caller, action, format!("{} {previous} -> {}", plugin.id, release.version), now)?;
            let plugin = Plugin { version: release.version.clone(), ..plugin.clone() };
            Ok(Moved { plugin, previous: previous.clone(), snapshot: snapshot.map(|snapshot| snapshot.id) })
        })
        .await?;
    let version = &moved.plugin.version;
    let change = if how == Move::Update { PluginChange::Updated(version) } else { PluginChange::RolledBack(version) };
    app.state.tell(&moved.plugin.user, &moved.plugin.slug, change);
    app.state.wake(&moved.plugin.user);
    Ok(moved)
}

/// New modules appear; removed ones keep their row and values, and are back when a version declares them again. False when
/// nothing was to be done.
pub(super) fn follow_manifest(conn: &mut Connection, plugin: &str, manifest: &Manifest, now: Timestamp) -> Result<bool> {
    let rows = modules::list(conn, plugin)?;
    let mut changed = false;
    for row in &rows {
        let declared = manifest.modules.iter().any(|module| module.id == row.id);
        if declared != row.present {
            modules::set_present(conn, plugin, &row.id, declared, now)?;
            changed = true;
        }
    }
    for module in manifest.modules.iter().filter(|module| rows.iter().all(|row| row.id != module.id)) {
        let row = ModuleRow { id: module.id.clone(), enabled: module.enabled, config: "{}".to_owned(), present: true };
        modules::insert(conn, plugin, &row, now)?;
        changed = true;
    }
    Ok(changed)
}
