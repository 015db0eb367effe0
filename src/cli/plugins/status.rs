//! `plugyard plugins status`

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::plugins::{self, Drift, Health, Status as Found},
    cli::{Outcome, failure::Result, global::Global, output::Report, remote::read, target::Target},
    domain::Slug,
    error::Error,
};

/// Show whether a user has a plugin and whether its files are there. The exit status is 1 when something is wrong with it.
#[derive(Args)]
pub struct Status {
    slug: Slug,
    /// Whose: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    slug: String,
    user: String,
    /// `healthy`, `unhealthy` or `not_installed`.
    status: String,
    version: Option<String>,
    enabled: Option<bool>,
    bundle_exists: bool,
    /// In bytes.
    bundle_size: Option<u64>,
    package_json_valid: bool,
    assets_present: bool,
    installation_metadata: Value,
    /// Where row and record disagree: `row_without_record` or `record_without_row`.
    drift: Option<String>,
}

impl Report for Shown {
    fn text(&self) -> String {
        let mut lines = vec![match (&self.version, self.enabled) {
            (Some(version), Some(enabled)) => {
                let state = if enabled { "enabled" } else { "disabled" };
                format!("{} {version} is {} and {state} for {}", self.slug, self.status, self.user)
            }
            _ => format!("{} is not installed for {}", self.slug, self.user),
        }];
        if self.version.is_some() && !self.bundle_exists {
            lines.push("  its bundle is missing".to_owned());
        }
        if self.version.is_some() && !self.assets_present {
            lines.push("  some of its files are missing or have another size".to_owned());
        }
        if let Some(drift) = &self.drift {
            lines.push(format!("  database and installation record disagree: {}", drift.replace('_', " ")));
        }
        lines.join("\n")
    }
}

impl Status {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let slug = self.slug.as_str();
        let shown = match global.target("plugins status").await? {
            Target::Local(local) => {
                let user = local.user(self.user.as_deref()).await?;
                local_answer(plugins::status(&local.app, &user.id, slug).await?, user.username)?
            }
            Target::Remote(remote) => {
                let subject = remote.subject(self.user.as_deref()).await?;
                let Answer { data } = read(remote.get(subject.route(&[slug, "status"])).await?)?;
                server_answer(data, subject.name)
            }
        };
        global.print(&shown)?;
        let is_wrong = shown.status == "unhealthy" || shown.drift.is_some();
        Ok(if is_wrong { Outcome::Differs } else { Outcome::Done })
    }
}

fn local_answer(found: Found, user: String) -> Result<Shown> {
    let unwritable = |e| Error::storage("an installation record cannot be printed", e);
    let plugin = found.plugin.as_ref().map(|listed| &listed.installed.plugin);
    Ok(Shown {
        user,
        status: match found.health {
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
            Health::NotInstalled => "not_installed",
        }
        .to_owned(),
        version: plugin.map(|plugin| plugin.version.to_string()),
        enabled: plugin.map(|plugin| plugin.enabled),
        bundle_exists: found.bundle_exists,
        bundle_size: found.bundle_size,
        package_json_valid: found.package_json_valid,
        assets_present: found.assets_present,
        installation_metadata: serde_json::to_value(&found.metadata).map_err(unwritable)?,
        drift: found.drift.map(|drift| {
            match drift {
                Drift::RowWithoutRecord => "row_without_record",
                Drift::RecordWithoutRow => "record_without_row",
            }
            .to_owned()
        }),
        slug: found.slug,
    })
}

#[derive(Deserialize)]
struct Answer {
    data: AnswerData,
}

#[derive(Deserialize)]
struct AnswerData {
    plugin_slug: String,
    status: String,
    plugin_info: Option<PluginInfo>,
    health_details: HealthDetails,
    installation_metadata: Value,
    drift: Option<String>,
}

#[derive(Deserialize)]
struct PluginInfo {
    version: String,
    enabled: bool,
}

#[derive(Deserialize)]
struct HealthDetails {
    bundle_exists: bool,
    bundle_size: Option<u64>,
    package_json_valid: bool,
    assets_present: bool,
}

fn server_answer(data: AnswerData, user: String) -> Shown {
    let (plugin, health) = (data.plugin_info, data.health_details);
    Shown {
        slug: data.plugin_slug,
        user,
        status: data.status,
        enabled: plugin.as_ref().map(|plugin| plugin.enabled),
        version: plugin.map(|plugin| plugin.version),
        bundle_exists: health.bundle_exists,
        bundle_size: health.bundle_size,
        package_json_valid: health.package_json_valid,
        assets_present: health.assets_present,
        installation_metadata: data.installation_metadata,
        drift: data.drift,
    }
}
