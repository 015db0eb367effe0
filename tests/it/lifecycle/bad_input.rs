//! Whatever is sent to whichever operation of the OpenAPI document: the answer has a documented status and the shape of a
//! problem, and is never the server's fault.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{install, publish_versions};
use crate::support::{Answer, Client, TestApp, raw};

/// Segments that no name can have, or that name something else than they seem to.
const TRICKS: [&str; 15] =
    ["%2e%2e", "..", "%2E", "%00", "a%00b", "%5c", "a%5cb", "a%2fb", "%ff", "%c0%af", "%252e%252e", "a%0ab", "%zz", "con", "a'b%22"];
const RESERVED: [&str; 8] = ["users", "install", "manifest", "Updates", "AVAILABLE", "importmap", "simple", "test"];

/// One operation of the document.
struct Operation {
    method: Method,
    path: String,
    described: Value,
}

impl Operation {
    async fn all(app: &TestApp) -> (Vec<Self>, Value) {
        let document = app.anonymous().get("/api/openapi.json").await.expect(200).json();
        let mut all = Vec::new();
        // A stream has no end; `state::events` reads it.
        for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.ends_with("/plugin-state/events")) {
            for (method, described) in item.as_object().unwrap() {
                let method: Method = method.to_uppercase().parse().unwrap();
                all.push(Self { method, path: path.clone(), described: described.clone() });
            }
        }
        assert!(all.len() > 50, "the document names the routes: {}", all.len());
        (all, document)
    }

    fn names(&self) -> Vec<&str> {
        self.path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
    }

    /// The address with every variable filled in.
    fn address(&self, value: impl Fn(&str) -> String) -> String {
        self.names().into_iter().fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), &value(name)))
    }

    /// What the query has to hold.
    fn query(&self) -> String {
        let parameters = self.described["parameters"].as_array().into_iter().flatten();
        let required = parameters.filter(|one| one["in"] == "query" && one["required"] == true);
        let query = required.map(|one| format!("{}=Demo", one["name"].as_str().unwrap())).collect::<Vec<_>>().join("&");
        if query.is_empty() { query } else { format!("?{query}") }
    }

    fn is_secured(&self) -> bool {
        self.described.get("security").is_some()
    }

    fn takes_json(&self) -> bool {
        self.described["requestBody"]["content"].get("application/json").is_some()
    }

    /// Names of the body's members, as the document has them.
    fn members(&self, document: &Value) -> Vec<String> {
        let schema = &self.described["requestBody"]["content"]["application/json"]["schema"];
        let reference = schema["$ref"].as_str().or_else(|| schema["oneOf"].as_array()?.iter().find_map(|one| one["$ref"].as_str()));
        let Some(schema) = reference.and_then(|at| document.pointer(at.trim_start_matches('#'))) else { return Vec::new() };
        schema["properties"].as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
    }

    /// Checks status and shape. `also` are statuses that hold for every address.
    fn check(&self, what: &str, answer: &Answer, also: &[u16]) {
        let Self { method, path, .. } = self;
        let documented = self.described["responses"].get(answer.status.to_string()).is_some();
        assert!(answer.status < 500, "{method} {path} with {what}: {} {}", answer.status, answer.text());
        assert!(documented || also.contains(&answer.status), "{method} {path} with {what}: {} is not documented", answer.status);
        if answer.status >= 400 {
            let code = answer.json()["code"].as_str().unwrap_or_else(|| panic!("{method} {path} with {what}: no code")).to_owned();
            answer.assert_problem(answer.status, &code);
        }
    }
}

/// Two users, of whom one has a plugin.
struct Scene {
    operations: Vec<Operation>,
    document: Value,
    ann: Client,
    bob: Client,
    address: SocketAddr,
}

impl Scene {
    async fn new(app: &TestApp) -> Self {
        publish_versions(app, "Demo", &["1.0.0"]).await;
        let (ann, bob) = (app.user("ann").await, app.user("bob").await);
        install(&ann, "Demo", "1.0.0").await.expect(200);
        let (operations, document) = Operation::all(app).await;
        let address = app.server.base().strip_prefix("http://").unwrap().parse().unwrap();
        Self { operations, document, ann, bob, address }
    }

    /// What exists, for each kind of variable.
    fn known(&self, name: &str) -> String {
        match name {
            "slug" | "plugin" => "Demo".to_owned(),
            "version" => "1.0.0".to_owned(),
            "module" => "m1".to_owned(),
            "user_id" => self.ann.user_id.clone(),
            "path" => "dist/index.js".to_owned(),
            "name" => "beta".to_owned(),
            _ => "0123456789abcdef0123456789abcdef".to_owned(),
        }
    }

    async fn exchange(&self, client: &Client, operation: &Operation, path: &str, body: &[u8], content_type: &str) -> Answer {
        let bearer = client.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        if !content_type.is_empty() {
            headers.push(("Content-Type", content_type));
        }
        raw::exchange(self.address, operation.method.as_str(), path, &headers, body).await
    }
}

async fn api_token(client: &Client, scopes: Value) -> Client {
    let token = client.post("/api/v1/tokens").json(json!({"name": "t", "scopes": scopes})).await.expect(201).json();
    client.with_token(token["token"].as_str().unwrap())
}

both!(a_token_opens_only_what_its_scopes_name);
async fn a_token_opens_only_what_its_scopes_name(app: TestApp) {
    let scene = Scene::new(&app).await;
    let (no_state, nothing_else) = (api_token(&scene.ann, json!(["read"])).await, api_token(&scene.ann, json!(["state"])).await);
    // Routes about the caller's own account need no scope.
    let own = ["/api/v1/auth/", "/api/v1/tokens"];
    for operation in scene.operations.iter().filter(|operation| operation.is_secured()) {
        if own.iter().any(|own| operation.path.starts_with(own)) {
            continue;
        }
        let path = operation.address(|name| scene.known(name));
        let token = if operation.path.starts_with("/api/v1/plugin-state") { &no_state } else { &nothing_else };
        let answer = scene.exchange(token, operation, &path, b"{}", "application/json").await;
        operation.check("a token without the scope", &answer, &[]);
        assert_eq!(answer.status, 403, "{} {}: {}", operation.method, operation.path, answer.text());
    }
}

both!(another_users_objects_answer_like_absent_ones, user_uploads = "allow");
async fn another_users_objects_answer_like_absent_ones(app: TestApp) {
    let scene = Scene::new(&app).await;
    let body: &[u8] = br#"{"enabled": false}"#;
    for operation in &scene.operations {
        let about_a_plugin =
            operation.path.starts_with("/api/v1/plugins/{") || operation.path.starts_with("/api/v1/plugins/direct/{plugin}");
        if !about_a_plugin || operation.path.ends_with("/install") {
            continue;
        }
        let mut answers = Vec::new();
        for slug in ["Demo", "Nope"] {
            let path = operation.address(|name| if ["slug", "plugin"].contains(&name) { slug.to_owned() } else { scene.known(name) });
            let answer = scene.exchange(&scene.bob, operation, &path, body, "application/json").await;
            operation.check("somebody else's plugin", &answer, &[]);
            let mut told = answer.json();
            told["request_id"] = Value::Null;
            answers.push((answer.status, told.to_string().replace("Demo", "Nope")));
        }
        assert_eq!(answers[0], answers[1], "{} {}", operation.method, operation.path);
        // Below `/users` nobody but administrators comes as far as the plugin.
        assert_eq!(answers[0].0 == 403, operation.path.starts_with("/api/v1/users/"), "{} {}", operation.method, operation.path);
    }
    scene.ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
}

both!(no_body_is_the_servers_fault);
async fn no_body_is_the_servers_fault(app: TestApp) {
    let scene = Scene::new(&app).await;
    let deep = "[".repeat(10_000);
    for operation in scene.operations.iter().filter(|operation| operation.described.get("requestBody").is_some()) {
        let administers = ["/users", "/releases", "/policies"].iter().any(|part| operation.path.contains(part));
        let client = if administers { app.admin().await } else { &scene.ann };
        // A name that no earlier body changed, where one is needed.
        let path = operation.address(|name| scene.known(name)) + &operation.query();
        let mut bodies: Vec<(String, Vec<u8>)> = ["{", "[]", "null", "\"x\"", "7", "{}x", "{\"a\":1e999}", "\u{feff}{}", &deep]
            .iter()
            .map(|text| (text.chars().take(10).collect(), text.as_bytes().to_vec()))
            .collect();
        bodies.push(("no UTF-8".to_owned(), b"{\"a\":\"\xff\xfe\"}".to_vec()));
        for wrong in
            [json!([]), json!({}), json!(-1), json!(true), json!("a\u{0}b"), json!("\u{1b}"), json!("x".repeat(100_000)), Value::Null]
        {
            let members: Map<String, Value> = operation.members(&scene.document).into_iter().map(|name| (name, wrong.clone())).collect();
            bodies.push((format!("{:.20} for every member", wrong.to_string()), Value::Object(members).to_string().into_bytes()));
        }
        for (what, body) in &bodies {
            let answer = scene.exchange(client, operation, &path, body, "application/json").await;
            operation.check(what, &answer, &[]);
        }
        let empty = scene.exchange(client, operation, &path, b"", "application/json").await;
        operation.check("an empty body", &empty, &[]);
        for content_type in
            ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x"]
        {
            let answer = scene.exchange(client, operation, &path, b"a=1", content_type).await;
            operation.check(content_type, &answer, &[]);
            if operation.takes_json() {
                answer.assert_problem(415, "unsupported_media_type");
            }
        }
        // Documents have a limit of their own, which `state::documents` is about.
        if operation.takes_json() && !operation.path.contains("/plugin-state") {
            let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
            let request = client.request(operation.method.clone(), &path).header("content-type", "application/json").body(huge);
            let answer = request.await;
            operation.check("a huge body", &answer, &[]);
            assert_eq!(answer.assert_problem(413, "too_large")["limit"], 1 << 20, "{}", operation.path);
        }
    }
}

both!(no_address_is_the_servers_fault);
async fn no_address_is_the_servers_fault(app: TestApp) {
    let scene = Scene::new(&app).await;
    let admin = app.admin().await;
    install(admin, "Demo", "1.0.0").await.expect(200);
    // What holds for all addresses: they may name nothing, or something for other methods.
    let also = [400, 404, 405];
    for operation in &scene.operations {
        for changed in operation.names() {
            let slugs: &[&str] = if ["slug", "plugin"].contains(&changed) { &RESERVED } else { &[] };
            let long = "x".repeat(5000);
            for trick in TRICKS.iter().chain(slugs).copied().chain([long.as_str(), ""]) {
                let path = operation.address(|name| if name == changed { trick.to_owned() } else { scene.known(name) });
                let answer = scene.exchange(admin, operation, &path, b"{}", "application/json").await;
                operation.check(&format!("{trick:.20} for {changed}"), &answer, &also);
            }
        }
        let doubled = operation.address(|name| scene.known(name)).replacen("/v1/", "//v1/", 1);
        if doubled.contains("//v1/") {
            scene.exchange(admin, operation, &doubled, b"{}", "application/json").await.assert_problem(404, "not_found");
        }
    }
    assert_eq!(app.admin().await.get("/api/v1/plugins").await.expect(200).json()["items"][0]["slug"], "Demo");
}
