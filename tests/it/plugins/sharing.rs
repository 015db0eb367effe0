//! A release is stored once, however many have it.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{TestApp, package, tree::tree};

const USERS: usize = 50;

both!(fifty_installations_are_one_copy);
async fn fifty_installations_are_one_copy(app: TestApp) {
    let admin = app.admin().await;
    let demo = package("Demo", "1.0.0").file("dist/large.js", "x".repeat(300_000)).module("m");
    admin.publish(demo.zip(), "").await.expect(201);
    let copy: usize = demo.files().values().map(Vec::len).sum();
    // Compressed copies are one for all as well, and come when they are made.
    let is_copy = |path: &str| path.starts_with("cache/");
    let size = || tree(&app.home.plugins_dir()).iter().filter(|(path, _)| !is_copy(path)).map(|(_, content)| content.len()).sum::<usize>();
    assert_eq!(size(), copy);

    // Accounts without passwords of their own: hashing fifty takes long and proves nothing here.
    let users: Vec<String> = (0..USERS).map(|n| format!("{n:032x}")).collect();
    for (n, id) in users.iter().enumerate() {
        app.database.execute(&format!(
            "INSERT INTO users (id, username, username_folded, role, active, verified, created_at, updated_at) \
             VALUES ('{id}', 'user-{n}', 'user-{n}', 'user', TRUE, FALSE, 0, 0)"
        ));
    }
    let install = async |id: &String| admin.post(&format!("/api/v1/users/{id}/plugins/Demo/install")).json(json!({})).await.status;
    assert_eq!(join_all(users.iter().map(install)).await, vec![200; USERS]);

    let [shared, cache] = app.stored();
    assert!(cache.is_empty());
    let folders: Vec<_> = shared.keys().filter(|path| path.ends_with('/')).collect();
    assert_eq!(folders, ["Demo/", "Demo/v1.0.0/", "Demo/v1.0.0/dist/"]);
    let records = tree(&app.home.plugins_dir().join("users"));
    let records: Vec<usize> = records.into_iter().filter(|(path, _)| !path.ends_with('/')).map(|(_, content)| content.len()).collect();
    assert_eq!(records.len(), USERS);
    // Nothing else has grown, and a record is far smaller than a copy.
    assert_eq!(size(), copy + records.iter().sum::<usize>());
    assert!(records.iter().all(|record| *record < 300), "{records:?}");
}
