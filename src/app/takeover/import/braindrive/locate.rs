//! Which folder holds the files of which row.

use std::collections::{BTreeMap, HashMap};

use super::rows::RowPlugin;
use crate::{
    app::takeover::import::tree::{self, Said, old_version},
    domain::{UserId, Version},
    files::{Description, OldFolder, Place},
};

/// What the plugins folder holds.
pub struct Found {
    pub folders: Vec<Folder>,
    pub rest: OldFolder,
}

/// A folder of one plugin.
pub struct Folder {
    pub place: Place,
    pub description: Description,
    pub said: Result<Option<Said>, String>,
    pub kind: FolderKind,
}

pub enum FolderKind {
    /// `shared/<slug>/<folder of the version>`.
    Shared { slug: String, version: String },
    /// One of the older places; of a user, or one copy for all.
    Older { owner: Option<UserId>, name: String },
}

impl Found {
    pub fn new(mut found: OldFolder) -> Self {
        let shared = std::mem::take(&mut found.releases).into_iter().map(|release| Folder {
            said: tree::read(&release.description, None),
            description: release.description,
            place: release.place,
            kind: FolderKind::Shared { slug: release.slug, version: release.version },
        });
        let older = std::mem::take(&mut found.plugins).into_iter().map(|old| Folder {
            said: tree::read(&old.description, old.owner.as_ref()),
            description: old.description,
            place: old.place,
            kind: FolderKind::Older { owner: old.owner, name: old.folder_name },
        });
        let folders = shared.chain(older).collect();
        Self { folders, rest: found }
    }

    /// Finds the files of every row.
    pub fn locate_all<'a>(&self, rows: impl Iterator<Item = &'a mut RowPlugin>) {
        let index = Index::new(&self.folders);
        for row in rows {
            row.files = self.locate(&index, row);
        }
    }

    /// The folders that are of use, each with the rows that it is for.
    pub fn used_by(&self, rows: &[RowPlugin]) -> BTreeMap<usize, Use> {
        let mut used: BTreeMap<usize, Use> = BTreeMap::new();
        for (row_at, row) in rows.iter().enumerate() {
            if let Some(at) = row.files {
                used.entry(at).or_default().rows.push(row_at);
            }
            for at in &row.losers {
                used.entry(*at).or_default().lost_by.push(row_at);
            }
        }
        // Releases that nobody has are releases all the same.
        let shared = self.folders.iter().enumerate().filter(|(_, folder)| matches!(folder.kind, FolderKind::Shared { .. }));
        for (at, _) in shared {
            used.entry(at).or_default();
        }
        used
    }

    /// The folder of the user's version: shared, else the user's own, else the one for all. Of several the newest.
    fn locate(&self, index: &Index, row: &mut RowPlugin) -> Option<usize> {
        let bare = row.written_version.trim().trim_start_matches(['v', 'V']);
        let (exact, written) = (row.version.to_string(), row.written_version.trim().to_owned());
        for version in [exact.as_str(), written.as_str(), bare] {
            for prefix in ["v", "vv"] {
                if let Some(at) = index.shared.get(&(row.slug.to_string(), format!("{prefix}{version}"))) {
                    return Some(*at);
                }
            }
        }
        if let Some(at) = index.meant.get(&(row.slug.to_string(), row.version.to_string())) {
            return Some(*at);
        }
        for owner in [Some(row.user.clone()), None] {
            let mut holding = Vec::new();
            for at in index.older.get(&owner).into_iter().flatten() {
                match self.folders.get(*at).map(|folder| folder.holds(row)) {
                    Some(Holds::It) => holding.push(*at),
                    Some(Holds::OtherVersion(label, version)) => {
                        row.notes.push(format!("the files in {label} are of version {version}"));
                    }
                    _ => {}
                }
            }
            if let Some(newest) = self.newest(&holding) {
                row.losers = holding.into_iter().filter(|at| *at != newest).collect();
                return Some(newest);
            }
        }
        None
    }

    fn newest(&self, folders: &[usize]) -> Option<usize> {
        let when = |at: &usize| self.folders.get(*at).map(|folder| folder.place.newest());
        if let [only] = folders { Some(*only) } else { folders.iter().copied().max_by_key(|at| (when(at), *at)) }
    }
}

/// What a folder is for, by places in the list of rows.
#[derive(Default)]
pub struct Use {
    pub rows: Vec<usize>,
    /// Users whose other folder of the plugin is newer.
    pub lost_by: Vec<usize>,
}

enum Holds {
    It,
    OtherVersion(String, Version),
    Nothing,
}

impl Folder {
    fn holds(&self, row: &RowPlugin) -> Holds {
        let FolderKind::Older { owner, name } = &self.kind else { return Holds::Nothing };
        match &self.said {
            Ok(Some(said)) if said.slug == row.slug && said.version == row.version => Holds::It,
            Ok(Some(said)) if said.slug == row.slug => Holds::OtherVersion(self.place.label.clone(), said.version.clone()),
            // The database says the slug, so that a folder that says nothing itself is found by its name.
            Ok(None) if tree::bare_id(name, owner.as_ref()) == row.slug.as_str() => Holds::It,
            _ => Holds::Nothing,
        }
    }
}

/// Folders by what they are looked for.
struct Index {
    shared: HashMap<(String, String), usize>,
    /// The same by the version that the folder's name means.
    meant: HashMap<(String, String), usize>,
    older: HashMap<Option<UserId>, Vec<usize>>,
}

impl Index {
    fn new(folders: &[Folder]) -> Self {
        let mut index = Self { shared: HashMap::new(), meant: HashMap::new(), older: HashMap::new() };
        for (at, folder) in folders.iter().enumerate() {
            match &folder.kind {
                FolderKind::Shared { slug, version } => {
                    index.shared.insert((slug.clone(), version.clone()), at);
                    if let Ok(meant) = old_version(version) {
                        index.meant.entry((slug.clone(), meant.to_string())).or_insert(at);
                    }
                }
                FolderKind::Older { owner, .. } => index.older.entry(owner.clone()).or_default().push(at),
            }
        }
        index
    }
}
