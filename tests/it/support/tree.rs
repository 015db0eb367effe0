//! What lies in a folder, to compare before and after.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::TestApp;

/// Every file below the folder by its path inside, with its content; a folder ends in `/` and has none.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("the folder can be read") {
            let entry = entry.expect("the folder can be read");
            let kind = entry.file_type().expect("an entry has a type");
            assert!(!kind.is_symlink(), "{:?} is a link", entry.path());
            let path = entry.path();
            let name = path.strip_prefix(folder).expect("it lies there").to_str().expect("names are text here").to_owned();
            if kind.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                open.push(path);
            } else {
                found.insert(name, fs::read(&path).expect("a file can be read"));
            }
        }
    }
    found
}

impl TestApp {
    /// The releases and whatever is being made of uploads.
    pub fn stored(&self) -> [BTreeMap<String, Vec<u8>>; 2] {
        let [shared, mut cache] = ["shared", "cache"].map(|part| tree(&self.home.plugins_dir().join(part)));
        cache.retain(|path, _| !path.starts_with("encoded/"));
        [shared, cache]
    }

    /// Fails when an upload left anything.
    #[track_caller]
    pub fn assert_no_leftovers(&self) {
        let [_, cache] = self.stored();
        assert!(cache.is_empty(), "{:?}", cache.keys());
    }

    /// Fails when the text tells where the server keeps its data.
    #[track_caller]
    pub fn assert_tells_no_place(&self, text: &str) {
        let home = self.home.path().to_str().expect("the path is text");
        assert!(!text.contains(home) && !text.contains("staging-"), "{text}");
    }
}
