//! Killed anywhere, the next run finishes the work.

use std::time::Instant;

use super::{
    source::{Source, history_row, module_row, plugin_json, plugin_row, state_row, user_id},
    target::{clear, comparable, import},
};
use crate::support::{
    Db, TestApp,
    crash::{Moments, rounds},
};

const USERS: u32 = 12;
/// Of one user; more than go into one transaction.
const STATES: usize = 210;

/// Enough that there is a middle to be killed in.
fn fill(source: &Source) {
    for slug in ["One", "Two"] {
        for n in 0..4 {
            source.file(&format!("shared/{slug}/v1.0.0/assets/{n}.js"), format!("// {slug} {n}\n").repeat(200));
        }
        source.bundle(&format!("shared/{slug}/v1.0.0"), "// shared\n");
    }
    let users: Vec<String> = (0..USERS).map(user_id).collect();
    let ids: Vec<(String, String)> = users.iter().map(|user| (format!("{user}_One"), format!("{user}_Two"))).collect();
    let (mut plugins, mut modules, mut states, mut history) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (user, (one, two)) in users.iter().zip(&ids) {
        source.row("users", &[("id", Some(user)), ("username", Some(&user[28..])), ("created_at", Some("2025-01-01 00:00:00"))]);
        for plugin in [one, two] {
            plugins.push(plugin_row(plugin, user, &plugin[33..], "1.0.0", &[]));
            modules.push(module_row("main", plugin, user, &[]));
            states.push(state_row(plugin, user, plugin, r#"{"n":2}"#, &[]));
            history.push(history_row(plugin, plugin, "1", r#"{"n":1}"#, &[]));
        }
    }
    let keys: Vec<String> = (0..STATES).map(|n| format!("many{n}")).collect();
    states.extend(keys.iter().map(|key| state_row(key, &users[0], "One", r#"{"n":1}"#, &[("state_key", Some(key))])));
    source.rows("plugin", &plugins);
    source.rows("module", &modules);
    source.rows("plugin_states", &states);
    source.rows("plugin_state_history", &history);
    let policy = [("id", Some("c")), ("plugin_id", Some("One")), ("config_data", Some(r#"{"maxStateSize":100}"#))];
    source.row("plugin_state_configs", &policy);
    for n in 0..4 {
        source.plugin(&format!("{}/Own", user_id(n)), &plugin_json("Own", "1.0.0"), &format!("// {}\n", n % 2));
    }
}

both!(a_killed_import_is_finished_by_the_next_run);
async fn a_killed_import_is_finished_by_the_next_run(app: TestApp) {
    app.server.kill9();
    let source = Source::in_folder(app.new_folder(), Db::Sqlite);
    fill(&source);
    let database = ["import", "braindrive", "--database", &source.database.url, "--plugins", &source.folder(), "--apply"];
    let folder = ["import", "plugins", &source.folder(), "--apply"];
    let (home, target) = (&app.home, &app.database);
    for args in [&database[..], &folder[..]] {
        clear(target, home);
        let begin = Instant::now();
        home.run(args).done();
        let undisturbed = begin.elapsed();
        let expected = comparable(target, app.db, home);
        let mut moments = Moments::new();
        for round in 1..=rounds().div_ceil(2) {
            clear(target, home);
            let moment = moments.before(undisturbed);
            println!("round {round}: killed after {moment:?} of {undisturbed:?}");
            let mut running = home.start(args, "");
            std::thread::sleep(moment);
            running.kill9();
            running.wait();
            let finished = import(home, &args[1..]).clean();
            assert_eq!(finished.report["mode"], "apply");
            let found = comparable(target, app.db, home);
            for (expected, found) in expected.iter().zip(&found) {
                assert_eq!(String::from_utf8_lossy(&expected.1), String::from_utf8_lossy(&found.1), "{} {}", expected.0, found.0);
            }
            assert_eq!(found.len(), expected.len());
            import(home, &args[1..]).clean().assert_nothing_done();
        }
    }
}
