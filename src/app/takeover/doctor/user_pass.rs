//! The pass over users: a page of them at a time, rows against records and releases.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    Doctor, Finding, Kind, State, note,
    rows::{self, Repair as RowRepair},
    users::{Compared, Repair, User, compare},
};
use crate::{
    app::{now, plugins::records},
    domain::{
        Slug, UserId, Version,
        plugin::{ModuleRow, Plugin},
        record::{InstallationMetadata, InstallationType},
        release::Release,
    },
    error::{Error, Result},
    files::{InUsers, PluginsFolder, Rewrite, entries_text, entry_of},
    offload,
    storage::{Connection, modules, pending_records, plugins, releases, users},
};

/// Users whose rows and records are in memory at once.
const PAGE: i64 = 200;

/// What the database holds of a page of users.
#[derive(Default)]
struct Rows {
    plugins: HashMap<UserId, BTreeMap<Slug, Plugin>>,
    /// By the plugin's id.
    modules: HashMap<String, Vec<ModuleRow>>,
    pending: HashMap<UserId, BTreeSet<Slug>>,
    /// Ids of plugins that are as an import brought them.
    imported: HashSet<String>,
}

impl Doctor<'_> {
    /// The users after this one, in the order of their ids; none when there are no more.
    pub(super) async fn next_users(&self, after: &mut Option<UserId>) -> Result<Option<Vec<UserId>>> {
        let begin = after.take();
        let page = self.app.db.read(move |conn| users::list(conn, begin.as_ref(), PAGE)).await?;
        let page: Vec<UserId> = page.into_iter().map(|user| user.id).collect();
        *after = page.last().cloned();
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    pub(super) async fn users(&mut self) -> Result<()> {
        let folder = self.app.folder.clone();
        let mut folders = BTreeMap::new();
        for found in offload::run(move || folder.list_users()).await? {
            match found {
                InUsers::Folder(found) if found.is_ours => drop(folders.insert(found.user, found.label)),
                InUsers::Folder(found) => {
                    let why = "writes the user's id otherwise than this server does; `plugyard migrate-records` takes it over";
                    self.take_away(Kind::Stray, parent(&found.label), why.to_owned()).await?;
                }
                InUsers::Unfinished { user, label } => {
                    if self.is_left(&user, &label).await? {
                        self.take_away(Kind::Leftover, label, "a killed writer of records left it".to_owned()).await?;
                    }
                }
                InUsers::Unreadable { why, .. } => return Err(Error::damaged(why)),
                InUsers::Stray { label, why, .. } => self.take_away(Kind::Stray, label, why).await?,
            }
        }
        self.progress.phase("users", folders.len());
        let mut after = None;
        while let Some(page) = self.next_users(&mut after).await? {
            let known = page.iter().filter(|user| folders.remove(*user).is_some()).count();
            self.page(page).await?;
            self.progress.advance(known);
        }
        for (user, label) in folders {
            let wanted = user.clone();
            // Made since the page was read.
            if self.app.db.read(move |conn| users::find(conn, &wanted)).await?.is_none() {
                self.take_away(Kind::RecordsWithoutUser, parent(&label), format!("there is no user {user}")).await?;
            }
        }
        Ok(())
    }

    /// Whether the file is still there while nobody writes this user's records.
    async fn is_left(&self, user: &UserId, label: &str) -> Result<bool> {
        let (folder, user, label) = (self.app.folder.clone(), user.clone(), label.to_owned());
        offload::run(move || {
            let _nobody_writes = folder.lock_outbox(&user)?;
            folder.holds(&label)
        })
        .await
    }

    async fn page(&mut self, page: Vec<UserId>) -> Result<()> {
        let files = self.read_records(page.clone()).await?;
        let rows = self.rows(page.clone()).await?;
        self.learn_releases(&rows).await?;
        let (no_plugins, nothing_pending) = (BTreeMap::new(), BTreeSet::new());
        let mut differing = Vec::new();
        let mut row_findings = Vec::new();
        for (user, content) in page.iter().zip(files) {
            let plugins = rows.plugins.get(user).unwrap_or(&no_plugins);
            let pending = rows.pending.get(user).unwrap_or(&nothing_pending);
            let compared = compare(&User { id: user, plugins, pending, records: content });
            if !compared.findings.is_empty() {
                differing.push((user.clone(), compared));
            }
            for plugin in plugins.values() {
                let modules = rows.modules.get(&plugin.id).map(Vec::as_slice).unwrap_or_default();
                row_findings.extend(rows::compare(plugin, modules, rows.imported.contains(&plugin.id), &self.manifests));
                self.checkup.checked.modules += modules.len() as u64;
            }
            self.checkup.checked.users += 1;
            self.checkup.checked.plugins += plugins.len() as u64;
        }
        if !row_findings.is_empty() {
            self.settle_rows(row_findings).await?;
        }
        for (user, compared) in differing {
            match self.checkup.repair {
                true => self.repair_records(&user, compared).await?,
                false => self.look_again(&user).await?,
            }
        }
        Ok(())
    }

    /// A server may just have changed this user's plugins. While nobody carries out the outbox, rows and records only
    /// differ by what is pending.
    async fn look_again(&mut self, user: &UserId) -> Result<()> {
        let (folder, owner) = (self.app.folder.clone(), user.clone());
        let _still = offload::run(move || folder.lock_outbox(&owner)).await?;
        let content = self.read_records(vec![user.clone()]).await?.pop().unwrap_or(Ok(None));
        let mut rows = self.rows(vec![user.clone()]).await?;
        let plugins = rows.plugins.remove(user).unwrap_or_default();
        let pending = rows.pending.remove(user).unwrap_or_default();
        let compared = compare(&User { id: user, plugins: &plugins, pending: &pending, records: content });
        compared.findings.into_iter().for_each(|finding| self.add(finding, State::Found));
        Ok(())
    }

    async fn read_records(&self, users: Vec<UserId>) -> Result<Vec<Result<Option<Vec<u8>>, String>>> {
        let folder = self.app.folder.clone();
        let read = move |user: &UserId| folder.read_record_file(&PluginsFolder::record_file(user)).map_err(|e| super::words(&e));
        offload::run(move || Ok(users.iter().map(read).collect())).await
    }

    async fn rows(&self, wanted: Vec<UserId>) -> Result<Rows> {
        self.app
            .db
            .read(move |conn| {
                let mut rows = Rows { imported: plugins::imported_of_users(conn, &wanted)?.into_iter().collect(), ..Rows::default() };
                for plugin in plugins::of_users(conn, &wanted)? {
                    rows.plugins.entry(plugin.user.clone()).or_default().insert(plugin.slug.clone(), plugin);
                }
                for (id, module) in modules::of_users(conn, &wanted)? {
                    rows.modules.entry(id).or_default().push(module);
                }
                for (user, slug) in pending_records::of_users(conn, &wanted)? {
                    rows.pending.entry(user).or_default().insert(slug);
                }
                Ok(rows)
            })
            .await
    }

    /// Releases that were published, or came back, since the pass over releases.
    async fn learn_releases(&mut self, rows: &Rows) -> Result<()> {
        let all = rows.plugins.values().flat_map(BTreeMap::values).map(|plugin| (plugin.slug.clone(), plugin.version.clone()));
        let unsure: BTreeSet<(Slug, Version)> =
            all.filter(|key| !self.manifests.get(key).is_some_and(|(_, has_files)| *has_files)).collect();
        if unsure.is_empty() {
            return Ok(());
        }
        let find = move |conn: &mut Connection| unsure.iter().map(|(slug, version)| releases::find(conn, slug, version)).collect();
        let found: Vec<Option<Release>> = self.app.db.read(find).await?;
        for release in found.into_iter().flatten() {
            self.manifests.insert((release.slug, release.version), (release.manifest, release.files_removed_at.is_none()));
        }
        Ok(())
    }

    async fn settle_rows(&mut self, findings: Vec<Finding<RowRepair>>) -> Result<()> {
        let mut state = State::Found;
        if self.checkup.repair {
            let (caller, all) = (self.caller.clone(), findings.clone());
            self.app
                .db
                .write(move |conn| {
                    let now = now();
                    all.iter().try_for_each(|finding| {
                        match &finding.repair {
                            RowRepair::OwnManifest(id, manifest) => plugins::set_manifest(conn, id, manifest, now)?,
                            RowRepair::AddModule(id, row) => modules::insert(conn, id, row, now)?,
                            RowRepair::SetPresent(id, module, present) => modules::set_present(conn, id, module, *present, now)?,
                        }
                        note(conn, &caller, finding.kind, &finding.object)
                    })
                })
                .await?;
            state = State::Repaired;
        }
        findings.into_iter().for_each(|finding| self.add(finding, state));
        Ok(())
    }

    async fn repair_records(&mut self, user: &UserId, compared: Compared) -> Result<()> {
        let Compared { findings, entries } = compared;
        let mut failure = None;
        if findings.iter().any(|finding| finding.repair == Repair::Rewrite) {
            self.rewrite(user, entries).await?;
        }
        if findings.iter().any(|finding| finding.repair == Repair::Replay) {
            failure = records::replay(self.app, user).await.err();
        }
        let repaired: Vec<(Kind, String)> = findings
            .iter()
            .filter(|finding| finding.repair != Repair::Nothing)
            .map(|finding| (finding.kind, finding.object.clone()))
            .collect();
        if !repaired.is_empty() && failure.is_none() {
            let caller = self.caller.clone();
            self.app.db.write(move |conn| repaired.iter().try_for_each(|(kind, object)| note(conn, &caller, *kind, object))).await?;
        }
        for mut finding in findings {
            let state = match (&finding.repair, &failure) {
                (Repair::Nothing, _) => State::Left,
                (Repair::Replay, Some(error)) => {
                    finding.remedy = format!("{}; this failed: {}", finding.remedy, super::words(error));
                    State::Left
                }
                _ => State::Repaired,
            };
            self.add(finding, state);
        }
        Ok(())
    }

    /// Replaces the user's file; what it was goes to the backup.
    async fn rewrite(&mut self, user: &UserId, entries: Vec<(String, Option<Value>)>) -> Result<()> {
        let owner = user.clone();
        let plugins = self.app.db.read(move |conn| plugins::of_users(conn, &[owner])).await?;
        let installed: HashMap<&str, &Plugin> = plugins.iter().map(|plugin| (plugin.slug.as_str(), plugin)).collect();
        let mut file = Map::new();
        for (slug, entry) in entries {
            let entry = match (entry, installed.get(slug.as_str())) {
                (Some(entry), _) => entry,
                (None, Some(plugin)) => rebuilt(plugin)?,
                (None, None) => continue,
            };
            file.insert(slug, entry);
        }
        let label = PluginsFolder::record_file(user);
        let content = entries_text(&file).map_err(|e| Error::storage("records cannot be written as JSON", e))?;
        let (folder, backup) = (self.app.folder.clone(), self.backup().await?);
        offload::run(move || {
            folder.keep(&backup, std::slice::from_ref(&label))?;
            folder.rewrite(vec![Rewrite { label, content: Some(content) }])
        })
        .await
    }

    /// Moves something that belongs to nobody to the backup.
    async fn take_away(&mut self, kind: Kind, label: String, detail: String) -> Result<()> {
        let mut state = State::Found;
        if self.checkup.repair {
            self.set_aside(label.clone()).await?;
            state = State::Repaired;
        } else if !self.app.folder.holds(&label)? {
            // A server has removed it meanwhile.
            return Ok(());
        }
        let remedy = "move it to the backup".to_owned();
        self.add(Finding { kind, object: label, detail, remedy, repair: () }, state);
        Ok(())
    }
}

/// What can be said of an installation whose record is lost.
fn rebuilt(plugin: &Plugin) -> Result<Value> {
    let metadata = InstallationMetadata::new(InstallationType::Rebuilt, None, "plugyard doctor", plugin.created_at, Map::new())?;
    entry_of(&metadata).map_err(|e| Error::storage("a record cannot be written as JSON", e))
}

fn parent(label: &str) -> String {
    label.rsplit_once('/').map_or(label, |(folder, _)| folder).to_owned()
}
