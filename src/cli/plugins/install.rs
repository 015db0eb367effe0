//! `plugyard plugins install`

use std::{
    convert::Infallible,
    path::{MAIN_SEPARATOR, Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use crate::{
    app::plugins::{self, InstallRequest},
    cli::{
        Outcome,
        failure::{Failure, Result},
        global::Global,
        output::Report,
        publish::{self, Options},
        remote::{Remote, member},
        target::{Local, Target},
    },
    domain::{Slug, VersionSpec, record::InstallationType},
};

/// Install a published release for a user; enabled at once.
///
/// An archive or folder is published first, then installed.
#[derive(Args)]
pub struct Install {
    /// SLUG, SLUG@VERSION with a version, range or channel, or the path of an archive or folder (with a `/`, or of a file
    /// that exists).
    #[arg(value_name = "SLUG[@RANGE]|PATH")]
    what: What,
    /// For whom: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Release(Slug, VersionSpec),
    Path(PathBuf),
    /// Neither; told after parsing, so that a path can be any text.
    Wrong(String),
}

impl FromStr for What {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text.contains('/') || text.contains(MAIN_SEPARATOR) || Path::new(text).is_file() {
            return Ok(Self::Path(text.into()));
        }
        let (slug, version) = text.split_once('@').unwrap_or((text, "latest"));
        Ok(match (slug.parse(), version.parse()) {
            (Ok(slug), Ok(version)) => Self::Release(slug, version),
            (Err(e), _) | (_, Err(e)) => Self::Wrong(e.to_string()),
        })
    }
}

#[derive(Serialize)]
struct Installed {
    slug: String,
    version: String,
    user: String,
    plugin_id: String,
}

impl Report for Installed {
    fn text(&self) -> String {
        format!("{} {} is installed for {}", self.slug, self.version, self.user)
    }
}

impl Install {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match &self.what {
            What::Wrong(why) => return Err(Failure::Usage(why.clone())),
            What::Path(path) => publish::must_exist(path)?,
            What::Release(..) => {}
        }
        let installed = match global.target("plugins install").await? {
            Target::Local(local) => on_this_machine(&local, self.what, self.user).await?,
            Target::Remote(remote) => at_server(&remote, self.what, self.user).await?,
        };
        global.print(&installed)?;
        Ok(Outcome::Done)
    }
}

async fn on_this_machine(local: &Local, what: What, user: Option<String>) -> Result<Installed> {
    // Before anything is published for nobody.
    let user = local.user(user.as_deref()).await?;
    let (slug, request) = match what {
        What::Wrong(why) => return Err(Failure::Usage(why)),
        What::Release(slug, version) => (slug, InstallRequest { version: Some(version), ..InstallRequest::default() }),
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
        What::Wrong(why) => return Err(Failure::Usage(why)),
        What::Release(slug, version) => (slug.to_string(), json!({"version": version.to_string()})),
        What::Path(path) => {
            let published = publish::at_server(remote, &path, Options::default()).await?;
            let body = json!({"version": published.version, "installation_metadata": {"installation_type": "local"}});
            (published.slug, body)
        }
    };
    let request = remote.request(Method::POST, subject.route(&[&slug, "install"])).json(&body);
    let (_, mut answer) = remote.send(request).await?;
    let data = answer["data"].take();
    Ok(Installed { slug, version: member(&data, "version")?, user: subject.name, plugin_id: member(&data, "plugin_id")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> What {
        text.parse().unwrap()
    }

    #[test]
    fn slugs_and_paths_are_told_apart() {
        let latest = |slug: &str| What::Release(slug.parse().unwrap(), VersionSpec::Latest);
        assert_eq!(what("Demo"), latest("Demo"));
        assert_eq!(what("no-such-file.zip"), latest("no-such-file.zip"));
        assert_eq!(what("Demo@^1.2"), What::Release("Demo".parse().unwrap(), "^1.2".parse().unwrap()));
        assert_eq!(what("./Demo"), What::Path("./Demo".into()));
        assert_eq!(what("Cargo.toml"), What::Path("Cargo.toml".into()));
        for wrong in ["", "a b", "Demo@", "Demo@no such", "@beta"] {
            assert!(matches!(what(wrong), What::Wrong(_)), "{wrong}");
        }
    }
}
