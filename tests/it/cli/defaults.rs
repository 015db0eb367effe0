//! `defaults apply`

use serde_json::json;

use crate::support::{TestApp, package};

both!(everybody_gets_the_default_plugins_once);
async fn everybody_gets_the_default_plugins_once(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for version in ["1.0.0", "2.0.0"] {
        admin.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    let none = app.local().run(&["defaults", "apply"]).done().stdout;
    assert_eq!(none, "0 installed, 0 already done, 0 failed\n");

    let home = app.local().with("default_plugins", "Demo@^1,Absent@latest");
    let partly = home.run(&["defaults", "apply", "--output", "json"]);
    assert_eq!(partly.status, 1, "{partly:?}");
    let partly = partly.json();
    assert_eq!((&partly["installed"], &partly["already_done"]), (&json!(2), &json!(0)));
    let failed = partly["failed"].as_array().unwrap();
    let has = |id: &str| failed.iter().any(|one| one["user_id"] == id && one["slug"] == "Absent" && one["error"].is_string());
    assert!(failed.len() == 2 && has(&admin.user_id) && has(&ann.user_id), "{partly}");
    let list = home.run(&["plugins", "list", "--user", "ann"]).done().stdout;
    assert_eq!(list, "Demo (1.0.0) — ENABLED\n");

    let home = app.local().with("default_plugins", "Demo@^1");
    ann.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    let again = home.run(&["defaults", "apply"]).done().stdout;
    assert_eq!(again, "0 installed, 2 already done, 0 failed\n");
    assert_eq!(home.run(&["plugins", "list", "--user", "ann"]).done().stdout, "", "what was removed stays so");
}
