//! `plugyard plugins install URL`

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{bulk::Bulk, install::Installed};
use crate::{
    app::{
        plugins,
        releases::{self, PublishOptions},
        sources::{self, Wanted},
    },
    cli::{
        Outcome,
        failure::{Failure, Result},
        global::Global,
        remote::{Remote, read},
        target::{Local, Target},
    },
    domain::VersionSpec,
};

/// What is to be fetched, published and installed. Either this machine fetches it, or the server does.
pub struct Address {
    pub address: String,
    pub release: Option<String>,
    pub sha256: Option<String>,
}

impl Address {
    pub async fn install(self, global: &Global, user: Option<&str>, all_users: bool) -> Result<Outcome> {
        match global.target("plugins install").await? {
            Target::Local(local) if all_users => {
                let bulk = for_everybody(&local, &self.wanted()?).await?;
                global.print(&bulk)?;
                return Ok(bulk.outcome());
            }
            Target::Local(local) => global.print(&on_this_machine(&local, &self.wanted()?, user).await?)?,
            Target::Remote(_) if all_users => {
                let message = "with --server, an address is installed for one user; publish the package to install it for everybody";
                return Err(Failure::Usage(message.to_owned()));
            }
            Target::Remote(remote) => global.print(&self.at_server(&remote, user).await?)?,
        }
        Ok(Outcome::Done)
    }

    fn wanted(self) -> Result<Wanted> {
        let sha256 = self.sha256.as_deref().map(sources::sha256).transpose()?;
        Ok(Wanted { address: self.address, version: self.release, sha256 })
    }

    async fn at_server(self, remote: &Remote, user: Option<&str>) -> Result<Installed> {
        let subject = remote.subject(user).await?;
        let body = json!({"repo_url": self.address, "version": self.release, "sha256": self.sha256});
        let request = remote.request(Method::POST, subject.route(&["install-from-url"])).json(&body);
        let Answer { data } = read(remote.send(request).await?.1)?;
        Ok(Installed { slug: data.plugin_slug, version: data.version, user: subject.name, plugin_id: data.plugin_id })
    }
}

async fn on_this_machine(local: &Local, wanted: &Wanted, user: Option<&str>) -> Result<Installed> {
    let user = local.user(user).await?;
    let plugin = plugins::install_source(&local.app, &local.caller, &user.id, wanted).await?.package.installed.plugin;
    Ok(Installed { slug: plugin.slug.to_string(), version: plugin.version.to_string(), user: user.username, plugin_id: plugin.id })
}

async fn for_everybody(local: &Local, wanted: &Wanted) -> Result<Bulk> {
    let Local { app, caller, .. } = local;
    let archive = sources::fetch(app, wanted).await?.archive;
    let staged = app.folder.unpack(archive, app.limits()).await?;
    let release = releases::publish(app, caller, staged, PublishOptions::default()).await?.release;
    let exactly = VersionSpec::Exact(release.version);
    Ok(Bulk::answered(&release.slug, releases::install_all(app, caller, &release.slug, Some(exactly)).await?.into()))
}

#[derive(Deserialize)]
struct Answer {
    data: AnswerData,
}

#[derive(Deserialize)]
struct AnswerData {
    plugin_slug: String,
    version: String,
    plugin_id: String,
}
