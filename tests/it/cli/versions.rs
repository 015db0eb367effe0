//! `plugins update`, `rollback` and `versions`, and changes for everybody

use serde_json::{Value, json};

use super::both_modes;
use crate::support::{TestApp, package, program::Home, redact::redact};

fn json_of(home: &Home, args: &[&str]) -> Value {
    home.run(&[args, &["--output", "json"]].concat()).done().json()
}

fn text_of(home: &Home, args: &[&str]) -> String {
    home.run(args).done().stdout
}

both!(a_plugin_goes_forward_and_back);
async fn a_plugin_goes_forward_and_back(app: TestApp) {
    let admin = app.admin().await;
    app.user("ann").await;
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        admin.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    for home in both_modes(&app).await {
        let run = |args: &[&str]| text_of(&home, &[&["plugins"], args, &["--user", "ann"]].concat());
        run(&["install", "Demo@1.0.0"]);
        assert_eq!(run(&["update", "Demo@^1"]), "Demo is updated from 1.0.0 to 1.1.0 for ann\n");
        assert_eq!(run(&["update", "Demo@^1"]), "Demo was at 1.1.0 already for ann\n");
        let moved = json_of(&home, &["plugins", "update", "Demo", "--user", "ann"]);
        assert_eq!(moved, json!({"slug": "Demo", "user": "ann", "previous_version": "1.1.0", "new_version": "2.0.0"}));
        assert_eq!(run(&["rollback", "Demo"]), "Demo is back from 2.0.0 to 1.1.0 for ann\n");
        let back = json_of(&home, &["plugins", "rollback", "Demo", "--user", "ann"]);
        assert_eq!(back, json!({"slug": "Demo", "user": "ann", "previous_version": "1.1.0", "new_version": "1.0.0"}));
        let first = home.run(&["plugins", "rollback", "Demo", "--user", "ann"]);
        assert_eq!((first.status, first.stdout.as_str()), (1, ""), "{first:?}");
        assert!(first.stderr.contains("no earlier version"), "{first:?}");

        let shown = run(&["versions", "Demo"]);
        let words = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>().join(" ");
        let expected = ["VERSION CHANGE", "1.0.0 rollback", "1.1.0 rollback", "2.0.0 update", "1.1.0 update", "1.0.0 install"];
        assert_eq!(shown.lines().map(words).collect::<Vec<_>>(), expected);
        let history = json_of(&home, &["plugins", "versions", "Demo", "--user", "ann"]);
        let change = |step: &Value| (step["version"].as_str().unwrap().to_owned(), step["replaced_at"].is_null());
        let steps: Vec<_> = history.as_array().unwrap().iter().map(change).collect();
        assert_eq!(steps[..2], [("1.0.0".to_owned(), true), ("1.1.0".to_owned(), false)]);
        run(&["uninstall", "Demo"]);
        let absent = home.run(&["plugins", "versions", "Demo", "--user", "ann"]);
        assert_eq!((absent.status, absent.stdout.as_str()), (1, ""), "{absent:?}");
    }
}

both!(the_history_is_the_same_here_and_there);
async fn the_history_is_the_same_here_and_there(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    let history = json_of(&app.local(), &["plugins", "versions", "Demo", "--user", "ann"]);
    assert_eq!(json_of(&app.remote(&ann), &["plugins", "versions", "Demo"]), history);
    insta::assert_snapshot!(redact(&history), @r#"
    [
      {
        "version": "1.0.0",
        "change": "install",
        "installed_by": "ann",
        "installed_at": "[time]",
        "replaced_at": null
      }
    ]
    "#);
}

both!(everybody_gets_a_plugin_or_is_named);
async fn everybody_gets_a_plugin_or_is_named(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for (home, mode) in both_modes(&app).await.into_iter().zip(["Here", "There"]) {
        let (base, top) = (format!("Base{mode}"), format!("Top{mode}"));
        admin.publish(package(&base, "1.0.0").zip(), "").await.expect(201);
        admin.publish(package(&top, "1.0.0").with("dependencies", json!({base.as_str(): "^1"})).zip(), "").await.expect(201);
        home.run(&["plugins", "install", &base, "--user", "ann"]).done();

        let partly = home.run(&["plugins", "install", &top, "--all-users", "--output", "json"]);
        assert_eq!(partly.status, 1, "{partly:?}");
        let failed = json!([{"user_id": admin.user_id, "code": "dependency_missing"}]);
        assert_eq!(partly.json(), json!({"slug": top, "done": 1, "already_done": 0, "failed": failed}));
        let text = home.run(&["plugins", "install", &top, "--all-users"]);
        let expected = format!("{top}: 0 done, 1 already done, 1 failed\n  {}: dependency_missing\n", admin.user_id);
        assert_eq!((text.status, text.stdout), (1, expected));

        assert_eq!(text_of(&home, &["plugins", "install", &base, "--all-users"]), format!("{base}: 1 done, 1 already done, 0 failed\n"));
        let whole = json_of(&home, &["plugins", "install", &top, "--all-users"]);
        assert_eq!(whole, json!({"slug": top, "done": 1, "already_done": 1, "failed": []}));

        admin.publish(package(&base, "1.1.0").zip(), "").await.expect(201);
        admin.publish(package(&base, "2.0.0").zip(), "").await.expect(201);
        assert_eq!(json_of(&home, &["plugins", "update", &format!("{base}@^1"), "--all-users"])["done"], 2);
        let again = text_of(&home, &["plugins", "update", &format!("{base}@^1"), "--all-users"]);
        assert_eq!(again, format!("{base}: 0 done, 2 already done, 0 failed\n"));
        let needed = home.run(&["plugins", "update", &base, "--all-users", "--output", "json"]);
        assert_eq!((needed.status, needed.json()["failed"].as_array().unwrap().len()), (1, 2), "{needed:?}");
        assert_eq!(home.run(&["plugins", "update", &base, "--all-users", "--user", "ann"]).status, 2);
        assert_eq!(home.run(&["plugins", "update", "Absent", "--all-users"]).status, 1);
    }
    let refused = app.remote(&ann).run(&["plugins", "install", "BaseHere", "--all-users"]);
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""), "{refused:?}");
}

both!(a_package_is_published_and_given_to_everybody);
async fn a_package_is_published_and_given_to_everybody(app: TestApp) {
    app.user("ann").await;
    for (home, slug) in both_modes(&app).await.into_iter().zip(["Here", "There"]) {
        let folder = app.new_folder();
        package(slug, "1.0.0").write_to(folder.path());
        let given = text_of(&home, &["plugins", "install", folder.path().to_str().unwrap(), "--all-users"]);
        assert_eq!(given, format!("{slug}: 2 done, 0 already done, 0 failed\n"));
    }
}
