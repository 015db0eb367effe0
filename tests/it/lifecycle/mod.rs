//! The life of a release and of an installation, through the front door.

mod bad_input;
mod catalogue;
mod config;
mod crash_update;
mod defaults;
mod dependencies;
mod everybody;
mod properties;
mod update;

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, package, packages::Package};

/// Publishes as the administrator.
async fn publish(app: &TestApp, package: Package) {
    app.admin().await.publish(package.zip(), "").await.expect(201);
}

/// Publishes plain packages of one slug.
async fn publish_versions(app: &TestApp, slug: &str, versions: &[&str]) {
    for version in versions {
        publish(app, package(slug, version).module("m1")).await;
    }
}

async fn install(client: &Client, slug: &str, version: &str) -> Answer {
    client.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({"version": version})).await
}

async fn update(client: &Client, slug: &str, version: &str) -> Answer {
    client.post(&format!("/api/v1/plugins/{slug}/update")).json(json!({"version": version})).await
}

async fn rollback(client: &Client, slug: &str) -> Answer {
    client.post(&format!("/api/v1/plugins/{slug}/rollback")).await
}

async fn switch(client: &Client, slug: &str, enabled: bool) -> Answer {
    client.patch(&format!("/api/v1/plugins/{slug}")).json(json!({"enabled": enabled})).await
}

/// The caller's plugin as `GET /plugins` shows it; null when it is not there.
async fn shown(client: &Client, slug: &str) -> Value {
    let list = client.get("/api/v1/plugins").await.expect(200).json();
    list["items"].as_array().unwrap().iter().find(|item| item["slug"] == slug).cloned().unwrap_or_default()
}

/// The members named `member` of a list of objects.
fn each(list: &Value, member: &str) -> Vec<String> {
    let text = |item: &Value| item[member].as_str().unwrap_or_else(|| panic!("no text {member} in {item}")).to_owned();
    list.as_array().unwrap_or_else(|| panic!("{list} is a list")).iter().map(text).collect()
}
