//! From what a caller writes as a version to a release.

use crate::{
    domain::{
        Caller, Slug, Version, VersionSpec,
        release::Release,
        version::{highest_match, latest},
    },
    error::{Error, Result},
    storage::{Connection, channels, plugin_config, releases},
};

/// The release that a new installation gets. Ranges, channels and `latest` never choose a yanked one; asking for one
/// exactly is refused with the reason.
pub fn choose_for_install(conn: &mut Connection, caller: &Caller, slug: &Slug, wanted: &VersionSpec) -> Result<Release> {
    if !plugin_config::is_available(conn, slug)? && !caller.is_admin() {
        return Err(Error::Unavailable(slug.to_string()));
    }
    let version = choose(conn, slug, wanted)?;
    let release = releases::find(conn, slug, &version)?.ok_or_else(|| absent(slug, wanted))?;
    match release.yank {
        Some(yank) => Err(Error::Yanked { slug: slug.to_string(), version: version.to_string(), reason: yank.reason }),
        None if release.files_removed_at.is_some() => Err(Error::Gone(format!("the files of {slug} {version} were removed"))),
        None => Ok(release),
    }
}

/// The exact version that the words stand for at this moment; [`Error::NotFound`] when there is none.
pub fn choose(conn: &mut Connection, slug: &Slug, wanted: &VersionSpec) -> Result<Version> {
    choose_if_any(conn, slug, wanted)?.ok_or_else(|| absent(slug, wanted))
}

/// As [`choose`]. An exact version is taken as it is.
pub fn choose_if_any(conn: &mut Connection, slug: &Slug, wanted: &VersionSpec) -> Result<Option<Version>> {
    Ok(match wanted {
        VersionSpec::Exact(version) => Some(version.clone()),
        VersionSpec::Latest => latest(&releases::choosable_versions(conn, slug)?).cloned(),
        VersionSpec::Range(range) => highest_match(range, &releases::choosable_versions(conn, slug)?).cloned(),
        VersionSpec::Channel(channel) => {
            let named = channels::find(conn, slug, channel)?;
            let choosable = releases::choosable_versions(conn, slug)?;
            named.filter(|version| choosable.contains(version))
        }
    })
}

/// Notes what `latest` stands for; in the transaction of whatever changes a release.
pub(in crate::app) fn note_latest(conn: &mut Connection, slug: &Slug) -> Result<()> {
    let choosable = releases::choosable_versions(conn, slug)?;
    plugin_config::set_latest(conn, slug, latest(&choosable))
}

fn absent(slug: &Slug, wanted: &VersionSpec) -> Error {
    Error::NotFound(format!("release {slug} {wanted}"))
}
