//! Who gets a file, and from when on nobody does.

use serde_json::json;

use super::{Installed, demo};
use crate::support::TestApp;

/// The answers at own, versioned, current and shared address.
async fn statuses(app: &TestApp, installed: &Installed) -> [u16; 4] {
    let mut statuses = [0; 4];
    for (status, (client, base)) in statuses.iter_mut().zip(installed.addresses(app)) {
        let answer = client.get(&format!("{base}dist/app.js")).await;
        *status = answer.status;
        if answer.status == 404 {
            answer.assert_problem(404, "not_found");
        }
    }
    statuses
}

both!(switching_off_counts_at_once);
async fn switching_off_counts_at_once(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let ann = &installed.ann;
    assert_eq!(statuses(&app, &installed).await, [200; 4]);
    for _ in 0..3 {
        ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": false})).await.expect(200);
        // The shared address is nobody's own: it obeys availability.
        assert_eq!(statuses(&app, &installed).await, [404, 404, 404, 200]);
        ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": true})).await.expect(200);
        assert_eq!(statuses(&app, &installed).await, [200; 4]);
    }
    let availability = async |status: &str| {
        app.admin().await.put("/api/v1/releases/Demo/availability").json(json!({"status": status})).await.expect(200);
    };
    availability("disabled").await;
    assert_eq!(statuses(&app, &installed).await, [404; 4]);
    app.anonymous().get("/api/v1/files/Demo/latest/dist/app.js").await.assert_problem(404, "not_found");
    let known = installed.ann.get(&format!("{}dist/app.js", installed.own)).header("if-none-match", "*").await;
    known.assert_problem(404, "not_found");
    // The user's decision is not touched by it.
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"][0]["enabled"], true);
    availability("enabled").await;
    assert_eq!(statuses(&app, &installed).await, [200; 4]);
    ann.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    assert_eq!(statuses(&app, &installed).await, [404, 404, 404, 200]);
    // A new installation has a new key.
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    assert_eq!(statuses(&app, &installed).await, [200, 404, 404, 200]);
}

both!(a_private_release_has_no_shared_address);
async fn a_private_release_has_no_shared_address(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let admin = app.admin().await;
    admin.put("/api/v1/releases/Demo/channels/beta").json(json!({"version": "1.0.0"})).await.expect(200);
    let visibility = async |word: &str| admin.patch("/api/v1/releases/Demo/1.0.0").json(json!({"visibility": word})).await.expect(200);
    visibility("private").await;
    assert_eq!(statuses(&app, &installed).await, [200, 200, 200, 404]);
    for version in ["latest", "beta", "^1", "v1.0.0"] {
        for client in [app.anonymous(), &installed.ann, admin] {
            client.get(&format!("/api/v1/files/Demo/{version}/dist/app.js")).await.assert_problem(404, "not_found");
        }
    }
    visibility("public").await;
    assert_eq!(statuses(&app, &installed).await, [200; 4]);
}

both!(the_own_address_needs_the_owners_token);
async fn the_own_address_needs_the_owners_token(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let path = format!("{}dist/app.js", installed.own);
    app.anonymous().get(&path).await.assert_problem(401, "unauthenticated");
    app.user("bob").await.get(&path).await.assert_problem(404, "not_found");
    app.admin().await.get(&path).await.assert_problem(404, "not_found");
    installed.ann.get(&format!("/api/v1/plugins/{}_Demo/dist/app.js", installed.ann.user_id)).await.expect(200);
    let scoped = async |scope: &str| {
        let made = installed.ann.post("/api/v1/tokens").json(json!({"name": scope, "scopes": [scope]})).await.expect(201).json();
        installed.ann.with_token(made["token"].as_str().unwrap()).get(&path).await.status
    };
    assert_eq!((scoped("read").await, scoped("install").await), (200, 403));
    // A token that is sent where none is needed is not looked at.
    app.anonymous().with_token("plg_nonsense").get(&format!("{}dist/app.js", installed.version)).await.expect(200);
}
