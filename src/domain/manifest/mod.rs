//! The declarative description of a release, and the one function that reads it from a package's files. Each form of
//! manifest has a reader of its own behind it; where the files come from is none of their business.

mod document;
mod entry;
mod fields;
mod lifecycle_manager;
mod model;
mod modules;
mod package_json;
mod plugin_json;

use std::{fmt::Display, str::FromStr};

use fields::Fields;
pub use model::{Manifest, Module, Visibility};
use serde_json::{Map, Value};

use super::{ReleasePath, Slug, Version};
use crate::error::{Error, Result, Violation};

/// No manifest file may be larger, in bytes.
pub const MAX_MANIFEST: usize = 1024 * 1024;

/// More than anybody reads at once.
const MAX_VIOLATIONS: usize = 50;

/// What the request says beside the archive. It fills in what the manifest leaves out; a contradiction is a violation,
/// except that `slug` replaces the name in a `package.json`, which is not a slug to begin with.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub slug: Option<Slug>,
    pub version: Option<Version>,
    pub visibility: Option<Visibility>,
    /// Slug and version given here hold even where the manifest says otherwise: files that lie in place already have the
    /// name that their folder gives them.
    pub prevail: bool,
}

/// The files of a package that is about to become a release.
pub struct PackageFiles<'a> {
    paths: &'a [ReleasePath],
    read: &'a dyn Fn(&ReleasePath) -> Result<Vec<u8>>,
    /// The one folder at the package's top, whose name may hold a version.
    folder: Option<&'a str>,
    /// False where a description comes without files.
    known: bool,
}

/// What a package turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub manifest: Manifest,
    /// What the package says that does not count, in sentences: versions that disagree, methods that are never run.
    pub notes: Vec<String>,
}

impl<'a> PackageFiles<'a> {
    /// `paths` are sorted. `read` is asked for manifest files only and may refuse one that is larger than [`MAX_MANIFEST`].
    pub fn new(paths: &'a [ReleasePath], read: &'a dyn Fn(&ReleasePath) -> Result<Vec<u8>>) -> Self {
        debug_assert!(paths.is_sorted(), "lookups search by halves");
        Self { paths, read, folder: None, known: true }
    }

    /// The name of the one folder that everything lay in, if there was one.
    #[must_use]
    pub fn in_folder(self, folder: Option<&'a str>) -> Self {
        Self { folder, ..self }
    }

    fn find(&self, path: &str) -> Option<&'a ReleasePath> {
        let at = self.paths.binary_search_by(|candidate| candidate.as_str().cmp(path)).ok()?;
        self.paths.get(at)
    }
}

/// The manifest alone of what [`read_package`] reads.
///
/// # Errors
/// As [`read_package`].
pub fn read_manifest(files: &PackageFiles<'_>, overrides: &Overrides) -> Result<Manifest> {
    read_package(files, overrides).map(|reading| reading.manifest)
}

/// Reads the manifest at the package's root: `plugin.json`, else `lifecycle_manager.py`, else `package.json`.
///
/// # Errors
/// [`Error::InvalidPackage`] with every violation at once; pointers are JSON pointers into the manifest file, or the name
/// of the override that contradicts it. What `read` fails with is passed on.
pub fn read_package(files: &PackageFiles<'_>, overrides: &Overrides) -> Result<Reading> {
    let find = |name| files.find(name);
    let (path, read): (_, Reader) = match (find("plugin.json"), find("lifecycle_manager.py"), find("package.json")) {
        (Some(path), _, _) => (path, plugin_json::read),
        (None, Some(path), _) => return lifecycle_manager::read(&(files.read)(path)?, files, overrides),
        (None, None, Some(path)) => (path, package_json::read),
        (None, None, None) => {
            let message = "there is no plugin.json, lifecycle_manager.py or package.json at the root of the package";
            return Err(Error::bad_manifest(vec![Violation::new("", message)]));
        }
    };
    let document = document::parse(path.as_str(), &(files.read)(path)?).map_err(Error::bad_manifest)?;
    let mut violations = Vec::new();
    let manifest = read(Fields::new(&document, String::new(), &mut violations), files, overrides);
    finish(manifest, violations).map(|manifest| Reading { manifest, notes: Vec::new() }).map_err(Error::bad_manifest)
}

/// Reads what a frontend says of a plugin whose files it does not send: the members of `plugin.json` without `id`, in any
/// spelling. Dependencies may be a list of slugs, as answers show them.
///
/// # Errors
/// [`Error::Validation`] with every violation at once.
pub fn read_description(described: &Map<String, Value>, slug: &Slug) -> Result<Manifest> {
    let mut members = described.clone();
    members.shift_remove("id");
    if let Some(Value::Array(slugs)) = members.get("dependencies").cloned() {
        let any = |slug: Value| slug.as_str().map(|slug| (slug.to_owned(), Value::from("*")));
        if let Some(ranges) = slugs.into_iter().map(any).collect::<Option<Map<_, _>>>() {
            members.insert("dependencies".to_owned(), Value::Object(ranges));
        }
    }
    let invalid = |errors| Error::Validation { errors };
    let members = document::checked("the description", Value::Object(members)).map_err(invalid)?;
    let files = PackageFiles { known: false, ..PackageFiles::new(&[], &|path| Err(Error::NotFound(path.to_string()))) };
    let overrides = Overrides { slug: Some(slug.clone()), ..Overrides::default() };
    let mut violations = Vec::new();
    let manifest = plugin_json::read(Fields::new(&members, String::new(), &mut violations), &files, &overrides);
    finish(manifest, violations).map_err(invalid)
}

fn finish(manifest: Option<Manifest>, mut violations: Vec<Violation>) -> Result<Manifest, Vec<Violation>> {
    match manifest {
        Some(manifest) if violations.is_empty() => Ok(manifest),
        _ => {
            violations.truncate(MAX_VIOLATIONS);
            Err(violations)
        }
    }
}

/// Reads one form of manifest. What it returns is meaningless once there is a violation, and `None` only comes with one.
type Reader = fn(Fields<'_>, &PackageFiles<'_>, &Overrides) -> Option<Manifest>;

/// What the manifest declares, unless the request's word prevails.
fn declared<T: FromStr<Err = Error>>(fields: &mut Fields<'_>, name: &str, overrides: &Overrides, given: bool) -> Option<T> {
    if overrides.prevail && given { None } else { fields.parsed(name) }
}

/// The value in force: the manifest's, else the request's; where both speak they must agree.
fn settle<T: Clone + Display + PartialEq>(fields: &mut Fields<'_>, name: &str, declared: Option<T>, given: Option<&T>) -> Option<T> {
    match (declared, given) {
        (Some(declared), Some(given)) if declared != *given => {
            fields.refuse_at(name, format!("the request says {given}, the manifest {declared}"));
            Some(declared)
        }
        (declared, given) => declared.or_else(|| given.cloned()),
    }
}

/// Refuses the absence of what every manifest needs, and goes on with a stand-in, so that the rest is checked as well.
fn required<T: FromStr>(fields: &mut Fields<'_>, member: &str, value: Option<T>, stand_in: &str) -> Option<T> {
    if value.is_none() && !fields.has(member) {
        fields.refuse(member, "is required");
    }
    value.or_else(|| stand_in.parse().ok())
}

#[cfg(test)]
mod tests;
