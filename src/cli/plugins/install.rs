//! `plugyard plugins install`

use std::{
    path::{MAIN_SEPARATOR, Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{bulk::Bulk, install_address::Address};
use crate::{
    app::{
        plugins::{self, InstallRequest},
        releases,
    },
    cli::{
        Outcome,
        failure::{Failure, Result},
        global::Global,
        output::Report,
        publish::{self, Options, Published},
        remote::{Remote, read},
        target::{Local, Target},
        wanted::Wanted,
    },
    domain::{VersionSpec, record::InstallationType},
    error::Error,
};

/// Install a published release for a user, or for everybody; enabled at once.
///
/// An archive or folder is published first, then installed. So is what an address names: a repository's release, or an
/// archive.
#[derive(Args)]
pub struct Install {
    /// SLUG, SLUG@VERSION with a version, range or channel, or the path of an archive or folder (with a `/`, or of a file
    /// that exists), or an address (https://...).
    #[arg(value_name = "SLUG[@RANGE]|PATH|URL")]
    what: Named,
    /// For whom: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// For every active user who does not have it. Whoever fails is named, the others get it; it can be run again.
    #[arg(long, conflicts_with = "user")]
    all_users: bool,
    /// With an address: the repository's release [default: the latest]; of an archive, the version that it must have.
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// With an address: what the archive must be.
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Named {
    Here(What),
    Address(String),
}

impl FromStr for Named {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.starts_with("https://") || text.starts_with("http://") {
            true => Ok(Self::Address(text.to_owned())),
            false => text.parse().map(Self::Here),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Release(Wanted),
    Path(PathBuf),
}

impl FromStr for What {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.contains('/') || text.contains(MAIN_SEPARATOR) || Path::new(text).is_file() {
            return Ok(Self::Path(text.into()));
        }
        text.parse().map(Self::Release)
    }
}

#[derive(Serialize)]
pub(super) struct Installed {
    pub slug: String,
    pub version: String,
    pub user: String,
    pub plugin_id: String,
}

impl Report for Installed {
    fn text(&self) -> String {
        format!("{} {} is installed for {}", self.slug, self.version, self.user)
    }
}

impl Install {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let what = match self.what {
            Named::Address(address) => {
                let about = Address { address, release: self.release, sha256: self.sha256 };
                return about.install(global, self.user.as_deref(), self.all_users).await;
            }
            Named::Here(_) if self.release.is_some() || self.sha256.is_some() => {
                return Err(Failure::Usage("--release and --sha256 belong to an address".to_owned()));
            }
            Named::Here(what) => what,
        };
        if let What::Path(path) = &what {
            publish::must_exist(path)?;
        }
        let target = global.target("plugins install").await?;
        if self.all_users {
            let bulk = for_everybody(&target, what).await?;
            global.print(&bulk)?;
            return Ok(bulk.outcome());
        }
        let installed = match target {
            Target::Local(local) => on_this_machine(&local, what, self.user).await?,
            Target::Remote(remote) => at_server(&remote, what, self.user).await?,
        };
        global.print(&installed)?;
        Ok(Outcome::Done)
    }
}

async fn for_everybody(target: &Target, what: What) -> Result<Bulk> {
    let Wanted { slug, version } = match (what, target) {
        (What::Release(wanted), _) => wanted,
        (What::Path(path), Target::Local(local)) => exactly(&publish::on_this_machine(local, path, Options::default()).await?)?,
        (What::Path(path), Target::Remote(remote)) => exactly(&publish::at_server(remote, &path, Options::default()).await?)?,
    };
    let answer = match target {
        Target::Local(Local { app, caller, .. }) => releases::install_all(app, caller, &slug, Some(version)).await?.into(),
        Target::Remote(remote) => {
            let request = remote.request(Method::POST, ["releases", slug.as_str(), "install-all"]);
            read(remote.send(request.json(&json!({"version": version.to_string()}))).await?.1)?
        }
    };
    Ok(Bulk::answered(&slug, answer))
}

fn exactly(published: &Published) -> Result<Wanted> {
    Ok(Wanted { slug: published.slug.parse()?, version: VersionSpec::Exact(published.version.parse()?) })
}

async fn on_this_machine(local: &Local, what: What, user: Option<String>) -> Result<Installed> {
    // Before anything is published for nobody.
    let user = local.user(user.as_deref()).await?;
    let (slug, request) = match what {
        What::Release(Wanted { slug, version }) => (slug, InstallRequest { version: Some(version), ..InstallRequest::default() }),
        What::Path(path) => {
            let published = publish::on_this_machine(local, path, Options::default()).await?;
            let request = InstallRequest {
                version: Some(VersionSpec::Exact(published.version.parse()?)),
                installation_type: Some(InstallationType::Local),
                ..InstallRequest::default()
            };
            (published.slug.parse()?, request)
        }
    };
    let plugin = plugins::install(&local.app, &local.caller, &user.id, &slug, request).await?.plugin;
    Ok(Installed { slug: slug.to_string(), version: plugin.version.to_string(), user: user.username, plugin_id: plugin.id })
}

async fn at_server(remote: &Remote, what: What, user: Option<String>) -> Result<Installed> {
    let subject = remote.subject(user.as_deref()).await?;
    let (slug, body) = match what {
        What::Release(Wanted { slug, version }) => (slug.to_string(), json!({"version": version.to_string()})),
        What::Path(path) => {
            let published = publish::at_server(remote, &path, Options::default()).await?;
            let body = json!({"version": published.version, "installation_metadata": {"installation_type": "local"}});
            (published.slug, body)
        }
    };
    let request = remote.request(Method::POST, subject.route(&[&slug, "install"])).json(&body);
    let Answer { data } = read(remote.send(request).await?.1)?;
    Ok(Installed { slug, version: data.version, user: subject.name, plugin_id: data.plugin_id })
}

#[derive(Deserialize)]
struct Answer {
    data: AnswerData,
}

#[derive(Deserialize)]
struct AnswerData {
    version: String,
    plugin_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_and_paths_are_told_apart() {
        assert_eq!("https://example.org/a.zip".parse::<Named>().unwrap(), Named::Address("https://example.org/a.zip".to_owned()));
        assert_eq!("Demo".parse::<Named>().unwrap(), Named::Here("Demo".parse().unwrap()));
        let release = |slug: &str, version: &str| What::Release(Wanted { slug: slug.parse().unwrap(), version: version.parse().unwrap() });
        let what = |text: &str| text.parse::<What>().unwrap();
        assert_eq!(what("Demo"), release("Demo", "latest"));
        assert_eq!(what("no-such-file.zip"), release("no-such-file.zip", "latest"));
        assert_eq!(what("Demo@^1.2"), release("Demo", "^1.2"));
        assert_eq!(what("./Demo"), What::Path("./Demo".into()));
        assert_eq!(what("Cargo.toml"), What::Path("Cargo.toml".into()));
        for wrong in ["", "a b", "Demo@", "Demo@no such", "@beta"] {
            assert!(wrong.parse::<What>().is_err(), "{wrong}");
        }
    }
}
