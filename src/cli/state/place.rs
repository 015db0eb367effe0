//! Whose state, and which entry of it; here or at a server.

use std::sync::Arc;

use clap::Args;
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    app::{
        App,
        state::{self, Access, KeyText},
    },
    cli::{
        failure::{Failure, Result},
        global::Global,
        remote::{Remote, member, read},
        target::Target,
    },
    domain::UserId,
    error::Error,
};

/// Changes in one answer.
const PAGE: usize = 1000;

#[derive(Args)]
pub struct Owner {
    /// Whose: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(Args)]
pub struct Key {
    #[command(flatten)]
    pub owner: Owner,
    /// The plugin's slug.
    pub plugin: String,
    /// The entry's key; left out: the entry without one.
    pub key: Option<String>,
    /// The entry's page; left out: the entry without one.
    #[arg(long, value_name = "PAGE")]
    page: Option<String>,
}

/// One user's state.
pub enum Place {
    Here { app: Arc<App>, access: Access },
    There { remote: Remote, route: Vec<String> },
}

impl Owner {
    pub async fn place(&self, global: &Global, command: &str) -> Result<Place> {
        match global.target(command).await? {
            Target::Local(local) => {
                let user = local.user(self.user.as_deref()).await?;
                let access = Access::new(&local.caller, user.id, None)?;
                Ok(Place::Here { app: local.app, access })
            }
            Target::Remote(remote) => {
                let own = remote.owner().await?;
                let route = match self.user.as_deref().filter(|name| !crate::cli::remote::is_called(&own, name)) {
                    None => vec!["plugin-state".to_owned()],
                    Some(name) => vec!["users".to_owned(), member(&remote.user(name).await?, "id")?, "plugin-state".to_owned()],
                };
                Ok(Place::There { remote, route })
            }
        }
    }
}

impl Key {
    pub fn text(&self) -> KeyText {
        KeyText { plugin_id: self.plugin.clone(), page_id: self.page.clone(), state_key: self.key.clone() }
    }

    pub fn name(&self) -> String {
        let page = self.page.as_deref().map(|page| format!(" on page {page}")).unwrap_or_default();
        format!("{}{page}{}", self.plugin, self.key.as_deref().map(|key| format!(" {key}")).unwrap_or_default())
    }

    /// The same as query parameters.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let optional = [("page_id", &self.page), ("state_key", &self.key)];
        let given = optional.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)));
        std::iter::once(("plugin_id", self.plugin.clone())).chain(given).collect()
    }
}

/// A request to a route below the user's state.
pub fn request(remote: &Remote, route: &[String], method: Method, rest: &[&str]) -> RequestBuilder {
    remote.request(method, route.iter().map(String::as_str).chain(rest.iter().copied()))
}

/// The id of an entry by its key, also of a deleted one.
pub async fn id(place: &Place, key: &Key) -> Result<String> {
    match place {
        Place::Here { app, access } => Ok(state::id_of(app, access, key.text()).await?),
        Place::There { remote, route } => match live(remote, route, key).await? {
            Some(record) => member(&record, "id"),
            None => deleted_id(remote, route, key).await,
        },
    }
}

/// Sends a write of the entry. Where a policy wants to know what it replaces, that is what is there now: an administrator's
/// commands go for whatever is there.
pub async fn write(remote: &Remote, route: &[String], key: &Key, request: impl Fn() -> RequestBuilder) -> Result<()> {
    match remote.send(request()).await {
        Err(Failure::Refused { code, .. }) if code == "precondition_required" => {
            let guarded = match live(remote, route, key).await? {
                Some(record) => request().header("if-match", member(&record, "etag")?),
                None => request().header("if-none-match", "*"),
            };
            remote.send(guarded).await.map(drop)
        }
        sent => sent.map(drop),
    }
}

/// The entry's record, unless it is deleted.
async fn live(remote: &Remote, route: &[String], key: &Key) -> Result<Option<Value>> {
    let exact = [("page_id", key.page.clone().unwrap_or_default()), ("state_key", key.key.clone().unwrap_or_default())];
    let query = exact.into_iter().chain([("plugin_id", key.plugin.clone())]).collect::<Vec<_>>();
    let found = remote.send(self::request(remote, route, Method::GET, &[]).query(&query)).await?.1;
    Ok(found.get(0).cloned())
}

/// Changes as a server tells them.
#[derive(Deserialize)]
struct Changes {
    changes: Vec<Change>,
    cursor: String,
    has_more: bool,
}

#[derive(Deserialize)]
struct Change {
    id: String,
    plugin_id: String,
    page_id: Option<String>,
    state_key: Option<String>,
}

/// Lists have what is there. What was deleted is among the changes, for as long as it can be brought back.
async fn deleted_id(remote: &Remote, route: &[String], key: &Key) -> Result<String> {
    let mut query = vec![("limit", PAGE.to_string())];
    loop {
        let page: Changes = read(remote.send(request(remote, route, Method::GET, &["changes"]).query(&query)).await?.1)?;
        // The server tells slugs, also of what was named by the id of an installation.
        let is_plugin = |slug: &str| key.plugin.strip_suffix(slug).is_some_and(|rest| rest.is_empty() || is_owners_prefix(rest));
        let is_it = |change: &Change| {
            is_plugin(&change.plugin_id)
                && change.page_id.as_deref().unwrap_or_default() == key.page.as_deref().unwrap_or_default()
                && change.state_key.as_deref().unwrap_or_default() == key.key.as_deref().unwrap_or_default()
        };
        if let Some(change) = page.changes.into_iter().find(is_it) {
            return Ok(change.id);
        }
        if !page.has_more {
            return Err(Error::NotFound(format!("state of {}", key.name())).into());
        }
        query = vec![("limit", PAGE.to_string()), ("since", page.cursor)];
    }
}

/// Whether this is what stands before the slug in the id of an installation: a user's id and `_`.
fn is_owners_prefix(text: &str) -> bool {
    text.strip_suffix('_').is_some_and(|id| id.parse::<UserId>().is_ok())
}
