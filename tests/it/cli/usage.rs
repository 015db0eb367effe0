//! Wrong use ends with 2, a refusal with 1, and a failed command prints no result.

use std::net::TcpListener;

use super::both_modes;
use crate::support::{TestApp, program::Home};

#[track_caller]
fn assert_fails(home: &Home, args: &[&str], status: i32, why: &str) {
    let output = home.run(args);
    assert_eq!(output.status, status, "{args:?}: {output:?}");
    assert_eq!(output.stdout, "", "{args:?}");
    assert!(output.stderr.contains(why), "{args:?}: {output:?}");
}

#[test]
fn what_cannot_be_meant_is_wrong_use() {
    let home = Home::bare();
    for (args, why) in [
        (&["no-such-command"][..], "no-such-command"),
        (&["publish"], "<PATH>"),
        (&["publish", "no-such-file.zip"], "no-such-file.zip cannot be read"),
        (&["publish", ".", "--slug", "a b"], "may only hold"),
        (&["publish", ".", "--channel", "latest"], "is reserved"),
        (&["publish", ".", "--visibility", "secret"], "secret"),
        (&["plugins", "enable", "con"], "device name"),
        (&["plugins", "install", "Demo@no such"], "neither a version"),
        (&["plugins", "list", "--output", "yaml"], "yaml"),
        (&["plugins", "disable", "Demo", "--cascade"], "--user"),
        (&["token", "create", "ci", "--user", "ann"], "--scope"),
        (&["token", "create", "ci", "--scope", "everything"], "is no scope"),
        (&["user", "set-role", "ann", "king"], "neither `admin` nor `user`"),
        (&["--server", "example.org", "--token", "t", "plugins", "list"], "http://"),
        (&["--server", "http://127.0.0.1:1", "plugins", "list"], "PLUGYARD_TOKEN"),
        (&["--config", "no-such.toml", "plugins", "list"], "no-such.toml"),
    ] {
        assert_fails(&home, args, 2, why);
    }
    assert_eq!(home.run(&[]).status, 2);
}

#[test]
fn somebody_must_be_meant_on_the_machine_itself() {
    let home = Home::bare();
    for args in [
        &["plugins", "install", "Demo"][..],
        &["plugins", "update", "Demo"],
        &["plugins", "rollback", "Demo"],
        &["plugins", "versions", "Demo"],
        &["plugins", "uninstall", "Demo"],
        &["plugins", "status", "Demo"],
        &["token", "list"],
    ] {
        assert_fails(&home, args, 2, "--user");
    }
}

#[test]
fn a_database_that_cannot_be_opened_stops_the_start() {
    let home = Home::bare().with("database_url", "sqlite://no/such/folder/x.db");
    assert_fails(&home, &["plugins", "list"], 2, "no/such/folder/x.db");
    assert_fails(&home, &["migrate", "status"], 2, "no/such/folder/x.db");
    assert_fails(&home, &["serve"], 2, "no/such/folder/x.db");
}

#[test]
fn a_server_that_is_not_there_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let home = Home::bare().with("server", &nobody).with("token", "plg_secret-token");
    let output = home.run(&["plugins", "list"]);
    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.stderr.contains("cannot be asked") && !output.stderr.contains("secret-token"), "{output:?}");
}

both!(a_refused_command_says_why);
async fn a_refused_command_says_why(app: TestApp) {
    for home in both_modes(&app).await {
        assert_fails(&home, &["plugins", "enable", "Absent"], 1, "plugin Absent not found");
        assert_fails(&home, &["plugins", "enable", "Absent", "--user", "nobody"], 1, "user \"nobody\" not found");
        assert_fails(&home, &["plugins", "install", "Absent@^1", "--user", "admin"], 1, "Absent");
        assert_fails(&home, &["releases", "show", "Absent"], 1, "Absent");
        assert_fails(&home, &["user", "disable", "admin"], 1, "last active administrator");
    }
}

both!(a_bad_token_and_a_missing_right_are_told);
async fn a_bad_token_and_a_missing_right_are_told(app: TestApp) {
    let ann = app.user("ann").await;
    assert_fails(&app.remote(&ann), &["user", "list"], 1, "only administrators");
    let stranger = app.remote(&ann.with_token("plg_secret-token"));
    let output = stranger.run(&["plugins", "list"]);
    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.stderr.contains("token is not valid") && !output.stderr.contains("secret-token"), "{output:?}");
}

#[test]
fn help_and_completions_are_results() {
    let home = Home::bare();
    for args in [&["--help"][..], &["plugins", "install", "--help"], &["completions", "bash"], &["completions", "zsh"], &["--version"]] {
        let output = home.run(args).done();
        assert!(output.stdout.contains("plugyard") && output.stderr.is_empty(), "{output:?}");
    }
    let secret = home.with("token", "plg_secret-token").run(&["--help"]).done();
    assert!(!secret.stdout.contains("secret-token"), "{secret:?}");
}
