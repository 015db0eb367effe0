//! The sample host page in a real browser, on both databases. `tests/browser/host-page.mjs` says what it tries; this starts the
//! server, which has to know the page's origin.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{Db, TestApp, program::ADMIN_PASSWORD, tools};

#[test]
fn users_see_their_plugins_in_the_host_page_sqlite() {
    users_see_their_plugins_in_the_host_page(Db::Sqlite);
}

#[test]
fn users_see_their_plugins_in_the_host_page_postgres() {
    users_see_their_plugins_in_the_host_page(Db::Postgres);
}

fn users_see_their_plugins_in_the_host_page(db: Db) {
    let Some(browser) = browser() else { return };
    if !db.is_available() {
        return;
    }
    let script = root().join("tests/browser/host-page.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .env("CHROMIUM", browser)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node can be started");
    let mut page = String::new();
    BufReader::new(node.stdout.take().unwrap()).read_line(&mut page).unwrap();
    let app = TestApp::start(db, &[("allowed_origins", page.trim())]);
    let told = json!({"server": app.server.base(), "password": ADMIN_PASSWORD});
    writeln!(node.stdin.take().unwrap(), "{told}").unwrap();
    assert!(node.wait().unwrap().success(), "above is what the page did not do");
}

/// The browser; none where it or what the page's test needs is missing. `PLUGYARD_REQUIRE_BROWSER=1` makes that a failure.
fn browser() -> Option<PathBuf> {
    let browser = ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| tools::find(name));
    let has_packages = |folder: &str| root().join(folder).join("node_modules").is_dir();
    let missing = if browser.is_none() {
        "Chromium is not installed"
    } else if tools::find("node").is_none() {
        "node is not installed"
    } else if !has_packages("tests/browser") {
        "`npm ci` was not run in tests/browser"
    } else if !has_packages("examples/hello-federated") {
        "`npm ci` was not run in examples/hello-federated"
    } else {
        return browser;
    };
    tools::skip(missing, "PLUGYARD_REQUIRE_BROWSER");
    None
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
