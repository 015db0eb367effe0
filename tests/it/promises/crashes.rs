//! `kill -9` at random moments: afterwards everything is whole or absent, and can be done again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, thread,
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Db, Package, TestApp,
    app::run_on,
    crash::{crash_rounds, rounds},
    package,
};

fn succeeded(answer: Option<&Answer>) -> bool {
    answer.is_some_and(|answer| (200..300).contains(&answer.status))
}

/// The slugs that the user has a row for, and those with a record.
fn rows_and_records(app: &TestApp, user: &Client) -> (BTreeSet<String>, BTreeSet<String>) {
    let rows = app.database.values(&format!("SELECT plugin_slug AS value FROM plugins WHERE user_id = '{}'", user.user_id));
    let file = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", user.user_id));
    let records = match fs::read(&file) {
        Ok(text) => serde_json::from_slice::<BTreeMap<String, Value>>(&text).expect("the file is whole").into_keys().collect(),
        Err(_) => BTreeSet::new(),
    };
    (rows.into_iter().collect(), records)
}

/// After a restart nothing waits to be written, so row and record agree without anybody asking for them.
#[track_caller]
fn assert_agreement(app: &TestApp, user: &Client) -> BTreeSet<String> {
    let (rows, records) = rows_and_records(app, user);
    assert_eq!(rows, records);
    assert_eq!(app.database.values("SELECT plugin_slug AS value FROM pending_records"), Vec::<String>::new());
    rows
}

/// SQLite's log belongs to whoever has the database open. A backup with another program closes the database as if it were the
/// last to use it, and only the server's locks tell it that it is not.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_others_do_with_the_database_takes_nothing_from_the_server() {
    let app = TestApp::start(Db::Sqlite, &[]);
    let admin = app.admin().await;
    let add = async |name: &str| {
        let user = json!({"username": name, "password": "a long enough password"});
        admin.post("/api/v1/users").json(user).await.expect(201);
    };
    add("before").await;
    // A backup that closes the file asks for them.
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let file = fs::metadata(app.database.url.strip_prefix("sqlite://").unwrap()).unwrap();
    let inode = format!(":{}", std::os::unix::fs::MetadataExt::ino(&file));
    let is_held = |line: &str| line.split_whitespace().any(|word| word.ends_with(&inode));
    assert!(locks.lines().any(is_held), "SQLite holds a lock on its file\n{locks}");
    add("after").await;
    app.local().run(&["user", "add", "beside"]).done();
    assert_eq!(admin.get("/api/v1/users?limit=100").await.json()["items"].as_array().unwrap().len(), 4, "one database for all");
    app.server.kill9();
    let kept = app.database.values("SELECT username AS value FROM users ORDER BY username");
    assert_eq!(kept, ["admin", "after", "before", "beside"]);
}

both!(publishing_survives_a_crash);
async fn publishing_survives_a_crash(app: TestApp) {
    let demo = |round: u32| -> Package {
        (0..20).fold(package("Demo", &format!("1.0.{round}")), |demo, n| {
            demo.file(&format!("dist/{n}/chunk.js"), format!("{round} {n}").repeat(2000))
        })
    };
    let publish = async |app: &TestApp, round: u32| {
        app.admin().await.post("/api/v1/releases?visibility=public").body(demo(round).zip()).attempt().await
    };
    let check = async |app: &TestApp, round: u32, answer: Option<Answer>| {
        let admin = app.admin().await;
        app.anonymous().get("/readyz").await.expect(200);
        app.assert_no_leftovers();
        let release = format!("/api/v1/releases/Demo/1.0.{round}");
        let found = admin.get(&release).await;
        if succeeded(answer.as_ref()) {
            assert_eq!(found.status, 200, "an acknowledged release is lost");
        }
        // Whole, or absent and publishable.
        let again = admin.publish(demo(round).zip(), "visibility=public").await;
        assert_eq!(
            again.status,
            if found.status == 200 {
                200
            } else {
                found.expect(404);
                201
            },
            "{}",
            again.text()
        );
        for (path, content) in demo(round).files() {
            let served = app.anonymous().get(&format!("/api/v1/files/Demo/v1.0.{round}/{path}")).await.expect(200);
            assert!(served.bytes == content, "{path} of round {round} is not what was published");
        }
        app.assert_no_leftovers();
    };
    crash_rounds(&app, publish, check).await;
    let versions = app.admin().await.get("/api/v1/releases/Demo").await.expect(200).json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), rounds() as usize + 1);
}

/// A release for each round.
async fn publish_one_for_each_round(app: &TestApp) {
    for round in 0..=rounds() {
        app.admin().await.publish(package(&format!("P{round}"), "1.0.0").module("m").zip(), "").await.expect(201);
    }
}

both!(installing_survives_a_crash);
async fn installing_survives_a_crash(app: TestApp) {
    publish_one_for_each_round(&app).await;
    let ann = app.user("ann").await;
    let install = async |_: &TestApp, round: u32| {
        ann.post(&format!("/api/v1/plugins/P{round}/install")).json(json!({"config": {"a": 1}})).attempt().await
    };
    let check = async |app: &TestApp, round: u32, answer: Option<Answer>| {
        app.anonymous().get("/readyz").await.expect(200);
        app.assert_no_leftovers();
        let slug = format!("P{round}");
        let is_there = assert_agreement(app, &ann).contains(&slug);
        assert!(is_there || !succeeded(answer.as_ref()), "an acknowledged installation is lost");
        let again = ann.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({"config": {"a": 1}})).await;
        assert_eq!(again.status, if is_there { 409 } else { 200 }, "{}", again.text());
        // Whole: with its module, its values, its history and its file.
        let plugin = format!("/api/v1/plugins/{slug}");
        assert_eq!(ann.get(&format!("{plugin}/modules")).await.expect(200).json()["modules"].as_array().unwrap().len(), 1);
        assert_eq!(ann.get(&format!("{plugin}/config")).await.expect(200).json()["own"], json!({"a": 1}));
        assert_eq!(ann.get(&format!("{plugin}/versions")).await.expect(200).json()["items"].as_array().unwrap().len(), 1);
        ann.get(&format!("{plugin}/dist/index.js")).await.expect(200);
    };
    crash_rounds(&app, install, check).await;
}

both!(uninstalling_survives_a_crash);
async fn uninstalling_survives_a_crash(app: TestApp) {
    publish_one_for_each_round(&app).await;
    let ann = app.user("ann").await;
    for round in 0..=rounds() {
        ann.post(&format!("/api/v1/plugins/P{round}/install")).json(json!({})).await.expect(200);
    }
    let uninstall = async |_: &TestApp, round: u32| ann.delete(&format!("/api/v1/plugins/P{round}/uninstall")).attempt().await;
    let check = async |app: &TestApp, round: u32, answer: Option<Answer>| {
        app.anonymous().get("/readyz").await.expect(200);
        let slug = format!("P{round}");
        let is_there = assert_agreement(app, &ann).contains(&slug);
        assert!(!is_there || !succeeded(answer.as_ref()), "an acknowledged removal is undone");
        let file = ann.get(&format!("/api/v1/plugins/{slug}/dist/index.js")).await;
        assert_eq!(file.status, if is_there { 200 } else { 404 });
        let again = ann.delete(&format!("/api/v1/plugins/{slug}/uninstall")).await;
        assert_eq!(again.status, if is_there { 200 } else { 404 }, "{}", again.text());
        ann.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await.expect(200);
    };
    crash_rounds(&app, uninstall, check).await;
}

both!(many_record_writes_survive_a_crash);
async fn many_record_writes_survive_a_crash(app: TestApp) {
    const SLUGS: u32 = 6;
    for n in 0..SLUGS {
        app.admin().await.publish(package(&format!("S{n}"), "1.0.0").zip(), "").await.expect(201);
    }
    let users = [app.user("ann").await, app.user("bob").await];
    // Every user changes every plugin at once: what is even is installed in even rounds and removed in odd ones.
    let change = async |_: &TestApp, round: u32| {
        let one = async |user: &Client, n: u32| {
            let plugin = format!("/api/v1/plugins/S{n}");
            let installs = (n + round).is_multiple_of(2);
            let answer = match installs {
                true => user.post(&format!("{plugin}/install")).json(json!({})).attempt().await,
                false => user.delete(&format!("{plugin}/uninstall")).attempt().await,
            };
            (user.user_id.clone(), format!("S{n}"), installs, answer.map(|answer| answer.status))
        };
        join_all(users.iter().flat_map(|user| (0..SLUGS).map(move |n| (user, n))).map(|(user, n)| one(user, n))).await
    };
    let check = async |app: &TestApp, _: u32, outcomes: Vec<(String, String, bool, Option<u16>)>| {
        app.anonymous().get("/readyz").await.expect(200);
        app.assert_no_leftovers();
        for user in &users {
            let has = assert_agreement(app, user);
            for (_, slug, installed, _) in outcomes.iter().filter(|(id, _, _, status)| *id == user.user_id && *status == Some(200)) {
                assert_eq!(has.contains(slug), *installed, "{slug}: what was acknowledged is not so");
            }
            let listed = user.get("/api/v1/plugins").await.expect(200).json();
            let listed: BTreeSet<String> =
                listed["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect();
            assert_eq!(listed, has);
        }
    };
    crash_rounds(&app, change, check).await;
}

#[test]
fn a_commit_that_outlives_its_process_is_waited_for() {
    run_on(Db::Postgres, &[], async |app: TestApp| {
        app.admin().await.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
        let ann = app.user("ann").await;
        ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
        app.server.kill9();
        // What the database is left to finish: a removal, with what the record must show.
        let removal = format!(
            "BEGIN; DELETE FROM plugins WHERE user_id = '{id}'; \
             INSERT INTO pending_records (user_id, plugin_slug) VALUES ('{id}', 'Demo'); SELECT pg_sleep(2); COMMIT",
            id = ann.user_id
        );
        thread::scope(|scope| {
            let commit = scope.spawn(|| app.database.execute(&removal));
            let sleeping = "SELECT query AS value FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
            while app.database.values(sleeping).is_empty() {
                assert!(!commit.is_finished(), "it was to be met while it runs");
            }
            app.server.restart();
        });
        assert_eq!(assert_agreement(&app, &ann), BTreeSet::new());
    });
}
