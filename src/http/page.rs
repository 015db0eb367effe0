//! Native lists: `limit` and an opaque `cursor` in, items and the next cursor out.

use std::str::FromStr;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    app::page::Page,
    error::{Error, Result},
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// 1 to 1000; 100 when absent.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

impl PageParameters {
    pub fn limit(&self) -> Result<usize> {
        let refused = || Error::invalid("limit", format!("limit is a number from 1 to {MAX_LIMIT}"));
        let limit = self.limit.as_deref().map(str::parse).transpose().map_err(|_| refused())?.unwrap_or(DEFAULT_LIMIT);
        if (1..=MAX_LIMIT).contains(&limit) { Ok(limit) } else { Err(refused()) }
    }

    /// The key after which the list goes on.
    pub fn after<K: FromStr>(&self) -> Result<Option<K>> {
        let refused = || Error::invalid("cursor", "this is not a cursor of this list");
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let key = String::from_utf8(bytes).map_err(|_| refused())?;
        // PostgreSQL takes no NUL, and no key of ours has control characters.
        if key.chars().any(char::is_control) {
            return Err(refused());
        }
        key.parse().map(Some).map_err(|_| refused())
    }
}

/// How a list is answered.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ListBody<T> {
    items: Vec<T>,
    /// For the next part; null when this is the last.
    next_cursor: Option<String>,
}

impl<T> ListBody<T> {
    pub fn new<D>(page: Page<D>, body: impl Fn(D) -> T) -> Self {
        Self { items: page.items.into_iter().map(body).collect(), next_cursor: page.next.map(|key| BASE64_URL_SAFE_NO_PAD.encode(key)) }
    }
}
