//! Entry files: finding the file that a manifest's text means.

use serde_json::{Map, Value};

use super::PackageFiles;
use crate::domain::ReleasePath;

/// The file of a `bundlelocation`. Leading `/` and `./` are cut, as frontends cut them.
pub(super) fn bundle(files: &PackageFiles<'_>, location: &str) -> Result<ReleasePath, String> {
    let path: ReleasePath = relative(location).parse().map_err(|_| "is not a path inside the package".to_owned())?;
    match files.known && files.find(path.as_str()).is_none() {
        true => Err(format!("names {path}, which is not in the package")),
        false => Ok(path),
    }
}

/// The entry file of an npm package for browsers: `exports`, then `module`, `browser`, `main`, then `index.js`
/// (https://docs.npmjs.com/cli/configuring-npm/package-json#main, https://nodejs.org/api/packages.html#exports).
pub(super) fn npm<'a>(files: &PackageFiles<'a>, package: &Map<String, Value>) -> Option<&'a ReleasePath> {
    let exported = package.get("exports").and_then(main_export).and_then(|target| export(files, target));
    let named = || ["module", "browser", "main"].iter().find_map(|field| file_or_folder(files, package.get(*field)?.as_str()?));
    exported.or_else(named).or_else(|| files.find("index.js"))
}

/// The part of `exports` that speaks of the package itself: the whole of it, unless it lists subpaths.
fn main_export(exports: &Value) -> Option<&Value> {
    match exports {
        Value::Object(members) if members.keys().any(|key| key.starts_with('.')) => members.get("."),
        _ => Some(exports),
    }
}

/// The first target that is there. Conditions are tried in the object's order, as Node and bundlers do.
fn export<'a>(files: &PackageFiles<'a>, target: &Value) -> Option<&'a ReleasePath> {
    match target {
        Value::String(path) => files.find(path.strip_prefix("./")?),
        Value::Array(targets) => targets.iter().find_map(|target| export(files, target)),
        Value::Object(conditions) => {
            let holds = |condition: &str| matches!(condition, "browser" | "import" | "module" | "default");
            conditions.iter().filter(|(condition, _)| holds(condition)).find_map(|(_, target)| export(files, target))
        }
        _ => None,
    }
}

/// What a path of the older fields names: a file, a file without its extension, or a folder with an index.
fn file_or_folder<'a>(files: &PackageFiles<'a>, path: &str) -> Option<&'a ReleasePath> {
    let path = relative(path).trim_end_matches('/');
    match path {
        "" | "." => files.find("index.js"),
        _ => files.find(path).or_else(|| files.find(&format!("{path}.js"))).or_else(|| files.find(&format!("{path}/index.js"))),
    }
}

fn relative(mut path: &str) -> &str {
    while let Some(rest) = path.strip_prefix("./").or_else(|| path.strip_prefix('/')) {
        path = rest;
    }
    path
}
