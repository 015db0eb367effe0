//! `/users/{user_id}/plugins...`: what a user can do, done by an administrator.

use reqwest::Method;
use serde_json::json;

use super::full;
use crate::support::{TestApp, package};

both!(an_administrator_sees_what_the_user_sees);
async fn an_administrator_sees_what_the_user_sees(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for version in ["1.0.0", "1.1.0"] {
        admin.publish(full(version).zip(), "").await.expect(201);
    }
    let theirs = format!("/api/v1/users/{}/plugins", ann.user_id);
    let own = "/api/v1/plugins";
    let same = async || {
        for route in ["", "/DemoPlugin/status", "/DemoPlugin/versions", "/DemoPlugin/config", "/DemoPlugin/modules/demo-mod/config"] {
            let (seen, shown) = (admin.get(&format!("{theirs}{route}")).await, ann.get(&format!("{own}{route}")).await);
            assert_eq!((seen.status, seen.header("etag")), (shown.status, shown.header("etag")), "{route}");
            let without_id = |answer: &crate::support::Answer| {
                let mut value = answer.json();
                value.as_object_mut().unwrap().shift_remove("request_id");
                value
            };
            assert_eq!(without_id(&seen), without_id(&shown), "{route}");
        }
    };
    same().await;
    let installed = admin.post(&format!("{theirs}/DemoPlugin/install")).json(json!({"version": "1.0.0"})).await.expect(200).json();
    assert_eq!(installed["data"]["plugin_id"], format!("{}_DemoPlugin", ann.user_id));
    same().await;
    admin.patch(&format!("{theirs}/DemoPlugin")).json(json!({"enabled": false})).await.expect(200);
    assert_eq!(ann.get(own).await.expect(200).json()["items"][0]["enabled"], false);
    admin.patch(&format!("{theirs}/DemoPlugin/modules/demo-mod")).json(json!({"enabled": false})).await.expect(200);
    admin.put(&format!("{theirs}/DemoPlugin/config")).json(json!({"refresh": 1})).await.expect(200);
    admin.post(&format!("{theirs}/DemoPlugin/update")).json(json!({})).await.expect(200);
    same().await;
    admin.post(&format!("{theirs}/DemoPlugin/rollback")).await.expect(200);
    same().await;
    let history = ann.get("/api/v1/plugins/DemoPlugin/versions").await.expect(200).json();
    assert_eq!(history["items"][0]["installed_by"], "admin");
    admin.delete(&format!("{theirs}/DemoPlugin/uninstall")).await.expect(200);
    same().await;
    // The administrator has nothing of it.
    assert_eq!(admin.get(own).await.expect(200).json()["items"], json!([]));
}

both!(the_mirror_is_for_administrators);
async fn the_mirror_is_for_administrators(app: TestApp) {
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    admin.publish(package("Demo", "1.0.0").module("m").zip(), "").await.expect(201);
    let document = app.anonymous().get("/api/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().unwrap();
    let mirrored: Vec<_> = paths.iter().filter(|(path, _)| path.starts_with("/api/v1/users/{user_id}/plugins")).collect();
    assert!(mirrored.len() > 8, "{mirrored:?}");
    for (path, item) in mirrored {
        for method in item.as_object().unwrap().keys().filter(|key| ["get", "put", "post", "patch", "delete"].contains(&key.as_str())) {
            let call = |user: &str| {
                let path = path.replace("{user_id}", user).replace("{slug}", "Demo").replace("{plugin}", "Demo").replace("{module}", "m");
                (Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), path)
            };
            let (verb, address) = call(&bob.user_id);
            ann.request(verb.clone(), &address).json(json!({})).await.assert_problem(403, "forbidden");
            // Not even under one's own name, and not to find out who exists.
            let (_, own) = call(&ann.user_id);
            ann.request(verb.clone(), &own).json(json!({})).await.assert_problem(403, "forbidden");
            app.anonymous().request(verb.clone(), &address).json(json!({})).await.assert_problem(401, "unauthenticated");
            for absent in ["00000000000000000000000000000000", "x", "a%00b"] {
                let (_, address) = call(absent);
                let answer = ann.request(verb.clone(), &address).json(json!({})).await;
                answer.assert_problem(403, "forbidden");
                let body = if verb == Method::PATCH { json!({"enabled": true}) } else { json!({}) };
                admin.request(verb.clone(), &address).json(body).await.assert_problem(404, "not_found");
            }
        }
    }
}
