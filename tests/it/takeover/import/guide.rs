use std::fs;

use super::source::{Source, user_id};
use crate::{
    support::{Db, guardian::Guardian},
    takeover::guide::follow,
};

#[test]
fn the_guide_works_as_it_is_written() {
    let old = Guardian::get().new_folder("old-");
    let source = Source::in_folder(Guardian::get().new_folder("source-"), Db::Sqlite);
    source.bundle("shared/Review/v1.0.0", "// review\n");
    for n in [1, 2] {
        let (user, name) = (user_id(n), format!("user{n}"));
        source.user(&user, &name, "an old password");
        source.plugin_row(&format!("{user}_Review"), &user, "Review", "1.0.0", &[]);
        source.module_row("main", &format!("{user}_Review"), &user, &[]);
        source.state(&name, &user, &format!("{user}_Review"), r#"{"n":2}"#, &[]);
        source.history(&name, &name, "1", r#"{"n":1}"#, &[]);
    }
    let database = source.database.url.strip_prefix("sqlite://").unwrap();
    fs::copy(database, old.path().join("braindrive.db")).unwrap();
    fs::rename(source.folder(), old.path().join("plugins")).unwrap();
    follow("docs/IMPORT.md", old.path());
}
