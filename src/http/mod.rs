//! The only code that knows actix: routes, extractors, answers. Handlers are three sentences: extract, call the use case,
//! convert.

mod audit;
mod auth;
mod client_address;
mod etag;
pub mod extract;
mod files;
mod if_match;
mod middleware;
mod openapi;
mod operations;
mod paging;
mod plugins;
pub mod problem;
mod releases;
mod routes;
mod state;
mod tokens;
mod unknown;
mod users;
mod warm;

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{
    App as Actix, HttpServer,
    http::header,
    middleware::from_fn,
    web::{Data, PayloadConfig},
};
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa_actix_web::AppExt;

use crate::{
    app::App,
    error::{Error, Result},
    settings::Settings,
};

/// How long running requests may take after the signal to stop.
const SHUTDOWN_SECONDS: u64 = 30;
/// How long an idle connection stays open: longer than a page pauses, so that few requests meet one that just closes.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A connection that sends no complete request head in this time is closed.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client that was refused early may go on sending: closing at once could take the answer from it.
const LINGER: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT, then finishes what runs. `announce` is called once connections are accepted.
pub async fn serve(app: Arc<App>, metrics: PrometheusHandle, announce: impl FnOnce(std::net::SocketAddr)) -> Result<()> {
    let setup = |what: String| move |e: std::io::Error| Error::Setup(format!("{what}: {e}"));
    let listener = TcpListener::bind(app.settings.listen).map_err(setup(format!("cannot listen on {}", app.settings.listen)))?;
    let address = listener.local_addr().map_err(setup("cannot listen".to_owned()))?;
    let workers = app.settings.workers;
    let stop = stop_signal(Arc::clone(&app))?;
    let state = Data::from(app);
    let document = Data::new(openapi::document());
    let warm = middleware::WarmFirst(Arc::new(warm::Warm::new(Arc::clone(&state), Arc::clone(&document))?));
    let upkeep = tokio::spawn(keep_up(metrics.clone()));
    let metrics = Data::new(metrics);
    let mut server = HttpServer::new(move || {
        Actix::new()
            .app_data(state.clone())
            .app_data(document.clone())
            .app_data(metrics.clone())
            // Bodies are limited by what reads them.
            .app_data(PayloadConfig::new(usize::MAX))
            .into_utoipa_app()
            .configure(routes::all)
            .into_app()
            .service(openapi::page())
            .default_service(actix_web::web::to(unknown::answer))
            .wrap(from_fn(middleware::authenticate))
            .wrap(from_fn(middleware::reshape))
            .wrap(cors(&state.settings))
            .wrap(from_fn(middleware::open))
            .wrap(from_fn(middleware::observe))
            .wrap(warm.clone())
    })
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(REQUEST_HEAD_TIMEOUT)
    .client_disconnect_timeout(LINGER)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .shutdown_signal(stop)
    // Small answers go out at once instead of waiting 40 ms for the peer's acknowledgement.
    .tcp_nodelay(true);
    if let Some(workers) = workers {
        server = server.workers(workers);
    }
    let server = server.listen(listener).map_err(setup("cannot listen".to_owned()))?.run();
    announce(address);
    let served = server.await.map_err(setup("the server failed".to_owned()));
    upkeep.abort();
    served
}

/// Measured times pile up until somebody adds them up.
async fn keep_up(metrics: PrometheusHandle) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        metrics.run_upkeep();
    }
}

/// Ends with SIGTERM or SIGINT, which are listened for from now on. Event streams never end by themselves: they are cut, while
/// everything else finishes.
fn stop_signal(app: Arc<App>) -> Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let (mut terminated, mut interrupted) = {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(|e| Error::Setup(format!("signals cannot be received: {e}")));
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?)
    };
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        #[cfg(not(unix))]
        drop(tokio::signal::ctrl_c().await);
        app.state.events.close();
    })
}

/// For the origins of the setting, with credentials. File routes answer every origin, without credentials; they say so
/// themselves, because no list applies to them.
fn cors(settings: &Settings) -> Cors {
    let cors = settings.allowed_origins.iter().fold(Cors::default(), |cors, origin| cors.allowed_origin(origin.as_str()));
    cors.supports_credentials()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            header::AUTHORIZATION.as_str(),
            header::CONTENT_TYPE.as_str(),
            header::IF_MATCH.as_str(),
            header::IF_NONE_MATCH.as_str(),
            "prefer",
            "x-request-id",
            "last-event-id",
            "plugyard-device",
            "plugyard-expires",
            "plugyard-schema-version",
        ])
        .expose_headers(["etag", "location", "retry-after", "x-request-id"])
        .expose_headers(state::ANSWER_HEADERS)
        .allowed_origin_fn(|_, request| middleware::is_open(request.uri.path()))
        .max_age(3600)
        .block_on_origin_mismatch(false)
}
