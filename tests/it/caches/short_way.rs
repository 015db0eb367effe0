//! The short way answers exactly as the long one does.

use super::Ann;
use crate::support::{Client, TestApp};

/// One letter written in another way: the same file, which only the long way finds.
fn long_way(path: &str) -> String {
    path.replace("index.js", "inde%78.js")
}

async fn both_ways(app: &TestApp, client: &Client, path: &str, headers: &[(&str, &str)]) {
    app.warm(client, path, &["files"]).await;
    let short = client.raw_get(path, headers).await;
    let long = client.raw_get(&long_way(path), headers).await;
    assert_eq!(short.status, long.status, "{path} {headers:?}");
    // The last two say nothing without an origin, and only the long way adds them then.
    let of_each_answer = ["date", "x-request-id", "connection", "access-control-allow-credentials", "access-control-expose-headers"];
    let told = |answer: &crate::support::Answer| {
        let mut told: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| !of_each_answer.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        told.sort();
        told
    };
    // Only problems differ, in the request's id.
    if short.status < 400 {
        assert_eq!((told(&short), &short.bytes), (told(&long), &long.bytes), "{path} {headers:?}");
    }
}

both!(both_ways_lead_to_one_answer);
async fn both_ways_lead_to_one_answer(app: TestApp) {
    let ann = Ann::new(&app).await;
    for (client, path) in ann.addresses(&app) {
        let tag = client.get(&path).await.expect(200).header("etag").to_owned();
        for headers in [
            &[][..],
            &[("If-None-Match", tag.as_str())],
            &[("If-None-Match", "\"other\"")],
            &[("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")],
            &[("Range", "bytes=2-5")],
            &[("Range", "bytes=900-")],
            &[("If-Match", "\"other\"")],
            &[("Accept-Encoding", "br, gzip")],
            &[("Accept-Encoding", "identity;q=0")],
            &[("Service-Worker", "script")],
            &[("Origin", "https://app.example.org")],
            &[("x-request-id", "chosen")],
        ] {
            both_ways(&app, &client, &path, headers).await;
        }
        let chosen = client.get(&path).header("x-request-id", "my-id_1").await;
        assert_eq!(chosen.header("x-request-id"), "my-id_1");
        let [one, other] = [client.get(&path).await, client.get(&path).await].map(|answer| answer.header("x-request-id").to_owned());
        assert!(one.len() == 32 && one != other, "{one} {other}");
    }
}

both!(words_of_other_routes_are_no_files);
async fn words_of_other_routes_are_no_files(app: TestApp) {
    let package = crate::support::package("Demo", "1.0.0").file("modules/m", "a file").file("status", "a file").file("config", "a file");
    app.admin().await.publish(package.zip(), "visibility=public").await.expect(201);
    let ann = app.user("ann").await;
    ann.post("/api/v1/plugins/Demo/install").json(serde_json::json!({})).await.expect(200);
    app.warm(&ann, "/api/v1/plugins/Demo/dist/index.js", &["files"]).await;
    for word in ["modules/m", "status", "config"] {
        app.warm(app.anonymous(), &format!("/api/v1/files/Demo/v1.0.0/{word}"), &["files"]).await;
        assert_ne!(ann.get(&format!("/api/v1/plugins/Demo/{word}")).await.text(), "a file", "{word}");
    }
}

both!(what_is_answered_from_memory_is_counted);
async fn what_is_answered_from_memory_is_counted(app: TestApp) {
    let ann = Ann::new(&app).await;
    app.warm(&ann.ann, super::OWN, &["files"]).await;
    let requests = async || {
        let text = app.anonymous().get("/metrics").await.expect(200).text();
        let is_ours = |line: &&str| {
            line.starts_with("plugyard_http_requests_total") && line.contains("plugins/{plugin}/{path:.*}") && line.contains("200")
        };
        text.lines().filter(is_ours).map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    let before = requests().await;
    ann.ann.get(super::OWN).await.expect(200);
    assert_eq!(requests().await, before + 1);
}
