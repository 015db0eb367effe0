//! `migrate`

use serde_json::json;

use crate::support::{Db, TestApp, database::TestDatabase, program::Home};

#[test]
fn the_schema_goes_up_and_down() {
    for db in [Db::Sqlite, Db::Postgres].into_iter().filter(|db| db.is_available()) {
        let home = Home::bare();
        let database = TestDatabase::create_bare(db, home.path());
        let home = home.with_data(&database.url);
        let status = || home.run(&["migrate", "status", "--output", "json"]).done().json();
        let names: Vec<_> = status().as_array().unwrap().iter().map(|migration| migration["name"].clone()).collect();
        assert!(names.len() > 3 && names[0].as_str().unwrap().ends_with("_accounts"), "{names:?}");
        let all = |applied: bool| json!(names.iter().map(|name| json!({"name": name, "applied": applied})).collect::<Vec<_>>());
        assert_eq!(status(), all(false));

        let run = home.run(&["migrate", "run"]).done().stdout;
        assert_eq!(run, names.iter().map(|name| format!("{} applied\n", name.as_str().unwrap())).collect::<String>());
        assert_eq!(status(), all(true));
        assert_eq!(home.run(&["migrate", "run"]).done().stdout, "the schema is up to date\n");
        assert_eq!(home.run(&["migrate", "run", "--output", "json"]).done().json(), json!({"applied": []}));

        for name in names.iter().rev() {
            assert_eq!(home.run(&["migrate", "revert", "--output", "json"]).done().json(), json!({"reverted": name}));
        }
        assert_eq!(home.run(&["migrate", "revert"]).done().stdout, "there is no migration to take back\n");
        assert_eq!(status(), all(false));
        let shown = home.run(&["migrate", "status"]).done().stdout;
        assert!(shown.lines().skip(1).all(|line| line.ends_with("  pending")), "{shown}");
    }
}

both!(nothing_is_taken_back_under_a_running_server);
async fn nothing_is_taken_back_under_a_running_server(app: TestApp) {
    let refused = app.local().run(&["migrate", "revert"]);
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("another plugyard process"), "{refused:?}");
    app.anonymous().get("/readyz").await.expect(200);
}
