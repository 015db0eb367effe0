//! The pass over releases: slug by slug, each release against its folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Doctor, Finding, Kind, State, note,
    releases::{Compared, Repair, compare, stray, without_row},
};
use crate::{
    app::{
        now,
        releases::{self, choose_if_any, note_latest},
    },
    domain::{Slug, Version, VersionSpec, paths::shared_path_label, release::Release},
    error::{Error, Result},
    files::InShared,
    offload,
    storage::{self, plugin_config},
};

/// A folder is there a moment before its row is committed; far above what that takes.
const PUBLISHING: Duration = Duration::from_secs(2);

impl Doctor<'_> {
    pub(super) async fn releases(&mut self) -> Result<()> {
        let folder = self.app.folder.clone();
        let mut folders: BTreeMap<Slug, BTreeSet<Version>> = BTreeMap::new();
        for found in offload::run(move || folder.list_shared()).await? {
            match found {
                InShared::Release { slug, version } => drop(folders.entry(slug).or_default().insert(version)),
                InShared::Misnamed { label, version, .. } => {
                    let why = format!("means {version}, and is not named for it; `plugyard migrate-records` takes it over");
                    self.settle(stray(label, &why)).await?;
                }
                InShared::Stray { label, why } => self.settle(stray(label, &why)).await?,
                InShared::Unreadable { why, .. } => return Err(Error::damaged(why)),
            }
        }
        let slugs = self.app.db.read(plugin_config::slugs).await?;
        let all: BTreeSet<Slug> = slugs.iter().cloned().chain(folders.keys().cloned()).collect();
        self.progress.phase("releases", all.len());
        let mut unknown = Vec::new();
        for slug in all {
            let versions = folders.remove(&slug).unwrap_or_default();
            for version in self.slug(&slug, versions).await? {
                unknown.push((slug.clone(), version));
            }
            self.progress.advance(1);
        }
        self.without_row(unknown).await
    }

    async fn without_row(&mut self, unknown: Vec<(Slug, Version)>) -> Result<()> {
        if !unknown.is_empty() && !self.checkup.repair {
            tokio::time::sleep(PUBLISHING).await;
        }
        for (slug, version) in unknown {
            let (wanted, exact) = (slug.clone(), version.clone());
            if self.app.db.read(move |conn| storage::releases::find(conn, &wanted, &exact)).await?.is_none() {
                let folder = self.app.folder.clone();
                let finding = offload::run(move || Ok(without_row(&folder, &slug, &version))).await?;
                self.settle(finding).await?;
            }
        }
        Ok(())
    }

    /// The answer is folders that no row knows.
    async fn slug(&mut self, slug: &Slug, mut folders: BTreeSet<Version>) -> Result<BTreeSet<Version>> {
        let wanted = slug.clone();
        for release in self.app.db.read(move |conn| storage::releases::list(conn, &wanted)).await? {
            folders.remove(&release.version);
            self.checkup.checked.releases += 1;
            let key = (slug.clone(), release.version.clone());
            let compared = match self.compare(release.clone()).await {
                // A server may just have changed it: what still differs from a fresh row counts.
                outcome if !self.checkup.repair && !outcome.as_ref().is_ok_and(|compared| compared.findings.is_empty()) => {
                    let (wanted, exact) = key.clone();
                    match self.app.db.read(move |conn| storage::releases::find(conn, &wanted, &exact)).await? {
                        Some(fresh) => self.compare(fresh).await?,
                        None => Compared::default(),
                    }
                }
                outcome => outcome?,
            };
            self.checkup.checked.files += compared.files;
            self.manifests.insert(key, (release.manifest, release.files_removed_at.is_none()));
            for finding in compared.findings {
                self.settle(finding).await?;
            }
        }
        self.latest(slug).await?;
        Ok(folders)
    }

    async fn compare(&mut self, release: Release) -> Result<Compared> {
        let (slug, version) = (release.slug.clone(), release.version.clone());
        let files = self.app.db.read(move |conn| storage::releases::files(conn, &slug, &version)).await?;
        self.contents.extend(files.iter().map(|file| file.sha384.clone()));
        let folder = self.app.folder.clone();
        offload::run(move || compare(&folder, &release, &files)).await
    }

    /// What `latest` is noted to be, against what it is.
    async fn latest(&mut self, slug: &Slug) -> Result<()> {
        let wanted = slug.clone();
        let (noted, counted) = self
            .app
            .db
            .read(move |conn| Ok((plugin_config::noted_latest(conn, &wanted)?, choose_if_any(conn, &wanted, &VersionSpec::Latest)?)))
            .await?;
        if noted == counted {
            return Ok(());
        }
        let shown = |version: Option<Version>| version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        self.settle(Finding {
            kind: Kind::LatestVersion,
            object: format!("plugin {slug}"),
            detail: format!("`latest` is noted to be {}, and is {}", shown(noted), shown(counted)),
            remedy: "note what it is".to_owned(),
            repair: Repair::NoteLatest(slug.clone()),
        })
        .await
    }

    /// Repairs one difference, if that is asked for, and adds it to the report.
    async fn settle(&mut self, mut finding: Finding<Repair>) -> Result<()> {
        if !self.checkup.repair {
            let is_gone = matches!(&finding.repair, Repair::SetAside(label) if !self.app.folder.holds(label)?);
            if !is_gone {
                self.add(finding, State::Found);
            }
            return Ok(());
        }
        let state = match self.repair_release(&finding).await {
            Ok(()) => State::Repaired,
            Err(error) => {
                finding.remedy = format!("{}; this failed: {}", finding.remedy, super::words(&error));
                State::Left
            }
        };
        self.add(finding, state);
        Ok(())
    }

    async fn repair_release(&mut self, finding: &Finding<Repair>) -> Result<()> {
        let app = self.app;
        let (caller, kind, object) = (self.caller.clone(), finding.kind, finding.object.clone());
        match finding.repair.clone() {
            Repair::Adopt(slug, version) => {
                let folder = app.folder.clone();
                let found = offload::run(move || releases::adoptable(&folder, &slug, &version)).await?;
                let release = &found.release;
                self.manifests.insert((release.slug.clone(), release.version.clone()), (release.manifest.clone(), true));
                releases::adopt(app, self.caller, found).await
            }
            Repair::SetAside(label) => self.set_aside(label).await,
            Repair::Remove(slug, version) => {
                let folder = app.folder.clone();
                offload::run(move || folder.retire_release(&slug, &version)?.map_or(Ok(()), |retired| retired.remove())).await
            }
            Repair::TakeOut(slug, version) => {
                // In this order, so that one that was killed in between finds a row without a folder.
                self.set_aside(shared_path_label(&slug, &version)).await?;
                if let Some((_, has_files)) = self.manifests.get_mut(&(slug.clone(), version.clone())) {
                    *has_files = false;
                }
                app.db
                    .write(move |conn| {
                        storage::releases::set_files_removed(conn, &slug, &version, Some(now()))?;
                        note_latest(conn, &slug)?;
                        note(conn, &caller, kind, &object)
                    })
                    .await
            }
            Repair::Recount(slug, version, size, count) => {
                app.db
                    .write(move |conn| {
                        storage::releases::set_counts(conn, &slug, &version, size, count)?;
                        note(conn, &caller, kind, &object)
                    })
                    .await
            }
            Repair::NoteLatest(slug) => {
                app.db
                    .write(move |conn| {
                        note_latest(conn, &slug)?;
                        note(conn, &caller, kind, &object)
                    })
                    .await
            }
        }
    }

    /// Modules of plugins that do not exist: foreign keys were off once.
    pub(super) async fn orphans(&mut self) -> Result<()> {
        let found = self.app.db.read(storage::modules::orphans).await?;
        let mut state = State::Found;
        if self.checkup.repair && !found.is_empty() {
            let (caller, all) = (self.caller.clone(), found.clone());
            self.app
                .db
                .write(move |conn| {
                    all.iter().try_for_each(|(plugin, id)| {
                        storage::modules::delete(conn, plugin, id)?;
                        note(conn, &caller, Kind::OrphanModule, &format!("module {id} of plugin {plugin}"))
                    })
                })
                .await?;
            state = State::Repaired;
        }
        for (plugin, id) in found {
            self.add(
                Finding {
                    kind: Kind::OrphanModule,
                    object: format!("module {id} of plugin {plugin}"),
                    detail: "there is no such plugin".to_owned(),
                    remedy: "remove the row".to_owned(),
                    repair: (),
                },
                state,
            );
        }
        Ok(())
    }
}
