//! Files of releases at their three addresses.

mod access;
mod conditions;
mod conformance;
mod cors;
mod damage;
mod encodings;
mod former;
mod headers;
mod integrity;
mod paths;
mod ranges;
mod redirects;
mod types;

use serde_json::json;

use crate::support::{Client, Package, TestApp, package};

/// A user with a plugin, and the bases of its files' addresses.
struct Installed {
    ann: Client,
    /// `/api/v1/plugins/Demo/`, with a token.
    own: String,
    /// `/api/v1/public/plugins/<key>.v1.0.0/`
    version: String,
    /// `/api/v1/public/plugins/<key>/`
    current: String,
    /// `/api/v1/files/Demo/v1.0.0/`
    shared: String,
}

impl Installed {
    /// Publishes the package as `Demo` 1.0.0 for all eyes and installs it.
    async fn new(app: &TestApp, demo: &Package) -> Self {
        app.admin().await.publish(demo.zip(), "visibility=public").await.expect(201);
        let ann = app.user("ann").await;
        ann.post("/api/v1/plugins/Demo/install").json(json!({"version": "1.0.0"})).await.expect(200);
        let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
        let id = manifest["Demo"]["database_id"].as_str().unwrap();
        let (key, version) = id.split_once('.').unwrap();
        assert_eq!((key.len(), version), (32, "v1.0.0"));
        Self {
            own: "/api/v1/plugins/Demo/".to_owned(),
            version: format!("/api/v1/public/plugins/{id}/"),
            current: format!("/api/v1/public/plugins/{key}/"),
            shared: "/api/v1/files/Demo/v1.0.0/".to_owned(),
            ann,
        }
    }

    fn key(&self) -> &str {
        self.current.trim_end_matches('/').rsplit('/').next().unwrap()
    }

    /// Every address, with a caller who may use it: the token belongs to the first alone.
    fn addresses(&self, app: &TestApp) -> [(Client, &str); 4] {
        let anonymous = app.anonymous();
        [
            (self.ann.clone(), self.own.as_str()),
            (anonymous.clone(), &self.version),
            (anonymous.clone(), &self.current),
            (anonymous.clone(), &self.shared),
        ]
    }
}

/// Files of many kinds beside the entry.
fn demo() -> Package {
    package("Demo", "1.0.0")
        .file("dist/app.js", "0123456789abcdefghij")
        .file("dist/style.css", "a{}")
        .file("dist/deep/er/chunk.mjs", "export {};")
        .file("img/logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
        .file("index.html", "<!doctype html>")
        .file("page.xhtml", "<html/>")
        .file("data.xml", "<a/>")
        .file("notes.txt", "notes")
        .file("LICENSE", "free")
        .file("with space.js", "1")
        .file("gr\u{fc}\u{df}e.js", "2")
        .file("100%25.js", "3")
        .file("at@sign.js", "4")
        .file("plus+sign.js", "5")
        .file("empty.js", "")
}
