//! `plugyard serve`

use std::io::Write;

use clap::Args;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::{
    app::App,
    error::{Error, Result},
    http,
    settings::{Flags, Settings},
    telemetry,
};

#[derive(Args)]
pub struct Serve {
    /// Address and port; port 0 picks one.
    #[arg(long)]
    listen: Option<String>,
}

impl Serve {
    pub async fn run(self) -> Result<()> {
        let flags = Flags { listen: self.listen, ..Flags::default() };
        let cwd = std::env::current_dir().map_err(|e| Error::Setup(e.to_string()))?;
        let (settings, warnings) = Settings::load(None, std::env::vars_os(), flags, &cwd)?;
        telemetry::init_logging(&settings)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let metrics = PrometheusBuilder::new().install_recorder().map_err(|e| Error::Setup(e.to_string()))?;
        let app = App::open(settings).await?;
        http::serve(app, metrics, |address| {
            println!("listening on http://{address}");
            if let Err(error) = std::io::stdout().flush() {
                tracing::warn!(%error, "nobody reads the address");
            }
        })
        .await
    }
}
