use serde_json::{Value, json};

use super::{fetching, install};
use crate::support::{Client, TestApp, package, upstream::Upstream};

async fn available(client: &Client) -> Value {
    client.get("/api/v1/plugins/Notes/update/available").await.expect(200).json()["data"].clone()
}

async fn shown(client: &Client) -> Value {
    client.get("/api/v1/plugins/by-slug/Notes").await.expect(200).json()
}

fetching!(a_source_is_asked_on_demand_and_brings_the_update);
async fn a_source_is_asked_on_demand_and_brings_the_update(app: TestApp, upstream: Upstream) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    upstream.release("v1.0.0", package("Notes", "1.0.0").zip());
    for client in [&ann, &bob] {
        install(client, json!({"repo_url": upstream.url("/me/notes")})).await.expect(200);
    }
    upstream.release("v1.1.0", package("Notes", "1.1.0").zip());
    let asked = || upstream.seen().iter().filter(|path| path.ends_with("/latest")).count();
    let before = asked();
    // Looking does not ask.
    assert_eq!((&shown(&ann).await["latestVersion"], &shown(&ann).await["lastUpdateCheck"]), (&json!("1.0.0"), &Value::Null));
    assert_eq!(ann.get("/api/v1/plugins/updates/available").await.expect(200).json()["data"]["total_count"], 0);
    assert_eq!(asked(), before);

    let found = available(&ann).await;
    assert_eq!(
        (&found["update_available"], &found["latest_version"], &found["current_version"]),
        (&json!(true), &json!("1.1.0"), &json!("1.0.0"))
    );
    assert_eq!((&found["message"], &found["repo_url"]), (&json!("Update available: 1.1.0"), &json!(upstream.url("/me/notes"))));
    // Everybody who has it from there knows it now, and nobody asks again at once.
    assert_eq!(available(&bob).await["update_available"], true);
    assert_eq!(asked(), before + 1);
    let plugin = shown(&bob).await;
    assert_eq!((&plugin["updateAvailable"], &plugin["latestVersion"]), (&json!(true), &json!("1.1.0")));
    assert!(plugin["lastUpdateCheck"].as_str().unwrap().ends_with('Z'), "{plugin}");
    assert_eq!(bob.get("/api/v1/plugins/updates/available").await.expect(200).json()["data"]["total_count"], 1);

    let updated = ann.post("/api/v1/plugins/Notes/update").json(json!({})).await.expect(200).json();
    assert_eq!((&updated["data"]["previous_version"], &updated["data"]["new_version"]), (&json!("1.0.0"), &json!("1.1.0")));
    assert_eq!(available(&ann).await["update_available"], false);
    // For the next one it is in the catalogue.
    let downloads = upstream.seen().len();
    bob.post("/api/v1/plugins/Notes/update").json(json!({"version": "latest"})).await.expect(200);
    assert_eq!(upstream.seen().len(), downloads);
}

fetching!(a_failed_question_keeps_what_was_known);
async fn a_failed_question_keeps_what_was_known(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    upstream.release("v1.0.0", package("Notes", "1.0.0").zip());
    install(&ann, json!({"repo_url": upstream.url("/me/notes")})).await.expect(200);
    let long_ago = || app.database.execute("UPDATE update_checks SET checked_at = 0");
    upstream.page("/api/repos/me/notes/releases/latest", 500, "x");
    let failed = available(&ann).await;
    assert_eq!((&failed["update_available"], &failed["latest_version"]), (&json!(false), &json!("1.0.0")));
    assert!(failed["message"].as_str().unwrap().starts_with("The plugin's source could not be asked: 127.0.0.1 answered 500"), "{failed}");

    long_ago();
    upstream.release("v2.0.0", package("Notes", "2.0.0").zip());
    assert_eq!(available(&ann).await["latest_version"], "2.0.0");
    for (status, body) in [(500, "x"), (200, "{\"tag_name\": \"nightly\"}"), (404, "x")] {
        long_ago();
        upstream.page("/api/repos/me/notes/releases/latest", status, body);
        let kept = available(&ann).await;
        assert_eq!((&kept["update_available"], &kept["latest_version"]), (&json!(true), &json!("2.0.0")), "{body}");
    }
    // What cannot be fetched now leaves the old version in place.
    let problem = ann.post("/api/v1/plugins/Notes/update").json(json!({})).await.assert_problem(400, "install_failed");
    assert_eq!(problem["step"], "release_lookup");
    assert_eq!(shown(&ann).await["version"], "1.0.0");
}

fetching!(an_archive_or_an_upload_is_not_asked_about);
async fn an_archive_or_an_upload_is_not_asked_about(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    upstream.page("/notes.zip", 200, package("Notes", "1.0.0").zip());
    install(&ann, json!({"repo_url": upstream.url("/notes.zip")})).await.expect(200);
    let asked = upstream.seen().len();
    assert_eq!(available(&ann).await["message"], "Plugin is up to date");
    ann.publish(package("Other", "1.0.0").zip(), "").await.expect(201);
    // An address that somebody only claims to have it from.
    let claimed = json!({"installation_metadata": {"source_url": "http://169.254.169.254/me/notes"}});
    ann.post("/api/v1/plugins/Other/install").json(claimed).await.expect(200);
    ann.get("/api/v1/plugins/Other/update/available").await.expect(200);
    assert_eq!(upstream.seen().len(), asked);
}

fetching!(a_schedule_asks_by_itself, update_check_interval = "200ms");
async fn a_schedule_asks_by_itself(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    upstream.release("v1.0.0", package("Notes", "1.0.0").zip());
    install(&ann, json!({"repo_url": upstream.url("/me/notes")})).await.expect(200);
    upstream.release("v1.1.0", package("Notes", "1.1.0").zip());
    // Until it has been told; the runner's patience ends a server that never asks.
    while shown(&ann).await["latestVersion"] != "1.1.0" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(shown(&ann).await["updateAvailable"], true);
}
