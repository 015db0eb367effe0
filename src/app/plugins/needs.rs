//! Whether a plugin fits beside what the user has, and into the host application.

use std::collections::BTreeMap;

use crate::{
    app::releases::choose_if_any,
    domain::{
        Manifest, Slug, UserId, Version, VersionSpec,
        dependencies::{Needs, Offers, Plan, Present, broken_by, dependents, missing, plan},
        plugin::{Installed, Plugin},
    },
    error::{Error, Proposal, Result},
    storage::{Connection, plugins, releases},
};

/// The user's plugins as far as others depend on them.
pub fn present(conn: &mut Connection, user: &UserId) -> Result<BTreeMap<Slug, Present>> {
    let installed = plugins::list_installed(conn, user)?;
    let one = |one: Installed| {
        // What is known of neither the plugin nor its release needs nothing.
        let needs = one.manifest().map(|manifest| manifest.dependencies.clone()).unwrap_or_default();
        (one.plugin.slug, Present { version: one.plugin.version, enabled: one.plugin.enabled, needs })
    };
    Ok(installed.into_iter().map(one).collect())
}

/// Refuses a release whose dependencies are not met or that the host application is too old or too new for.
pub fn check(conn: &mut Connection, user: &UserId, manifest: &Manifest, host: Option<&semver::Version>) -> Result<()> {
    if let (Some(range), Some(host)) = (&manifest.host, host)
        && !range.matches(host)
    {
        return Err(Error::IncompatibleVersion(format!("{} {} needs a host {range}; this one is {host}", manifest.slug, manifest.version)));
    }
    if manifest.dependencies.is_empty() {
        return Ok(());
    }
    let present = present(conn, user)?;
    let missing = missing(&manifest.dependencies, &present);
    if missing.is_empty() {
        return Ok(());
    }
    match plan(&manifest.slug, &manifest.dependencies, &present, &mut Catalogue(conn))? {
        Plan::Cycle(cycle) => Err(Error::DependencyCycle { cycle }),
        Plan::Install(order) => {
            let propose = order.into_iter().map(|(slug, version)| Proposal { slug, version }).collect();
            Err(Error::DependencyMissing { slug: manifest.slug.clone(), missing, propose })
        }
    }
}

/// The same for a plugin that is installed already.
pub fn check_installed(conn: &mut Connection, plugin: &Plugin, host: Option<&semver::Version>) -> Result<()> {
    let manifest = match &plugin.manifest {
        Some(own) => Some(own.clone()),
        None => releases::find(conn, &plugin.slug, &plugin.version)?.map(|release| release.manifest),
    };
    manifest.map_or(Ok(()), |manifest| check(conn, &plugin.user, &manifest, host))
}

/// The plugins that need this one, nearest first; without `cascade` there must be none.
pub fn dependents_or_refuse(conn: &mut Connection, user: &UserId, slug: &Slug, cascade: bool) -> Result<Vec<Slug>> {
    let chain = dependents(slug, &present(conn, user)?);
    if chain.is_empty() || cascade { Ok(chain) } else { Err(Error::DependencyRequired { slug: slug.clone(), chain }) }
}

/// Refuses to move a plugin to a version that others cannot work with.
pub fn check_still_fits(conn: &mut Connection, user: &UserId, slug: &Slug, version: &Version) -> Result<()> {
    let chain = broken_by(slug, version, &present(conn, user)?);
    if chain.is_empty() { Ok(()) } else { Err(Error::DependencyRequired { slug: slug.clone(), chain }) }
}

struct Catalogue<'a>(&'a mut Connection);

impl Offers for Catalogue<'_> {
    type Error = Error;

    fn offer(&mut self, slug: &Slug, range: &semver::VersionReq) -> Result<Option<(Version, Needs)>> {
        let Some(version) = choose_if_any(self.0, slug, &VersionSpec::Range(range.clone()))? else { return Ok(None) };
        Ok(releases::find(self.0, slug, &version)?.map(|release| (version, release.manifest.dependencies)))
    }
}
