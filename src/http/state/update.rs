//! Changing an entry, as BrainDrive frontends do.

use actix_web::{put, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    access::{EntrySegment, StateAccess, entry_id},
    batch::raw_text,
    body::{OneDocument, typed},
    conditions::Conditions,
    create::{end, strategy},
    record::{Record, answer},
};
use crate::{
    app::{
        App,
        state::{self, Facts},
    },
    domain::state::{check_device, check_schema_version},
    http::{
        extract::present,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = StateUpdate)]
pub struct UpdateBody {
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    state_data: Option<Box<RawValue>>,
    #[serde(default)]
    state_strategy: Option<String>,
    /// Null clears it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    ttl_expires_at: Option<Option<String>>,
    #[serde(default)]
    device_id: Option<String>,
    #[serde(default)]
    state_schema_version: Option<String>,
}

/// Changes what the body names; nothing when that is so already.
#[utoipa::path(
    tag = "state",
    operation_id = "update_state",
    params(("id" = String, Path)),
    request_body = UpdateBody,
    responses(
        (status = 200, body = Record),
        (status = 409, description = "incompatible_version", body = ProblemSchema),
        (status = 412, description = "the entry is not as expected; `current` says how it is", body = ProblemSchema),
        (status = 428, description = "the plugin's policy wants a precondition", body = ProblemSchema),
        (status = 500, description = "state_corrupt", body = ProblemSchema),
        (status = 507, description = "quota_exceeded", body = ProblemSchema)
    )
)]
#[put("/plugin-state/{id}")]
pub async fn update(
    user: StateAccess,
    app: web::Data<App>,
    names: web::Path<EntrySegment>,
    conditions: Conditions,
    body: OneDocument,
) -> HttpResult {
    let body = typed::<UpdateBody>(body.0).await?;
    let expires_at = match &body.ttl_expires_at {
        None => None,
        Some(None) => Some(None),
        Some(Some(text)) => end(Some(text))?.map(Some),
    };
    let facts = Facts {
        strategy: strategy(body.state_strategy.as_deref())?,
        expires_at,
        device: body.device_id.as_deref().map(check_device).transpose()?,
        schema_version: body.state_schema_version.as_deref().map(check_schema_version).transpose()?,
        active: None,
    };
    let text = body.state_data.map(raw_text);
    Ok(answer(state::update(&app, &user.access, entry_id(&names.id)?, text, facts, conditions.0).await?)?)
}
