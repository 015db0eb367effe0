//! Documents and what decides about writes: kept, and never longer than they are true.

use std::time::Duration;

use serde_json::{Value, json};

use super::tokens::api_token;
use crate::support::{Client, Db, TestApp, app::run_on, package};

const ENTRY: &str = "/api/v1/plugin-state/entry?plugin_id=Demo&state_key=k";

async fn ann_with_state(app: &TestApp) -> Client {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    ann.put(ENTRY).json(json!({"n": 0})).await.expect(201);
    ann
}

/// The document, after it was in memory where documents are.
async fn warm(app: &TestApp, ann: &Client) -> Value {
    if app.db == Db::Sqlite {
        app.warm(ann, ENTRY, &["state_entries"]).await;
    }
    ann.get(ENTRY).await.expect(200).json()
}

both!(every_change_of_a_kept_document_counts_at_once);
async fn every_change_of_a_kept_document_counts_at_once(app: TestApp) {
    let ann = ann_with_state(&app).await;
    let id = ann.get("/api/v1/plugin-state/").await.expect(200).json()[0]["id"].as_str().unwrap().to_owned();
    let of_id = format!("/api/v1/plugin-state/{id}");
    assert_eq!(warm(&app, &ann).await, json!({"n": 0}));
    ann.put(ENTRY).json(json!({"n": 1})).await.expect(200);
    assert_eq!(ann.get(ENTRY).await.expect(200).json(), json!({"n": 1}));
    warm(&app, &ann).await;
    ann.patch(ENTRY).json(json!({"m": 2})).await.expect(200);
    assert_eq!(ann.get(ENTRY).await.expect(200).json(), json!({"n": 1, "m": 2}));
    warm(&app, &ann).await;
    ann.put(&of_id).json(json!({"state_data": {"n": 3}})).await.expect(200);
    assert_eq!(ann.get(ENTRY).await.expect(200).json(), json!({"n": 3}));
    warm(&app, &ann).await;
    ann.post(&format!("{of_id}/rollback")).json(json!({"to": 1})).await.expect(200);
    assert_eq!(ann.get(ENTRY).await.expect(200).json(), json!({"n": 0}));
    let snapshot = ann.post("/api/v1/plugin-state/snapshots").json(json!({"plugin_id": "Demo"})).await.expect(201).json();
    ann.put(ENTRY).json(json!({"n": 4})).await.expect(200);
    warm(&app, &ann).await;
    let restore = format!("/api/v1/plugin-state/snapshots/{}/restore", snapshot["id"].as_str().unwrap());
    ann.post(&restore).await.expect(200);
    assert_eq!(ann.get(ENTRY).await.expect(200).json(), json!({"n": 0}));
    warm(&app, &ann).await;
    ann.put(&of_id).json(json!({"ttl_expires_at": "2001-01-01T00:00:00Z"})).await.expect(200);
    ann.get(ENTRY).await.assert_problem(404, "not_found");
    ann.put(ENTRY).json(json!({"n": 5})).await.expect(201);
    warm(&app, &ann).await;
    ann.delete(ENTRY).await.expect(204);
    ann.get(ENTRY).await.assert_problem(404, "not_found");
}

#[test]
fn other_entries_of_the_plugin_stay_in_memory() {
    run_on(Db::Sqlite, &[], async |app: TestApp| {
        let ann = ann_with_state(&app).await;
        // Nothing is trusted while the watcher of other processes is late.
        for attempt in 0.. {
            warm(&app, &ann).await;
            for other in [ENTRY.replace("=k", "=l"), format!("{ENTRY}&page_id=p")] {
                ann.put(&other).json(json!(1)).await.expect(201);
                ann.delete(&other).await.expect(204);
            }
            let before = app.hits("state_entries").await;
            assert_eq!(ann.get(ENTRY).await.expect(200).json(), json!({"n": 0}));
            if app.hits("state_entries").await > before {
                break;
            }
            assert!(attempt < 50, "what is done to others makes it be read again");
        }
    });
}

both!(a_kept_document_ends_on_time);
async fn a_kept_document_ends_on_time(app: TestApp) {
    let ann = ann_with_state(&app).await;
    // Long enough to be asked for, before it is over.
    let end = (jiff::Timestamp::now() + Duration::from_millis(1500)).to_string();
    ann.put(ENTRY).header("plugyard-expires", &end).json(json!({"n": 1})).await.expect(200);
    ann.get(ENTRY).await.expect(200);
    while ann.get(ENTRY).await.status == 200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ann.get(ENTRY).await.assert_problem(404, "not_found");
}

both!(a_kept_document_is_shown_to_nobody_else);
async fn a_kept_document_is_shown_to_nobody_else(app: TestApp) {
    let ann = ann_with_state(&app).await;
    warm(&app, &ann).await;
    app.user("bob").await.get(ENTRY).await.assert_problem(404, "not_found");
    app.anonymous().get(ENTRY).await.assert_problem(401, "unauthenticated");
    let (_, other) = api_token(&app, &ann, &["state:Other"]).await;
    other.get(ENTRY).await.assert_problem(403, "forbidden");
    let (id, own) = api_token(&app, &ann, &["state:Demo"]).await;
    own.get(ENTRY).await.expect(200);
    ann.delete(&format!("/api/v1/tokens/{id}")).await.expect(204);
    own.get(ENTRY).await.assert_problem(401, "unauthenticated");
}

both!(a_kept_document_is_answered_like_any_other);
async fn a_kept_document_is_answered_like_any_other(app: TestApp) {
    let ann = ann_with_state(&app).await;
    warm(&app, &ann).await;
    let tag = ann.get(ENTRY).await.header("etag").to_owned();
    for headers in [&[][..], &[("If-None-Match", tag.as_str())], &[("If-None-Match", "\"other\"")], &[("x-request-id", "chosen")]] {
        let short = ann.raw_get(ENTRY, headers).await;
        // Whatever else is asked for leads the long way.
        let long = ann.raw_get(&format!("{ENTRY}&defaults=false"), headers).await;
        let told = |answer: &crate::support::Answer| {
            let mut told: Vec<_> =
                answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
            told.retain(|(name, _)| {
                !["date", "x-request-id", "access-control-allow-credentials", "access-control-expose-headers"].contains(&name.as_str())
            });
            told.sort();
            told
        };
        assert_eq!((short.status, told(&short), &short.bytes), (long.status, told(&long), &long.bytes), "{headers:?}");
    }
}

both!(a_policy_that_another_process_sets_is_found_out);
async fn a_policy_that_another_process_sets_is_found_out(app: TestApp) {
    let ann = ann_with_state(&app).await;
    let long = json!({"text": "x".repeat(200)});
    ann.put(ENTRY).json(&long).await.expect(200);
    app.database.execute(
        "INSERT INTO state_policies (plugin_slug, policy, updated_by, updated_at) VALUES ('Demo', '{\"max_document\": 100}', 'other', 1)",
    );
    // It is written at latest when the watcher of other processes has looked.
    for attempt in 0.. {
        let answer = ann.put(ENTRY).json(json!({"text": "x".repeat(200), "n": attempt})).await;
        if answer.status == 413 {
            break;
        }
        answer.expect(200);
        assert!(attempt < 100, "the policy is never found");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.database.execute("DELETE FROM state_policies");
    for attempt in 0.. {
        if ann.put(ENTRY).json(&long).await.status == 200 {
            break;
        }
        assert!(attempt < 100, "that the policy is gone is never found");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
