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

both!(a_version_is_yanked_and_given_back);
async fn a_version_is_yanked_and_given_back(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for version in ["1.0.0", "2.0.0"] {
        admin.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    for home in both_modes(&app).await {
        let run = |args: &[&str]| home.run(&[&["releases"], args].concat());
        let yanked = run(&["yank", "Demo@2.0.0", "--reason", "loses data"]).done().stdout;
        assert_eq!(yanked, "Demo 2.0.0 is yanked: loses data\n");
        assert!(run(&["show", "Demo"]).done().stdout.starts_with("Demo 1.0.0\n"), "the latest is another one");
        let again = run(&["yank", "Demo@2.0.0", "--reason", "worse", "--output", "json"]).done().json();
        assert_eq!(again, json!({"slug": "Demo", "version": "2.0.0", "yanked": true, "reason": "worse"}));
        let exact = home.run(&["plugins", "install", "Demo@2.0.0", "--user", "ann"]);
        assert!(exact.status == 1 && exact.stderr.contains("worse"), "{exact:?}");
        assert_eq!(run(&["unyank", "Demo@2.0.0"]).done().stdout, "Demo 2.0.0 is not yanked\n");
        let again = run(&["unyank", "Demo@2.0.0", "--output", "json"]).done().json();
        assert_eq!(again, json!({"slug": "Demo", "version": "2.0.0", "yanked": false, "reason": null}));
        assert!(run(&["show", "Demo"]).done().stdout.starts_with("Demo 2.0.0\n"));
        for (args, status) in [
            (&["yank", "Demo@2.0.0"][..], 2),
            (&["yank", "Demo", "--reason", "x"], 2),
            (&["unyank", "Demo@^2"], 2),
            (&["yank", "Demo@2.0.0", "--reason", " "], 1),
            (&["yank", "Demo@9.0.0", "--reason", "x"], 1),
        ] {
            let refused = run(args);
            assert_eq!((refused.status, refused.stdout.as_str()), (status, ""), "{args:?}: {refused:?}");
        }
    }
    assert_eq!(app.remote(&ann).run(&["releases", "yank", "Demo@1.0.0", "--reason", "x"]).status, 1);
}
