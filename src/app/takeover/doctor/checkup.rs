//! What a check-up found. `docs/doctor.schema.json` describes the JSON form, and a test checks it.

use serde::Serialize;

/// All differences between rows, records and folders, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Checkup {
    /// Whether differences were repaired, too.
    pub repair: bool,
    /// Where repair put what it took away, relative to the plugins folder with `/`; none when it took nothing away.
    pub backup: Option<String>,
    pub checked: Checked,
    pub differences: Vec<Difference>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub releases: u64,
    pub files: u64,
    pub users: u64,
    pub plugins: u64,
    pub modules: u64,
    pub states: u64,
    /// Compressed copies of files.
    pub copies: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    pub kind: Kind,
    /// `release <slug> <version>`, `plugin <id>`, a path in the plugins folder and so on.
    pub object: String,
    /// What differs.
    pub detail: String,
    /// What repair does about it.
    pub remedy: String,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Found,
    Repaired,
    /// Repair could not do anything about it; `detail` or `remedy` say what somebody has to do.
    Left,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A release's folder without a row.
    ReleaseWithoutRow,
    /// A release's row without a folder.
    ReleaseWithoutFolder,
    /// A folder that clean-up should have removed.
    RemovedRelease,
    /// A file whose size or content is not what was published.
    DamagedFile,
    MissingFile,
    /// A file in a release's folder that was not published.
    UnknownFile,
    /// Size or number of files in a release's row.
    ReleaseCounts,
    /// What `latest` is noted to stand for.
    LatestVersion,
    /// Something in `shared/` or `users/` that does not belong there.
    Stray,
    /// What a killed process left in `cache/`.
    Leftover,
    /// A folder of records of a user who does not exist.
    RecordsWithoutUser,
    /// A whole file of records that nobody can read.
    UnreadableRecords,
    UnreadableRecord,
    /// A record that still repeats what the database holds.
    LongRecord,
    RecordWithoutRow,
    RowWithoutRecord,
    /// A record that the database wants written, and that is not.
    PendingRecord,
    /// A plugin whose release, or whose release's files, are gone.
    PluginWithoutRelease,
    /// A declared module that the plugin has no row of.
    MissingModule,
    /// A module's row that counts as declared or not, contrary to the manifest.
    ModulePresence,
    /// A module of no plugin.
    OrphanModule,
    /// State entries of a user who does not exist.
    StateWithoutUser,
    /// A state entry whose document is not what was stored.
    DamagedState,
    /// An earlier document of an entry.
    DamagedRevision,
    /// A copy that a snapshot holds.
    DamagedSnapshot,
    /// Counters of a user's state.
    StateCounts,
    /// A compressed copy that is damaged, or of nothing that was published.
    EncodedCopy,
}

impl Kind {
    /// In words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ReleaseWithoutRow => "release folder without row",
            Self::ReleaseWithoutFolder => "release row without folder",
            Self::RemovedRelease => "removed release whose files are there",
            Self::DamagedFile => "damaged file",
            Self::MissingFile => "missing file",
            Self::UnknownFile => "unknown file",
            Self::ReleaseCounts => "sums of a release",
            Self::LatestVersion => "noted latest version",
            Self::Stray => "stray",
            Self::Leftover => "leftover",
            Self::RecordsWithoutUser => "records without user",
            Self::UnreadableRecords => "unreadable file of records",
            Self::UnreadableRecord => "unreadable record",
            Self::LongRecord => "record in the long form",
            Self::RecordWithoutRow => "record without row",
            Self::RowWithoutRecord => "row without record",
            Self::PendingRecord => "pending record",
            Self::PluginWithoutRelease => "plugin without release",
            Self::MissingModule => "missing module",
            Self::ModulePresence => "module's presence",
            Self::OrphanModule => "orphan module",
            Self::StateWithoutUser => "state without user",
            Self::DamagedState => "damaged state",
            Self::DamagedRevision => "damaged revision",
            Self::DamagedSnapshot => "damaged snapshot",
            Self::StateCounts => "counters of state",
            Self::EncodedCopy => "compressed copy",
        }
    }
}

impl Checkup {
    /// Nothing differs, or nothing does any more.
    pub fn is_clean(&self) -> bool {
        self.differences.iter().all(|difference| difference.state == State::Repaired)
    }
}
