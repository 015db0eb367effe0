//! What one process changes the other sees: two servers on PostgreSQL, a command beside a server on SQLite.

use serde_json::json;

use crate::support::{Db, TestApp, package};

both!(what_one_process_switches_off_the_other_serves_no_more);
async fn what_one_process_switches_off_the_other_serves_no_more(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "visibility=public").await.expect(201);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    let public = format!("/api/v1/public/plugins/{}/dist/index.js", manifest["Demo"]["database_id"].as_str().unwrap());
    let (own, shared) = ("/api/v1/plugins/Demo/dist/index.js", "/api/v1/files/Demo/v1.0.0/dist/index.js");
    if app.db == Db::Sqlite {
        for scope in [&["--user", "ann"][..], &[]] {
            for (word, status) in [("disable", 404), ("enable", 200)] {
                app.local().run(&[&["plugins", word, "Demo"], scope].concat()).done();
                ann.comes_to(own, status).await;
                app.anonymous().comes_to(&public, status).await;
                app.anonymous().comes_to(shared, if scope.is_empty() { status } else { 200 }).await;
            }
        }
        return;
    }
    let second = app.second_server();
    let (there, admin_there) = (ann.at(&second), admin.at(&second));
    // What was published and installed here is served there.
    for path in [own, &public, shared] {
        there.get(path).await.expect(200);
    }
    for (enabled, status) in [(false, 404), (true, 200)] {
        ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": enabled})).await.expect(200);
        there.comes_to(own, status).await;
        there.logged_out().comes_to(&public, status).await;
    }
    for (word, status) in [("disabled", 404), ("enabled", 200)] {
        admin_there.put("/api/v1/releases/Demo/availability").json(json!({"status": word})).await.expect(200);
        for path in [&public, shared] {
            app.anonymous().comes_to(path, status).await;
        }
        ann.comes_to(own, status).await;
    }
    there.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    ann.comes_to(own, 404).await;
    let made = ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["read"]})).await.expect(201).json();
    let token = there.with_token(made["token"].as_str().unwrap());
    token.get("/api/v1/plugins").await.expect(200);
    ann.delete(&format!("/api/v1/tokens/{}", made["id"].as_str().unwrap())).await.expect(204);
    token.comes_to("/api/v1/plugins", 401).await;
}

both!(two_servers_share_records_and_publications);
async fn two_servers_share_records_and_publications(app: TestApp) {
    // One `serve` for each SQLite file; `cli::beside_a_server` shows the refusal.
    if app.db == Db::Sqlite {
        return;
    }
    let second = app.second_server();
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let slugs: Vec<String> = (0..12).map(|n| format!("P{n}")).collect();
    let publish = async |(n, slug): (usize, &String)| {
        let client = if n.is_multiple_of(2) { admin.clone() } else { admin.at(&second) };
        client.publish(package(slug, "1.0.0").zip(), "").await.status
    };
    assert_eq!(futures_util::future::join_all(slugs.iter().enumerate().map(publish)).await, [201; 12]);
    // The same version at both, at once, with different content: one of them wins.
    let race = [package("Race", "1.0.0").file("a.js", "1"), package("Race", "1.0.0").file("a.js", "2")];
    let (here, there) = (admin.clone(), admin.at(&second));
    let (one, two) = tokio::join!(here.publish(race[0].zip(), ""), there.publish(race[1].zip(), ""));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);

    let install = async |(n, slug): (usize, &String)| {
        let client = if n.is_multiple_of(2) { ann.clone() } else { ann.at(&second) };
        client.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await.status
    };
    assert_eq!(futures_util::future::join_all(slugs.iter().enumerate().map(install)).await, [200; 12]);
    for client in [ann.clone(), ann.at(&second)] {
        assert_eq!(client.get("/api/v1/plugins").await.expect(200).json()["items"].as_array().unwrap().len(), 12);
    }
    app.assert_no_leftovers();
}
