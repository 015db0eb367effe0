//! A bar on a terminal, and nothing of it elsewhere.

use std::{fs, process::Stdio};

use super::import::source::{Source, plugin_json, user_id};
use crate::support::{Db, database::TestDatabase, guardian::Guardian, old_tree::plain_installation, program::Home, tools};

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
    let source = Source::in_folder(Guardian::get().new_folder("source-"), Db::Sqlite);
    for number in 0..70 {
        source.plugin(&format!("{}/Imported", user_id(number)), &plugin_json("Imported", "1.0.0"), "// imported\n");
    }
    source.user(&user_id(0), "ann", "ann's old password");
    source.plugin_row(&format!("{}_Imported", user_id(0)), &user_id(0), "Imported", "1.0.0", &[]);
    for number in 0..70 {
        let id = format!("state{number}");
        source.state(&id, &user_id(0), "Imported", "{}", &[("state_key", Some(&id))]);
    }
    let (old, old_database) = (source.folder(), &source.database.url);
    for arguments in [
        format!("migrate-records {} --apply", folder.display()),
        "doctor".to_owned(),
        format!("import plugins {old} --apply"),
        format!("import braindrive --database {old_database} --plugins {old} --apply"),
    ] {
        // What is printed goes elsewhere, so that only the bar is left on the terminal.
        let command = format!("{program} {arguments} >printed");
        let mut terminal = home.command_of("script");
        let terminal = terminal.args(["-qec", &command, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null()).output().unwrap();
        assert!(terminal.status.success(), "{terminal:?}");
        let shown = String::from_utf8_lossy(&terminal.stdout).into_owned();
        let phases: Vec<&str> = bar.captures_iter(&shown).map(|found| found.get(1).unwrap().as_str()).collect();
        // Not every phase is drawn: short ones may be over before.
        let phase = if arguments.starts_with("import") { "folders" } else { "releases" };
        assert!(phases.contains(&phase), "{shown:?}");
        let printed = fs::read_to_string(home.path().join("printed")).unwrap();
        assert!(!printed.is_empty() && !printed.contains(['█', '░']), "{printed}");
        assert_eq!(home.run(&arguments.split(' ').collect::<Vec<_>>()).done().stderr, "", "without a terminal there is none");
    }
}
