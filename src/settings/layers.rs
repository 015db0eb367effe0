//! Where settings come from, and which place wins: defaults < file < environment < flags.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::value::Value;
use crate::error::{Error, Result};

const PREFIX: &str = "PLUGYARD_";
const DEFAULT_FILE: &str = "plugyard.toml";

/// Where a value in force comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Default,
    File,
    Environment,
    Flag,
}

/// What the command line says about settings, as text.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub listen: Option<String>,
    pub database_url: Option<String>,
    pub plugins_dir: Option<String>,
    pub user_uploads: Option<String>,
}

impl Flags {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "listen" => self.listen.as_deref(),
            "database_url" => self.database_url.as_deref(),
            "plugins_dir" => self.plugins_dir.as_deref(),
            "user_uploads" => self.user_uploads.as_deref(),
            _ => None,
        }
    }
}

pub struct Layers {
    file: Option<(PathBuf, toml::Table)>,
    /// The variables with our prefix, by what follows it.
    environment: BTreeMap<String, OsString>,
    flags: Flags,
}

impl Layers {
    pub fn read(
        config: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: Flags,
        cwd: &Path,
    ) -> Result<Self> {
        let ours = |(name, value): (OsString, OsString)| Some((name.to_str()?.strip_prefix(PREFIX)?.to_owned(), value));
        let environment: BTreeMap<_, _> = environment.into_iter().filter_map(ours).collect();
        let named = config.or_else(|| environment.get("CONFIG").filter(|value| !value.is_empty()).map(Path::new));
        let file = read_file(named, cwd)?;
        Ok(Self { file, environment, flags })
    }

    /// The value of the highest layer that has one. The layers below it must be readable all the same, so that removing
    /// one never uncovers a mistake.
    pub fn value<T: Value>(&self, key: &'static str, default: &str) -> Result<(T, Source)> {
        let mut value = T::from_text(default).map_err(|why| refuse(key, "its default", &why))?;
        let mut source = Source::Default;
        if let Some((path, table)) = &self.file
            && let Some(found) = table.get(key)
        {
            value = T::from_toml(found).map_err(|why| refuse(key, &path.display().to_string(), &why))?;
            source = Source::File;
        }
        let variable = key.to_ascii_uppercase();
        if let Some(found) = self.environment.get(&variable) {
            let text = found.to_str().ok_or_else(|| "must be UTF-8".to_owned());
            value = text.and_then(T::from_text).map_err(|why| refuse(key, &format!("{PREFIX}{variable}"), &why))?;
            source = Source::Environment;
        }
        if let Some(text) = self.flags.get(key) {
            value = T::from_text(text).map_err(|why| refuse(key, "command line", &why))?;
            source = Source::Flag;
        }
        Ok((value, source))
    }

    /// A key that no setting has is most likely a misspelled one, and the setting meant would silently keep its default.
    pub fn refuse_unknown_keys(&self, known: &[&str]) -> Result<()> {
        let Some((path, table)) = &self.file else { return Ok(()) };
        let unknown: Vec<_> = table.keys().map(String::as_str).filter(|key| !known.contains(key)).collect();
        match unknown.as_slice() {
            [] => Ok(()),
            keys => Err(Error::Setup(format!("{}: no such setting: {}", path.display(), keys.join(", ")))),
        }
    }

    /// Variables with our prefix that mean nothing. Only warned about, because the environment is shared with others.
    pub fn warnings(&self, known: &[&str]) -> Vec<String> {
        let means_something = |name: &str| {
            matches!(name, "CONFIG" | "SERVER" | "TOKEN" | "CRASH_ROUNDS")
                || name.starts_with("REQUIRE_")
                || known.iter().any(|key| key.to_ascii_uppercase() == name)
        };
        let unknown = self.environment.keys().filter(|name| !means_something(name));
        unknown.map(|name| format!("the environment variable {PREFIX}{name} is no setting and is ignored")).collect()
    }
}

/// The file that was named, or the default one where it exists.
fn read_file(named: Option<&Path>, cwd: &Path) -> Result<Option<(PathBuf, toml::Table)>> {
    let path = cwd.join(named.unwrap_or(Path::new(DEFAULT_FILE)));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound && named.is_none() => return Ok(None),
        Err(e) => return Err(Error::Setup(format!("cannot read the settings file {}: {e}", path.display()))),
    };
    let table = text.parse().map_err(|e: toml::de::Error| {
        // The error's own Display quotes the line, which can hold a secret.
        let line = e.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.matches('\n').count() + 1);
        Error::Setup(format!("{}, line {line}: {}", path.display(), e.message()))
    })?;
    Ok(Some((path, table)))
}

pub fn refuse(key: &str, place: &str, why: &str) -> Error {
    Error::Setup(format!("setting {key} ({place}) {why}"))
}
