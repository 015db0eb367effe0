//! Each `sh` block of a document is run, in their order, in one shell, beside a `serve --demo` on the data of its folder. A
//! `text` block right below says what is printed. `<!-- needs: PROGRAM -->` above a block leaves it out where that is missing.

use std::{collections::BTreeSet, env, os::unix::fs::symlink, path::Path};

use regex::Regex;

use super::{Block, all, blocks, read, root};
use crate::support::{program::Home, server::TestServer, tools};

/// Where the documents' server listens; the test's is put in its place.
const ADDRESS: &str = "127.0.0.1:8420";
const START: &str = "<!-- command: start -->";
const TEST: &str = "<!-- command: test -->";
const END: &str = "---- end of a block ----";
/// Run on an installation of its own, in `takeover/guide.rs`.
const GUIDE: &str = "docs/UPGRADE.md";

#[tokio::test]
async fn the_readme_starts_a_server_that_is_ready() {
    let command = marked(START);
    let args = command.strip_prefix("cargo run --release -- serve ").unwrap_or_else(|| panic!("{command}"));
    let home = Home::bare();
    let server = TestServer::start_with(&home, &args.split_whitespace().collect::<Vec<_>>());
    let ready = reqwest::get(format!("{}/readyz", server.base())).await.unwrap();
    assert_eq!(ready.status(), 200);
}

/// `.ci/run` reads it from there.
#[test]
fn the_readme_names_the_test_command() {
    assert!(marked(TEST).starts_with("cargo test"), "{}", marked(TEST));
    assert!(read(".ci/run").contains(TEST));
}

/// The one line of the README's block below this mark.
fn marked(mark: &str) -> String {
    let found: Vec<Block> = blocks(&read("README.md")).into_iter().filter(|block| block.above == mark).collect();
    assert_eq!(found.len(), 1, "{mark}");
    assert_eq!(found[0].text.lines().count(), 1, "{mark}");
    found[0].text.trim().to_owned()
}

#[test]
fn every_command_in_a_document_works() {
    let mut run = 0;
    for name in all() {
        let mut blocks = blocks(&read(&name));
        blocks.retain(|block| ![START, TEST].contains(&block.above.as_str()) && needed(block).is_none_or(tools::is_there));
        if name != GUIDE && blocks.iter().any(|block| block.language == "sh") {
            try_commands(&name, &blocks);
            run += 1;
        }
    }
    assert!(run > 2, "only {run} documents hold commands");
}

#[test]
fn every_command_that_is_named_is_there() {
    let named = Regex::new(r"`plugyard ([a-z-]+)").unwrap();
    let text = all().iter().map(|name| read(name)).collect::<String>();
    let commands = named.captures_iter(&text).map(|found| found[1].to_owned()).collect::<BTreeSet<_>>();
    assert!(commands.len() > 2, "{commands:?}");
    let home = Home::bare();
    for command in commands {
        assert_eq!(home.run(&["help", &command]).status, 0, "there is no plugyard {command}");
    }
}

/// The program that a block needs and this repository does not bring.
fn needed(block: &Block) -> Option<&str> {
    block.above.strip_prefix("<!-- needs: ")?.strip_suffix(" -->")
}

fn try_commands(name: &str, blocks: &[Block]) {
    let home = Home::bare();
    symlink(root().join("examples"), home.path().join("examples")).unwrap();
    let server = TestServer::start_with(&home, &["--demo"]);
    let commands = blocks.iter().filter(|block| block.language == "sh").map(|block| format!("{}echo '{END}'\n", block.text));
    let script = commands.collect::<String>().replace(ADDRESS, server.base().trim_start_matches("http://"));

    let folder = Path::new(env!("CARGO_BIN_EXE_plugyard")).parent().unwrap();
    let path = env::join_paths(std::iter::once(folder.to_owned()).chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let output =
        home.command_of("bash").args(["-euxo", "pipefail", "-c", &script]).env("PATH", path).output().expect("bash can be started");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name}: {}\n{stdout}\n{}", output.status, String::from_utf8_lossy(&output.stderr));

    let end = format!("{END}\n");
    let mut printed = stdout.split(&end).map(str::to_owned);
    let mut last = String::new();
    for block in blocks {
        match block.language.as_str() {
            "sh" => last = printed.next().unwrap_or_default(),
            "text" if block.above == "```" => {
                assert!(last.ends_with(&block.text), "{name}: said to be printed is\n{}but it was\n{last}", block.text)
            }
            _ => {}
        }
    }
}
