//! `read_manifest` through its front door: a package of named files in, a manifest or violations out.

mod any_json;
mod hostile_python;
mod lifecycle_manager;
mod package_json;
mod plugin_json;

use serde_json::Value;

use super::*;

/// Reads a package that holds `manifest` under `name`, and the other files.
fn read_file(name: &str, manifest: &[u8], others: &[&str], overrides: &Overrides) -> Result<Manifest> {
    let mut paths: Vec<ReleasePath> = others.iter().chain([&name]).map(|path| path.parse().unwrap()).collect();
    paths.sort();
    let read = |path: &ReleasePath| {
        assert_eq!(path.as_str(), name, "only the manifest is read");
        Ok(manifest.to_vec())
    };
    read_manifest(&PackageFiles::new(&paths, &read), overrides)
}

fn read(name: &str, manifest: &Value, others: &[&str]) -> Result<Manifest> {
    read_file(name, manifest.to_string().as_bytes(), others, &Overrides::default())
}

fn violations(result: Result<Manifest>) -> Vec<Violation> {
    match result {
        Err(Error::InvalidPackage { step: crate::error::Step::PluginValidation, errors }) => errors,
        other => panic!("no violations: {other:?}"),
    }
}

fn pointers(result: Result<Manifest>) -> Vec<String> {
    violations(result).into_iter().map(|violation| violation.pointer).collect()
}

/// What the release row stores must read back as it was.
fn assert_round_trips(manifest: &Manifest) {
    let text = serde_json::to_string(manifest).unwrap();
    let back: Manifest = serde_json::from_str(&text).unwrap();
    assert_eq!(&back, manifest);
    assert_eq!(serde_json::to_string(&back).unwrap(), text, "digits and order included");
}

#[test]
fn a_package_without_a_manifest_at_its_root_is_refused() {
    let paths = ["sub/package.json".parse().unwrap(), "sub/plugin.json".parse().unwrap()];
    let read = |_: &ReleasePath| panic!("nothing to read");
    assert_eq!(pointers(read_manifest(&PackageFiles::new(&paths, &read), &Overrides::default())), [""]);
}

#[test]
fn plugin_json_wins_over_package_json() {
    let manifest = br#"{"id":"Board","version":"1.0.0"}"#;
    assert_eq!(read_file("plugin.json", manifest, &["package.json"], &Overrides::default()).unwrap().slug.as_str(), "Board");
}

#[test]
fn a_failure_to_read_is_passed_on() {
    let paths = ["plugin.json".parse().unwrap()];
    let read = |_: &ReleasePath| Err(Error::damaged("staging"));
    assert!(matches!(read_manifest(&PackageFiles::new(&paths, &read), &Overrides::default()), Err(Error::Storage { .. })));
}

#[test]
fn documents_that_cannot_be_read_say_why() {
    let message = |bytes: &[u8]| violations(read_file("plugin.json", bytes, &[], &Overrides::default())).remove(0).message;
    assert_eq!(message(b"{\"id\":\"a\xff\"}"), "plugin.json is not UTF-8: invalid utf-8 sequence of 1 bytes from index 8");
    assert!(message(b"{\"id\":").starts_with("plugin.json is not JSON: EOF while parsing"));
    assert!(message(b"").starts_with("plugin.json is not JSON"));
    assert_eq!(message(b"[]"), "plugin.json must hold a JSON object");
    assert_eq!(message(&vec![b' '; MAX_MANIFEST + 1]), "plugin.json has 1048577 bytes; the limit is 1048576");
}

#[test]
fn a_byte_order_mark_is_tolerated() {
    let manifest = "\u{feff}{\"id\":\"Board\",\"version\":\"1.0.0\"}";
    assert!(read_file("plugin.json", manifest.as_bytes(), &[], &Overrides::default()).is_ok());
}

#[test]
fn nul_and_deep_nesting_are_refused_with_their_place() {
    let manifest = br#"{"id":"B","version":"1.0.0","modules":[{"id":"a","props":{"t":["x","\u0000"]}},{"id":"b","props":{"\u0000":1}}]}"#;
    assert_eq!(pointers(read_file("plugin.json", manifest, &[], &Overrides::default())), ["/modules/0/props/t/1", "/modules/1/props"]);

    let nested =
        |levels: usize| format!(r#"{{"id":"B","version":"1.0.0","messages":{{"m":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert!(read_file("plugin.json", nested(62).as_bytes(), &[], &Overrides::default()).is_ok());
    let refused = violations(read_file("plugin.json", nested(63).as_bytes(), &[], &Overrides::default()));
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].message, "is nested deeper than 64 levels");
}

#[test]
fn a_manifest_full_of_faults_reports_a_readable_number() {
    let tags = vec![1; 10_000];
    let manifest = serde_json::json!({"id": "B", "version": "1.0.0", "tags": tags});
    assert_eq!(violations(read("plugin.json", &manifest, &[])).len(), MAX_VIOLATIONS);
}
