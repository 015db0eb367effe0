//! Programs that some tests use and that a developer's machine may lack.

use std::{
    env,
    io::{Write, stderr},
    path::PathBuf,
};

/// Where a program is found; none where it is not.
pub fn find(name: &str) -> Option<PathBuf> {
    // Debian keeps servers where only root's PATH leads.
    let folders = env::split_paths(&env::var_os("PATH")?).chain(["/usr/sbin".into()]).collect::<Vec<_>>();
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether a program is installed. Where it is not, see [`skip`].
pub fn is_there(name: &str) -> bool {
    let is_there = find(name).is_some();
    if !is_there {
        skip(&format!("{name} is not installed"), "PLUGYARD_REQUIRE_TOOLS");
    }
    is_there
}

/// Says that a test is skipped, loudly, past the capture of the test runner; `requirement=1` in the environment makes it a failure.
pub fn skip(missing: &str, requirement: &str) {
    let required = env::var_os(requirement).is_some_and(|value| value == "1");
    assert!(!required, "{requirement}=1, but {missing}");
    writeln!(stderr(), "SKIPPED: a test, because {missing}").expect("standard error takes a line");
}
