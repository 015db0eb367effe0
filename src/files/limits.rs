//! What a package may cost, given by the caller from the settings.

/// Sizes in bytes. Real content is counted, never what an archive declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_archive: u64,
    /// All files of the release together.
    pub max_unpacked: u64,
    /// Entries of the archive, and also files and folders that come to be, implied folders included.
    pub max_entries: usize,
    /// Unpacked bytes per byte of the archive; the first [`Limits::RATIO_FREE`] bytes are not asked, because a small
    /// package of repetitive files shrinks more than any bomb needs to.
    pub max_ratio: u64,
    /// Bytes of one file's path inside the release.
    pub max_path: usize,
    /// Components of one file's path inside the release.
    pub max_depth: usize,
}

impl Limits {
    pub const RATIO_FREE: u64 = 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_archive: 100 * 1024 * 1024,
            max_unpacked: 512 * 1024 * 1024,
            max_entries: 20_000,
            max_ratio: 200,
            max_path: 400,
            max_depth: 32,
        }
    }
}
