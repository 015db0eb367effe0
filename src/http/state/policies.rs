//! What a plugin's state may be, and every limit.

use actix_web::{HttpResponse, get, put, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::StateAccess;
use crate::{
    app::{
        App,
        state::{self, InForce},
    },
    domain::{Slug, state::MAX_DEPTH, state::MAX_NAME},
    http::{
        extract::{AdminUser, JsonObject, known},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize)]
pub struct PluginSegment {
    plugin: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StatePolicy)]
pub struct PolicyAnswer {
    plugin_id: String,
    /// `default`, `manifest` or `administrator`.
    source: &'static str,
    #[schema(value_type = Object)]
    policy: Value,
}

fn answer(plugin: &Slug, found: InForce) -> HttpResponse {
    HttpResponse::Ok().json(PolicyAnswer { plugin_id: plugin.to_string(), source: found.source, policy: json!(found.policy) })
}

/// What holds for the user's state of the plugin.
#[utoipa::path(tag = "state", params(("plugin" = String, Path)), responses((status = 200, body = PolicyAnswer)))]
#[get("/plugin-state/policies/{plugin}")]
pub async fn get_policy(user: StateAccess, app: web::Data<App>, names: web::Path<PluginSegment>) -> HttpResult {
    let plugin = known(&names.plugin)?;
    Ok(answer(&plugin, state::policy(&app, &user.access, &plugin).await?))
}

/// Puts a policy in the place of the manifest's, for everybody.
#[utoipa::path(
    tag = "state",
    params(("plugin" = String, Path)),
    request_body = Object,
    responses((status = 200, body = PolicyAnswer), (status = 404, description = "not a plugin's name", body = ProblemSchema))
)]
#[put("/plugin-state/policies/{plugin}")]
pub async fn put_policy(user: AdminUser, app: web::Data<App>, names: web::Path<PluginSegment>, body: JsonObject) -> HttpResult {
    let plugin = known(&names.plugin)?;
    Ok(answer(&plugin, state::set_policy(&app, &user.caller, &plugin, &Value::Object(body.0)).await?))
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateLimits)]
pub struct LimitsAnswer {
    /// Bytes of one document as compact JSON; a plugin's policy may say less.
    document: u64,
    /// Bytes of a body with one document.
    body: u64,
    /// Bytes of a body with several documents.
    several: u64,
    /// Items of one request.
    #[schema(maximum = 1000000)]
    items: usize,
    /// Arrays and objects inside one another.
    #[schema(maximum = 1000)]
    depth: usize,
    /// Bytes of a page, key or device.
    #[schema(maximum = 1000)]
    name: usize,
    /// Entries of the user.
    entries: Limit,
    /// Bytes of all entries of one plugin, by plugin.
    plugin: Vec<PluginLimit>,
    /// The same for a plugin without any.
    plugin_limit: u64,
    /// Open event streams of the user, at this server.
    streams: Limit,
    /// Snapshots of each plugin that are kept beside the pinned ones.
    #[schema(maximum = 1000)]
    snapshots: usize,
    /// Pinned snapshots of each plugin.
    #[schema(maximum = 1000)]
    pinned_snapshots: usize,
    /// Bytes of a line that `/import` takes.
    import_line: u64,
    /// Seconds for which a deletion is told and a mutation is known.
    horizon_seconds: u64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateLimit)]
struct Limit {
    limit: u64,
    used: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StatePluginLimit)]
struct PluginLimit {
    plugin_id: String,
    limit: u64,
    used: i64,
}

/// Every limit that applies to the user, with what is used.
#[utoipa::path(tag = "state", operation_id = "state_limits", responses((status = 200, body = LimitsAnswer)))]
#[get("/plugin-state/limits")]
pub async fn limits(user: StateAccess, app: web::Data<App>) -> HttpResult {
    let stats = state::stats(&app, &user.access).await?;
    let limits = state::limits(&app);
    let of = |(plugin, used): &(Slug, state::Used)| PluginLimit { plugin_id: plugin.to_string(), limit: limits.plugin, used: used.size };
    Ok(HttpResponse::Ok().json(LimitsAnswer {
        document: limits.document,
        body: super::body::one(limits.document),
        several: super::body::several(limits.document),
        items: state::MOST_ITEMS,
        depth: MAX_DEPTH,
        name: MAX_NAME,
        entries: Limit { limit: limits.entries, used: stats.total().entries },
        plugin: stats.plugins.iter().map(of).collect(),
        plugin_limit: limits.plugin,
        streams: Limit { limit: state::MOST_STREAMS as u64, used: app.state.events.streams(&user.access.user) as i64 },
        snapshots: state::SNAPSHOTS_KEPT,
        pinned_snapshots: state::MOST_PINNED,
        import_line: limits.import_line,
        horizon_seconds: state::HORIZON.as_secs(),
    }))
}
