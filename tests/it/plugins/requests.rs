//! What holds for every request, shown on these routes.

use reqwest::Method;
use serde_json::json;

use super::full;
use crate::support::{Client, TestApp, raw};

async fn with_demo(app: &TestApp) -> Client {
    app.admin().await.publish(full("1.0.0").zip(), "").await.expect(201);
    let ann = app.user("ann").await;
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    ann
}

const GETS: [&str; 12] = [
    "/api/v1/plugins",
    "/api/v1/plugins/manifest",
    "/api/v1/plugins/manifest/designer",
    "/api/v1/plugins/updates/available",
    "/api/v1/plugins/DemoPlugin/status",
    "/api/v1/plugins/DemoPlugin/versions",
    "/api/v1/plugins/DemoPlugin/config",
    "/api/v1/plugins/DemoPlugin/modules",
    "/api/v1/plugins/DemoPlugin/modules/demo-mod",
    "/api/v1/plugins/DemoPlugin/update/available",
    "/api/v1/releases",
    "/api/v1/releases/DemoPlugin/1.0.0/files",
];

both!(a_slash_at_the_end_changes_nothing);
async fn a_slash_at_the_end_changes_nothing(app: TestApp) {
    let ann = with_demo(&app).await;
    for route in GETS {
        let (plain, slashed) = (ann.get(route).await.expect(200), ann.get(&format!("{route}/")).await.expect(200));
        assert_eq!(plain.bytes, slashed.bytes, "{route}");
    }
    for (route, query) in [("/api/v1/releases/", "?q=demo"), ("/api/v1/releases", "?q=absent")] {
        ann.get(&format!("{route}{query}")).await.expect(200);
    }
    ann.patch("/api/v1/plugins/DemoPlugin/").json(json!({"enabled": true})).await.expect(200);
    ann.delete("/api/v1/plugins/DemoPlugin/uninstall/?cascade=true").await.expect(200);
    ann.post("/api/v1/plugins/DemoPlugin/install/").json(json!({})).await.expect(200);
    // One, not more.
    ann.raw_get("/api/v1/plugins//", &[]).await.assert_problem(404, "not_found");
    ann.raw_get("/api/v1//plugins", &[]).await.assert_problem(404, "not_found");
}

both!(head_is_get_without_the_body);
async fn head_is_get_without_the_body(app: TestApp) {
    let ann = with_demo(&app).await;
    let bearer = format!("Bearer {}", ann.token.as_ref().unwrap());
    let address = *app.server.address().lock().unwrap();
    let head = async |path: &str| raw::exchange(address, "HEAD", path, &[("Authorization", &bearer)], &[]).await;
    for route in GETS {
        let (whole, head) = (ann.get(route).await.expect(200), head(route).await.expect(200));
        assert!(head.bytes.is_empty(), "{route}: {}", head.text());
        assert_eq!(head.header("content-length"), whole.bytes.len().to_string(), "{route}");
        for name in ["content-type", "etag", "cache-control", "vary"] {
            assert_eq!(head.headers.get(name), whole.headers.get(name), "{route}");
        }
    }
    assert!(head("/api/v1/plugins/Absent/modules").await.expect(404).bytes.is_empty());
    assert!(head("/api/v1/nowhere").await.expect(404).bytes.is_empty());
    assert!(head("/healthz").await.expect(200).bytes.is_empty());
}

both!(another_method_is_told_which_there_are);
async fn another_method_is_told_which_there_are(app: TestApp) {
    let ann = with_demo(&app).await;
    for (method, path, allow) in [
        (Method::POST, "/api/v1/plugins", "GET, HEAD"),
        (Method::PUT, "/api/v1/plugins/manifest", "GET, HEAD"),
        (Method::PUT, "/api/v1/plugins/DemoPlugin/install/", "POST"),
        (Method::PATCH, "/api/v1/plugins/DemoPlugin/uninstall", "DELETE"),
        (Method::POST, "/api/v1/plugins/DemoPlugin/config", "GET, HEAD, PATCH, PUT"),
        (Method::PATCH, "/api/v1/releases", "GET, HEAD, POST"),
        (Method::POST, "/api/v1/files/DemoPlugin/v1.0.0/dist/index.js", "GET, HEAD"),
        (Method::DELETE, "/api/v1/public/plugins/x/dist/index.js", "GET, HEAD"),
        (Method::TRACE, "/api/v1/plugins", "GET, HEAD"),
        (Method::POST, "/healthz", "GET, HEAD"),
    ] {
        let answer = ann.request(method.clone(), path).await;
        answer.assert_problem(405, "method_not_allowed");
        let mut allowed: Vec<_> = answer.header("allow").split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(", "), allow, "{method} {path}");
    }
    ann.request(Method::from_bytes(b"PROPFIND").unwrap(), "/api/v1/plugins").await.assert_problem(405, "method_not_allowed");
}

both!(an_unknown_address_is_a_problem_answer);
async fn an_unknown_address_is_a_problem_answer(app: TestApp) {
    let ann = with_demo(&app).await;
    for path in [
        "/api",
        "/api/v1",
        "/api/v1/plugins/DemoPlugin/modules/demo-mod/nothing",
        "/api/v2/plugins",
        "/api/v1/users/x/plugins/y/nothing",
        "/%00",
        "/%ff",
        "/api/v1/plugins/%2e%2e/status/x",
    ] {
        let answer = ann.raw_get(path, &[]).await;
        answer.assert_problem(404, "not_found");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

both!(a_body_must_be_the_json_it_claims_to_be);
async fn a_body_must_be_the_json_it_claims_to_be(app: TestApp) {
    let ann = with_demo(&app).await;
    let send = |body: &'static [u8], kind: &'static str| ann.patch("/api/v1/plugins/DemoPlugin").header("content-type", kind).body(body);
    let json = "application/json";
    for malformed in [
        &b""[..],
        b"{",
        b"{\"enabled\":true",
        b"{\"enabled\":true}}",
        b"{'enabled':true}",
        b"enabled",
        b"{\"enabled\":true,}",
        b"\xef\xbb\xbf{\"enabled\":true}",
    ] {
        send(malformed, json).await.assert_problem(400, "malformed_json");
    }
    for not_text in [&b"\xff"[..], b"{\"enabled\":true,\"x\":\"\xff\xfe\"}", b"{\"enabled\":true,\"x\":\"\xed\xa0\x80\"}"] {
        send(not_text, json).await.assert_problem(400, "malformed_json");
    }
    for other in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", "nonsense"] {
        send(b"{\"enabled\":true}", other).await.assert_problem(415, "unsupported_media_type");
    }
    for fine in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"] {
        send(b"{\"enabled\":true}", fine).await.expect(200);
    }
    // The same where the body may be left out.
    let install = "/api/v1/plugins/DemoPlugin/update";
    ann.post(install).header("content-type", json).body("{").await.assert_problem(400, "malformed_json");
    ann.post(install).header("content-type", "text/plain").body("{}").await.assert_problem(415, "unsupported_media_type");
    ann.post(install).header("content-type", "text/plain").await.expect(200);
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    let problem = ann.patch("/api/v1/plugins/DemoPlugin").header("content-type", json).body(large).await.assert_problem(413, "too_large");
    assert_eq!(problem["limit"], 1024 * 1024);
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    for deep in ["[".repeat(100_000), deep] {
        send_text(&ann, &deep).await.assert_problem(400, "malformed_json");
    }
}

fn send_text(ann: &Client, body: &str) -> crate::support::client::Request {
    ann.patch("/api/v1/plugins/DemoPlugin").header("content-type", "application/json").body(body.to_owned())
}

both!(unknown_members_are_ignored_or_refused_by_family);
async fn unknown_members_are_ignored_or_refused_by_family(app: TestApp) {
    let ann = with_demo(&app).await;
    let admin = app.admin().await;
    ann.patch("/api/v1/plugins/DemoPlugin").json(json!({"enabled": true, "x": 1})).await.expect(200);
    ann.patch("/api/v1/plugins/DemoPlugin/modules/demo-mod").json(json!({"enabled": true, "x": 1})).await.expect(200);
    ann.post("/api/v1/plugins/DemoPlugin/update").json(json!({"x": 1})).await.expect(200);
    let release = "/api/v1/releases/DemoPlugin";
    for (method, path, body) in [
        (Method::PATCH, format!("{release}/1.0.0"), json!({"visibility": "public", "x": 1})),
        (Method::POST, format!("{release}/1.0.0/yank"), json!({"reason": "r", "x": 1})),
        (Method::PUT, format!("{release}/channels/beta"), json!({"version": "1.0.0", "x": 1})),
        (Method::PUT, format!("{release}/availability"), json!({"status": "enabled", "x": 1})),
        (Method::POST, "/api/v1/tokens".to_owned(), json!({"name": "t", "scopes": ["read"], "x": 1})),
    ] {
        let problem = admin.request(method, &path).json(&body).await.assert_problem(422, "validation");
        assert!(problem.to_string().contains("unknown field `x`"), "{path}: {problem}");
    }
}
