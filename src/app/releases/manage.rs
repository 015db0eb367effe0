//! What a publisher may still change about a release: visibility, yank, channels. The content never.

use super::{may_publish, note_latest, read::choose_any};
use crate::{
    app::{App, audit, now},
    domain::{
        Caller, Channel, Role, Slug, Timestamp, Version, VersionSpec,
        manifest::Visibility,
        release::{Release, Yank},
    },
    error::{Error, Result},
    storage::{Connection, channels, plugin_config, releases},
};

/// A slug belongs to its first publisher; administrators may manage every slug.
pub(super) fn require_owner(conn: &mut Connection, caller: &Caller, slug: &Slug) -> Result<()> {
    let row = plugin_config::find(conn, slug)?.ok_or_else(|| Error::NotFound(format!("plugin {slug}")))?;
    match caller.role == Role::Admin || row.owner.as_ref() == Some(&caller.user) {
        true => Ok(()),
        false => Err(Error::PublishNotAllowed(format!("{slug} belongs to its first publisher"))),
    }
}

/// Runs a change of one release with its rights checked, audited in the same transaction.
async fn change(
    app: &App,
    caller: &Caller,
    slug: Slug,
    wanted: VersionSpec,
    action: &'static str,
    apply: impl Fn(&mut Connection, &Release, Timestamp) -> Result<()> + Send + 'static,
) -> Result<Release> {
    may_publish(app, caller)?;
    let (caller, now) = (caller.clone(), now());
    app.db
        .write(move |conn| {
            require_owner(conn, &caller, &slug)?;
            plugin_config::lock(conn, &slug)?;
            let release = choose_any(conn, &slug, &wanted)?;
            apply(conn, &release, now)?;
            audit::record(conn, &caller, action, format!("{slug} {}", release.version), now)?;
            choose_any(conn, &slug, &VersionSpec::Exact(release.version))
        })
        .await
}

pub async fn set_visibility(app: &App, caller: &Caller, slug: Slug, wanted: VersionSpec, visibility: Visibility) -> Result<Release> {
    change(app, caller, slug, wanted, "release.visibility", move |conn, release, _| {
        if release.version.is_variant() && visibility == Visibility::Public {
            return Err(Error::Conflict(format!(
                "{} {} is an import's variant, which is for its users alone",
                release.slug, release.version
            )));
        }
        releases::set_visibility(conn, &release.slug, &release.version, visibility)
    })
    .await
}

/// Takes a version out of what ranges, channels and `latest` choose; it is served on to those who have it.
pub async fn yank(app: &App, caller: &Caller, slug: Slug, version: Version, reason: String) -> Result<Release> {
    if reason.trim().is_empty() || reason.len() > MAX_REASON || reason.contains('\0') {
        return Err(Error::invalid("/reason", format!("a reason has 1 to {MAX_REASON} bytes")));
    }
    change(app, caller, slug, VersionSpec::Exact(version), "release.yank", move |conn, release, now| {
        releases::set_yank(conn, &release.slug, &release.version, Some(&Yank { at: now, reason: reason.clone() }))?;
        note_latest(conn, &release.slug)
    })
    .await
}

const MAX_REASON: usize = 1000;

pub async fn unyank(app: &App, caller: &Caller, slug: Slug, version: Version) -> Result<Release> {
    change(app, caller, slug, VersionSpec::Exact(version), "release.unyank", |conn, release, _| {
        releases::set_yank(conn, &release.slug, &release.version, None)?;
        note_latest(conn, &release.slug)
    })
    .await
}

/// Points the channel at what `wanted` stands for now.
pub async fn set_channel(app: &App, caller: &Caller, slug: Slug, channel: Channel, wanted: VersionSpec) -> Result<Release> {
    change(app, caller, slug, wanted, "channel.set", move |conn, release, now| {
        if release.version.is_variant() {
            return Err(Error::Conflict(format!("{} {} is an import's variant, which no channel names", release.slug, release.version)));
        }
        if release.files_removed_at.is_some() {
            return Err(Error::Gone(format!("the files of {} {} were removed", release.slug, release.version)));
        }
        channels::set(conn, &release.slug, &channel, &release.version, now)
    })
    .await
}

pub async fn delete_channel(app: &App, caller: &Caller, slug: Slug, channel: Channel) -> Result<()> {
    may_publish(app, caller)?;
    let (caller, now) = (caller.clone(), now());
    app.db
        .write(move |conn| {
            require_owner(conn, &caller, &slug)?;
            if !channels::delete(conn, &slug, &channel)? {
                return Err(Error::NotFound(format!("channel {}", channel.as_str())));
            }
            audit::record(conn, &caller, "channel.delete", format!("{slug} {}", channel.as_str()), now)
        })
        .await
}
