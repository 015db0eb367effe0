//! All users' files of records at once, for bulk rewrites.

use std::{fs, io::ErrorKind};

use super::{PluginsFolder, is_there, records::FILE_NAME};
use crate::{
    domain::UserId,
    error::{Error, Result},
};

/// What lies in `users/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InUsers {
    /// A user's folder, whether a file of records is in it or not.
    Folder(RecordFolder),
    /// What a writer of records has not finished, or never will.
    Unfinished { user: UserId, label: String },
    /// Anything else, with the reason why it is no user's. `has_records` when there is a file of records in it all the same.
    Stray { label: String, why: String, has_records: bool },
    /// A folder that cannot be read, with the reason.
    Unreadable { label: String, why: String },
}

/// `label` is the path of the file of records in the plugins folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordFolder {
    pub user: UserId,
    /// False for a folder that writes the id otherwise, with dashes for instance; this server never looks there.
    pub is_ours: bool,
    pub label: String,
}

/// See `disk::replace_file`.
const UNFINISHED: &str = "installed_plugins.tmp";

impl PluginsFolder {
    /// Whether anything lies at this path in the plugins folder.
    pub fn holds(&self, label: &str) -> Result<bool> {
        is_there(&self.root().join(label)).map_err(|e| Error::storage(format!("{label} cannot be examined"), e))
    }

    /// The path of a user's file of records in the plugins folder.
    pub fn record_file(user: &UserId) -> String {
        format!("users/user_{user}/{FILE_NAME}")
    }

    /// Everything in `users/`, by name, and what lies beside the files of records in the users' folders.
    pub fn list_users(&self) -> Result<Vec<InUsers>> {
        let mut found = Vec::new();
        for (label, name) in self.entries("users")? {
            let stray = |why: &str, has_records| InUsers::Stray { label: label.clone(), why: why.to_owned(), has_records };
            if !self.is_folder(&label)? {
                found.push(stray("is no folder", false));
                continue;
            }
            let Some(Ok(user)) = name.strip_prefix("user_").map(str::parse::<UserId>) else {
                let has_records = !matches!(self.read_record_file(&format!("{label}/{FILE_NAME}")), Ok(None));
                found.push(stray("is not named user_ and a user's id", has_records));
                continue;
            };
            let entries = match self.entries(&label) {
                Ok(entries) => entries,
                Err(error) => {
                    found.push(InUsers::Unreadable { label, why: error.chain().to_string() });
                    continue;
                }
            };
            for (label, name) in entries {
                if name == UNFINISHED {
                    found.push(InUsers::Unfinished { user: user.clone(), label });
                } else if name != FILE_NAME {
                    found.push(InUsers::Stray { label, why: "is no file of records".to_owned(), has_records: false });
                }
            }
            let is_ours = name == format!("user_{user}");
            found.push(InUsers::Folder(RecordFolder { user, is_ours, label: format!("{label}/{FILE_NAME}") }));
        }
        Ok(found)
    }

    /// The content of a file of records; none when there is none.
    pub fn read_record_file(&self, label: &str) -> Result<Option<Vec<u8>>> {
        let failed = |e| Error::storage(format!("{label} cannot be read"), e);
        let path = self.root().join(label);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => fs::read(&path).map(Some).map_err(failed),
            Ok(_) => Err(Error::damaged(format!("{label} is not a file"))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }
}
