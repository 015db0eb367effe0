//! Creating an entry, as BrainDrive frontends do.

use actix_web::{post, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    access::StateAccess,
    batch::raw_text,
    body::{OneDocument, typed},
    record::{Record, answer},
};
use crate::{
    app::{
        App,
        state::{self, Draft, Facts, Form, KeyText},
    },
    domain::{
        Timestamp,
        state::{Strategy, check_device, check_schema_version},
    },
    error::{Error, Result},
    http::problem::{HttpResult, ProblemSchema},
};

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = StateCreate)]
pub struct CreateBody {
    /// The plugin's slug, or the id of the user's installation.
    pub plugin_id: String,
    #[schema(value_type = Object)]
    pub state_data: Box<RawValue>,
    #[serde(default)]
    pub page_id: Option<String>,
    #[serde(default)]
    pub state_key: Option<String>,
    /// `persistent` (the default) or `custom`.
    #[serde(default)]
    pub state_strategy: Option<String>,
    /// A time; one without offset means UTC.
    #[serde(default)]
    pub ttl_expires_at: Option<String>,
    #[serde(default)]
    pub device_id: Option<String>,
    #[serde(default)]
    pub state_schema_version: Option<String>,
}

impl CreateBody {
    pub fn read(self) -> Result<(KeyText, Draft)> {
        let facts = Facts {
            strategy: strategy(self.state_strategy.as_deref())?,
            expires_at: end(self.ttl_expires_at.as_deref())?.map(Some),
            device: self.device_id.as_deref().map(check_device).transpose()?,
            schema_version: self.state_schema_version.as_deref().map(check_schema_version).transpose()?,
            active: None,
        };
        let text = raw_text(self.state_data);
        let key = KeyText { plugin_id: self.plugin_id, page_id: self.page_id, state_key: self.state_key };
        Ok((key, Draft { text, facts, form: Form::Object }))
    }
}

pub fn strategy(text: Option<&str>) -> Result<Option<Strategy>> {
    text.map(|text| text.parse::<Strategy>()?.stored_here()).transpose()
}

pub fn end(text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|text| Timestamp::parse_lenient(text).map_err(|_| Error::invalid("/ttl_expires_at", "is not an RFC 3339 time"))).transpose()
}

/// Creates an entry; one that is there already is a conflict.
#[utoipa::path(
    tag = "state",
    operation_id = "create_state",
    request_body = CreateBody,
    responses(
        (status = 200, body = Record),
        (status = 409, description = "already_exists, with `current`", body = ProblemSchema),
        (status = 507, description = "quota_exceeded", body = ProblemSchema)
    )
)]
#[post("/plugin-state")]
pub async fn create(user: StateAccess, app: web::Data<App>, body: OneDocument) -> HttpResult {
    let (key, draft) = typed::<CreateBody>(body.0).await?.read()?;
    Ok(answer(state::post(&app, &user.access, &key, draft).await?)?)
}
