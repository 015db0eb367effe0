//! What can be done to a document before the database is asked: checking, hashing, compressing. Off the async threads where
//! it takes longer than the way there.

use std::sync::Arc;

use bytes::Bytes;

use super::{context::Context, encode};
use crate::{
    app::App,
    domain::state::{Document, Stored},
    error::{Error, Result, Violation},
    offload,
};

/// Up to here, in bytes, the work is done in place.
const IN_PLACE: usize = 4 * 1024;

/// A document ready to be stored, and why its plugin's policy would refuse it, if so.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub document: Arc<Stored>,
    pub refused: Vec<Violation>,
}

/// What a document has to be on the route that it came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Any,
    /// As BrainDrive frontends know state.
    Object,
}

/// # Errors
///
/// `MalformedJson`, `Validation` for what is wrong with any document, `TooLarge` with both numbers.
pub async fn prepare(app: &App, context: &Context, text: Bytes, schema_version: Option<&str>, form: Form) -> Result<Prepared> {
    let server = app.settings.max_state_document.as_u64();
    let limit = context.policy().max_document.map_or(server, |own| own.min(server));
    let compiled = Arc::clone(&context.compiled);
    let named = schema_version.map(str::to_owned);
    let long = text.len() > IN_PLACE;
    let work = move || {
        let document = Document::parse(&text, &compiled.policy.excluded_members)?;
        drop(text);
        if document.size() > limit {
            return Err(Error::TooLarge { what: "the state document", limit, actual: Some(document.size()) });
        }
        if form == Form::Object && !document.is_object() {
            return Err(Error::invalid("/state_data", "must be a JSON object"));
        }
        let refused = compiled.violations(named.as_deref(), document.json())?;
        Ok(Prepared { document: Arc::new(encode::encode(document)?), refused })
    };
    if long { offload::run(work).await } else { work() }
}
