//! The releases that entries may name: those with a row, and the folders in `shared/` that are taken over first.

use std::collections::{HashMap, HashSet};

use crate::{
    app::{
        App,
        releases::{self, Adoptable, PublishOptions},
        takeover::{Item, Kind, Outcome, Progress, TakeoverReport},
    },
    domain::{Caller, Manifest, Slug, Version, paths::shared_path_label},
    error::{Error, Result},
    files::InShared,
    offload,
    storage::{self, plugin_config},
};

/// Manifests by slug and version, of releases whose files are there.
pub struct Catalogue {
    manifests: HashMap<(Slug, Version), Manifest>,
    /// Releases whose files clean-up has removed.
    removed: HashSet<(Slug, Version)>,
    /// Every slug by its form without case.
    slugs: HashMap<String, Slug>,
}

impl Catalogue {
    pub fn find(&self, slug: &Slug, version: &Version) -> Option<&Manifest> {
        self.manifests.get(&(slug.clone(), version.clone()))
    }

    /// Adopts every release folder that has no row, or says that it would.
    pub async fn take_in(app: &App, caller: &Caller, writes: bool, progress: &Progress, report: &mut TakeoverReport) -> Result<Self> {
        let (rows, slugs) = app.db.read(|conn| Ok((storage::releases::manifests(conn)?, plugin_config::slugs(conn)?))).await?;
        let mut catalogue = Self { manifests: HashMap::new(), removed: HashSet::new(), slugs: HashMap::new() };
        catalogue.slugs.extend(slugs.into_iter().map(|slug| (slug.folded(), slug)));
        for (manifest, has_files) in rows {
            let key = (manifest.slug.clone(), manifest.version.clone());
            match has_files {
                true => drop(catalogue.manifests.insert(key, manifest)),
                false => drop(catalogue.removed.insert(key)),
            }
        }
        let folder = app.folder.clone();
        let shared = offload::run(move || folder.list_shared()).await?;
        progress.phase("releases", shared.len());
        for found in shared {
            let item = match found {
                InShared::Stray { label, why } => Item::new(Kind::File, label, Outcome::Skipped(why)),
                InShared::Unreadable { label, why } => Item::new(Kind::File, label, Outcome::Failed(why)),
                InShared::Release { slug, version } => {
                    let label = shared_path_label(&slug, &version);
                    let outcome = catalogue.adopt(app, caller, writes, &slug, &version).await;
                    item(label, &slug, &version, outcome)
                }
                InShared::Misnamed { slug, version, label } => {
                    let outcome = catalogue.publish(app, caller, writes, &slug, &version, &label).await;
                    item(label, &slug, &version, outcome)
                }
            };
            report.add(item);
            progress.advance(1);
        }
        Ok(catalogue)
    }

    async fn adopt(&mut self, app: &App, caller: &Caller, writes: bool, slug: &Slug, version: &Version) -> Result<Outcome> {
        let key = (slug.clone(), version.clone());
        if self.manifests.contains_key(&key) {
            return Ok(Outcome::AlreadyDone);
        }
        if self.removed.contains(&key) {
            return Ok(Outcome::Skipped("clean-up has removed this release, and `plugyard gc` finishes that".to_owned()));
        }
        self.require_own_case(slug)?;
        let (folder, wanted) = (app.folder.clone(), key.clone());
        let found: Adoptable = offload::run(move || releases::adoptable(&folder, &wanted.0, &wanted.1)).await?;
        let manifest = found.release.manifest.clone();
        if writes {
            releases::adopt(app, caller, found).await?;
        }
        self.add(key, manifest);
        Ok(Outcome::Done)
    }

    /// A folder that is not named for its version stays where it is, and is published like one from elsewhere.
    async fn publish(&mut self, app: &App, caller: &Caller, writes: bool, slug: &Slug, version: &Version, label: &str) -> Result<Outcome> {
        let key = (slug.clone(), version.clone());
        if self.manifests.contains_key(&key) {
            return self.compare(app, slug, version, label).await;
        }
        self.require_own_case(slug)?;
        let staged = app.folder.stage_folder(app.folder.root().join(label), app.limits()).await?;
        let options =
            PublishOptions { slug: Some(slug.clone()), version: Some(version.clone()), prevail: true, ..PublishOptions::default() };
        let manifest = match writes {
            true => releases::publish(app, caller, staged, options).await?.release.manifest,
            false => releases::manifest_of(staged, options).await?,
        };
        self.add(key, manifest);
        Ok(Outcome::Done)
    }

    /// Whether the folder holds what the release of its version is.
    async fn compare(&self, app: &App, slug: &Slug, version: &Version, label: &str) -> Result<Outcome> {
        let (folder, at) = (app.folder.clone(), label.to_owned());
        let found = offload::run(move || folder.read_misnamed(&at)).await?;
        let (wanted, exact) = (slug.clone(), version.clone());
        let digest = match app.db.read(move |conn| storage::releases::find(conn, &wanted, &exact)).await? {
            Some(release) => release.digest.to_string(),
            // A dry run has only read the folder that would be adopted.
            None => {
                let (folder, wanted, exact) = (app.folder.clone(), slug.clone(), version.clone());
                offload::run(move || folder.read_release(&wanted, &exact)).await?.digest
            }
        };
        match found.digest == digest {
            true => Ok(Outcome::AlreadyDone),
            false => Ok(Outcome::Skipped(format!("{slug} {version} is published with other content; published versions never change"))),
        }
    }

    fn require_own_case(&self, slug: &Slug) -> Result<()> {
        match self.slugs.get(&slug.folded()).filter(|known| *known != slug) {
            Some(known) => Err(Error::AlreadyExists(format!("{known} differs from {slug} only in case"))),
            None => Ok(()),
        }
    }

    fn add(&mut self, key: (Slug, Version), manifest: Manifest) {
        self.slugs.insert(key.0.folded(), key.0.clone());
        self.manifests.insert(key, manifest);
    }
}

fn item(label: String, slug: &Slug, version: &Version, outcome: Result<Outcome>) -> Item {
    let outcome = outcome.unwrap_or_else(|error| Outcome::Failed(error.chain().to_string()));
    let is_there = matches!(outcome, Outcome::Done | Outcome::AlreadyDone);
    let item = Item::new(Kind::Release, label, outcome);
    if is_there { item.into_target(format!("release {slug} {version}")) } else { item }
}
