//! Where the files of the plugins in a BrainDrive database are, and the releases that they become.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use futures_util::{StreamExt, stream};

use super::{
    locate::{Folder, FolderKind, Found, Use},
    most_common::most_common,
    records::{Records, read_records},
    rows::{Origin, RowPlugin},
};
use crate::{
    app::{
        App,
        takeover::{
            import::{
                plan::PlannedRelease,
                pool::{Candidate, assign},
                target::Target,
                tree::{self, Content, INSTALLER_FILE, Installer, notes, old_version, reason},
            },
            progress::Progress,
            report::{Item, Kind, Outcome, TakeoverReport},
        },
    },
    domain::{
        Manifest, ReleasePath, Slug, UserId, Version,
        manifest::{Overrides, PackageFiles, read_manifest},
    },
    error::{Error, Result},
    files::{Description, Examined},
    offload,
};

/// Folders at a time.
const AT_A_TIME: usize = 4;

/// A folder that became a release, or why it did not.
pub struct Settled {
    pub label: String,
    /// What an installer wrote beside the files, or why that cannot be read.
    pub installer: Option<Result<Installer, String>>,
    pub outcome: Result<Release, String>,
}

pub struct Release {
    pub version: Version,
    pub manifest: Arc<Manifest>,
}

/// What plugins of the database need to know of the folder.
pub struct Files {
    pub settled: BTreeMap<usize, Settled>,
    /// What is published, without variants: who has a version without its files has those.
    pub versions: HashMap<(Slug, Version), Arc<Manifest>>,
    pub records: Records,
    rest: Vec<Item>,
}

impl Folder {
    fn settled(&self, outcome: Result<Release, String>) -> Settled {
        let installer = self.description.metadata.as_ref().and_then(|_| match &self.said {
            Ok(said) => said.as_ref()?.installer.clone().map(Ok),
            Err(why) => Some(Err(why.clone())),
        });
        Settled { label: self.place.label.clone(), installer, outcome }
    }
}

/// A folder that was read and has a manifest.
struct Tree {
    at: usize,
    slug: Slug,
    version: Version,
    content: Content,
    users: usize,
    is_loser: bool,
    notes: Vec<String>,
}

/// Finds the files of every row, reads each folder once and decides what becomes which release.
pub async fn settle(
    app: &App,
    mut found: Found,
    mut rows: Vec<RowPlugin>,
    owned: &HashSet<(UserId, Slug)>,
    target: &mut Target,
    report: &mut TakeoverReport,
    progress: &Progress,
) -> Result<(Files, Vec<PlannedRelease>, Vec<RowPlugin>)> {
    let mut rest = Vec::new();
    let mut records = read_records(std::mem::take(&mut found.rest.records), std::mem::take(&mut found.rest.notes), &mut rest);
    let mut entries = records.as_rows(owned, &rows);
    let (found, mut rows, entries) = offload::run(move || {
        found.locate_all(rows.iter_mut().chain(&mut entries));
        Ok((found, rows, entries))
    })
    .await?;
    rows.extend(records.usable(entries, target));
    let used = found.used_by(&rows);
    let (trees, mut settled) = read_all(app, &found, &used, &rows, progress).await;
    let candidates: Vec<Candidate<'_>> = trees.iter().map(|tree| tree.candidate(&found)).collect();
    let versions = assign(&candidates, &target.releases)?;
    let mut releases: BTreeMap<(Slug, String), PlannedRelease> = BTreeMap::new();
    for (tree, version) in trees.into_iter().zip(versions) {
        let Some(folder) = found.folders.get(tree.at) else { continue };
        let planned = releases.entry((tree.slug.clone(), version.to_string())).or_insert_with(|| PlannedRelease {
            manifest: Arc::clone(&tree.content.manifest),
            version: version.clone(),
            place: folder.place.clone(),
            digest: tree.content.digest.clone(),
            items: Vec::new(),
        });
        let variant =
            version.is_variant().then(|| format!("its content is not that of {} {}, so it is kept as a variant", tree.slug, tree.version));
        let item = Item::new(Kind::Release, &folder.place.label, Outcome::Done).into_target(format!("release {} {version}", tree.slug));
        planned.items.push(item.with_notes(tree.notes.into_iter().chain(variant)));
        let release = Release { version, manifest: Arc::clone(&planned.manifest) };
        settled.insert(tree.at, folder.settled(Ok(release)));
    }
    for one in settled.values() {
        if let Err(why) = &one.outcome {
            report.add(Item::new(Kind::Release, &one.label, Outcome::Failed(why.clone())));
        }
    }
    let unused = found.folders.iter().enumerate().filter(|(at, _)| !used.contains_key(at));
    let why = "no row of the database has these files";
    rest.extend(unused.map(|(_, folder)| Item::new(Kind::Release, &folder.place.label, Outcome::Skipped(why.to_owned()))));
    let without_users = |at: &usize| used.get(at).is_none_or(|folder| folder.rows.is_empty());
    for (_, folder) in found.folders.iter().enumerate().filter(|(at, folder)| folder.description.metadata.is_some() && without_users(at)) {
        let source = format!("{}/{INSTALLER_FILE}", folder.place.label);
        rest.push(Item::new(Kind::Record, source, Outcome::Skipped("the folder is installed for nobody".to_owned())));
    }
    for other in &found.rest.others {
        let outcome = if other.failed { Outcome::Failed(other.reason.clone()) } else { Outcome::Skipped(other.reason.clone()) };
        rest.push(Item::new(Kind::File, &other.label, outcome));
    }
    let own = releases.values().filter(|planned| !planned.version.is_variant());
    let versions = own.map(|planned| ((planned.manifest.slug.clone(), planned.version.clone()), Arc::clone(&planned.manifest))).collect();
    Ok((Files { settled, versions, records, rest }, releases.into_values().collect(), rows))
}

impl Tree {
    fn candidate<'a>(&'a self, found: &Found) -> Candidate<'a> {
        let written_at = found.folders.get(self.at).map_or(crate::domain::Timestamp(0), |folder| folder.description.written_at);
        let (slug, version, digest) = (&self.slug, &self.version, self.content.digest.as_str());
        Candidate { slug, version, digest, users: self.users, is_loser: self.is_loser, written_at }
    }
}

impl Files {
    /// What no plugin of the database asked for.
    pub fn leave_rest(self, report: &mut TakeoverReport) {
        self.rest.into_iter().chain(self.records.into_rest()).for_each(|item| report.add(item));
    }
}

async fn read_all(
    app: &App,
    found: &Found,
    used: &BTreeMap<usize, Use>,
    rows: &[RowPlugin],
    progress: &Progress,
) -> (Vec<Tree>, BTreeMap<usize, Settled>) {
    progress.phase("folders", used.len());
    let limits = app.limits();
    let examined = stream::iter(
        used.keys()
            .filter_map(|at| Some((*at, found.folders.get(*at)?.place.clone())))
            .map(|(at, place)| async move { (at, offload::run(move || place.examine(&limits)).await) }),
    );
    let mut examined = examined.buffered(AT_A_TIME);
    let (mut trees, mut settled) = (Vec::new(), BTreeMap::new());
    while let Some((at, files)) = examined.next().await {
        progress.advance(1);
        let Some(folder) = found.folders.get(at) else { continue };
        let of = |rows_at: fn(&Use) -> &Vec<usize>| -> Vec<&RowPlugin> {
            used.get(&at).into_iter().flat_map(rows_at).filter_map(|row| rows.get(*row)).collect()
        };
        let (users, lost_by) = (of(|used| &used.rows), of(|used| &used.lost_by));
        let read = files.map_err(reason).and_then(|files| {
            let tree = read(at, folder, if users.is_empty() { &lost_by } else { &users }, &files)?;
            let is_loser = users.is_empty() && !lost_by.is_empty();
            let lost = is_loser.then(|| "the same user's other folder of this plugin is newer and is what is installed".to_owned());
            let notes = tree.notes.into_iter().chain(lost).collect();
            Ok(Tree { users: users.len(), is_loser, notes, ..tree })
        });
        match read {
            Ok(tree) => trees.push(tree),
            Err(why) => drop(settled.insert(at, folder.settled(Err(why)))),
        }
    }
    (trees, settled)
}

fn read(at: usize, folder: &Folder, users: &[&RowPlugin], files: &Examined) -> Result<Tree, String> {
    let (slug, version, mut told) = name(folder, users)?;
    let from_file = folder.description.plugin_json.is_some();
    let manifest = match (&folder.said, from_file) {
        (Ok(Some(said)), true) => {
            told.extend(notes(&said.described, "the release's files"));
            if said.version != version || said.slug != slug {
                told.push(format!("its plugin.json calls itself {} {}", said.slug, said.version));
            }
            tree::manifest(&said.described, &slug, &version, files).map_err(reason)?
        }
        (Err(why), true) => return Err(why.clone()),
        _ => match (most_common(&telling(users), &slug, &version, files), &folder.said) {
            (Some(manifest), _) => manifest?,
            (None, Ok(Some(said))) => tree::manifest(&said.described, &slug, &version, files).map_err(reason)?,
            (None, Ok(None)) => own_manifest(folder, &slug, &version, files).map_err(reason)?,
            (None, Err(why)) => return Err(why.clone()),
        },
    };
    let content = Content { digest: files.digest.clone(), manifest: Arc::new(manifest) };
    Ok(Tree { at, slug, version, content, users: 0, is_loser: false, notes: told })
}

/// Records say nothing of what a manifest does.
fn telling<'r>(users: &[&'r RowPlugin]) -> Vec<&'r RowPlugin> {
    users.iter().copied().filter(|row| !matches!(row.origin, Origin::Record(_))).collect()
}

/// The database says slug and version; of a folder that nobody has, its place does.
fn name(folder: &Folder, users: &[&RowPlugin]) -> Result<(Slug, Version, Vec<String>), String> {
    match (users.first(), &folder.kind) {
        (Some(row), _) => Ok((row.slug.clone(), row.version.clone(), Vec::new())),
        (None, FolderKind::Shared { slug, version }) => {
            let slug = slug.parse().map_err(reason)?;
            Ok((slug, old_version(version)?, vec!["nobody has it installed".to_owned()]))
        }
        (None, FolderKind::Older { .. }) => Err("nobody has it".to_owned()),
    }
}

/// What a package of today would be.
fn own_manifest(folder: &Folder, slug: &Slug, version: &Version, files: &Examined) -> Result<Manifest> {
    let Description { package_json, lifecycle_manager, .. } = &folder.description;
    let read = |path: &ReleasePath| {
        let text = if path.as_str() == "package.json" { package_json } else { lifecycle_manager };
        text.clone().ok_or_else(|| Error::NotFound(path.to_string()))
    };
    let overrides = Overrides { slug: Some(slug.clone()), version: Some(version.clone()), visibility: None, prevail: true };
    read_manifest(&PackageFiles::new(&files.paths, &read), &overrides)
}
