//! A place to unpack into; the tests themselves are in `good` and `hostile`.

mod build;
mod good;
mod hostile;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;
use crate::files::PluginsFolder;

const GOOD: &[(&str, &[u8])] = &[
    ("plugin.json", b"{\"id\":\"demo\"}"),
    ("dist/remoteEntry.js", b"export default 1;\n"),
    ("dist/chunks/a b.js", b""),
    ("Z.md", "ä".as_bytes()),
];

struct Fixture {
    temp: tempfile::TempDir,
    folder: PluginsFolder,
}

impl Fixture {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(&temp.path().join("plugins")).unwrap();
        Self { temp, folder }
    }

    fn unpack(&self, bytes: &[u8], limits: &Limits) -> Result<Staged> {
        let archive = self.temp.path().join("package");
        fs::write(&archive, bytes).unwrap();
        unpack(self.folder.begin_staging().unwrap(), &archive, limits)
    }

    fn copy(&self, source: &Path) -> Result<Staged> {
        copy_folder(self.folder.begin_staging().unwrap(), source, &Limits::default())
    }

    fn source(&self, files: &[(&str, &[u8])]) -> PathBuf {
        let source = self.temp.path().join("source");
        for (name, content) in files {
            let path = source.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        source
    }

    fn assert_clean(&self) {
        let left: Vec<_> = fs::read_dir(self.folder.root().join("cache")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "left in cache/: {left:?}");
    }
}

fn paths(staged: &Staged) -> Vec<&str> {
    staged.files.iter().map(|file| file.path.as_str()).collect()
}
