//! `plugyard releases show`

use clap::Args;

use super::shapes::ReleaseItem;
use crate::{
    app::releases,
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::Report,
        remote::read,
        target::{Local, Target},
        wanted::Wanted,
    },
};

/// Show one release; with --output json also its manifest.
#[derive(Args)]
pub struct Show {
    /// The version can be a range or channel too; without one it is the latest.
    #[arg(value_name = "SLUG[@VERSION]")]
    release: Wanted,
}

impl Show {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let Wanted { slug, version } = self.release;
        let shown = match global.target("releases show").await? {
            Target::Local(Local { app, caller, .. }) => {
                ReleaseItem::with_manifest(&releases::release(&app, &caller, slug, version).await?)?
            }
            Target::Remote(remote) => read(remote.get(["releases", slug.as_str(), &version.to_string()]).await?)?,
        };
        global.print(&shown)?;
        Ok(Outcome::Done)
    }
}

impl Report for ReleaseItem {
    fn text(&self) -> String {
        let mut lines = vec![
            format!("{} {}", self.slug, self.version),
            format!("  digest      {}", self.digest),
            format!("  files       {}, {} bytes", self.file_count, self.size),
            format!("  visibility  {}", self.visibility),
            format!("  published   {} by {}", self.published_at, self.published_by),
        ];
        if !self.remark().is_empty() {
            lines.push(format!("  {}", self.remark()));
        }
        lines.join("\n")
    }
}
