//! The upgrade guide, run exactly as it is written, on a generated installation.

use std::{env, fs, net::TcpListener, path::Path};

use serde_json::json;

use crate::{
    documents::{blocks, read},
    support::{
        guardian::Guardian,
        old_tree::{OldTree, long, user_id},
        program::Home,
        tree::tree,
    },
};

/// What the guide calls the old installation, and where its server listens.
const OLD: &str = "/srv/braindrive";
const ADDRESS: &str = "127.0.0.1:8420";
const END: &str = "---- end of a block ----";

#[test]
fn the_guide_works_as_it_is_written() {
    let home = Home::bare();
    let old = Guardian::get().new_folder("old-");
    generate(&old.path().join("plugins"));
    let before = tree(old.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let blocks = blocks(&read("docs/UPGRADE.md"));
    let commands = blocks.iter().filter(|block| block.language == "sh").map(|block| format!("{}echo '{END}'\n", block.text));
    let script = commands.collect::<String>().replace(OLD, old.path().to_str().unwrap()).replace(ADDRESS, &port.to_string());
    let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}");

    let folder = Path::new(env!("CARGO_BIN_EXE_plugyard")).parent().unwrap();
    let path = env::join_paths(std::iter::once(folder.to_owned()).chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let home = home.with("listen", &port.to_string());
    let output =
        home.command_of("bash").args(["-euxo", "pipefail", "-c", &script]).env("PATH", path).output().expect("bash can be started");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{stdout}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    assert_eq!(tree(old.path()), before, "the old installation is only read");

    let mut printed = stdout.split(&format!("{END}\n")).map(str::to_owned).collect::<Vec<_>>().into_iter();
    let mut last = String::new();
    for block in blocks {
        match block.language.as_str() {
            "sh" => last = printed.next().unwrap_or_default(),
            "text" => assert!(last.ends_with(&block.text), "said to be printed is\n{}but it was\n{last}", block.text),
            _ => {}
        }
    }
    for number in [1, 2] {
        assert!(stdout.contains(&format!("{} is enabled", user_id(number))), "{stdout}");
    }
}

/// Two users, of whom one has two plugins.
fn generate(plugins: &Path) {
    let old = OldTree::new(plugins);
    old.releases("NetworkReview", &["1.0.0"]).releases("RandomColor", &["2.0.0"]);
    let both = json!({"NetworkReview": long("NetworkReview", "1.0.0"), "RandomColor": long("RandomColor", "2.0.0")});
    old.records(&format!("user_{}", user_id(1)), &both);
    old.records(&format!("user_{}", user_id(2)), &json!({"NetworkReview": long("NetworkReview", "1.0.0")}));
    fs::write(plugins.join("manifest.json"), "{\"plugins\": []}").unwrap();
}
