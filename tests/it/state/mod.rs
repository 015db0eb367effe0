//! The state service through the front door.

mod changes;
mod commands;
mod crash;
mod documents;
mod entry;
mod events;
mod expiry;
mod history;
mod many;
mod parallel;
mod policies;
mod records;
mod snapshots;
mod transfer;
mod waiting;

use serde_json::{Value, json};

use crate::support::{Client, TestApp, package};

pub const STATE: &str = "/api/v1/plugin-state";
/// The entry of the plugin Demo without page and key.
pub const DEMO: &str = "/api/v1/plugin-state/entry?plugin_id=Demo";

/// A user who has installed Demo and Other, both in version 1.0.0.
pub async fn owner(app: &TestApp, name: &str) -> Client {
    let user = app.user(name).await;
    for slug in ["Demo", "Other"] {
        let published = app.admin().await.publish(package(slug, "1.0.0").zip(), "").await;
        assert!(matches!(published.status, 200 | 201), "{}", published.text());
        user.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await.expect(200);
    }
    user
}

/// Creates an entry of Demo as a BrainDrive frontend does; the record.
pub async fn create(user: &Client, key: &str, data: Value) -> Value {
    user.post(STATE).json(json!({"plugin_id": "Demo", "state_key": key, "state_data": data})).await.expect(200).json()
}

/// The address of an entry of Demo by its key.
pub fn entry(key: &str) -> String {
    format!("{DEMO}&state_key={key}")
}

pub fn id(record: &Value) -> &str {
    record["id"].as_str().expect("a record has an id")
}
