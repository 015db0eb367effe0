//! `audit`

use serde_json::{Value, json};

use super::both_modes;
use crate::support::{TestApp, package, program::Home};

fn actions(home: &Home, args: &[&str]) -> Vec<(String, String)> {
    let list = home.run(&[&["audit", "list", "--output", "json"], args].concat()).done().json();
    let text = |item: &Value, member: &str| item[member].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|item| (text(item, "action"), text(item, "object"))).collect()
}

both!(changes_are_listed_newest_first);
async fn changes_are_listed_newest_first(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    app.local().run(&["plugins", "disable", "Demo"]).done();
    let installed = ("plugin.install".to_owned(), format!("{}_Demo 1.0.0", ann.user_id));
    for home in both_modes(&app).await {
        let all = actions(&home, &[]);
        assert!(all.len() > 3, "{all:?}");
        let newest = [("release.unavailable".to_owned(), "Demo".to_owned()), installed.clone()];
        assert_eq!(actions(&home, &["--limit", "2"]), newest);
        assert_eq!(all[..2], newest);
        let text = home.run(&["audit", "list", "--limit", "1"]).done().stdout;
        assert!(text.lines().count() == 2 && text.contains("plugyard plugins disable") && text.ends_with("  Demo\n"), "{text}");
        assert_eq!(home.run(&["audit", "list", "--limit", "0"]).status, 2);
    }
    let json = |home: &Home| home.run(&["audit", "list", "--limit", "3", "--output", "json"]).done().json();
    assert_eq!(json(&app.local()), json(&app.remote(admin)));
    let own = actions(&app.remote(&ann), &[]);
    assert!(own.contains(&installed) && own.iter().all(|(action, _)| !action.starts_with("release.")), "{own:?}");
}

both!(a_long_list_is_read_in_pages);
async fn a_long_list_is_read_in_pages(app: TestApp) {
    let admin = app.admin().await;
    let insert = |n: u32| format!("('{n:032}', {n}, 'someone', NULL, 'plugin.install', 'x', 'done', NULL)");
    let rows = (0..1200).map(insert).collect::<Vec<_>>().join(", ");
    app.database.execute(&format!("INSERT INTO audit_log (id, at, actor, actor_id, action, object, outcome, request_id) VALUES {rows}"));
    for home in both_modes(&app).await {
        assert_eq!(actions(&home, &["--limit", "1100"]).len(), 1100);
    }
    assert!(actions(&app.remote(admin), &["--limit", "5000"]).len() >= 1200);
}
