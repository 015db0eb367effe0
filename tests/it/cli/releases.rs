//! `releases` and `channel`

use serde_json::json;

use super::both_modes;
use crate::support::{TestApp, package, redact::redact};

both!(releases_are_listed_and_shown_alike_here_and_there);
async fn releases_are_listed_and_shown_alike_here_and_there(app: TestApp) {
    let admin = app.admin().await;
    for version in ["1.0.0", "1.1.0", "2.0.0-rc.1"] {
        admin.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    admin.post("/api/v1/releases/Demo/1.1.0/yank").json(json!({"reason": "broken"})).await.expect(200);
    let [local, remote] = both_modes(&app).await;
    for args in
        [&["releases", "list"][..], &["releases", "list", "Demo"], &["releases", "show", "Demo"], &["releases", "show", "Demo@1.1.0"]]
    {
        let json = |home: &crate::support::program::Home| home.run(&[args, &["--output", "json"]].concat()).done().json();
        assert_eq!(json(&local), json(&remote), "{args:?}");
        assert_eq!(local.run(args).done().stdout, remote.run(args).done().stdout, "{args:?}");
    }
    let shown = local.run(&["releases", "show", "Demo@^1", "--output", "json"]).done().json();
    assert_eq!((&shown["version"], &shown["manifest"]["name"]), (&json!("1.0.0"), &json!("The Demo")));
    let yanked = local.run(&["releases", "show", "Demo@1.1.0"]).done().stdout;
    assert!(yanked.starts_with("Demo 1.1.0\n") && yanked.contains("yanked: broken"), "{yanked}");
    assert_eq!(
        local.run(&["releases", "list"]).done().stdout,
        "SLUG  VERSION  AVAILABLE  INSTALLS  NAME\nDemo  1.0.0    yes        0         The Demo\n"
    );
    insta::assert_snapshot!(redact(&local.run(&["releases", "list", "--output", "json"]).done().json()), @r#"
    [
      {
        "slug": "Demo",
        "version": "1.0.0",
        "name": "The Demo",
        "description": "Demo for tests",
        "category": "utilities",
        "available": true,
        "installs": 0,
        "published_at": "[time]"
      }
    ]
    "#);
}

both!(channels_move_and_go);
async fn channels_move_and_go(app: TestApp) {
    let admin = app.admin().await;
    for version in ["1.0.0", "2.0.0"] {
        admin.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    for home in both_modes(&app).await {
        assert_eq!(home.run(&["channel", "set", "Demo", "stable", "^1"]).done().stdout, "Demo stable is 1.0.0\n");
        let moved = home.run(&["channel", "set", "Demo", "stable", "2.0.0", "--output", "json"]).done().json();
        assert_eq!(moved, json!({"slug": "Demo", "name": "stable", "version": "2.0.0"}));
        let list = home.run(&["releases", "list", "Demo"]).done().stdout;
        assert!(list.lines().any(|line| line.starts_with("2.0.0 ") && line.ends_with("latest stable")), "{list}");
        assert_eq!(home.run(&["channel", "set", "Demo", "stable", "9.9.9"]).status, 1);
        let deleted = home.run(&["channel", "delete", "Demo", "stable", "--output", "json"]).done().json();
        assert_eq!(deleted, json!({"slug": "Demo", "name": "stable"}));
        let gone = home.run(&["channel", "delete", "Demo", "stable"]);
        assert_eq!((gone.status, gone.stdout.as_str()), (1, ""), "{gone:?}");
    }
}
