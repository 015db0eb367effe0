//! A bar on a terminal, and nothing of it elsewhere.

use std::{fs, process::Stdio};

use crate::support::{Db, database::TestDatabase, old_tree::plain_installation, program::Home, tools};

#[test]
fn a_terminal_shows_how_far_it_has_come() {
    if !tools::is_there("script") {
        return;
    }
    let home = Home::bare();
    let database = TestDatabase::create(Db::Sqlite, home.path());
    let home = home.with_data(&database.url);
    let folder = home.plugins_dir();
    plain_installation(&folder, 70, 2);
    let program = env!("CARGO_BIN_EXE_plugyard");
    let bar = regex::Regex::new(r"([a-z]+) [█░]+ \d+/\d+").unwrap();
    for arguments in [format!("migrate-records {} --apply", folder.display()), "doctor".to_owned()] {
        // What is printed goes elsewhere, so that only the bar is left on the terminal.
        let command = format!("{program} {arguments} >printed");
        let mut terminal = home.command_of("script");
        let terminal = terminal.args(["-qec", &command, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null()).output().unwrap();
        assert!(terminal.status.success(), "{terminal:?}");
        let shown = String::from_utf8_lossy(&terminal.stdout).into_owned();
        let phases: Vec<&str> = bar.captures_iter(&shown).map(|found| found.get(1).unwrap().as_str()).collect();
        assert!(phases.contains(&"releases"), "{shown:?}");
        let printed = fs::read_to_string(home.path().join("printed")).unwrap();
        assert!(!printed.is_empty() && !printed.contains(['█', '░']), "{printed}");
        assert_eq!(home.run(&arguments.split(' ').collect::<Vec<_>>()).done().stderr, "", "without a terminal there is none");
    }
}
