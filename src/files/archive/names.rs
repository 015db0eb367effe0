//! The names of a release so far: no two may meet in one place on any file system.

use std::collections::{HashMap, hash_map::Entry};

use crate::domain::ReleasePath;

/// Files and folders, implied folders included, by their name without case.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashMap<String, Name>,
}

#[derive(Debug)]
struct Name {
    spelled: String,
    is_folder: bool,
}

impl Names {
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// Takes the name and those of the folders above it, or says what is in the way.
    pub fn take(&mut self, path: &ReleasePath, is_folder: bool) -> Result<(), String> {
        let path = path.as_str();
        for (end, _) in path.match_indices('/') {
            self.take_one(path.get(..end).unwrap_or_default(), true)?;
        }
        self.take_one(path, is_folder)
    }

    fn take_one(&mut self, spelled: &str, is_folder: bool) -> Result<(), String> {
        match self.taken.entry(spelled.to_lowercase()) {
            Entry::Vacant(free) => {
                free.insert(Name { spelled: spelled.to_owned(), is_folder });
                Ok(())
            }
            Entry::Occupied(taken) => match taken.get() {
                other if other.spelled != spelled => Err(format!("{spelled:?} and {:?} differ only in case", other.spelled)),
                other if other.is_folder != is_folder => Err(format!("{spelled:?} is both a file and a folder")),
                _ if !is_folder => Err("appears twice".to_owned()),
                _ => Ok(()),
            },
        }
    }
}
