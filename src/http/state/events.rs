//! Server-sent events: metadata of what happens to the user's state and plugins.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
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

use super::{
    access::{StateAccess, owner},
    changes::Change,
};
use crate::{
    app::{
        App,
        access::{self, Standing},
        now,
        state::{self, Access, Listener, PluginEvent},
    },
    domain::state::Cursor,
    error::{Error, Result},
    http::{
        extract::app,
        middleware::{self, HeadRequest},
        problem::{HttpResult, Problem, ProblemSchema},
    },
};

/// Silence in between, so that proxies keep the connection and dead ones are noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the caller's right is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(1);
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
pub async fn make_ticket(request: HttpRequest, user: StateAccess, app: web::Data<App>) -> HttpResult {
    let ends = access::ends(&app, middleware::bearer_token(&request)?)?;
    let ticket = state::ticket(&app, &user.caller, ends)?;
    Ok(HttpResponse::Ok().json(TicketAnswer { ticket, expires_in: state::TICKET_TTL.as_secs() }))
}

/// The caller, by token or ticket.
pub struct Listening {
    standing: Standing,
    access: Access,
}

impl FromRequest for Listening {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let by_ticket = web::Query::<Parameters>::from_query(request.query_string()).ok().and_then(|query| query.into_inner().ticket);
        let request = request.clone();
        match by_ticket {
            None => {
                let user = StateAccess::from_request(&request, payload);
                Box::pin(async move {
                    let StateAccess { caller, access } = user.await?;
                    let ends = access::ends(&*app(&request)?, middleware::bearer_token(&request)?)?;
                    Ok(Self { standing: Standing::new(caller, ends), access })
                })
            }
            Some(ticket) => Box::pin(async move {
                let standing = state::redeem(&*app(&request)?, &ticket).await?;
                let access = Access::new(&standing.caller, owner(&request, &standing.caller).await?, None)?;
                Ok(Self { standing, access })
            }),
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
    let Listening { standing, access } = user;
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"));
    // A stream of which nothing is ever written would not notice that its client has gone.
    if request.extensions().contains::<HeadRequest>() {
        return Ok(answer.finish());
    }
    let listener = state::listen(&app, &access.user).await?;
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
    let now = Instant::now();
    let stream = Stream { app, standing, access, listener, cursor, waiting, looked: false, check_at: now, silent_since: now };
    Ok(answer
        // Nothing follows a stream that has ended.
        .force_close()
        .streaming(stream::unfold(stream, |mut stream| async move {
            let chunk = stream.next().await?;
            stream.silent_since = Instant::now();
            Some((Ok::<_, std::convert::Infallible>(chunk), stream))
        })))
}

struct Stream {
    app: Arc<App>,
    standing: Standing,
    access: Access,
    listener: Listener,
    /// Everything up to here was told.
    cursor: Cursor,
    waiting: VecDeque<Bytes>,
    /// Whether the database was asked since the last change.
    looked: bool,
    /// When the caller's right is looked at again.
    check_at: Instant,
    silent_since: Instant,
}

/// What a stream was waiting for.
enum Woken {
    Changed,
    Plugin(Result<PluginEvent, RecvError>),
    /// Nothing; but it is time to look at the caller's right, or to say something.
    Time,
}

impl Stream {
    /// The next piece of the stream; none ends it. The client comes back with the last id.
    async fn next(&mut self) -> Option<Bytes> {
        match self.try_next().await {
            Ok(chunk) => chunk,
            Err(Error::Unauthenticated(why) | Error::Forbidden(why)) => {
                tracing::debug!(why, "an event stream ends");
                None
            }
            Err(error) => {
                tracing::warn!(error = %error.chain(), "an event stream ends");
                None
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if *self.listener.closed.borrow() {
                return Ok(None);
            }
            if self.check_at <= Instant::now() {
                self.standing.check(&self.app).await?;
                if self.access.user != self.standing.caller.user {
                    self.standing.caller.require_admin()?;
                }
                self.check_at = Instant::now() + CHECK_EVERY;
            }
            if let Some(chunk) = self.waiting.pop_front() {
                return Ok(Some(chunk));
            }
            if !self.looked {
                self.looked = true;
                self.read().await?;
                continue;
            }
            let heartbeat = self.silent_since + HEARTBEAT;
            let woken = tokio::select! {
                _ = self.listener.changed.changed() => Woken::Changed,
                event = self.listener.plugins.recv() => Woken::Plugin(event),
                _ = self.listener.closed.changed() => return Ok(None),
                () = tokio::time::sleep_until(heartbeat.min(self.check_at).into()) => Woken::Time,
            };
            match woken {
                Woken::Changed => self.looked = false,
                Woken::Plugin(Ok(PluginEvent { event, plugin, version })) if self.access.plugins.includes(&plugin) => {
                    let data = json!({"plugin_id": plugin, "version": version});
                    return Ok(Some(message(event, &self.cursor, &data)));
                }
                Woken::Plugin(Ok(_)) => {}
                Woken::Plugin(Err(RecvError::Lagged(_))) => self.start_anew().await?,
                Woken::Plugin(Err(RecvError::Closed)) => return Ok(None),
                Woken::Time if heartbeat <= Instant::now() => return Ok(Some(Bytes::from_static(b": heartbeat\n\n"))),
                Woken::Time => {}
            }
        }
    }

    /// A listener that is far behind reads everything again, and needs nothing of what it has missed.
    async fn start_anew(&mut self) -> Result<()> {
        self.waiting.clear();
        self.listener.plugins = self.listener.plugins.resubscribe();
        self.cursor = resync(&self.app, &self.access, &mut self.waiting).await?;
        Ok(())
    }

    /// What changed since the cursor.
    async fn read(&mut self) -> Result<()> {
        let mut told = 0;
        loop {
            let found = match state::changes(&self.app, &self.access, Some(self.cursor.clone()), PAGE).await {
                Err(Error::Gone(_)) => return self.start_anew().await,
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
                return self.start_anew().await;
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
