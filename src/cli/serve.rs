//! `plugyard serve`

use std::sync::Arc;

use clap::Args;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::{
    Outcome, demo,
    failure::{Failure, Result},
    global::Global,
    output::print_line,
};
use crate::{
    app::{
        App,
        accounts::{self, FirstAdmin},
        housekeeping, state, update_checks,
    },
    error::Error,
    files::PluginsFolder,
    http,
    settings::Flags,
    storage::serving,
};

/// Run the server, until SIGTERM or Ctrl-C; what runs then is finished first.
///
/// Prints `listening on http://ADDRESS:PORT` once connections are accepted. The first start makes database, folder and the
/// user admin, and says so before. Any number of servers can share a PostgreSQL database and a plugins folder; an SQLite
/// file has one server.
#[derive(Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 picks a free one [default: the setting `listen`].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Make the users ann and ben, publish a sample plugin, let every user publish, and print what to try.
    #[arg(long)]
    demo: bool,
}

impl Serve {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let user_uploads = self.demo.then(|| "allow".to_owned());
        let settings = global.settings(Flags { listen: self.listen, user_uploads, ..Flags::default() })?;
        let _shared = PluginsFolder::open(&settings.plugins_dir).and_then(|folder| folder.lock_shared()).map_err(Failure::Start)?;
        // Before the schema is touched, which the other server may not understand afterwards.
        let _alone = serving::lock(&settings.database_url)?;
        let metrics = PrometheusBuilder::new().install_recorder().map_err(|e| Error::Setup(format!("no metrics can be kept: {e}")))?;
        let app = App::open(settings).await.map_err(Failure::Start)?;
        if let Some(admin) = accounts::create_first_admin(&app).await.map_err(Failure::Start)? {
            announce(&first_admin(&admin));
        }
        let demo = if self.demo { Some(demo::prepare(&app).await?) } else { None };
        app.contents.start_encoding().map_err(Failure::Start)?;
        let _watch = app.db.watch().map_err(Failure::Start)?;
        let mut tasks = vec![
            housekeeping::start(Arc::clone(&app)),
            housekeeping::start_state(Arc::clone(&app)),
            housekeeping::start_following(Arc::clone(&app)),
        ];
        tasks.extend(update_checks::start(Arc::clone(&app)));
        let counted = Arc::clone(&app);
        let served = http::serve(app, metrics, |address| {
            announce(&format!("listening on http://{address}"));
            if let Some(demo) = demo {
                announce(&demo.text(address));
            }
        })
        .await;
        // They hold the database, which ends when nobody holds it any more.
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        if let Err(error) = state::flush_accesses(&counted).await {
            tracing::warn!(error = %error.chain(), "counted accesses of state entries are lost");
        }
        served?;
        Ok(Outcome::Done)
    }
}

/// A generated password is shown here, once, and nowhere else.
fn first_admin(admin: &FirstAdmin) -> String {
    match &admin.generated_password {
        Some(password) => format!("created the user {} with the password {password}", admin.username),
        None => format!("created the user {} with the password of the setting admin_password", admin.username),
    }
}

/// The server runs on when nobody reads what it says.
fn announce(line: &str) {
    if let Err(failure) = print_line(line) {
        tracing::warn!(error = %failure.message(), "nobody reads the server's standard output");
    }
}
