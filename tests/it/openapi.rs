//! The OpenAPI document: every operation is called, and answers as the document says.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use flate2::read::GzDecoder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

struct Operation {
    method: Method,
    path: String,
    described: Value,
}

impl Operation {
    fn needs_token(&self) -> bool {
        self.described["security"].as_array().is_some_and(|needs| !needs.is_empty())
    }

    /// The address with something in place of each parameter.
    fn address(&self, dummy: &str) -> String {
        let mut path = self.path.clone();
        while let (Some(open), Some(close)) = (path.find('{'), path.find('}')) {
            path.replace_range(open..=close, dummy);
        }
        path
    }

    /// Fails when the document does not know this answer.
    #[track_caller]
    fn assert_described(&self, answer: &Answer) {
        let status = answer.status.to_string();
        assert!(answer.status < 500, "{} {}: {}", self.method, self.path, answer.text());
        assert!(
            self.described["responses"].get(&status).is_some(),
            "{} {} does not tell of {status}: {}",
            self.method,
            self.path,
            answer.text()
        );
        if answer.status >= 400 {
            assert_eq!(answer.header("content-type"), "application/problem+json", "{} {}", self.method, self.path);
        }
    }
}

async fn document(app: &TestApp) -> Value {
    app.anonymous().get("/api/openapi.json").await.expect(200).json()
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            found.push(Operation { method, path: path.clone(), described: described.clone() });
        }
    }
    assert!(found.len() > 40, "{} operations", found.len());
    found
}

/// Bodies that say little or nothing.
async fn send(client: &Client, operation: &Operation, dummy: &str, body: Option<&'static str>) -> Answer {
    let request = client.request(operation.method.clone(), &operation.address(dummy));
    match body {
        Some(body) => request.header("content-type", "application/json").body(body).await,
        None => request.await,
    }
}

both!(without_a_token_only_open_operations_answer);
async fn without_a_token_only_open_operations_answer(app: TestApp) {
    let mut open = BTreeSet::new();
    for operation in operations(&document(&app).await) {
        if operation.needs_token() {
            for client in [app.anonymous(), &app.anonymous().with_token("plg_nonsense"), &app.anonymous().with_token("e30.e30.x")] {
                send(client, &operation, "x", Some("{}")).await.assert_problem(401, "unauthenticated");
            }
        } else {
            let answer = send(app.anonymous(), &operation, "x", Some("{}")).await;
            operation.assert_described(&answer);
            open.insert(format!("{} {}", operation.method, operation.path));
        }
    }
    let expected = [
        "GET /api/openapi.json",
        "GET /api/v1/files/{slug}/{version}/{path}",
        "GET /api/v1/public/plugins/{key}/{path}",
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/refresh",
        "POST /api/v1/auth/register",
    ];
    assert_eq!(open.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

both!(every_operation_answers_as_described);
async fn every_operation_answers_as_described(app: TestApp) {
    let admin = app.admin().await;
    // `lifecycle::bad_input` has many more; this is about the parameters.
    let bodies = [None, Some("{}")];
    for operation in operations(&document(&app).await) {
        // It would end the login that all this is sent with.
        // A stream has no end; `state::events` reads it.
        if operation.path == "/api/v1/auth/logout" || operation.path.ends_with("/plugin-state/events") {
            continue;
        }
        let bodies = if operation.described["requestBody"].is_null() { &bodies[..1] } else { &bodies };
        for dummy in ["x", "a%00b", "1.0.0"] {
            for body in bodies {
                let answer = send(admin, &operation, dummy, *body).await;
                operation.assert_described(&answer);
            }
        }
        for query in ["limit=0", "limit=x", "cursor=x", "cascade=x", "q=%00", "page=0", "%ff=%ff", "slug=%00"] {
            let address = format!("{}?{query}", operation.address("x"));
            let answer = admin.request(operation.method.clone(), &address).header("content-type", "application/json").body("{}").await;
            operation.assert_described(&answer);
        }
    }
    admin.get("/api/v1/auth/me").await.expect(200);
}

both!(every_operation_is_named_and_explained);
async fn every_operation_is_named_and_explained(app: TestApp) {
    let document = document(&app).await;
    let mut names = BTreeMap::new();
    for operation in operations(&document) {
        let place = format!("{} {}", operation.method, operation.path);
        let name = operation.described["operationId"].as_str().unwrap_or_else(|| panic!("{place} has no operationId")).to_owned();
        let known = names.insert(name.clone(), place.clone());
        assert_eq!(known, None, "{place} is called {name}, too");
        assert!(operation.described["summary"].as_str().is_some_and(|text| text.len() > 5), "{place} has no summary");
        assert!(operation.described["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{place} has one tag");
    }
}

both!(the_document_is_well_formed);
async fn the_document_is_well_formed(app: TestApp) {
    let document = document(&app).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    for member in ["title", "version", "description"] {
        assert!(document["info"][member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
    }
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for operation in operations(&document) {
        let place = format!("{} {}", operation.method, operation.path);
        let in_path: BTreeSet<&str> = operation.path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        let empty = Vec::new();
        let parameters = operation.described["parameters"].as_array().unwrap_or(&empty);
        let mut declared = BTreeSet::new();
        let mut all = BTreeSet::new();
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap();
            assert!(parameter["schema"].is_object(), "{place}: {name}");
            assert!(all.insert((name, parameter["in"].as_str().unwrap())), "{place} has {name} twice");
            if parameter["in"] == "path" {
                assert_eq!(parameter["required"], true, "{place}: {name}");
                declared.insert(name);
            }
        }
        assert_eq!(declared, in_path, "{place}");
        let responses = operation.described["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{place}");
        for (status, response) in responses {
            assert!(status.len() == 3 && status.parse::<u16>().is_ok(), "{place}: {status}");
            assert!(response["description"].is_string(), "{place}: {status}");
        }
        for needs in operation.described["security"].as_array().unwrap_or(&empty) {
            assert_eq!(needs, &json!({"bearer": []}), "{place}");
        }
    }
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                found.insert(reference.to_owned());
            }
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

/// The page's parts are packed within the program, but for what it writes itself.
fn unpacked(part: &Answer) -> String {
    let encoding = part.header("content-encoding");
    if encoding.is_empty() {
        return part.text();
    }
    assert_eq!(encoding, "gzip");
    let mut text = String::new();
    GzDecoder::new(&part.bytes[..]).read_to_string(&mut text).unwrap();
    text
}

both!(the_page_is_served_without_any_other_server);
async fn the_page_is_served_without_any_other_server(app: TestApp) {
    let page = app.anonymous().get("/api/docs/").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let page = unpacked(&page);
    let named = page.split('"').filter(|word| word.ends_with(".js") || word.ends_with(".css"));
    let named: Vec<_> = named.map(|name| name.trim_start_matches("./")).collect();
    assert!(named.contains(&"swagger-ui-bundle.js"), "{page}");
    for name in named {
        let part = app.anonymous().get(&format!("/api/docs/{name}")).await.expect(200);
        assert_eq!(name == "swagger-initializer.js", unpacked(&part).contains("/api/openapi.json"), "{name}");
    }
}
