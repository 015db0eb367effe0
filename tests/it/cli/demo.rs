//! `serve --demo`

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{TestApp, server::TestServer};

both!(the_demo_can_be_tried_again_and_again);
async fn the_demo_can_be_tried_again_and_again(app: TestApp) {
    app.server.stop_gracefully();
    let server = TestServer::start_with(&app.home, &["--demo"]);
    let first = said(&server);
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
    let second = said(&server);
    assert!(second.contains("  ann, made by an earlier start") && !second.contains("with the password"), "{second}");
    let commands = curls(&second);
    assert_eq!(commands.len(), 3, "{second}");
    assert_eq!(paste(&commands[0])["data"]["version"], "1.0.0");
    assert!(paste(&commands[1])["HelloPlugin"].is_object());
}

/// What the server wrote once it has written everything; the harness waits for the address alone.
fn said(server: &TestServer) -> String {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let log = server.log();
        if log.contains("All routes: ") {
            return log;
        }
        assert!(Instant::now() < give_up, "{log}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn curls(log: &str) -> Vec<String> {
    log.lines().filter_map(|line| line.strip_prefix("  curl ")).map(|rest| format!("curl --fail --silent {rest}")).collect()
}

fn paste(command: &str) -> Value {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
