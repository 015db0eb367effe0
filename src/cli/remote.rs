//! A client of a running server, as the owner of a token.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    failure::{Failure, Result},
    output::ALL,
};
use crate::domain::UserId;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may be silent; checking and unpacking a large archive takes its time.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(300);
/// Items per request of a list; the most that a server gives.
const PAGE: usize = 1000;

pub struct Remote {
    http: reqwest::Client,
    base: Url,
    token: String,
}

/// Whose plugins a request is about.
pub struct Subject {
    pub name: String,
    /// Where the user's routes begin, below `/api/v1`.
    route: Vec<String>,
}

impl Remote {
    pub fn new(url: &str, token: &str) -> Result<Self> {
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        let base = base.ok_or_else(|| Failure::Usage("--server must be http:// or https:// and a host".to_owned()))?;
        if token.is_empty() {
            return Err(Failure::Usage("--server needs --token, or PLUGYARD_TOKEN in the environment".to_owned()));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("plugyard/", env!("CARGO_PKG_VERSION")))
            // A redirected write would arrive as a GET; the address is to be corrected instead.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .build()
            .map_err(|e| Failure::Server(format!("no connection can be made: {}", chain(&e))))?;
        Ok(Self { http, base, token: token.to_owned() })
    }

    /// A request to the route below `/api/v1` that these segments name.
    pub fn request<S: AsRef<str>>(&self, method: Method, route: impl IntoIterator<Item = S>) -> RequestBuilder {
        let mut url = self.base.clone();
        // Only addresses without a host have no segments, and `new` refuses those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(route);
        }
        self.http.request(method, url).bearer_auth(&self.token)
    }

    pub async fn get<S: AsRef<str>>(&self, route: impl IntoIterator<Item = S>) -> Result<Value> {
        Ok(self.send(self.request(Method::GET, route)).await?.1)
    }

    /// All items of a native list, page by page.
    pub async fn list<S: AsRef<str>>(&self, route: impl IntoIterator<Item = S> + Clone) -> Result<Vec<Value>> {
        self.first(route, ALL).await
    }

    /// The first `limit` items of a native list, as many pages as that takes.
    pub async fn first<S: AsRef<str>>(&self, route: impl IntoIterator<Item = S> + Clone, limit: usize) -> Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let mut query = vec![("limit", PAGE.min(limit - items.len()).to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let (_, mut page) = self.send(self.request(Method::GET, route.clone()).query(&query)).await?;
            match page.get_mut("items").map(Value::take) {
                Some(Value::Array(found)) => items.extend(found),
                _ => return Err(Failure::Server("the server's answer is no list".to_owned())),
            }
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
        }
    }

    /// Sends the request. The answer's JSON, null when it has no body; a refusal as a failure.
    pub async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let response = self.begin(request).await?;
        let status = response.status();
        let body = response_json(response).await?;
        body.map(|body| (status, body)).ok_or_else(|| Failure::Server("the answer is not a plugyard server's".to_owned()))
    }

    /// Sends the request. The answer's body piece by piece to `take`; a refusal as a failure.
    pub async fn download(&self, request: RequestBuilder, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut response = self.begin(request).await?;
        while let Some(piece) = response.chunk().await.map_err(ended_early)? {
            take(&piece)?;
        }
        Ok(())
    }

    async fn begin(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|e| Failure::Server(format!("the server cannot be asked: {}", chain(&e))))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response_json(response).await?;
        let code = body.as_ref().and_then(|problem| problem.get("code")).and_then(Value::as_str).unwrap_or_default().to_owned();
        Err(Failure::Refused {
            message: body.and_then(|problem| readable(&problem)).unwrap_or_else(|| format!("the server answered {status}")),
            code,
        })
    }

    /// The token's owner.
    pub async fn owner(&self) -> Result<Value> {
        self.get(["auth", "me"]).await
    }

    /// The account with this id, name or e-mail address; for administrators.
    pub async fn user(&self, name: &str) -> Result<Value> {
        if let Ok(id) = name.parse::<UserId>() {
            return self.get(["users", id.as_str()]).await;
        }
        let found = self.list(["users"]).await?.into_iter().find(|user| is_called(user, name));
        found.ok_or_else(|| Failure::Refused { code: "not_found".to_owned(), message: format!("user {name:?} not found") })
    }

    /// Whose plugins `--user` means; the token's owner's when it is not given.
    pub async fn subject(&self, user: Option<&str>) -> Result<Subject> {
        let own = self.owner().await?;
        let Some(name) = user.filter(|name| !is_called(&own, name)) else {
            return Ok(Subject { name: member(&own, "username")?, route: vec!["plugins".to_owned()] });
        };
        let found = self.user(name).await?;
        let route = vec!["users".to_owned(), member(&found, "id")?, "plugins".to_owned()];
        Ok(Subject { name: member(&found, "username")?, route })
    }
}

impl Subject {
    /// The route of the user's plugins, and what follows it.
    pub fn route(&self, rest: &[&str]) -> Vec<String> {
        self.route.iter().cloned().chain(rest.iter().map(|&segment| segment.to_owned())).collect()
    }
}

/// An answer, or a part of one, in the form that the contract promises.
pub fn read<T: DeserializeOwned>(answer: Value) -> Result<T> {
    serde_json::from_value(answer).map_err(|e| Failure::Server(format!("the server's answer is not understood: {e}")))
}

/// A text member that the contract promises.
pub fn member(answer: &Value, name: &str) -> Result<String> {
    let text = answer.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Failure::Server(format!("the server's answer has no {name}")))
}

/// A boolean member that the contract promises.
pub fn flag(answer: &Value, name: &str) -> Result<bool> {
    answer.get(name).and_then(Value::as_bool).ok_or_else(|| Failure::Server(format!("the server's answer has no {name}")))
}

/// Whether the user has this id, name or e-mail address.
pub fn is_called(user: &Value, name: &str) -> bool {
    let folded = name.to_lowercase();
    let has = |member: &str| user.get(member).and_then(Value::as_str).is_some_and(|text| text.to_lowercase() == folded);
    let has_id = |id: UserId| user.get("id").and_then(Value::as_str) == Some(id.as_str());
    name.parse().is_ok_and(has_id) || has("username") || has("email")
}

/// None when the body is no JSON.
async fn response_json(response: Response) -> Result<Option<Value>> {
    let body = response.bytes().await.map_err(ended_early)?;
    if body.is_empty() {
        return Ok(Some(Value::Null));
    }
    Ok(serde_json::from_slice(&body).ok())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn ended_early(error: reqwest::Error) -> Failure {
    Failure::Server(format!("the answer ended early: {}", chain(&error)))
}

/// A problem answer (RFC 9457) as lines for people: its detail, and every error that the detail does not already tell.
fn readable(problem: &Value) -> Option<String> {
    let detail = problem.get("detail")?;
    let mut message = detail.as_str().or_else(|| detail.get("message").and_then(Value::as_str))?.to_owned();
    for error in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        if !message.contains(text("message")) {
            message.push_str(&format!("\n  {}: {}", text("pointer"), text("message")));
        }
    }
    // What failed inside the server is in its log, under this id.
    if problem.get("status").and_then(Value::as_u64).is_some_and(|status| status >= 500)
        && let Some(id) = problem.get("request_id").and_then(Value::as_str)
    {
        message.push_str(&format!(" (request {id})"));
    }
    Some(message)
}

/// The error and its causes on one line. reqwest puts the address into its own message, never the headers.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn routes_keep_the_path_of_the_server_and_escape_segments() {
        for base in ["http://h:1/yard", "http://h:1/yard/"] {
            let request = Remote::new(base, "t").unwrap().request(Method::GET, ["plugins", "a/b?"]).build().unwrap();
            assert_eq!(request.url().as_str(), "http://h:1/yard/api/v1/plugins/a%2Fb%3F");
        }
        for bad in ["h:1", "ftp://h", "", "http://"] {
            assert!(matches!(Remote::new(bad, "t"), Err(Failure::Usage(_))), "{bad}");
        }
        assert!(matches!(Remote::new("http://h", ""), Err(Failure::Usage(_))));
    }

    #[test]
    fn problems_become_messages_that_say_everything_once() {
        let told = json!({"detail": "slug: bad", "status": 422, "errors": [{"pointer": "slug", "message": "bad"}], "request_id": "r"});
        assert_eq!(readable(&told).unwrap(), "slug: bad");
        let untold = json!({"detail": {"message": "refused"}, "errors": [{"pointer": "/modules", "message": "is missing"}]});
        assert_eq!(readable(&untold).unwrap(), "refused\n  /modules: is missing");
        assert_eq!(readable(&json!({"detail": "failed", "status": 503, "request_id": "r1"})).unwrap(), "failed (request r1)");
        assert_eq!(readable(&json!([])), None);
    }

    #[test]
    fn a_user_is_known_by_id_name_and_address() {
        let user = json!({"id": "d66ca7d9d8294281b565b9aa8b02a9f1", "username": "Ann", "email": "ann@example.org"});
        for name in ["ann", "ANN@example.org", "d66ca7d9-d829-4281-b565-b9aa8b02a9f1"] {
            assert!(is_called(&user, name), "{name}");
        }
        assert!(!is_called(&user, "ben"));
        assert!(!is_called(&json!({"id": "x", "username": "ben", "email": null}), "ann"));
    }
}
