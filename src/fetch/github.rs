//! Repositories as GitHub has them, and their releases through its API
//! (https://docs.github.com/en/rest/releases/releases), which others speak, too.

use serde::Deserialize;
use url::Url;

use super::{Fetcher, failed};
use crate::{
    domain::Version,
    error::{Error, Result, Step},
};

/// Endings of archives that can be published, in the order in which they are chosen.
const ARCHIVES: &[&str] = &[".zip", ".tar.gz", ".tgz", ".tar.zst"];

/// An address such as `https://github.com/me/notes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Scheme and host.
    base: String,
    owner: String,
    name: String,
    /// The release that the address itself names.
    tag: Option<String>,
}

/// A release, and the archive of it that is to be taken.
#[derive(Debug)]
pub struct RepositoryRelease {
    pub tag: String,
    pub archive: Url,
}

impl RepositoryRelease {
    /// The tag as a version, where it is one.
    pub fn version(&self) -> Option<Version> {
        version(&self.tag)
    }
}

#[derive(Deserialize)]
struct Answer {
    tag_name: String,
    #[serde(default)]
    assets: Vec<Asset>,
    tarball_url: Option<String>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    browser_download_url: String,
}

impl Repository {
    /// The repository at this address, if it is one: on github.com or the host of the API, with an owner and a name and
    /// perhaps `.git`, `/releases`, `/releases/latest` or `/releases/tag/TAG`. Everything else is taken for an archive.
    pub(super) fn at(url: &Url, api: &Url) -> Option<Self> {
        if !is_host(url, api) {
            return None;
        }
        let segments = url.path_segments()?.filter(|segment| !segment.is_empty()).collect::<Vec<_>>();
        let (owner, name, tag) = match segments.as_slice() {
            [owner, name] | [owner, name, "releases"] | [owner, name, "releases", "latest"] => (owner, name, None),
            [owner, name, "releases", "tag", tag] => (owner, name, Some(decoded(tag)?)),
            _ => return None,
        };
        let name = name.strip_suffix(".git").unwrap_or(name);
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        let is_archive = segments.len() == 2 && ARCHIVES.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
        let base = url.origin().ascii_serialization();
        (is_name(owner) && is_name(name) && !is_archive).then(|| Self { base, owner: (*owner).to_owned(), name: name.to_owned(), tag })
    }

    /// The address without whatever it says about releases: what an installation record keeps.
    pub fn address(&self) -> String {
        format!("{}/{}/{}", self.base, self.owner, self.name)
    }
}

/// Whether repositories lie at this host and port: github.com, and where the API is (`api.` and the path cut).
fn is_host(url: &Url, api: &Url) -> bool {
    let host = |url: &Url| url.host_str().map(|host| host.trim_end_matches('.').to_owned()).unwrap_or_default();
    let own = host(api);
    let own = own.strip_prefix("api.").unwrap_or(&own);
    let is_github = ["github.com", "www.github.com"].contains(&host(url).as_str()) && url.port().is_none();
    is_github || (host(url) == own && url.port() == api.port())
}

fn decoded(segment: &str) -> Option<String> {
    let text = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.into_owned())
}

fn version(tag: &str) -> Option<Version> {
    tag.strip_prefix('v').unwrap_or(tag).parse().ok()
}

impl Fetcher {
    /// The release that is wanted: the one called so (with or without `v`), else the one that the address names, else the
    /// latest.
    ///
    /// # Errors
    /// [`Error::SourceFailed`] and [`Error::SourceRefused`] at [`Step::ReleaseLookup`].
    pub async fn release(&self, repository: &Repository, wanted: Option<&str>) -> Result<RepositoryRelease> {
        let tag = wanted.or(repository.tag.as_deref()).filter(|tag| *tag != "latest");
        let found = match tag {
            None => self.ask(repository, &["latest"]).await?,
            Some(tag) => {
                let other = tag.strip_prefix('v').map_or_else(|| format!("v{tag}"), str::to_owned);
                match self.ask(repository, &["tags", tag]).await? {
                    Some(found) => Some(found),
                    None => self.ask(repository, &["tags", &other]).await?,
                }
            }
        };
        let missing = || failed(Step::ReleaseLookup, format!("{} has no release {}", repository.address(), tag.unwrap_or("at all")));
        let found = found.ok_or_else(missing)?;
        let archive = choose(repository, &found)?;
        let archive = self.rules.parse(archive).map_err(|message| Error::SourceRefused { step: Step::ReleaseLookup, message })?;
        Ok(RepositoryRelease { tag: found.tag_name, archive })
    }

    /// The version of the latest release.
    ///
    /// # Errors
    /// As [`Fetcher::release`]; also when its name is no version.
    pub async fn latest_version(&self, repository: &Repository) -> Result<Version> {
        let missing = || failed(Step::ReleaseLookup, format!("{} has no release", repository.address()));
        let tag = self.ask(repository, &["latest"]).await?.ok_or_else(missing)?.tag_name;
        version(&tag).ok_or_else(|| failed(Step::ReleaseLookup, format!("the latest release is called {tag:?}, which is no version")))
    }

    async fn ask(&self, repository: &Repository, which: &[&str]) -> Result<Option<Answer>> {
        let mut url = self.api.clone();
        // Only addresses without a host have no segments, and the setting refuses those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["repos", repository.owner.as_str(), repository.name.as_str(), "releases"]).extend(which);
        }
        self.json(url, Step::ReleaseLookup).await
    }
}

/// The release's one archive of the preferred kind; of several the one that is named for the repository. Without any, the
/// sources: many repositories hold what they built.
fn choose<'a>(repository: &Repository, release: &'a Answer) -> Result<&'a str> {
    let is = |asset: &&Asset, ending: &str| asset.name.to_ascii_lowercase().ends_with(ending);
    for ending in ARCHIVES {
        let of_kind = release.assets.iter().filter(|asset| is(asset, ending)).collect::<Vec<_>>();
        match of_kind.as_slice() {
            [] => {}
            [one] => return Ok(&one.browser_download_url),
            several => {
                let named = several
                    .iter()
                    .filter(|asset| asset.name.to_lowercase().starts_with(&repository.name.to_lowercase()))
                    .collect::<Vec<_>>();
                if let [one] = named.as_slice() {
                    return Ok(&one.browser_download_url);
                }
                let names = several.iter().map(|asset| asset.name.as_str()).collect::<Vec<_>>().join(", ");
                let message =
                    format!("the release {} has several archives, none of which is the repository's alone: {names}", release.tag_name);
                return Err(failed(Step::ReleaseLookup, message));
            }
        }
    }
    release.tarball_url.as_deref().ok_or_else(|| failed(Step::ReleaseLookup, format!("the release {} has no archive", release.tag_name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_told_from_archives() {
        let api: Url = "https://api.github.com".parse().unwrap();
        let at = |address: &str, api: &Url| Repository::at(&address.parse().unwrap(), api).map(|found| (found.address(), found.tag));
        let notes = |tag: Option<&str>| Some(("https://github.com/me/notes".to_owned(), tag.map(str::to_owned)));
        for address in ["me/notes", "me/notes/", "me/notes.git", "me/notes/releases", "me/notes/releases/latest", "me/notes?tab=readme#top"]
        {
            assert_eq!(at(&format!("https://github.com/{address}"), &api), notes(None), "{address}");
        }
        assert_eq!(at("https://github.com/me/notes/releases/tag/v1.0.0", &api), notes(Some("v1.0.0")));
        assert_eq!(at("https://github.com/me/notes/releases/tag/a%2Fb", &api), notes(Some("a/b")));
        for archive in [
            "https://github.com/me/notes/releases/download/v1/notes.zip",
            "https://github.com/me/notes/archive/refs/tags/v1.tar.gz",
            "https://github.com/me/notes.zip",
            "https://github.com/me",
            "https://github.com/me/no%2Ftes",
            "https://github.com/me/notes/releases/tag/%00",
            "https://github.com:8443/me/notes",
            "https://github.com.example.org/me/notes",
            "https://example.org/me/notes",
        ] {
            assert_eq!(at(archive, &api), None, "{archive}");
        }
        let own: Url = "https://git.example.org/api/v3".parse().unwrap();
        assert_eq!(at("https://git.example.org/me/notes", &own).unwrap().0, "https://git.example.org/me/notes");
        assert_eq!(at("https://github.com/me/notes", &own), notes(None));
    }

    #[test]
    fn a_release_has_one_archive() {
        let repository = Repository { base: String::new(), owner: "me".to_owned(), name: "notes".to_owned(), tag: None };
        let release = |names: &[&str], tarball: bool| Answer {
            tag_name: "v1".to_owned(),
            assets: names.iter().map(|name| Asset { name: (*name).to_owned(), browser_download_url: (*name).to_owned() }).collect(),
            tarball_url: tarball.then(|| "sources".to_owned()),
        };
        for (names, expected) in [
            (&["notes.zip"][..], "notes.zip"),
            (&["notes.tar.gz", "notes.ZIP", "notes.zip.sha256"], "notes.ZIP"),
            (&["docs.zip", "Notes-1.0.zip"], "Notes-1.0.zip"),
            (&["notes.tar.zst", "readme.txt"], "notes.tar.zst"),
            (&["readme.txt"], "sources"),
            (&[], "sources"),
        ] {
            assert_eq!(choose(&repository, &release(names, true)).unwrap(), expected);
        }
        for names in [&["a.zip", "b.zip"][..], &["notes-a.zip", "notes-b.zip"]] {
            assert!(choose(&repository, &release(names, true)).unwrap_err().to_string().contains(names[0]));
        }
        assert!(choose(&repository, &release(&[], false)).is_err());
    }
}
