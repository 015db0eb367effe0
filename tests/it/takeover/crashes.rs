//! `migrate-records` killed at random moments: the next run finishes the work, and the originals can be put back.

use std::{fs, path::Path, thread, time::Instant};

use serde_json::json;

use super::{migrate, report};
use crate::support::{
    TestApp,
    crash::{Moments, rounds},
    old_tree::{long, plain_installation, user_id},
    tree::tree,
};

/// More than go into one transaction.
const USERS: usize = 205;
/// Those in the middle have a file without entries: it costs little and takes part.
const WITH_ENTRIES: usize = 24;
const SLUGS: usize = 2;

both!(a_killed_run_is_finished_by_the_next);
async fn a_killed_run_is_finished_by_the_next(app: TestApp) {
    app.server.stop_gracefully();
    let root = app.home.plugins_dir();
    let users = root.join("users");
    let old = plain_installation(&root, USERS, SLUGS);
    for number in WITH_ENTRIES / 2..USERS - WITH_ENTRIES / 2 {
        old.records(&format!("user_{}", user_id(number)), &json!({}));
    }
    // One entry that can never move, so that its file is met again by every run.
    old.records(&format!("user_{}", user_id(USERS)), &json!({"P0": long("P0", "1.0.0"), "P1": long("P1", "latest")}));
    let originals = tree(&users);
    let begin = Instant::now();
    assert_eq!(migrate(&app, &["--apply"]).status, 1);
    let undisturbed = begin.elapsed();
    let migrated = tree(&users);
    let rows = "SELECT user_id || plugin_slug || version || config || created_at || updated_at AS value FROM plugins ORDER BY 1";
    let expected = app.database.values(rows);
    assert_eq!(expected.len(), WITH_ENTRIES * SLUGS + 1);
    undo_all(&app, &root);
    assert_eq!(tree(&users), originals);

    let folder = root.display().to_string();
    let mut moments = Moments::new();
    for round in 1..=rounds() {
        // The records are the originals again: each round ends so.
        fs::remove_dir_all(root.join("backups")).unwrap();
        app.database.execute("DELETE FROM users WHERE password_hash IS NULL; DELETE FROM releases; DELETE FROM plugin_config");
        let moment = moments.before(undisturbed);
        println!("round {round}: killed after {moment:?} of {undisturbed:?}");
        let mut running = app.home.start(&["migrate-records", &folder, "--apply"], "");
        thread::sleep(moment);
        running.kill9();
        drop(running.wait());

        let second = migrate(&app, &["--apply"]);
        assert_eq!(second.status, 1, "{second:?}");
        let second = report(&second);
        assert_eq!(tree(&users), migrated, "round {round}");
        assert_eq!(app.database.values(rows), expected, "round {round}");
        let notes: Vec<_> = second["items"].as_array().unwrap().iter().filter(|item| item["notes"] != json!([])).collect();
        assert!(notes.is_empty(), "rows of the killed run say the same: {notes:#?}");
        let checkup = app.local().run(&["doctor", "--output", "json"]);
        let kinds: Vec<_> = checkup.json()["differences"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
        assert_eq!(kinds, ["long_record"], "round {round}: {}", checkup.stdout);

        undo_all(&app, &root);
        assert_eq!(tree(&users), originals, "round {round}");
    }
}

both!(a_killed_undo_is_finished_by_the_next);
async fn a_killed_undo_is_finished_by_the_next(app: TestApp) {
    app.server.stop_gracefully();
    let root = app.home.plugins_dir();
    let users = root.join("users");
    plain_installation(&root, USERS, SLUGS);
    let originals = tree(&users);
    let folder = root.display().to_string();
    let mut moments = Moments::new();
    let mut undisturbed = None;
    for round in 0..=rounds().div_ceil(2) {
        let applied = report(&migrate(&app, &["--apply"]).done());
        let backup = applied["backup"].as_str().unwrap();
        let begin = Instant::now();
        match undisturbed {
            None => {
                migrate(&app, &["--undo", backup]).done();
                undisturbed = Some(begin.elapsed());
            }
            Some(undisturbed) => {
                let moment = moments.before(undisturbed);
                println!("round {round}: killed after {moment:?} of {undisturbed:?}");
                let mut running = app.home.start(&["migrate-records", &folder, "--undo", backup], "");
                thread::sleep(moment);
                running.kill9();
                drop(running.wait());
                let finished = report(&migrate(&app, &["--undo", backup]).done());
                let counts = &finished["counts"]["record_file"];
                assert_eq!(counts["done"].as_u64().unwrap() + counts["already_done"].as_u64().unwrap(), USERS as u64, "round {round}");
            }
        }
        assert_eq!(tree(&users), originals, "round {round}");
    }
}

/// Puts back what all runs replaced, the last one first.
fn undo_all(app: &TestApp, root: &Path) {
    let mut backups: Vec<_> = fs::read_dir(root.join("backups")).unwrap().map(|entry| entry.unwrap().path()).collect();
    // A second one of the same second has a number behind.
    backups.sort_by_key(|path| std::cmp::Reverse((path.to_str().unwrap().len(), path.clone())));
    for backup in backups {
        migrate(app, &["--undo", backup.to_str().unwrap()]).done();
    }
}
