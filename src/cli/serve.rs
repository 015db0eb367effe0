//! `plugyard serve`

use std::io::Write;

use clap::Args;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::{
    app::{
        App,
        accounts::{self, FirstAdmin},
    },
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
        if let Some(admin) = accounts::create_first_admin(&app).await? {
            announce(&first_admin(&admin));
        }
        http::serve(app, metrics, |address| announce(&format!("listening on http://{address}"))).await
    }
}

/// A generated password is shown here, once, and nowhere else.
fn first_admin(admin: &FirstAdmin) -> String {
    match &admin.generated_password {
        Some(password) => format!("created the user {} with the password {password}", admin.username),
        None => format!("created the user {} with the password of the setting admin_password", admin.username),
    }
}

/// A line on standard output. The server runs on when nobody reads it.
fn announce(line: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        tracing::warn!(%error, "nobody reads what the server says on standard output");
    }
}
