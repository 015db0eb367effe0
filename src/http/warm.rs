//! The shortest way to a file, a manifest or a state entry: what memory alone can answer is answered before routing, without
//! waiting for anything. Every decision is made by the same functions as on the long way; whatever is unusual, unknown or refused goes there.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{self, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, HeaderName, HeaderValue},
    },
};
use metrics::{Counter, Histogram};

use super::{
    etag,
    files::answer::{Caching, Prepared, in_memory, prepare},
    middleware::{NO_REFERRER, X_REQUEST_ID, callers_id},
    openapi::Document,
    state as state_routes,
};
use crate::{
    app::{App, access, now, plugins::ManifestView, random, serving, state},
    domain::Scope,
    error::Result,
    storage::changes::Trust,
};

const PREFIX: &str = "/api/v1/";
/// What the layer for other origins adds to every answer of the API.
static VARY_OF_OWN_FILES: HeaderValue =
    HeaderValue::from_static("Accept-Encoding, Authorization, Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
static VARY_OF_JSON: HeaderValue =
    HeaderValue::from_static("Authorization, Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
static ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");
const SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");

/// What the short way needs, made once.
pub struct Warm {
    app: Arc<App>,
    document: Arc<Document>,
    own: Tally,
    by_key: Tally,
    shared: Tally,
    manifest: Tally,
    designer: Tally,
    entry: Tally,
    sent_bytes: Counter,
    ids: Ids,
}

/// An answer and where it is counted.
struct Answer<'a> {
    response: HttpResponse,
    tally: &'a Tally,
}

impl Warm {
    pub fn new(app: Arc<App>, document: Arc<Document>) -> Result<Self> {
        Ok(Self {
            app,
            document,
            own: Tally::new("/api/v1/plugins/{plugin}/{path:.*}"),
            by_key: Tally::new("/api/v1/public/plugins/{key}/{path:.*}"),
            shared: Tally::new("/api/v1/files/{slug}/{version}/{path:.*}"),
            manifest: Tally::new("/api/v1/plugins/manifest"),
            designer: Tally::new("/api/v1/plugins/manifest/designer"),
            entry: Tally::new("/api/v1/plugin-state/entry"),
            sent_bytes: metrics::counter!("plugyard_http_sent_bytes_total"),
            ids: Ids::new()?,
        })
    }

    /// The whole answer, or none: then the request takes the long way.
    pub fn answer(&self, request: &ServiceRequest) -> Option<HttpResponse> {
        if request.method() != Method::GET {
            return None;
        }
        let began = std::time::Instant::now();
        let rest = request.uri().path().strip_prefix(PREFIX)?;
        // Names are compared as they are written; what is encoded, the long way decodes.
        if rest.contains('%') {
            return None;
        }
        let trust = self.app.db.changes().trust()?;
        let found = if let Some(rest) = rest.strip_prefix("plugins/") {
            self.of_caller(request, trust, rest)
        } else if let Some(rest) = rest.strip_prefix("public/plugins/") {
            self.of_key(request, trust, rest)
        } else if rest == "plugin-state/entry" {
            self.entry(request, trust)
        } else {
            self.of_everybody(request, trust, rest.strip_prefix("files/")?)
        };
        let Answer { mut response, tally } = found?;
        let id = self.ids.for_request(request.headers())?;
        response.headers_mut().insert(X_REQUEST_ID, id);
        tally.count(response.status(), began.elapsed());
        tracing::debug!(route = tally.route, status = response.status().as_u16(), "answered from memory");
        Some(response)
    }

    /// `<plugin>/<path>`, or a manifest.
    fn of_caller(&self, request: &ServiceRequest, trust: Trust<'_>, rest: &str) -> Option<Answer<'_>> {
        // Who may read from another origin is decided on the long way.
        if request.headers().contains_key(header::ORIGIN) {
            return None;
        }
        match rest {
            "manifest" => return self.known_manifest(request, trust, ManifestView::Manifest, &self.manifest),
            "manifest/designer" => return self.known_manifest(request, trust, ManifestView::Designer, &self.designer),
            _ => {}
        }
        let (plugin, path) = rest.split_once('/')?;
        // Other routes come first.
        if self.document.is_fixed_below_plugin(path.split('/').next()?) {
            return None;
        }
        let known = self.caller(request, trust)?;
        let served = serving::kept_own(&self.app, trust, &known.caller.user, plugin, path)?;
        let mut response = self.file(request, &served, Caching::Token)?;
        response.headers_mut().insert(header::VARY, VARY_OF_OWN_FILES.clone());
        Some(Answer { response, tally: &self.own })
    }

    /// `<access key>[.v<version>]/<path>`.
    fn of_key(&self, request: &ServiceRequest, trust: Trust<'_>, rest: &str) -> Option<Answer<'_>> {
        let (capability, path) = rest.split_once('/')?;
        let (key, version) = match capability.split_once(".v") {
            Some((key, version)) => (key, Some(version)),
            None => (capability, None),
        };
        let served = serving::kept_by_key(&self.app, trust, &key.parse().ok()?, version, path)?;
        let caching = if version.is_some() { Caching::Private } else { Caching::Current };
        let mut response = open_to_all(self.file(request, &served, caching)?);
        response.headers_mut().insert(header::REFERRER_POLICY, NO_REFERRER.clone());
        Some(Answer { response, tally: &self.by_key })
    }

    /// `<slug>/v<version>/<path>`.
    fn of_everybody(&self, request: &ServiceRequest, trust: Trust<'_>, rest: &str) -> Option<Answer<'_>> {
        let slug = rest.find('/')? + 1;
        let end = slug + rest.get(slug..)?.find('/')?;
        let served = serving::kept_public(&self.app, trust, rest.get(..end)?, rest.get(end + 1..)?)?;
        Some(Answer { response: open_to_all(self.file(request, &served, Caching::Shared)?), tally: &self.shared })
    }

    fn caller(&self, request: &ServiceRequest, trust: Trust<'_>) -> Option<Arc<access::Verified>> {
        self.verified(request, trust).filter(|known| known.caller.has(&Scope::Read))
    }

    fn verified(&self, request: &ServiceRequest, trust: Trust<'_>) -> Option<Arc<access::Verified>> {
        let token = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        access::remembered(&self.app, trust, token, now())
    }

    /// The bare document of a state entry.
    fn entry(&self, request: &ServiceRequest, trust: Trust<'_>) -> Option<Answer<'_>> {
        if request.headers().contains_key(header::ORIGIN) {
            return None;
        }
        let key = state_routes::kept_key(request.query_string())?;
        let known = self.verified(request, trust)?;
        let access = state::Access::new(&known.caller, known.caller.user.clone(), None).ok()?;
        let found = state::kept_document(&self.app, trust, &access, &key, now())?;
        let mut response = state_routes::document(request.request(), &found);
        if response.status() == StatusCode::OK {
            self.sent_bytes.increment(found.json.len() as u64);
        }
        response.headers_mut().insert(header::VARY, VARY_OF_JSON.clone());
        Some(Answer { response, tally: &self.entry })
    }

    fn file(&self, request: &ServiceRequest, served: &serving::Served, caching: Caching) -> Option<HttpResponse> {
        if request.headers().contains_key(SERVICE_WORKER) {
            return None;
        }
        let content = self.app.contents.kept(served)?;
        let Prepared { mut response, chosen, part } = prepare(request, served, &content, caching, true).ok()?;
        let Some((start, length)) = part else { return Some(response.finish()) };
        let bytes = in_memory(chosen, start, length)?;
        self.sent_bytes.increment(length);
        Some(response.body(bytes))
    }

    /// A manifest, or that the client has it already.
    fn known_manifest<'a>(&self, request: &ServiceRequest, trust: Trust<'_>, view: ManifestView, tally: &'a Tally) -> Option<Answer<'a>> {
        let known = self.caller(request, trust)?;
        let tag = self.app.manifest_tags.kept(trust, &known.caller.user, view)?;
        let body = match request.headers().get(header::IF_NONE_MATCH) {
            Some(wanted) if wanted.as_bytes() == tag => None,
            // Several tags, or one of another time.
            Some(_) => return None,
            None => Some(self.app.manifest_tags.kept_body(&tag)?),
        };
        self.sent_bytes.increment(body.as_ref().map_or(0, |body| body.len() as u64));
        let mut response = etag::answer(tag, body).ok()?;
        response.headers_mut().insert(header::VARY, VARY_OF_JSON.clone());
        Some(Answer { response, tally })
    }
}

fn open_to_all(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN.clone());
    response
}

/// The counters of one route, found once instead of for each request.
struct Tally {
    route: &'static str,
    seconds: Histogram,
    by_status: [(StatusCode, Counter); 3],
}

impl Tally {
    fn new(route: &'static str) -> Self {
        let by_status = [StatusCode::OK, StatusCode::PARTIAL_CONTENT, StatusCode::NOT_MODIFIED].map(|status| {
            let labels = [("method", "GET".to_owned()), ("route", route.to_owned()), ("status", status.as_str().to_owned())];
            (status, metrics::counter!("plugyard_http_requests_total", &labels))
        });
        Self { route, seconds: metrics::histogram!("plugyard_http_request_seconds", "route" => route), by_status }
    }

    fn count(&self, status: StatusCode, took: std::time::Duration) {
        self.seconds.record(took.as_secs_f64());
        if let Some((_, counter)) = self.by_status.iter().find(|(one, _)| *one == status) {
            counter.increment(1);
        }
    }
}

/// Ids for requests: what the client chose, or one that no other request has.
struct Ids {
    start: u64,
    count: AtomicU64,
}

impl Ids {
    fn new() -> Result<Self> {
        Ok(Self { start: u64::from_le_bytes(random()?), count: AtomicU64::new(0) })
    }

    fn for_request(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if let Some(chosen) = callers_id(headers) {
            return Some(chosen.clone());
        }
        let id = u128::from(self.start) << 64 | u128::from(self.count.fetch_add(1, Relaxed));
        let mut digits = [0; 32];
        hex::encode_to_slice(id.to_be_bytes(), &mut digits).ok()?;
        HeaderValue::from_bytes(&digits).ok()
    }
}
