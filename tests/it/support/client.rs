//! A caller of the server, and what it is answered.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use reqwest::{
    Method,
    header::{HeaderMap, HeaderName},
    redirect,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    raw,
    redact::redact,
    server::{Address, TestServer},
};

/// Talks to one server as one user, or as nobody. It follows no redirects and decodes no bodies.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: Address,
    pub token: Option<String>,
    /// Empty for nobody.
    pub user_id: String,
}

impl Client {
    /// A caller without a token.
    pub fn anonymous(server: &TestServer) -> Self {
        // Far above what any request needs; it only keeps a hanging one from hanging the suite.
        let patience = std::time::Duration::from_secs(60);
        let http = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(patience).build();
        Self { http: http.expect("a client can be built"), address: server.address(), token: None, user_id: String::new() }
    }

    /// The same caller without its token.
    pub fn logged_out(&self) -> Self {
        Self { token: None, user_id: String::new(), ..self.clone() }
    }

    /// The same caller with another token, an API token for instance.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller at another server on the same data.
    pub fn at(&self, server: &TestServer) -> Self {
        Self { address: server.address(), ..self.clone() }
    }

    /// Logs in and becomes that user.
    pub async fn log_in(&self, name: &str, password: &str) -> Self {
        let answer =
            self.logged_out().post("/api/v1/auth/login").json(json!({"email": name, "password": password})).await.expect(200).json();
        let text = |member: &str| answer[member].as_str().unwrap_or_else(|| panic!("no {member} in {answer}")).to_owned();
        Self { token: Some(text("access_token")), user_id: text("user_id"), ..self.clone() }
    }

    /// Publishes a package; `query` is what follows the `?`, if anything.
    pub async fn publish(&self, archive: Vec<u8>, query: &str) -> Answer {
        let path = if query.is_empty() { "/api/v1/releases".to_owned() } else { format!("/api/v1/releases?{query}") };
        self.post(&path).body(archive).await
    }

    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// Asks again until the answer has this status: for changes that another process has made, which count within about a
    /// second.
    pub async fn comes_to(&self, path: &str, status: u16) -> Answer {
        let give_up = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let answer = self.get(path).await;
            if answer.status == status || std::time::Instant::now() > give_up {
                return answer.expect(status);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// `path` as it follows the host: `/api/v1/...`.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let address = *self.address.lock().expect("nobody panics while holding an address");
        let request = self.http.request(method, format!("http://{address}{path}"));
        Request(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// GET with the path sent byte for byte: `/a//b`, `/../x` and `%2e%2e` stay what they are.
    pub async fn raw_get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers = headers.iter().copied().chain(bearer.as_deref().map(|bearer| ("Authorization", bearer))).collect::<Vec<_>>();
        let address = *self.address.lock().expect("nobody panics while holding an address");
        raw::exchange(address, "GET", path, &headers, &[]).await
    }
}

/// A request that is sent by `.await`.
#[must_use = "it is sent by .await"]
pub struct Request(reqwest::RequestBuilder);

impl Request {
    pub fn json(self, body: impl Serialize) -> Self {
        Self(self.0.json(&body))
    }

    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    pub fn multipart(self, form: reqwest::multipart::Form) -> Self {
        Self(self.0.multipart(form))
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Sends it to a server that may be killed meanwhile: no answer is then an answer too.
    pub async fn attempt(self) -> Option<Answer> {
        self.try_send().await.ok()
    }

    async fn try_send(self) -> reqwest::Result<Answer> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, bytes: response.bytes().await?.to_vec() })
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.try_send().await.expect("the server answers") })
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Fails, showing the body, when the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e} in the answer {} {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header's text, empty when absent.
    #[track_caller]
    pub fn header(&self, name: &'static str) -> &str {
        self.headers.get(HeaderName::from_static(name)).map_or("", |value| value.to_str().expect("headers are text here"))
    }

    /// Status and body for an inline snapshot, with placeholders for whatever differs from run to run (see `redact`).
    #[track_caller]
    pub fn snapshot(&self) -> String {
        if self.bytes.is_empty() { self.status.to_string() } else { format!("{}\n{}", self.status, redact(&self.json())) }
    }

    /// Checks that this is a complete problem answer with this status and code, and returns it.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{problem}");
        for member in ["type", "title", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} is missing in {problem}");
        }
        assert!(!problem["detail"].is_null(), "detail is missing in {problem}");
        problem
    }
}
