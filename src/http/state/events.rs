//! Server-sent events: metadata of what happens to the user's state and plugins.

use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc, time::Duration};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    get,
    http::header,
    post,
    web::{self, Bytes},
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::{access::StateAccess, changes::Change};
use crate::{
    app::{
        App, now,
        state::{self, Access, Listener, Signal},
    },
    domain::state::Cursor,
    error::{Error, Result},
    http::{
        extract::app,
        problem::{HttpResult, Problem, ProblemSchema},
    },
};

/// Silence in between, so that proxies keep the connection and dead ones are noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Changes read at once.
const PAGE: usize = 100;
/// A listener that is further behind is told to read everything again.
const FAR_BEHIND: usize = 1000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Of `POST /plugin-state/events/ticket`, instead of a bearer token.
    #[param(inline)]
    ticket: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventsTicket)]
pub struct TicketAnswer {
    ticket: String,
    expires_in: u64,
}

/// A ticket for one stream, good for a minute: browsers' EventSource sends no headers.
#[utoipa::path(tag = "state", responses((status = 200, body = TicketAnswer)))]
#[post("/plugin-state/events/ticket")]
pub async fn make_ticket(user: StateAccess, app: web::Data<App>) -> HttpResult {
    let ticket = state::ticket(&app, user.caller)?;
    Ok(HttpResponse::Ok().json(TicketAnswer { ticket, expires_in: 60 }))
}

/// The caller, by token or ticket.
pub struct Listening(Access);

impl FromRequest for Listening {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let by_ticket = web::Query::<Parameters>::from_query(request.query_string()).ok().and_then(|query| query.into_inner().ticket);
        match by_ticket {
            None => {
                let access = StateAccess::from_request(request, payload);
                Box::pin(async move { Ok(Self(access.await?.access)) })
            }
            Some(ticket) => {
                let request = request.clone();
                Box::pin(async move {
                    let caller = app(&request)?.state.events.redeem(&ticket)?;
                    Ok(Self(Access::new(&caller, caller.user.clone(), None)?))
                })
            }
        }
    }
}

/// Server-sent events `state.changed`, `plugin.installed`, `plugin.updated`, `plugin.enabled`, `plugin.disabled`,
/// `plugin.uninstalled`, `plugin.rolled_back` and `resync`. Ids are cursors: after `Last-Event-ID` come the missed changes
/// of state, or one `resync` where they cannot be told.
#[utoipa::path(
    tag = "state",
    operation_id = "state_events",
    params(Parameters),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 429, description = "20 streams are open already", body = ProblemSchema)
    )
)]
#[get("/plugin-state/events")]
pub async fn stream_events(request: HttpRequest, user: Listening, app: web::Data<App>) -> HttpResult {
    let app = app.into_inner();
    let access = user.0;
    let listener = app.state.events.listen(&access.user)?;
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let mut waiting = VecDeque::new();
    let cursor = match last.map(str::parse::<Cursor>) {
        None => state::head(&app, &access).await?,
        Some(Ok(cursor)) => match state::changes(&app, &access, Some(cursor.clone()), 1).await {
            Ok(_) => cursor,
            Err(Error::Gone(_)) => resync(&app, &access, &mut waiting).await?,
            Err(error) => return Err(error.into()),
        },
        Some(Err(_)) => resync(&app, &access, &mut waiting).await?,
    };
    let stream = Stream { app, access, listener, cursor, waiting, looked: false };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::unfold(stream, |mut stream| async move {
            let chunk = stream.next().await?;
            Some((Ok::<_, std::convert::Infallible>(chunk), stream))
        })))
}

struct Stream {
    app: Arc<App>,
    access: Access,
    listener: Listener,
    /// Everything up to here was told.
    cursor: Cursor,
    waiting: VecDeque<Bytes>,
    /// Whether the database was asked since the last signal.
    looked: bool,
}

impl Stream {
    /// The next piece of the stream; none ends it.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.listener.closed.borrow() {
                return None;
            }
            if let Some(chunk) = self.waiting.pop_front() {
                return Some(chunk);
            }
            if !self.looked {
                self.looked = true;
                match self.read().await {
                    Ok(()) => continue,
                    // The client comes back with the last id.
                    Err(error) => {
                        tracing::warn!(error = %error.chain(), "an event stream ends");
                        return None;
                    }
                }
            }
            let signal = tokio::select! {
                signal = self.listener.signals.recv() => signal,
                _ = self.listener.closed.changed() => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b": heartbeat\n\n")),
            };
            match signal {
                Ok(Signal::StateChanged) => self.looked = false,
                Ok(Signal::Plugin { event, plugin, version }) if self.access.plugins.includes(&plugin) => {
                    let data = json!({"plugin_id": plugin, "version": version});
                    return Some(message(event, &self.cursor, &data));
                }
                Ok(Signal::Plugin { .. }) => {}
                Err(RecvError::Lagged(_)) => {
                    self.looked = false;
                    self.waiting.push_back(message("resync", &self.cursor, &json!({})));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// What changed since the cursor.
    async fn read(&mut self) -> Result<()> {
        let mut told = 0;
        loop {
            let found = match state::changes(&self.app, &self.access, Some(self.cursor.clone()), PAGE).await {
                Err(Error::Gone(_)) => {
                    self.cursor = resync(&self.app, &self.access, &mut self.waiting).await?;
                    return Ok(());
                }
                found => found?,
            };
            let now = now();
            for entry in &found.entries {
                self.cursor.seq = entry.seq;
                self.waiting.push_back(message("state.changed", &self.cursor, &Change::new(entry, now)));
            }
            self.cursor = found.cursor;
            told += found.entries.len();
            if !found.has_more {
                return Ok(());
            }
            if told >= FAR_BEHIND {
                self.waiting.clear();
                self.cursor = resync(&self.app, &self.access, &mut self.waiting).await?;
                return Ok(());
            }
        }
    }
}

/// Tells the client to read everything again; where it then stands.
async fn resync(app: &Arc<App>, access: &Access, waiting: &mut VecDeque<Bytes>) -> Result<Cursor> {
    let head = state::head(app, access).await?;
    waiting.push_back(message("resync", &head, &json!({})));
    Ok(head)
}

fn message(event: &str, id: &Cursor, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned());
    Bytes::from(format!("event: {event}\nid: {id}\ndata: {data}\n\n"))
}
