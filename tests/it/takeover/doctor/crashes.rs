//! A repair that is killed, and finished by the next.

use std::fs;

use serde_json::Value;

use super::{is_clean, states::with_state};
use crate::support::{
    TestApp,
    crash::{Moments, rounds},
    old_tree::OldTree,
    tree::tree,
};

both!(a_killed_repair_is_finished_by_the_next);
async fn a_killed_repair_is_finished_by_the_next(app: TestApp) {
    let ann = with_state(&app).await;
    app.server.stop_gracefully();
    let root = app.home.plugins_dir();
    let record = root.join(format!("users/user_{}/installed_plugins.json", ann.user_id));
    let damage = |round: u32| {
        fs::remove_file(&record).unwrap();
        app.database.execute(
            "UPDATE releases SET size = 1; UPDATE plugin_config SET latest_version = '1.0.0'; UPDATE state_usage SET size = 0; \
             DELETE FROM modules WHERE id = 'm1'; DELETE FROM user_heads",
        );
        let old = OldTree::new(&root);
        old.file(&format!("shared/stray{round}"), "x").file(&format!("users/stray{round}/x"), "x");
        old.releases(&format!("New{round}"), &["1.0.0"]);
    };
    let repair = || app.local().run(&["doctor", "--repair"]);
    damage(0);
    let begin = std::time::Instant::now();
    repair().done();
    let undisturbed = begin.elapsed();
    let mut moments = Moments::new();
    for round in 1..=rounds() {
        damage(round);
        let moment = moments.before(undisturbed);
        println!("round {round}: killed after {moment:?} of {undisturbed:?}");
        let mut running = app.home.start(&["doctor", "--repair"], "");
        std::thread::sleep(moment);
        running.kill9();
        running.wait();
        repair().done();
        is_clean(&app);
        let backups = tree(&root.join("backups"));
        for stray in [format!("shared/stray{round}"), format!("users/stray{round}/x")] {
            assert!(backups.keys().any(|path| path.ends_with(&stray)), "{stray} is in no backup: {:?}", backups.keys());
        }
        let entry: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
        assert_eq!(entry["Demo"]["installation_metadata"]["installation_type"], "rebuilt");
    }
}
