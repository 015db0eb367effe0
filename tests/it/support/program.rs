//! The program's surroundings in a test: a folder to run in and the environment, equal for servers and commands.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use tempfile::TempDir;

use super::guardian::Guardian;

pub const ADMIN_PASSWORD: &str = "correct horse battery";

/// Where the program runs and what it is told. Clones share the folder, which goes with the last of them.
#[derive(Clone)]
pub struct Home {
    folder: Arc<TempDir>,
    variables: Vec<(String, String)>,
}

impl Home {
    /// A new folder and what every start needs.
    pub fn new(database_url: &str) -> Self {
        Self::bare().with_data(database_url)
    }

    #[must_use]
    pub fn with_data(self, database_url: &str) -> Self {
        let plugins = self.plugins_dir().display().to_string();
        self.with("database_url", database_url).with("plugins_dir", &plugins).with("admin_password", ADMIN_PASSWORD)
    }

    /// A new folder and no settings at all.
    pub fn bare() -> Self {
        Self { folder: Arc::new(Guardian::get().new_folder("home-")), variables: Vec::new() }
    }

    /// Gives a setting its value through the environment; a later one wins.
    #[must_use]
    pub fn with(self, setting: &str, value: &str) -> Self {
        self.with_variable(&format!("PLUGYARD_{}", setting.to_uppercase()), value)
    }

    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn plugins_dir(&self) -> PathBuf {
        self.path().join("plugins")
    }

    /// The program with this environment, to which nothing of the developer's own settings is added.
    pub fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_plugyard"))
    }

    /// Another program in the same surroundings.
    pub fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let is_ours = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with("PLUGYARD_"));
        for (name, _) in env::vars_os().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        command.current_dir(self.path()).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}
