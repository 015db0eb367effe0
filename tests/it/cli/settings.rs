//! `settings`

use std::fs;

use crate::support::program::Home;

#[test]
fn the_sample_is_a_settings_file_that_changes_nothing() {
    let home = Home::bare();
    let sample = home.run(&["settings", "sample"]).done().stdout;
    assert_eq!(sample, fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/plugyard.sample.toml")).unwrap());
    let before = home.run(&["settings", "show", "--output", "json"]).done().json();
    fs::write(home.path().join("plugyard.toml"), sample).unwrap();
    assert_eq!(home.run(&["settings", "show", "--output", "json"]).done().json(), before);
}

#[test]
fn what_is_in_force_is_shown_with_its_source_and_secrets_masked() {
    let secret = "a secret of at least 32 bytes, really";
    let home = Home::bare().with("jwt_secret", secret).with("admin_password", "open sesame").with("max_json", "2 MiB");
    fs::write(home.path().join("plugyard.toml"), "listen = \"127.0.0.1:9000\"\nmax_json = 5\n").unwrap();
    let text = home.run(&["settings", "show"]).done();
    let json = home.run(&["--output", "json", "settings", "show"]).done();
    for output in [&text, &json] {
        assert!(!output.stdout.contains(secret) && !output.stdout.contains("open sesame"), "{output:?}");
        assert_eq!(output.stderr, "");
    }
    let line = |key: &str| {
        let line = text.stdout.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("listen"), "listen 127.0.0.1:9000 file");
    assert_eq!(line("max_json"), "max_json 2 MiB environment");
    assert_eq!(line("jwt_secret"), "jwt_secret *** environment");
    assert_eq!(line("plugins_dir"), "plugins_dir plugins default");
    let settings = json.json();
    let secret = settings.as_array().unwrap().iter().find(|setting| setting["key"] == "jwt_secret").unwrap();
    assert_eq!(*secret, serde_json::json!({"key": "jwt_secret", "value": "***", "source": "environment", "secret": true}));
}

#[test]
fn an_unknown_key_stops_the_start_and_is_named() {
    let home = Home::bare();
    fs::write(home.path().join("plugyard.toml"), "lsten = \"127.0.0.1:9000\"\n").unwrap();
    for args in [&["settings", "show"][..], &["serve"], &["plugins", "list"], &["migrate", "run"]] {
        let output = home.run(args);
        assert_eq!(output.status, 2, "{args:?}: {output:?}");
        assert!(output.stderr.contains("plugyard.toml: no such setting: lsten"), "{output:?}");
    }
    assert!(!home.path().join("plugyard.db").exists(), "nothing was begun");
    home.run(&["settings", "sample"]).done();
}

#[test]
fn an_unknown_variable_is_warned_about() {
    let output = Home::bare().with("lsten", "127.0.0.1:9000").run(&["settings", "show"]).done();
    assert!(output.stderr.contains("PLUGYARD_LSTEN"), "{output:?}");
}
