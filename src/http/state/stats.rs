//! Sums over state, and sweeping up what has ended.

use actix_web::{HttpResponse, delete, get, web};
use serde::Serialize;

use super::access::StateAccess;
use crate::{
    app::{
        App,
        state::{self, Used},
    },
    http::{extract::AdminUser, problem::HttpResult},
};

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateStats)]
pub struct StatsAnswer {
    /// This and the other sums have in them what has ended and was not swept up yet, as quotas do.
    total_states: i64,
    /// Those that lists show.
    active_states: i64,
    /// Bytes of compact JSON.
    total_size: i64,
    #[schema(maximum = 1000000)]
    plugins_with_state: usize,
    average_state_size: f64,
    last_activity: Option<String>,
    stored_size: i64,
    plugins: Vec<PluginStats>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StatePluginStats)]
pub struct PluginStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    plugin_id: String,
    states: i64,
    size: i64,
    stored_size: i64,
}

impl PluginStats {
    fn new(user_id: Option<String>, plugin_id: String, used: Used) -> Self {
        Self { user_id, plugin_id, states: used.entries, size: used.size, stored_size: used.stored_size }
    }
}

/// Sums over the user's state.
#[utoipa::path(tag = "state", operation_id = "state_stats", responses((status = 200, body = StatsAnswer)))]
#[get("/plugin-state/stats")]
pub async fn stats(user: StateAccess, app: web::Data<App>) -> HttpResult {
    let stats = state::stats(&app, &user.access).await?;
    let total = stats.total();
    Ok(HttpResponse::Ok().json(StatsAnswer {
        total_states: total.entries,
        active_states: stats.visible,
        total_size: total.size,
        plugins_with_state: stats.plugins.len(),
        average_state_size: if total.entries == 0 { 0.0 } else { total.size as f64 / total.entries as f64 },
        last_activity: stats.last_activity.map(|at| at.to_string()),
        stored_size: total.stored_size,
        plugins: stats.plugins.into_iter().map(|(plugin, used)| PluginStats::new(None, plugin.to_string(), used)).collect(),
    }))
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateAdminStats)]
pub struct AdminStatsAnswer {
    /// The largest first, at most 1000.
    items: Vec<PluginStats>,
}

/// Who keeps the most state, by user and plugin.
#[utoipa::path(tag = "administration", operation_id = "admin_state_stats", responses((status = 200, body = AdminStatsAnswer)))]
#[get("/admin/state/stats")]
pub async fn admin_stats(user: AdminUser, app: web::Data<App>) -> HttpResult {
    let found = state::admin_stats(&app, &user.caller).await?;
    let items = found.into_iter().map(|(user, plugin, used)| PluginStats::new(Some(user.to_string()), plugin.to_string(), used)).collect();
    Ok(HttpResponse::Ok().json(AdminStatsAnswer { items }))
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateCleanup)]
pub struct CleanupAnswer {
    message: String,
    #[schema(maximum = 1000000000)]
    deleted_count: usize,
}

/// Sweeps up the user's entries whose time has come. They were gone before.
#[utoipa::path(tag = "state", responses((status = 200, body = CleanupAnswer)))]
#[delete("/plugin-state/cleanup")]
pub async fn cleanup(user: StateAccess, app: web::Data<App>) -> HttpResult {
    let deleted_count = state::expire_of(&app, &user.access).await?;
    let message = format!("Cleaned up {deleted_count} expired plugin states");
    Ok(HttpResponse::Ok().json(CleanupAnswer { message, deleted_count }))
}
