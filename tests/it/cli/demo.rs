//! `serve --demo`

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::support::{TestApp, server::TestServer};

both!(the_demo_can_be_tried_again_and_again);
async fn the_demo_can_be_tried_again_and_again(app: TestApp) {
    app.server.stop_gracefully();
    let server = TestServer::start_with(&app.home, &["--demo"]);
    let first = server.log();
    assert_eq!(first.lines().filter(|line| line.starts_with("listening on http://")).count(), 1, "{first}");

    let commands = curls(&first);
    assert_eq!(commands.len(), 4, "{first}");
    let answers: Vec<Value> = commands.iter().map(|command| paste(command)).collect();
    assert_eq!(answers[0]["data"]["plugin_slug"], "HelloPlugin");
    assert_eq!(answers[1]["HelloPlugin"]["version"], "1.0.0");
    assert_eq!(answers[2]["status"], "success");
    assert_eq!(answers[3]["user"]["username"], "ann");

    // By hand it is the same release.
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello-esm");
    let again = app.local().run(&["publish", sample.to_str().unwrap()]).done();
    assert!(again.stdout.ends_with(" already there\n"), "{again:?}");

    server.restart();
    let second = server.log();
    assert!(second.contains("  ann, made by an earlier start") && !second.contains("with the password"), "{second}");
    let commands = curls(&second);
    assert_eq!(commands.len(), 3, "{second}");
    assert_eq!(paste(&commands[0])["data"]["version"], "1.0.0");
    assert!(paste(&commands[1])["HelloPlugin"].is_object());
}

fn curls(log: &str) -> Vec<String> {
    log.lines().filter_map(|line| line.strip_prefix("  curl ")).map(|rest| format!("curl --fail --silent {rest}")).collect()
}

fn paste(command: &str) -> Value {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
