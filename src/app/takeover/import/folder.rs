//! `import plugins`: folders of users' plugins without a database.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{
    apply::{Plan, carry_out},
    installer::Noted,
    plan::{Draft, PlannedRelease, PlannedUser, placeholder},
    pool::{Candidate, assign},
    refuse_own_folder,
    target::Target,
    tree::{Content, INSTALLER_FILE, Said, bare_id, manifest, notes, personal_manifest, read, reason, switch},
};
use crate::{
    app::{
        App,
        takeover::{
            progress::Progress,
            report::{Item, Kind, Mode, Outcome, TakeoverReport},
        },
    },
    domain::{
        Caller, Manifest, Slug, UserId, Version,
        ids::plugin_id,
        legacy::{Described, personal},
    },
    error::Result,
    files::{Limits, OldFolder, OldPlugin},
    offload,
};

/// Trees at a time: reading is work for the disk and the processor in turn.
const AT_A_TIME: usize = 4;

/// A folder that could become a release.
struct Tree {
    old: OldPlugin,
    said: Said,
    content: Content,
    /// The release's version, once all are known.
    version: Version,
    users: usize,
    is_loser: bool,
}

/// Publishes what lies in the folder and installs it for those who have it there.
///
/// # Errors
/// What keeps the import from beginning; everything else is in the report.
pub async fn import_plugins(app: &App, caller: &Caller, folder: &Path, mode: Mode, progress: &Progress) -> Result<TakeoverReport> {
    caller.require_admin()?;
    refuse_own_folder(app, folder)?;
    let mut report = TakeoverReport::new("import plugins", mode);
    let root = folder.to_owned();
    let mut found = offload::run(move || OldFolder::scan(&root)).await?;
    let mut target = Target::look(app).await?;
    let mut notes = installers_notes(&mut found, &mut report);
    let mut trees = read_trees(app, std::mem::take(&mut found.plugins), &mut target, &mut report, progress).await;
    leave_rest(&found, &mut report);
    let installs = installs(&mut trees, &target).await?;
    for tree in trees.iter().filter(|tree| tree.users == 0 && tree.said.installer.is_some()) {
        let source = format!("{}/{INSTALLER_FILE}", tree.old.place.label);
        report.add(Item::new(Kind::Record, source, Outcome::Skipped("the folder is installed for nobody".to_owned())));
    }
    let candidates: Vec<Candidate<'_>> = trees.iter().map(Tree::candidate).collect();
    let versions = assign(&candidates, &target.releases)?;
    for (tree, version) in trees.iter_mut().zip(versions) {
        tree.version = version;
    }
    let releases = planned_releases(&trees);
    let users = planned_users(caller, &trees, installs, &mut notes, &mut target)?;
    for item in notes.into_values().flat_map(|(items, _)| items) {
        let why = "is about a plugin that the folder does not hold".to_owned();
        report.add(Item { outcome: Outcome::Skipped(why), ..item });
    }
    carry_out(app, caller, Plan { releases, users }, &target, &mut report, progress).await?;
    Ok(report)
}

impl Tree {
    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            slug: &self.said.slug,
            version: &self.said.version,
            digest: &self.content.digest,
            users: self.users,
            is_loser: self.is_loser,
            written_at: self.old.description.written_at,
        }
    }

    fn item(&self) -> Item {
        let Said { slug, version, written_version, described, .. } = &self.said;
        let mut said = notes(described, "the release's files");
        if *written_version != version.to_string() {
            said.push(format!("its version was written {written_version:?}"));
        }
        if self.version.is_variant() {
            said.push(format!("its content is not that of {slug} {version}, so it is kept as a variant"));
        }
        if self.is_loser {
            said.push("the same user's other folder of this plugin is newer and is what is installed".to_owned());
        }
        let target = format!("release {slug} {}", self.version);
        Item::new(Kind::Release, &self.old.place.label, Outcome::Done).into_target(target).with_notes(said)
    }
}

/// By user and the plugin's slug or id, as the files are called; with an item for each file.
type Notes = BTreeMap<(UserId, String), (Vec<Item>, Noted)>;

fn installers_notes(found: &mut OldFolder, report: &mut TakeoverReport) -> Notes {
    let mut notes = Notes::new();
    for note in std::mem::take(&mut found.notes) {
        let item = Item::new(Kind::Record, &note.place.label, Outcome::Done);
        match Noted::read(&note) {
            Ok(noted) => {
                let plugin = bare_id(&note.plugin, Some(&note.user)).to_owned();
                let (items, all) = notes.entry((note.user, plugin)).or_default();
                items.push(item);
                *all = std::mem::take(all).or(noted);
            }
            Err(why) => report.add(Item { outcome: Outcome::Failed(why), ..item }),
        }
    }
    notes
}

fn leave_rest(found: &OldFolder, report: &mut TakeoverReport) {
    for release in &found.releases {
        let why = "is a release folder of a server: `import braindrive` takes it with its database, `migrate-records` in place";
        report.add(Item::new(Kind::Release, &release.place.label, Outcome::Skipped(why.to_owned())));
    }
    for records in &found.records {
        let why = "are records of a server: `import braindrive` takes them with its database, `migrate-records` in place";
        report.add(Item::new(Kind::RecordFile, &records.place.label, Outcome::Skipped(why.to_owned())));
    }
    for other in &found.others {
        let outcome = if other.failed { Outcome::Failed(other.reason.clone()) } else { Outcome::Skipped(other.reason.clone()) };
        report.add(Item::new(Kind::File, &other.label, outcome));
    }
}

async fn read_trees(
    app: &App,
    plugins: Vec<OldPlugin>,
    target: &mut Target,
    report: &mut TakeoverReport,
    progress: &Progress,
) -> Vec<Tree> {
    progress.phase("folders", plugins.len());
    let limits = app.limits();
    let read = stream::iter(plugins.into_iter().map(|old| offload::run(move || Ok(read_tree(old, &limits)))));
    let mut read = read.buffered(AT_A_TIME);
    let mut trees = Vec::new();
    while let Some(outcome) = read.next().await {
        progress.advance(1);
        let failed = |label: &str, outcome| Item::new(Kind::Release, label, outcome);
        match outcome {
            Ok(Ok(tree)) => match target.claim_slug(&tree.said.slug) {
                Ok(()) => trees.push(tree),
                Err(why) => report.add(failed(&tree.old.place.label, Outcome::Failed(why))),
            },
            Ok(Err(item)) => report.add(*item),
            Err(error) => report.add(failed("a folder", Outcome::Failed(reason(error)))),
        }
    }
    trees
}

fn read_tree(old: OldPlugin, limits: &Limits) -> Result<Tree, Box<Item>> {
    let item = |outcome| Box::new(Item::new(Kind::Release, &old.place.label, outcome));
    let said = match read(&old.description, old.owner.as_ref()) {
        Ok(Some(said)) => said,
        Ok(None) if old.description.is_empty() => {
            return Err(Box::new(Item { kind: Kind::File, ..*item(Outcome::Skipped("holds no plugin.json".to_owned())) }));
        }
        Ok(None) => return Err(item(Outcome::Skipped("has no plugin.json, and npm's names are no slugs".to_owned()))),
        Err(why) => return Err(item(Outcome::Failed(why))),
    };
    let examined = old.place.examine(limits);
    let made = examined.and_then(|files| Ok((manifest(&said.described, &said.slug, &said.version, &files)?, files.digest)));
    match made {
        Ok((manifest, digest)) => {
            let content = Content { digest, manifest: Arc::new(manifest) };
            Ok(Tree { version: said.version.clone(), old, said, content, users: 0, is_loser: false })
        }
        Err(error) => Err(item(Outcome::Failed(reason(error)))),
    }
}

/// A user, the tree that is installed for them, and trees of theirs that lost against it.
struct Install {
    user: UserId,
    tree: usize,
    losers: Vec<usize>,
}

/// Who gets what: their own folder, else the one for everybody. Of several of one user the newest wins.
async fn installs(trees: &mut [Tree], target: &Target) -> Result<Vec<Install>> {
    let mut by_owner: BTreeMap<(Option<UserId>, Slug), Vec<usize>> = BTreeMap::new();
    for (at, tree) in trees.iter().enumerate() {
        by_owner.entry((tree.old.owner.clone(), tree.said.slug.clone())).or_default().push(at);
    }
    let owners = by_owner.keys().filter_map(|(owner, _)| owner.clone());
    let everybody: BTreeSet<UserId> = target.users.keys().cloned().chain(owners).collect();
    let mut installs = Vec::new();
    let mut shared = Vec::new();
    let mut own = BTreeSet::new();
    for ((owner, slug), of_one) in by_owner {
        let (tree, losers) = newest(trees, of_one).await?;
        match owner {
            Some(user) => {
                own.insert((user.clone(), slug));
                installs.push(Install { user, tree, losers });
            }
            None => shared.push((slug, tree)),
        }
    }
    for (slug, tree) in shared {
        let takers = everybody.iter().filter(|user| !own.contains(&((*user).clone(), slug.clone())));
        installs.extend(takers.map(|user| Install { user: user.clone(), tree, losers: Vec::new() }));
    }
    for install in &installs {
        if let Some(tree) = trees.get_mut(install.tree) {
            tree.users += 1;
        }
    }
    Ok(installs)
}

/// The newest by the time of its newest file, and those of other content.
async fn newest(trees: &mut [Tree], of_one: Vec<usize>) -> Result<(usize, Vec<usize>)> {
    let places: Vec<_> = of_one.iter().filter_map(|at| Some((*at, trees.get(*at)?.old.place.clone()))).collect();
    let dated = match places.as_slice() {
        [(only, _)] => return Ok((*only, Vec::new())),
        _ => offload::run(move || Ok(places.into_iter().map(|(at, place)| (place.newest(), at)).collect::<Vec<_>>())).await?,
    };
    let winner = dated.iter().max().map_or(0, |(_, at)| *at);
    let content = trees.get(winner).map(|tree| tree.content.digest.clone()).unwrap_or_default();
    let losers: Vec<usize> =
        of_one.into_iter().filter(|at| *at != winner && trees.get(*at).is_some_and(|tree| tree.content.digest != content)).collect();
    for at in &losers {
        if let Some(tree) = trees.get_mut(*at).filter(|tree| tree.old.owner.is_some()) {
            tree.is_loser = true;
        }
    }
    Ok((winner, losers))
}

fn planned_releases(trees: &[Tree]) -> Vec<PlannedRelease> {
    let mut releases: BTreeMap<(Slug, String), PlannedRelease> = BTreeMap::new();
    for tree in trees {
        let planned = releases.entry((tree.said.slug.clone(), tree.version.to_string())).or_insert_with(|| PlannedRelease {
            manifest: Arc::clone(&tree.content.manifest),
            version: tree.version.clone(),
            place: tree.old.place.clone(),
            digest: tree.content.digest.clone(),
            items: Vec::new(),
        });
        planned.items.push(tree.item());
    }
    releases.into_values().collect()
}

fn planned_users(
    caller: &Caller,
    trees: &[Tree],
    installs: Vec<Install>,
    notes: &mut Notes,
    target: &mut Target,
) -> Result<Vec<PlannedUser>> {
    let mut users: BTreeMap<UserId, PlannedUser> = BTreeMap::new();
    for install in installs {
        let Some(tree) = trees.get(install.tree) else { continue };
        let user = users.entry(install.user.clone()).or_insert_with(|| PlannedUser::new(install.user.clone()));
        if user.account.is_none() && !target.users.contains_key(&install.user) {
            let at = tree.old.description.written_at;
            user.account = Some(placeholder(&install.user, &tree.old.place.label, "the folder names a user who is not known here", at));
        }
        let before = install.losers.iter().filter_map(|at| Some(trees.get(*at)?.version.clone())).collect();
        let note = take_note(notes, &install.user, &tree.said.slug);
        let (draft, items) = draft(caller, tree, install.user, before, note)?;
        user.plugins.push(draft.planned(items, target)?);
    }
    Ok(users.into_values().collect())
}

fn take_note(notes: &mut Notes, user: &UserId, slug: &Slug) -> Option<(Vec<Item>, Noted)> {
    notes.remove(&(user.clone(), slug.to_string()))
}

fn draft(caller: &Caller, tree: &Tree, user: UserId, before: Vec<Version>, note: Option<(Vec<Item>, Noted)>) -> Result<(Draft, Vec<Item>)> {
    let slug = tree.said.slug.clone();
    let id = plugin_id(&user, &slug);
    let label = &tree.old.place.label;
    let released = Manifest { version: tree.version.clone(), ..tree.content.manifest.as_ref().clone() };
    let mut noted = Noted::default();
    let mut items = Vec::new();
    let record = format!("record {user} {slug}");
    if let Some((of_note, found)) = note {
        items.extend(of_note.into_iter().map(|item| item.into_target(&record)));
        noted = found;
    }
    let mut plugin = Item::new(Kind::Plugin, label, Outcome::Done).into_target(format!("plugin {id}"));
    let mut own = released.clone();
    let mut enabled = switch(&tree.said.described);
    if let Some(installer) = &tree.said.installer {
        noted = noted.or(Noted::of_installer(installer));
        plugin = plugin.with_notes(super::tree::notes(&installer.described, "the record"));
        enabled = switch(&installer.described).or(enabled);
        match own_manifest(&released, &installer.described) {
            Ok(manifest) => own = manifest,
            Err(why) => plugin = plugin.with_notes([format!("plugin_metadata.json is not used: {why}")]),
        }
        items.push(Item::new(Kind::Record, format!("{label}/{INSTALLER_FILE}"), Outcome::Done).into_target(&record));
    }
    if tree.said.written_version != tree.said.version.to_string() {
        noted.extra.insert("original_version".to_owned(), Value::from(tree.said.written_version.clone()));
    }
    let personal = personal(own, &released);
    let modules = personal.modules.iter().map(|own| {
        Item::new(Kind::Module, format!("{label}#/modules/{}", own.id), Outcome::Done).into_target(format!("module {id} {}", own.id))
    });
    items.extend(modules);
    items.insert(0, plugin);
    let metadata = noted.metadata(&caller.actor(), tree.old.description.written_at)?;
    let at = metadata.installed_at;
    let release = Some(tree.version.clone());
    let enabled = enabled.unwrap_or(true);
    let version = tree.version.clone();
    Ok((Draft { id, user, slug, version, enabled, personal, created_at: at, updated_at: at, before, metadata, release }, items))
}

/// What the installer's note makes of the release's manifest for its user.
fn own_manifest(released: &Manifest, described: &Described) -> Result<Manifest, String> {
    let mut described = described.clone();
    if described.members.get("modules").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        // It says nothing about modules, which is not that there are none.
        let modules = serde_json::to_value(&released.modules).map_err(|e| format!("a manifest cannot be written: {e}"))?;
        described.members.insert("modules".to_owned(), modules);
    }
    personal_manifest(released, &described).map_err(reason)
}
