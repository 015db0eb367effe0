//! Killed anywhere, the next run finishes the work.

use std::time::Instant;

use super::{
    source::{Source, module_row, plugin_json, plugin_row, user_id},
    target::{comparable, import},
};
use crate::support::{
    TestApp,
    crash::{Moments, rounds},
    database::TestDatabase,
    program::Home,
};

const USERS: u32 = 40;

/// Enough that there is a middle to be killed in.
fn fill(source: &Source) {
    for slug in ["One", "Two"] {
        for n in 0..20 {
            source.file(&format!("shared/{slug}/v1.0.0/assets/{n}.js"), format!("// {slug} {n}\n").repeat(200));
        }
        source.bundle(&format!("shared/{slug}/v1.0.0"), "// shared\n");
    }
    let users: Vec<String> = (0..USERS).map(user_id).collect();
    let ids: Vec<(String, String)> = users.iter().map(|user| (format!("{user}_One"), format!("{user}_Two"))).collect();
    for user in &users {
        source.row("users", &[("id", Some(user)), ("username", Some(&user[28..])), ("created_at", Some("2025-01-01 00:00:00"))]);
    }
    let mut plugins = Vec::new();
    let mut modules = Vec::new();
    for (user, (one, two)) in users.iter().zip(&ids) {
        plugins.push(plugin_row(one, user, "One", "1.0.0", &[]));
        plugins.push(plugin_row(two, user, "Two", "1.0.0", &[]));
        modules.push(module_row("main", one, user, &[]));
        modules.push(module_row("main", two, user, &[]));
    }
    source.rows("plugin", &plugins);
    source.rows("module", &modules);
    for n in 0..4 {
        source.plugin(&format!("{}/Own", user_id(n)), &plugin_json("Own", "1.0.0"), &format!("// {}\n", n % 2));
    }
}

/// A target of its own, without any user.
fn fresh(app: &TestApp) -> (Home, TestDatabase) {
    let home = Home::bare();
    let database = TestDatabase::create(app.db, home.path());
    (home.with_data(&database.url), database)
}

both!(a_killed_import_is_finished_by_the_next_run);
async fn a_killed_import_is_finished_by_the_next_run(app: TestApp) {
    let source = Source::new(&app);
    fill(&source);
    let database = ["import", "braindrive", "--database", &source.database.url, "--plugins", &source.folder(), "--apply"];
    let folder = ["import", "plugins", &source.folder(), "--apply"];
    for args in [&database[..], &folder[..]] {
        let (home, whole) = fresh(&app);
        let begin = Instant::now();
        home.run(args).done();
        let undisturbed = begin.elapsed();
        let expected = comparable(&whole, app.db, &home);
        let mut moments = Moments::new();
        for round in 1..=rounds().div_ceil(2) {
            let moment = moments.before(undisturbed);
            println!("round {round}: killed after {moment:?} of {undisturbed:?}");
            let (home, database) = fresh(&app);
            let mut running = home.start(args, "");
            std::thread::sleep(moment);
            running.kill9();
            running.wait();
            let finished = import(&home, &args[1..]).clean();
            assert_eq!(finished.report["mode"], "apply");
            let found = comparable(&database, app.db, &home);
            for (expected, found) in expected.iter().zip(&found) {
                assert_eq!(String::from_utf8_lossy(&expected.1), String::from_utf8_lossy(&found.1), "{} {}", expected.0, found.0);
            }
            assert_eq!(found.len(), expected.len());
            import(&home, &args[1..]).clean().assert_nothing_done();
        }
    }
}
