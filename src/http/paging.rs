//! Native lists: `limit` and an opaque `cursor` in, `items` and `next_cursor` out.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    app::page::Page,
    error::{Error, Result},
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// The query of a list that has nothing else to ask for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

impl PageParameters {
    pub fn wanted(&self) -> Result<(usize, Option<String>)> {
        wanted(self.limit, self.cursor.as_deref())
    }
}

/// One part of a list.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PageAnswer<T> {
    items: Vec<T>,
    /// Send it as `cursor` for the next part; null at the end.
    next_cursor: Option<String>,
}

impl<T> PageAnswer<T> {
    pub fn new<S>(page: Page<S>, shape: impl FnMut(S) -> T) -> Self {
        Self { next_cursor: page.next.map(|key| BASE64_URL_SAFE_NO_PAD.encode(key)), items: page.items.into_iter().map(shape).collect() }
    }
}

/// How many items are wanted, and after which key.
pub fn wanted(limit: Option<usize>, cursor: Option<&str>) -> Result<(usize, Option<String>)> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("limit", format!("must lie between 1 and {MAX_LIMIT}")));
    }
    let key = cursor.map(|cursor| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
        let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|key| !key.contains('\0'));
        key.ok_or_else(|| Error::invalid("cursor", "is not one that this server gave"))
    });
    Ok((limit, key.transpose()?))
}
